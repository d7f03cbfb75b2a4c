"""Frames in the legacy API: see :mod:`websockets.frames`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._old import old_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from ws_types import frames as _frames

    Frame = _frames.Frame
    check_close: Callable[..., NoReturn]
    encode_data: Callable[..., NoReturn]
    parse_close: Callable[..., NoReturn]
    prepare_ctrl: Callable[..., NoReturn]
    prepare_data: Callable[..., NoReturn]
    serialize_close: Callable[..., NoReturn]
else:
    __getattr__ = old_names(
        __name__,
        "Frame",
        "check_close",
        "encode_data",
        "parse_close",
        "prepare_ctrl",
        "prepare_data",
        "serialize_close",
    )
