"""Peers that do by hand what no library would: clients with frames of their own, HTTP servers."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from shells import PATIENCE

HANDSHAKE = (
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


class Peer:
    """A socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.settimeout(PATIENCE)

    def send(self, data: bytes | str) -> None:
        """Send bytes."""
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def send_frame(self, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> None:
        """Send a short frame as clients do; the masking key is all zeros."""
        assert len(payload) <= 125
        self.send(bytes([fin << 7 | rsv << 4 | opcode, 0x80 | len(payload)]) + bytes(4) + payload)

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

    def receive_close_code(self) -> int:
        """Receive a Close frame, and nothing before it."""
        opcode, size = self.receive(2)
        assert opcode == 0x88
        return int.from_bytes(self.receive(size)[:2], "big")

    def receive_rest(self) -> bytes:
        """Receive until the other end closes, in whatever way."""
        data = b""
        with contextlib.suppress(ConnectionError):
            while more := self.sock.recv(65536):
                data += more
        return data


@contextlib.contextmanager
def dial(port: int) -> Iterator[Peer]:
    """Connect, and send nothing."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock:
        yield Peer(sock)


@contextlib.contextmanager
def connect(port: int, headers: str = "") -> Iterator[Peer]:
    """Open a WebSocket connection."""
    with dial(port) as peer:
        peer.send(f"{HANDSHAKE}{headers}\r\n")
        assert peer.receive_head().startswith("HTTP/1.1 101 ")
        yield peer


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
