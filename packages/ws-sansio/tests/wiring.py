"""A client and a server wired to each other in memory, and what tests of protocols share."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from framing import CLOSE, PING, frame

from ws_sansio import ClientProtocol, Protocol, ServerProtocol, Side, State
from ws_sansio.handshake import accept_key
from ws_types.errors import NegotiationError, PayloadTooBig, ProtocolError
from ws_types.exceptions import ConnectionClosed
from ws_types.extension import ClientExtensionFactory, Extension, ServerExtensionFactory
from ws_types.frames import Frame
from ws_types.http11 import Request, Response
from ws_types.uri import parse_uri

URI = parse_uri("ws://example.com/chat?room=1")
KIB, MIB = 2**10, 2**20

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

HEADERS = (
    ("Host", "example.com"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", KEY),
    ("Sec-WebSocket-Version", "13"),
)


def request_bytes(
    *more: tuple[str, str], without: Iterable[str] = (), line: str = "GET /chat HTTP/1.1"
) -> bytes:
    """An opening handshake, with headers added and left out."""
    kept = [header for header in HEADERS if header[0] not in without]
    lines = [line, *(f"{name}: {value}" for name, value in (*kept, *more)), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def response_bytes(
    client: ClientProtocol,
    *more: tuple[str, str],
    without: Iterable[str] = (),
    line: str = "HTTP/1.1 101 Switching Protocols",
) -> bytes:
    """The response that opens a client's connection, with headers added and left out."""
    headers = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept_key(client.key)),
    ]
    kept = [header for header in headers if header[0] not in without]
    lines = [line, *(f"{name}: {value}" for name, value in (*kept, *more)), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def requesting(**settings: Any) -> ClientProtocol:
    """A client whose request has been sent."""
    client = ClientProtocol(URI, **settings)
    client.send_request(client.connect())
    client.data_to_send()
    return client


def requested(data: bytes, **settings: Any) -> tuple[ServerProtocol, Request]:
    """A server that has received a request, and the request."""
    server = ServerProtocol(**settings)
    server.receive_data(data)
    [request] = server.events_received()
    return server, request


def open_pair(
    client_settings: dict[str, Any] | None = None, server_settings: dict[str, Any] | None = None
) -> tuple[ClientProtocol, ServerProtocol]:
    """A client and a server after the opening handshake."""
    client = ClientProtocol(URI, **client_settings or {})
    server = ServerProtocol(**server_settings or {})
    client.send_request(client.connect())
    transfer(client, server)
    [request] = server.events_received()
    server.send_response(server.accept(request))
    transfer(server, client)
    [response] = client.events_received()
    assert isinstance(response, Response)
    assert (client.state, server.state) == (State.OPEN, State.OPEN)
    return client, server


Cut = Callable[[bytes], Sequence[bytes]]


def whole(data: bytes) -> Sequence[bytes]:
    """Let data arrive in one piece."""
    return [data]


def one_by_one(data: bytes) -> Sequence[bytes]:
    """Let data arrive byte by byte."""
    return [data[i : i + 1] for i in range(len(data))]


def transfer(sender: Protocol, receiver: Protocol, cut: Cut = whole) -> bool:
    """Take what one side sends to the other; returns whether there was anything."""
    chunks = sender.data_to_send()
    end = bool(chunks) and chunks[-1] == b""
    data = b"".join(chunks)
    if data:
        for piece in cut(data):
            receiver.receive_data(piece)
    if end:
        receiver.receive_eof()
    return bool(chunks)


def settle(one: Protocol, other: Protocol, cut: Cut = whole) -> None:
    """Take data both ways until neither side has any to send."""
    while transfer(one, other, cut) | transfer(other, one, cut):
        pass


class Pair:
    """A client and a server, and what they have seen."""

    def __init__(self, client: Protocol, server: Protocol, cut: Cut = whole) -> None:
        self.client = client
        self.server = server
        self.cut = cut
        self.client_saw: list[Any] = []
        self.server_saw: list[Any] = []

    def carry(self, server_first: bool = False) -> None:
        """Carry what there is, once each way, and collect events."""
        pairs = [(self.client, self.server), (self.server, self.client)]
        for sender, receiver in reversed(pairs) if server_first else pairs:
            transfer(sender, receiver, self.cut)
        self.client_saw += self.client.events_received()
        self.server_saw += self.server.events_received()

    def settle(self) -> None:
        """Carry all there is."""
        settle(self.client, self.server, self.cut)
        self.client_saw += self.client.events_received()
        self.server_saw += self.server.events_received()

    def close_excs(self) -> tuple[ConnectionClosed, ConnectionClosed]:
        """Both have ended, and have nothing more to send; returns their exceptions."""
        assert self.client.state is State.CLOSED
        assert self.server.state is State.CLOSED
        assert self.client.data_to_send() == []
        assert self.server.data_to_send() == []
        return self.client.close_exc, self.server.close_exc


def start(
    client: ClientProtocol, server: ServerProtocol, cut: Cut, answer: Any = None
) -> tuple[Pair, Request, Response]:
    """Shake hands; *answer* makes the response, which is that of accept() by default."""
    pair = Pair(client, server, cut)
    client.send_request(client.connect())
    transfer(client, server, cut)
    [request] = server.events_received()
    server.send_response(server.accept(request) if answer is None else answer(server, request))
    transfer(server, client, cut)
    [response, *rest] = client.events_received()
    pair.client_saw += rest
    return pair, request, response


def to(protocol: Protocol, opcode: int, payload: bytes = b"", **options: Any) -> bytes:
    """A frame as this protocol has to receive it."""
    if protocol.side is Side.CLIENT:
        options.setdefault("key", None)
    return frame(opcode, payload, **options)


def closing(protocol: Protocol, code: int = 1000, reason: bytes = b"") -> bytes:
    """A close frame as this protocol has to receive it."""
    return to(protocol, CLOSE, code.to_bytes(2, "big") + reason)


def extended(side: Side, view: Any, *extensions: Extension, **settings: Any) -> Protocol:
    """A protocol that starts after the opening handshake, with these extensions."""
    protocol = Protocol(side, state=State.CONNECTING, view=view, **settings)
    protocol.extensions = list(extensions)
    protocol.state = State.OPEN
    return protocol


def sent(protocol: Protocol, view: str = "frames") -> list[Any]:
    """What a protocol has to send, as frames; ``b""`` stands for the end of the stream."""
    other = Side.SERVER if protocol.side is Side.CLIENT else Side.CLIENT
    reader = Protocol(other, max_size=None)
    result: list[Any] = []
    for chunk in protocol.data_to_send():
        if chunk == b"":
            result.append(b"")
            continue
        # One for each chunk: what follows a close frame is to be seen too.
        reader = Protocol(other, max_size=None)
        reader.receive_data(chunk)
        result += reader.events_received() or [chunk]
    return result


class Marking(Extension):
    """Puts its name in front of each frame, and marks it with RSV1."""

    def __init__(self, name: str) -> None:
        self.name = name  # type: ignore[assignment]

    def encode(self, frame: Frame) -> Frame:
        if frame.opcode >= 8:
            return frame
        return Frame(frame.opcode, self.name.encode() + bytes(frame.data), frame.fin, True)

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        if frame.opcode >= 8:
            return frame
        data = bytes(frame.data)
        assert data.startswith(self.name.encode())
        return Frame(frame.opcode, data[len(self.name) :], frame.fin)


class Doubling(Extension):
    """Has a hook for messages: writes each byte twice, except for messages that begin with x."""

    name = "double"  # type: ignore[assignment]
    message_rsv = 0x40

    def encode(self, frame: Frame) -> Frame:
        return frame

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        return frame

    def encode_message(self, data: Any, *, text: bool) -> bytes | None:
        data = bytes(data)
        return None if data[:1] == b"x" else bytes(b for byte in data for b in (byte, byte))

    def decode_message(self, data: Any, *, max_size: int | None) -> bytes:
        if len(data) % 2:
            raise ProtocolError("odd")
        result = bytes(data[::2])
        if max_size is not None and len(result) > max_size:
            raise PayloadTooBig(len(result), max_size)
        return result


class Factory(ClientExtensionFactory, ServerExtensionFactory):
    """Negotiates :class:`Marking`, on either side; raises *error* instead."""

    def __init__(self, name: str = "x-mark", error: Exception | None = None) -> None:
        self.name = name  # type: ignore[assignment]
        self.error = error
        self.seen: list[Any] = []

    def get_request_params(self) -> Any:
        return [("level", "3"), ("flag", None)]

    def process_response_params(self, params: Any, accepted_extensions: Any) -> Extension:
        self.seen.append((list(params), [extension.name for extension in accepted_extensions]))
        if self.error is not None:
            raise self.error
        return Marking(self.name)

    def process_request_params(self, params: Any, accepted_extensions: Any) -> Any:
        self.seen.append((list(params), [extension.name for extension in accepted_extensions]))
        if self.error is not None:
            raise self.error
        if ("level", "9") in params:
            raise NegotiationError("unsupported level")
        return [("level", "3")], Marking(self.name)


@contextmanager
def no_cycles(make: Callable[[], Any]) -> Iterator[weakref.ref[Any]]:
    """What *make* returns is dropped without the garbage collector: the reference is dead."""
    gc.collect()
    gc.disable()
    try:
        yield weakref.ref(make())
    finally:
        gc.enable()


def peak(function: Callable[[], object]) -> int:
    """The bytes that a call had allocated at most, beyond those before it."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        function()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


TIMEOUTS: dict[str, Any] = {
    "open_timeout": 10.0,
    "close_timeout": 5.0,
    "ping_interval": 20.0,
    "ping_timeout": 8.0,
}


def timed(side: Side = Side.SERVER, now: float = 100.0, **settings: Any) -> Protocol:
    """An open connection that was told the time."""
    protocol = Protocol(side, **{"view": "messages", **TIMEOUTS, **settings})
    protocol.handle_deadline(now)
    return protocol


def ping_of(protocol: Protocol) -> bytes:
    """The payload of the only frame that a server has to send, a ping."""
    [chunk] = protocol.data_to_send()
    assert chunk[0] == 0x80 | PING
    return chunk[2:]
