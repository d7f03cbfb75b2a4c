"""Clients on sockets and threads, from ``ws_sync.client``."""

from __future__ import annotations

from ws_sync.client import ClientConnection, connect, reconnect, unix_connect, unix_reconnect
from ws_sync.connection import Connection as Connection

__all__ = ["ClientConnection", "connect", "reconnect", "unix_connect", "unix_reconnect"]
