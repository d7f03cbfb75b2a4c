"""The server's side of the protocol without I/O, from ``ws_sansio.server``.

The names of the legacy API, which was found here, are deprecated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ws_sansio.server import ServerProtocol

from ._old import old_names

__all__ = ["ServerProtocol"]

if TYPE_CHECKING:
    from ws_asyncio import server as _server

    from ._stand_ins import serve as serve
    from ._stand_ins import unix_serve as unix_serve

    ServerConnection = ServerProtocol
    WebSocketServer = _server.Server
    WebSocketServerProtocol = _server.ServerConnection
else:
    __getattr__ = old_names(
        __name__,
        "ServerConnection",
        "WebSocketServer",
        "WebSocketServerProtocol",
        "broadcast",
        "serve",
        "unix_serve",
    )
