"""Clients on asyncio, from ``ws_asyncio.client``."""

from __future__ import annotations

from ws_asyncio.client import ClientConnection, connect, unix_connect
from ws_sansio.backoff import backoff as backoff
from ws_sansio.backoff import process_exception as process_exception

__all__ = ["ClientConnection", "connect", "unix_connect"]
