"""WebSocket URIs, from ``ws_types.uri``."""

from __future__ import annotations

from ws_types.uri import WebSocketURI, parse_uri

__all__ = ["WebSocketURI", "parse_uri"]
