"""Requests and responses of the opening handshake, from ``ws_types`` and ``ws_sansio``."""

from __future__ import annotations

from ws_sansio.http11 import SERVER, USER_AGENT
from ws_types.http11 import MAX_BODY_SIZE as MAX_BODY_SIZE
from ws_types.http11 import MAX_LINE_LENGTH as MAX_LINE_LENGTH
from ws_types.http11 import MAX_NUM_HEADERS as MAX_NUM_HEADERS
from ws_types.http11 import (
    Request,
    Response,
)

__all__ = ["SERVER", "USER_AGENT", "Request", "Response"]
