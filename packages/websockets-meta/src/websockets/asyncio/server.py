"""Servers on asyncio, from ``ws_asyncio.server``."""

from __future__ import annotations

from ws_asyncio.broadcast import broadcast
from ws_asyncio.server import Server, ServerConnection, basic_auth, serve, unix_serve

__all__ = ["Server", "ServerConnection", "basic_auth", "broadcast", "serve", "unix_serve"]
