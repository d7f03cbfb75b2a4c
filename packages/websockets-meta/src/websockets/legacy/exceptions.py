"""The names of exceptions of the legacy API: see :mod:`websockets.exceptions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._old import old_names

if TYPE_CHECKING:
    from ws_types import exceptions as _exceptions

    from .._stand_ins import AbortHandshake as AbortHandshake
    from .._stand_ins import RedirectHandshake as RedirectHandshake

    InvalidStatusCode = _exceptions.InvalidStatus
else:
    __getattr__ = old_names(__name__, "AbortHandshake", "InvalidStatusCode", "RedirectHandshake")
