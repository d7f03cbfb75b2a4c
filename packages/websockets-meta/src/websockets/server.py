"""The server's side of the protocol without I/O, from ``ws_sansio.server``."""

from __future__ import annotations

from ws_sansio.server import ServerProtocol

__all__ = ["ServerProtocol"]
