"""What connections on asyncio have in common, from ``ws_asyncio.connection``."""

from __future__ import annotations

from ws_asyncio.connection import Connection

__all__ = ["Connection"]
