"""Servers that choose a handler by the path, from ``ws_asyncio.router``."""

from __future__ import annotations

from ws_asyncio.router import Router, route, unix_route

__all__ = ["Router", "route", "unix_route"]
