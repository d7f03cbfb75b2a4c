"""The peer ``websockets``: runs in the environment of that library, on orders from the tests.

Orders come on standard input, and each is answered on standard output, as JSON objects a line
each; ``harness.py`` says which there are.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import sys
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Order = dict[str, Any]

OPTIONS: dict[str, Any] = {
    "compression": "deflate" if "deflate" in sys.argv else None,
    "open_timeout": 60,
    "ping_interval": None,
}


def pack(data: str | bytes) -> Order:
    """Make JSON of a message."""
    if isinstance(data, str):
        return {"text": data}
    return {"binary": base64.b64encode(data).decode()}


def unpack(message: Order) -> str | bytes:
    """Make a message of JSON."""
    if "text" in message:
        text: str = message["text"]
        return text
    return base64.b64decode(message["binary"])


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
        context = None
        if order["certificate"]:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(order["certificate"])
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
        context = None
        if order["authority"]:
            context = ssl.create_default_context(cafile=order["authority"])
        self.connection = await connect(order["uri"], ssl=context, proxy=None, **OPTIONS)
        return {}

    async def send(self, order: Order) -> Order:
        if "fragments" in order:
            await self.connection.send([unpack(fragment) for fragment in order["fragments"]])
        else:
            await self.connection.send(unpack(order))
        return {}

    async def recv(self, order: Order) -> Order:
        return pack(await self.connection.recv())

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


async def main() -> None:
    """Obey until there are no more orders."""
    peer = Peer()
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        try:
            answer = await getattr(peer, order["do"])(order)
        except Exception as exc:
            answer = {"error": f"{type(exc).__name__}: {exc}"}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
