"""The peer ``websockets``: runs in the environment of that library, on orders from the tests.

Orders come on standard input, and each is answered on standard output, as JSON objects a line
each; ``harness.py`` says which there are.
"""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from orders import DEFLATE, Order, client_context, obey, pack, refusal, server_context, unpack

from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

OPTIONS: dict[str, Any] = {
    "compression": "deflate" if DEFLATE else None,
    "max_size": None,
    "open_timeout": 60,
    "ping_interval": None,
}


class Peer:
    """Holds one connection at a time, and a server."""

    connection: Connection
    server: Server

    def __init__(self) -> None:
        self.accepted: asyncio.Queue[ServerConnection] = asyncio.Queue()

    async def handle(self, connection: ServerConnection) -> None:
        """Keep a connection that was accepted open until somebody closes it."""
        self.accepted.put_nowait(connection)
        await connection.wait_closed()

    async def listen(self, order: Order) -> Order:
        context = server_context(order)
        self.server = await serve(self.handle, "127.0.0.1", 0, ssl=context, **OPTIONS)
        return {"port": self.server.sockets[0].getsockname()[1]}

    async def unlisten(self, order: Order) -> Order:
        self.server.close()
        await self.server.wait_closed()
        return {}

    async def accept(self, order: Order) -> Order:
        self.connection = await self.accepted.get()
        return {}

    async def connect(self, order: Order) -> Order:
        context = client_context(order)
        self.connection = await connect(order["uri"], ssl=context, proxy=None, **OPTIONS)
        return {}

    async def refused(self, order: Order) -> Order:
        try:
            await connect(order["uri"], proxy=None, **OPTIONS)
        except InvalidStatus as exc:
            return refusal(exc.response.status_code, exc.response.body)
        raise ConnectionError("it was accepted")

    async def send(self, order: Order) -> Order:
        if "fragments" in order:
            await self.connection.send([unpack(fragment) for fragment in order["fragments"]])
        else:
            await self.connection.send(unpack(order))
        return {}

    async def recv(self, order: Order) -> Order:
        return pack(await self.connection.recv(), order)

    async def ping(self, order: Order) -> Order:
        await (await self.connection.ping(base64.b64decode(order["payload"])))
        return {}

    async def close(self, order: Order) -> Order:
        await self.connection.close(order["code"], order["reason"])
        return await self.closed(order)

    async def closed(self, order: Order) -> Order:
        try:
            while True:
                await self.connection.recv()
        except ConnectionClosed:
            return {"code": self.connection.close_code, "reason": self.connection.close_reason}

    async def abort(self, order: Order) -> Order:
        self.connection.transport.abort()
        return {}


asyncio.run(obey(Peer()))
