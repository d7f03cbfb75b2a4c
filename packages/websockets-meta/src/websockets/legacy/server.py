"""The names of servers of the legacy API: see :mod:`websockets.asyncio.server`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._old import old_names

if TYPE_CHECKING:
    from ws_asyncio import server as _server
    from ws_types.http11 import Response as _Response

    from .._stand_ins import Serve as Serve
    from .._stand_ins import serve as serve
    from .._stand_ins import unix_serve as unix_serve

    HTTPResponse = _Response
    WebSocketServer = _server.Server
    WebSocketServerProtocol = _server.ServerConnection
else:
    __getattr__ = old_names(
        __name__,
        "HTTPResponse",
        "Serve",
        "WebSocketServer",
        "WebSocketServerProtocol",
        "broadcast",
        "serve",
        "unix_serve",
    )
