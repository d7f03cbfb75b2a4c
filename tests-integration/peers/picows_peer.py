"""The peer ``picows``: runs in the environment of that library, on orders from the tests.

``harness.py`` says which orders there are. That library gives and takes frames, so messages are put
together here; it doesn't compress.
"""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import picows
from orders import Order, client_context, obey, pack, refusal, server_context, unpack
from picows import WSCloseCode, WSFrame, WSMsgType, WSTransport

#: Bytes; there is no way to have no limit.
MAX_SIZE = 2**30
OPTIONS: dict[str, Any] = {"max_frame_size": MAX_SIZE, "websocket_handshake_timeout": 60}


class Connection(picows.WSListener):  # type: ignore[misc]
    """Either end of a connection."""

    def __init__(self, accepted: asyncio.Queue[Connection] | None = None) -> None:
        self.accepted = accepted
        self.messages: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.pongs: asyncio.Queue[bytes] = asyncio.Queue()
        self.closed = asyncio.Event()
        #: Code and reason of the Close frame that came.
        self.closing = (int(WSCloseCode.ABNORMAL_CLOSURE), "")
        self.closes = False
        self.fragments: list[bytes] = []
        self.kind = WSMsgType.BINARY

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        if self.accepted is not None:
            self.accepted.put_nowait(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.CLOSE:
            self.on_close(frame)
        elif frame.msg_type is WSMsgType.PONG:
            self.pongs.put_nowait(frame.get_payload_as_bytes())
        else:
            if frame.msg_type is not WSMsgType.CONTINUATION:
                self.kind = frame.msg_type
            self.fragments.append(frame.get_payload_as_bytes())
            if frame.fin:
                data = b"".join(self.fragments)
                self.fragments.clear()
                self.messages.put_nowait(data.decode() if self.kind is WSMsgType.TEXT else data)

    def on_close(self, frame: WSFrame) -> None:
        """Answer, if this isn't the answer, and hang up."""
        self.closing = int(frame.get_close_code()), frame.get_close_reason() or ""
        if not self.closes:
            self.transport.send_close(frame.get_close_code(), frame.get_close_message())
        self.transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.messages.put_nowait(None)
        self.closed.set()


class Peer:
    """Holds one connection at a time, and a server."""

    connection: Connection
    server: asyncio.Server

    def __init__(self) -> None:
        self.accepted: asyncio.Queue[Connection] = asyncio.Queue()

    async def listen(self, order: Order) -> Order:
        self.server = await picows.ws_create_server(
            lambda request: Connection(self.accepted),
            "127.0.0.1",
            0,
            ssl=server_context(order),
            **OPTIONS,
        )
        return {"port": self.server.sockets[0].getsockname()[1]}

    async def unlisten(self, order: Order) -> Order:
        self.server.close()
        return {}

    async def accept(self, order: Order) -> Order:
        self.connection = await self.accepted.get()
        return {}

    async def connect(self, order: Order) -> Order:
        _, self.connection = await picows.ws_connect(
            Connection, order["uri"], ssl_context=client_context(order), **OPTIONS
        )
        return {}

    async def refused(self, order: Order) -> Order:
        try:
            await picows.ws_connect(Connection, order["uri"], **OPTIONS)
        except picows.WSInvalidStatusError as exc:
            return refusal(int(exc.response.status), exc.response.body)
        raise ConnectionError("it was accepted")

    async def send(self, order: Order) -> Order:
        fragments = [unpack(part) for part in order.get("fragments", [order])]
        kind = WSMsgType.TEXT if isinstance(fragments[0], str) else WSMsgType.BINARY
        for number, fragment in enumerate(fragments, 1):
            data = fragment.encode() if isinstance(fragment, str) else fragment
            self.connection.transport.send(kind, data, number == len(fragments))
            kind = WSMsgType.CONTINUATION
        return {}

    async def recv(self, order: Order) -> Order:
        message = await self.connection.messages.get()
        if message is None:
            raise ConnectionError("the connection is closed")
        return pack(message, order)

    async def ping(self, order: Order) -> Order:
        payload = base64.b64decode(order["payload"])
        self.connection.transport.send_ping(payload)
        while await self.connection.pongs.get() != payload:
            pass
        return {}

    async def close(self, order: Order) -> Order:
        self.connection.closes = True
        self.connection.transport.send_close(order["code"], order["reason"].encode())
        return await self.closed(order)

    async def closed(self, order: Order) -> Order:
        await self.connection.closed.wait()
        code, reason = self.connection.closing
        return {"code": code, "reason": reason}

    async def abort(self, order: Order) -> Order:
        self.connection.transport.underlying_transport.abort()
        return {}


async def main() -> None:
    """Obey until there are no more orders."""
    await obey(Peer())


asyncio.run(main())
