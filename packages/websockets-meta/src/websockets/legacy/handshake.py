"""The functions of the opening handshake in the legacy API: see :mod:`websockets.client` and
:mod:`websockets.server`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._old import old_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    build_request: Callable[..., NoReturn]
    build_response: Callable[..., NoReturn]
    check_request: Callable[..., NoReturn]
    check_response: Callable[..., NoReturn]
else:
    __getattr__ = old_names(
        __name__, "build_request", "build_response", "check_request", "check_response"
    )
