"""The peer ``tornado``: runs in the environment of that library, on orders from the tests.

``harness.py`` says which orders there are. This one can't send fragments.
"""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from orders import DEFLATE, Order, client_context, obey, pack, server_context, unpack
from tornado.httpclient import HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketClientConnection, WebSocketHandler, websocket_connect

#: Bytes; there is no way to have no limit.
MAX_SIZE = 2**30
COMPRESSION: dict[str, Any] | None = {} if DEFLATE else None
ABNORMAL_CLOSURE = 1006


class Handler(WebSocketHandler):
    """The server's end of a connection, with the means of a client's end to read."""

    def initialize(self, accepted: asyncio.Queue[Handler]) -> None:
        self.accepted = accepted
        self.messages: asyncio.Queue[str | bytes | None] = asyncio.Queue()

    def get_compression_options(self) -> dict[str, Any] | None:
        return COMPRESSION

    def open(self) -> None:
        self.pongs: asyncio.Queue[bytes] = asyncio.Queue()
        self.accepted.put_nowait(self)

    def on_message(self, message: str | bytes) -> None:
        self.messages.put_nowait(message)

    def on_pong(self, data: bytes) -> None:
        self.pongs.put_nowait(data)

    def on_close(self) -> None:
        self.messages.put_nowait(None)

    async def read_message(self) -> str | bytes | None:
        """Return the next message, or None once the connection is closed."""
        return await self.messages.get()


Connection = Handler | WebSocketClientConnection


class Peer:
    """Holds one connection at a time, and a server."""

    connection: Connection
    server: HTTPServer

    def __init__(self) -> None:
        self.accepted: asyncio.Queue[Handler] = asyncio.Queue()

    async def listen(self, order: Order) -> Order:
        application = Application(
            [("/", Handler, {"accepted": self.accepted})], websocket_max_message_size=MAX_SIZE
        )
        self.server = HTTPServer(application, ssl_options=server_context(order))
        sockets = bind_sockets(0, "127.0.0.1")
        self.server.add_sockets(sockets)
        return {"port": sockets[0].getsockname()[1]}

    async def unlisten(self, order: Order) -> Order:
        self.server.stop()
        await self.server.close_all_connections()
        return {}

    async def accept(self, order: Order) -> Order:
        self.connection = await self.accepted.get()
        return {}

    async def connect(self, order: Order) -> Order:
        self.connection = await websocket_connect(
            HTTPRequest(order["uri"], ssl_options=client_context(order)),
            compression_options=COMPRESSION,
            max_message_size=MAX_SIZE,
        )
        # A client has no other way to see pongs.
        pongs: asyncio.Queue[bytes] = asyncio.Queue()
        self.connection.pongs = pongs  # type: ignore[union-attr]
        self.connection.on_pong = pongs.put_nowait  # type: ignore[method-assign]
        return {}

    async def send(self, order: Order) -> Order:
        data = unpack(order)
        await self.connection.write_message(data, binary=isinstance(data, bytes))
        return {}

    async def recv(self, order: Order) -> Order:
        message = await self.connection.read_message()
        if message is None:
            raise ConnectionError("the connection is closed")
        return pack(message, order)

    async def ping(self, order: Order) -> Order:
        payload = base64.b64decode(order["payload"])
        self.connection.ping(payload)
        while await self.connection.pongs.get() != payload:
            pass
        return {}

    async def close(self, order: Order) -> Order:
        self.connection.close(order["code"], order["reason"])
        return await self.closed(order)

    async def closed(self, order: Order) -> Order:
        while await self.connection.read_message() is not None:
            pass
        code, reason = self.connection.close_code, self.connection.close_reason
        # Both are None where no such frame came.
        return {"code": code or ABNORMAL_CLOSURE, "reason": reason or ""}

    async def abort(self, order: Order) -> Order:
        # Neither end has a public way to do this.
        if isinstance(self.connection, Handler):
            self.connection.ws_connection.stream.close()
        else:
            self.connection.protocol.stream.close()
        return {}


async def main() -> None:
    """Obey until there are no more orders."""
    await obey(Peer())


asyncio.run(main())
