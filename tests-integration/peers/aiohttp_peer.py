"""The peer ``aiohttp``: runs in the environment of that library, on orders from the tests.

``harness.py`` says which orders there are. This one can't send fragments.
"""

from __future__ import annotations

import asyncio
import base64
import collections
import socket

import aiohttp
from aiohttp import web
from orders import DEFLATE, Order, client_context, obey, pack, refusal, server_context, unpack

Connection = aiohttp.ClientWebSocketResponse | web.WebSocketResponse


class Peer:
    """Holds one connection at a time, and a server."""

    connection: Connection
    runner: web.AppRunner
    session: aiohttp.ClientSession | None = None

    def __init__(self) -> None:
        self.accepted: asyncio.Queue[web.WebSocketResponse] = asyncio.Queue()
        self.serving = asyncio.Event()
        self.messages: collections.deque[str | bytes] = collections.deque()

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Accept a connection; returning would close it."""
        connection = web.WebSocketResponse(autoping=False, compress=DEFLATE, max_msg_size=0)
        await connection.prepare(request)
        self.accepted.put_nowait(connection)
        await self.serving.wait()
        return connection

    async def listen(self, order: Order) -> Order:
        self.serving.clear()
        application = web.Application()
        application.router.add_get("/", self.handle)
        self.runner = web.AppRunner(application, access_log=None)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0, ssl_context=server_context(order)).start()
        return {"port": self.runner.addresses[0][1]}

    async def unlisten(self, order: Order) -> Order:
        self.serving.set()
        await self.runner.cleanup()
        return {}

    async def accept(self, order: Order) -> Order:
        self.use(await self.accepted.get())
        return {}

    async def connect(self, order: Order) -> Order:
        await self.disconnect()
        self.session = aiohttp.ClientSession()
        connection = await self.session.ws_connect(
            order["uri"],
            ssl=client_context(order) or True,
            autoping=False,
            compress=15 if DEFLATE else 0,
            max_msg_size=0,
        )
        self.use(connection)
        return {}

    async def refused(self, order: Order) -> Order:
        try:
            async with aiohttp.ClientSession() as session, session.ws_connect(order["uri"]):
                pass
        except aiohttp.WSServerHandshakeError as exc:
            return refusal(exc.status, None)
        raise ConnectionError("it was accepted")

    async def disconnect(self) -> None:
        """Let go of what the last client's connection left."""
        if self.session is not None:
            await self.session.close()

    def use(self, connection: Connection) -> None:
        """Obey further orders with this connection."""
        self.messages.clear()
        self.connection = connection

    async def send(self, order: Order) -> Order:
        data = unpack(order)
        if isinstance(data, str):
            await self.connection.send_str(data)
        else:
            await self.connection.send_bytes(data)
        return {}

    async def receive(self) -> aiohttp.WSMessage:
        """Receive anything but pings, which are answered."""
        while True:
            message = await self.connection.receive()
            if message.type is not aiohttp.WSMsgType.PING:
                return message
            await self.connection.pong(message.data)

    async def recv(self, order: Order) -> Order:
        while not self.messages:
            message = await self.receive()
            if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                self.messages.append(message.data)
            elif message.type is not aiohttp.WSMsgType.PONG:
                raise ConnectionError(f"not a message: {message}")
        return pack(self.messages.popleft(), order)

    async def ping(self, order: Order) -> Order:
        payload = base64.b64decode(order["payload"])
        await self.connection.ping(payload)
        while True:
            message = await self.receive()
            if message.type is aiohttp.WSMsgType.PONG and message.data == payload:
                return {}
            if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                self.messages.append(message.data)
            elif message.type is not aiohttp.WSMsgType.PONG:
                raise ConnectionError(f"not a pong: {message}")

    async def close(self, order: Order) -> Order:
        await self.connection.close(code=order["code"], message=order["reason"].encode())
        return {"code": self.connection.close_code, "reason": None}

    async def closed(self, order: Order) -> Order:
        while True:
            message = await self.receive()
            if message.type is aiohttp.WSMsgType.CLOSE:
                return {"code": message.data, "reason": message.extra}
            if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                # Its `close_code` says 1000 here, though no such frame came.
                return {"code": aiohttp.WSCloseCode.ABNORMAL_CLOSURE, "reason": ""}

    async def abort(self, order: Order) -> Order:
        # The transport of a client's connection isn't public.
        self.connection.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        return {}


async def main() -> None:
    """Obey until there are no more orders."""
    peer = Peer()
    await obey(peer)
    await peer.disconnect()


asyncio.run(main())
