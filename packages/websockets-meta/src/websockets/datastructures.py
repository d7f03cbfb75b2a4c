"""Headers, from ``ws_types.headers``."""

from __future__ import annotations

from ws_types.headers import Headers, HeadersLike, MultipleValuesError
from ws_types.headers import SupportsKeysAndGetItem as SupportsKeysAndGetItem

__all__ = ["Headers", "HeadersLike", "MultipleValuesError"]
