"""Servers on sockets and threads, from ``ws_sync.server``."""

from __future__ import annotations

from ws_sync.server import Server, ServerConnection, basic_auth, broadcast, serve, unix_serve

__all__ = ["Server", "ServerConnection", "basic_auth", "broadcast", "serve", "unix_serve"]
