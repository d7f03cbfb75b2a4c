"""Peers that do by hand what no library would: ends with frames of their own, HTTP servers."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import socket
import struct
import threading
from collections.abc import Iterator
from typing import NamedTuple

from shells import PATIENCE

ACCEPT_KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
HANDSHAKE = (
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


class Frame(NamedTuple):
    """
    A frame, as it came.

    :param first: its first byte.
    :param kind: the first seven bits of its length.
    :param key: the masking key, if there was one.
    """

    first: int
    kind: int
    key: bytes | None
    payload: bytes


def xor(data: bytes, key: bytes) -> bytes:
    """Mask, or unmask."""
    whole = (key * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data) ^ int.from_bytes(whole)).to_bytes(len(data))


class Peer:
    """
    A socket.

    :param masks: whether its frames are masked, as those of clients are.
    """

    def __init__(self, sock: socket.socket, masks: bool = True) -> None:
        self.sock = sock
        self.masks = masks
        sock.settimeout(PATIENCE)

    def send(self, data: bytes | memoryview | str) -> None:
        """Send bytes."""
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def frame(self, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> bytes:
        """Make a frame."""
        size, more = len(payload), b""
        if size > 125:
            size, more = (126, size.to_bytes(2)) if size < 2**16 else (127, size.to_bytes(8))
        head = bytes([fin << 7 | rsv << 4 | opcode, self.masks << 7 | size])
        return head + more + self.masked(payload)

    def send_frame(self, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> None:
        """Send a frame."""
        self.send(self.frame(opcode, payload, fin=fin, rsv=rsv))

    def masked(self, payload: bytes) -> bytes:
        """What follows the lengths of a frame: the masking key, if there is one, and the rest."""
        if not self.masks:
            return payload
        key = os.urandom(4)
        return key + xor(payload, key)

    def receive(self, size: int) -> bytes:
        """Receive that many bytes."""
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            assert more, f"the peer closed after {data!r}"
            data += more
        return data

    def receive_head(self) -> str:
        """Receive up to an empty line."""
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            data += self.receive(1)
        return data.decode("latin-1")

    def receive_frame(self) -> Frame:
        """Receive a frame."""
        first, second = self.receive(2)
        kind = second & 0x7F
        size = kind
        if kind > 125:
            size = int.from_bytes(self.receive(2 if kind == 126 else 8))
        key = self.receive(4) if second & 0x80 else None
        payload = self.receive(size)
        return Frame(first, kind, key, payload if key is None else xor(payload, key))

    def receive_close(self) -> bytes:
        """Receive a Close frame, and nothing before it."""
        frame = self.receive_frame()
        assert frame.first == 0x88
        return frame.payload

    def receive_close_code(self) -> int:
        """Receive a Close frame, and nothing before it."""
        return int.from_bytes(self.receive_close()[:2])

    def receive_rest(self) -> bytes:
        """Receive until the other end closes, in whatever way."""
        data = b""
        with contextlib.suppress(ConnectionError):
            while more := self.sock.recv(65536):
                data += more
        return data

    def reset(self) -> None:
        """Close the socket in a way that TCP doesn't call an end."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


@contextlib.contextmanager
def dial(port: int, source: str = "127.0.0.1") -> Iterator[Peer]:
    """Connect from an address, and send nothing."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0)) as sock:
        yield Peer(sock)


@contextlib.contextmanager
def connect(port: int, headers: str = "") -> Iterator[Peer]:
    """Open a WebSocket connection."""
    with dial(port) as peer:
        peer.send(f"{HANDSHAKE}{headers}\r\n")
        assert peer.receive_head().startswith("HTTP/1.1 101 ")
        yield peer


class Listener:
    """A WebSocket server that accepts whatever it is asked for."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.uri = f"ws://127.0.0.1:{sock.getsockname()[1]}/"

    @contextlib.contextmanager
    def accept(self, headers: str = "", then: bytes = b"") -> Iterator[Peer]:
        """Open a WebSocket connection; what is to follow is sent along with the response."""
        accepted, _ = self.sock.accept()
        with accepted:
            peer = Peer(accepted, masks=False)
            lines = peer.receive_head().split("\r\n")
            (key,) = (line[18:].strip() for line in lines if line.startswith("Sec-WebSocket-Key:"))
            accept = base64.b64encode(hashlib.sha1(key.encode() + ACCEPT_KEY).digest()).decode()
            head = (
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Accept: {accept}\r\n{headers}\r\n"
            )
            peer.send(head.encode() + then)
            yield peer


@contextlib.contextmanager
def listen() -> Iterator[Listener]:
    """Run such a server."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.settimeout(PATIENCE)
        yield Listener(sock)


class Web:
    """An HTTP server that gives its answers one after another, a connection each."""

    def __init__(self, listener: socket.socket, answers: list[str]) -> None:
        self.listener = listener
        self.answers = answers
        self.port: int = listener.getsockname()[1]
        self.uri = f"ws://127.0.0.1:{self.port}/"
        #: The heads of the requests.
        self.requests: list[str] = []
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        """Answer; where there are no more answers, nobody listens any more."""
        for answer in self.answers:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with sock:
                peer = Peer(sock)
                self.requests.append(peer.receive_head())
                # A client may have read enough before the end.
                with contextlib.suppress(OSError):
                    peer.send(answer)
                    sock.shutdown(socket.SHUT_WR)
                peer.receive_rest()
        self.listener.close()


@contextlib.contextmanager
def answering(*answers: str) -> Iterator[Web]:
    """Run such a server."""
    listener = socket.create_server(("127.0.0.1", 0))
    web = Web(listener, list(answers))
    try:
        yield web
    finally:
        # On some systems, closing doesn't wake who accepts.
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        web.thread.join(PATIENCE)


def answer(status: str, body: str = "", headers: str = "") -> str:
    """An HTTP response."""
    return (
        f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\nConnection: close\r\n"
        f"\r\n{body}"
    )


def redirect(location: str, status: str = "302 Found") -> str:
    """A redirect."""
    return answer(status, headers=f"Location: {location}\r\n")
