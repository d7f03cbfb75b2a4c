"""Old places of names: see :mod:`websockets.datastructures` and :mod:`websockets.http11`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._old import old_names

if TYPE_CHECKING:
    from ws_sansio.http11 import USER_AGENT as USER_AGENT
    from ws_types.headers import Headers as Headers
    from ws_types.headers import MultipleValuesError as MultipleValuesError
else:
    __getattr__ = old_names(__name__, "Headers", "MultipleValuesError", "USER_AGENT")
