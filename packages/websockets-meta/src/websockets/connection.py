"""The old name of :mod:`websockets.protocol`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._old import old_names
from .protocol import SEND_EOF as SEND_EOF
from .protocol import Event as Event
from .protocol import Protocol
from .protocol import Side as Side
from .protocol import State as State

if TYPE_CHECKING:
    Connection = Protocol
else:
    __getattr__ = old_names(__name__, "Connection")
