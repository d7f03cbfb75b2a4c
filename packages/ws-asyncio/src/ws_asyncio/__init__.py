"""
WebSocket clients and servers on asyncio.

:class:`connect` opens a connection, :func:`serve` makes a server.
"""

from __future__ import annotations

from ws_types.builds import choose_build

from .__about__ import __version__

#: Which form of the hot modules runs: ``"c"`` (compiled) or ``"python"``.
implementation = choose_build(__name__, __path__)

from .client import ClientConnection, connect, unix_connect  # noqa: E402
from .connection import Connection  # noqa: E402
from .server import Server, ServerConnection, serve, unix_serve  # noqa: E402

__all__ = [
    "ClientConnection",
    "Connection",
    "Server",
    "ServerConnection",
    "__version__",
    "connect",
    "implementation",
    "serve",
    "unix_connect",
    "unix_serve",
]
