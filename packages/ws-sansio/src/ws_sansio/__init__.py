"""
The WebSocket protocol (RFC 6455) without I/O.

:class:`ClientProtocol` and :class:`ServerProtocol` are the two sides of a connection, with the
opening handshake; :class:`Protocol` is what follows it, for connections whose handshake took
place elsewhere. They turn bytes into events and commands into bytes, and say when they want to
be told the time: everything else is left to who uses them.
"""

from __future__ import annotations

from ws_types.builds import choose_build

from .__about__ import __version__

#: Which form of the hot modules runs: ``"c"`` (compiled) or ``"python"``.
implementation = choose_build(__name__, __path__)

from .client import ClientProtocol  # noqa: E402  (after the choice of the build)
from .fragments import Fragment  # noqa: E402
from .prepared import PreparedMessage  # noqa: E402
from .protocol import SEND_EOF, Event, Protocol  # noqa: E402
from .server import ServerProtocol  # noqa: E402
from .states import Side, State  # noqa: E402

__all__ = [
    "SEND_EOF",
    "ClientProtocol",
    "Event",
    "Fragment",
    "PreparedMessage",
    "Protocol",
    "ServerProtocol",
    "Side",
    "State",
    "__version__",
    "implementation",
]
