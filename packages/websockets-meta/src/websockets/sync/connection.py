"""What connections of threads have in common, from ``ws_sync.connection``."""

from __future__ import annotations

from ws_sync.connection import Connection

__all__ = ["Connection"]
