"""Clients and servers on asyncio."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import client as client
    from . import connection as connection
    from . import server as server
else:

    def __getattr__(name: str) -> Any:
        if name in ("client", "connection", "server"):
            return importlib.import_module(f".{name}", __name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
