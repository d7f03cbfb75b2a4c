"""The old name of :mod:`websockets.protocol`."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from .protocol import SEND_EOF as SEND_EOF
from .protocol import Event as Event
from .protocol import Protocol
from .protocol import Side as Side
from .protocol import State as State

if TYPE_CHECKING:
    Connection = Protocol
else:

    def __getattr__(name: str) -> Any:
        if name == "Connection":
            warnings.warn(
                "websockets.connection.Connection is now websockets.protocol.Protocol",
                DeprecationWarning,
                stacklevel=2,
            )
            return Protocol
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
