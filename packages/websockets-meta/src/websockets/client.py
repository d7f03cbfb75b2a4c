"""The client's side of the protocol without I/O, from ``ws_sansio.client``."""

from __future__ import annotations

from ws_sansio.client import ClientProtocol

__all__ = ["ClientProtocol"]
