"""Servers that choose a handler by the path, from ``ws_sync.router``."""

from __future__ import annotations

from ws_sync.router import Router, route, unix_route

__all__ = ["Router", "route", "unix_route"]
