"""Names for annotations, from ``ws_types.typing``."""

from __future__ import annotations

from ws_types.typing import BytesLike as BytesLike
from ws_types.typing import ConnectionOption as ConnectionOption
from ws_types.typing import (
    Data,
    ExtensionName,
    ExtensionParameter,
    LoggerLike,
    Origin,
    StatusLike,
    Subprotocol,
)
from ws_types.typing import DataLike as DataLike
from ws_types.typing import ExtensionHeader as ExtensionHeader
from ws_types.typing import UpgradeProtocol as UpgradeProtocol

__all__ = [
    "Data",
    "ExtensionName",
    "ExtensionParameter",
    "LoggerLike",
    "Origin",
    "StatusLike",
    "Subprotocol",
]
