"""WebSocket clients and servers on sockets and threads."""

from __future__ import annotations

from ws_types.builds import choose_build

from .__about__ import __version__

#: Which form of the hot modules runs: ``"c"`` (compiled) or ``"python"``.
implementation = choose_build(__name__, __path__)

from ws_sansio.prepared import PreparedMessage  # noqa: E402

from .broadcast import BroadcastReport, broadcast  # noqa: E402
from .client import (  # noqa: E402
    ClientConnection,
    connect,
    reconnect,
    unix_connect,
    unix_reconnect,
)
from .connection import Connection  # noqa: E402
from .router import Router, route, unix_route  # noqa: E402
from .server import Server, ServerConnection, basic_auth, serve, unix_serve  # noqa: E402

__all__ = [
    "BroadcastReport",
    "ClientConnection",
    "Connection",
    "PreparedMessage",
    "Router",
    "Server",
    "ServerConnection",
    "__version__",
    "basic_auth",
    "broadcast",
    "connect",
    "implementation",
    "reconnect",
    "route",
    "serve",
    "unix_connect",
    "unix_reconnect",
    "unix_route",
    "unix_serve",
]
