"""The functions for HTTP in the legacy API: see :mod:`websockets.http11`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._old import old_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    read_request: Callable[..., NoReturn]
    read_response: Callable[..., NoReturn]
else:
    __getattr__ = old_names(__name__, "read_request", "read_response")
