"""Clients on asyncio, from ``ws_asyncio.client``."""

from __future__ import annotations

from ws_asyncio.client import ClientConnection, connect, unix_connect

__all__ = ["ClientConnection", "connect", "unix_connect"]
