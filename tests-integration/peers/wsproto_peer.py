"""The peer ``wsproto``: runs in the environment of that library, on orders from the tests.

``harness.py`` says which orders there are. That library does no I/O: here are the sockets. Pings
and closing handshakes are answered while it receives.
"""

from __future__ import annotations

import asyncio
import base64
import collections
import contextlib
from urllib.parse import urlsplit

from orders import DEFLATE, Order, client_context, obey, pack, refusal, server_context, unpack
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.frame_protocol import CloseReason

READ_SIZE = 2**16


def extensions() -> list[Extension]:
    """What to offer, or to accept."""
    return [PerMessageDeflate()] if DEFLATE else []


class Connection:
    """Either end of a connection."""

    def __init__(
        self, kind: ConnectionType, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.protocol = WSConnection(kind)
        self.reader = reader
        self.writer = writer
        self.events: collections.deque[Event] = collections.deque()
        self.messages: collections.deque[str | bytes] = collections.deque()
        self.parts: list[str | bytes | bytearray] = []

    async def send(self, event: Event) -> None:
        self.writer.write(self.protocol.send(event))
        await self.writer.drain()

    async def next(self) -> Event:
        """Receive an event; the end comes as a closing without a frame."""
        while not self.events:
            data = b""
            with contextlib.suppress(OSError):
                data = await self.reader.read(READ_SIZE)
            self.protocol.receive_data(data or None)
            self.events.extend(self.protocol.events())
        return self.events.popleft()

    async def receive(self) -> Event:
        """Receive an event, answer it if it is to be answered, and keep what is a message."""
        event = await self.next()
        if isinstance(event, Message):
            self.parts.append(event.data)
            if event.message_finished:
                empty = "" if isinstance(event, TextMessage) else b""
                self.messages.append(empty.join(self.parts))  # type: ignore[arg-type]
                self.parts.clear()
        elif isinstance(event, Ping):
            await self.send(event.response())
        elif isinstance(event, CloseConnection):
            # What began the closing mustn't be answered by what answered it.
            with contextlib.suppress(Exception):
                await self.send(event.response())
            self.writer.close()
        return event


class Peer:
    """Holds one connection at a time, and a server."""

    connection: Connection
    server: asyncio.Server

    def __init__(self) -> None:
        self.accepted: asyncio.Queue[Connection] = asyncio.Queue()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Accept a connection."""
        connection = Connection(ConnectionType.SERVER, reader, writer)
        if isinstance(await connection.next(), Request):
            await connection.send(AcceptConnection(extensions=extensions()))
            self.accepted.put_nowait(connection)

    async def listen(self, order: Order) -> Order:
        context = server_context(order)
        self.server = await asyncio.start_server(self.handle, "127.0.0.1", 0, ssl=context)
        return {"port": self.server.sockets[0].getsockname()[1]}

    async def unlisten(self, order: Order) -> Order:
        self.server.close()
        return {}

    async def accept(self, order: Order) -> Order:
        self.connection = await self.accepted.get()
        return {}

    async def ask(self, order: Order) -> Event:
        """Ask a server for a connection, and return what it says."""
        uri = urlsplit(order["uri"])
        context = client_context(order) if order.get("authority") else None
        streams = await asyncio.open_connection(uri.hostname, uri.port, ssl=context)
        self.connection = Connection(ConnectionType.CLIENT, *streams)
        await self.connection.send(Request(uri.netloc, uri.path, extensions=extensions()))
        return await self.connection.next()

    async def connect(self, order: Order) -> Order:
        answer = await self.ask(order)
        if not isinstance(answer, AcceptConnection):
            raise ConnectionError(f"refused: {answer}")
        return {}

    async def refused(self, order: Order) -> Order:
        answer = await self.ask(order)
        if not isinstance(answer, RejectConnection):
            raise ConnectionError("it was accepted")
        body, event = b"", answer if not answer.has_body else await self.connection.next()
        while isinstance(event, RejectData):
            body += event.data
            event = answer if event.body_finished else await self.connection.next()
        self.connection.writer.close()
        return refusal(answer.status_code, body)

    async def send(self, order: Order) -> Order:
        fragments = [unpack(part) for part in order.get("fragments", [order])]
        for number, fragment in enumerate(fragments, 1):
            make = TextMessage if isinstance(fragment, str) else BytesMessage
            last = number == len(fragments)
            await self.connection.send(make(data=fragment, message_finished=last))
        return {}

    async def recv(self, order: Order) -> Order:
        while not self.connection.messages:
            event = await self.connection.receive()
            if isinstance(event, CloseConnection):
                raise ConnectionError(f"closed: {event}")
        return pack(self.connection.messages.popleft(), order)

    async def ping(self, order: Order) -> Order:
        payload = base64.b64decode(order["payload"])
        await self.connection.send(Ping(payload))
        event: Event | None = None
        while not (isinstance(event, Pong) and event.payload == payload):
            event = await self.connection.receive()
        return {}

    async def close(self, order: Order) -> Order:
        await self.connection.send(CloseConnection(order["code"], order["reason"]))
        return await self.closed(order)

    async def closed(self, order: Order) -> Order:
        while not isinstance(event := await self.connection.receive(), CloseConnection):
            pass
        if event.code is CloseReason.ABNORMAL_CLOSURE:
            return {"code": int(event.code), "reason": ""}
        return {"code": int(event.code), "reason": event.reason or ""}

    async def abort(self, order: Order) -> Order:
        self.connection.writer.transport.abort()
        return {}


async def main() -> None:
    """Obey until there are no more orders."""
    await obey(Peer())


asyncio.run(main())
