"""What both sides of the protocol without I/O share, from ``ws_sansio.protocol``."""

from __future__ import annotations

from ws_sansio.protocol import SEND_EOF, Protocol
from ws_sansio.protocol import Event as Event
from ws_sansio.states import Side, State

CLIENT, SERVER = Side.CLIENT, Side.SERVER
CONNECTING, OPEN, CLOSING, CLOSED = State.CONNECTING, State.OPEN, State.CLOSING, State.CLOSED

__all__ = ["SEND_EOF", "Protocol", "Side", "State"]
