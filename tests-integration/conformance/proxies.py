"""Proxies that open a tunnel to where they are asked for, on this machine: HTTP and SOCKS5."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from collections.abc import Iterator

from raw import Peer
from shells import PATIENCE

USER, PASSWORD = "iris", "r0ses"


class Proxy:
    """
    A proxy, which has a thread for each connection.

    :param listener: the socket.
    :param scheme: ``http`` or ``socks5h``.
    :param secret: whether it wants to know :data:`USER` and :data:`PASSWORD`.
    """

    def __init__(self, listener: socket.socket, scheme: str, secret: bool) -> None:
        self.listener = listener
        self.secret = secret
        userinfo = f"{USER}:{PASSWORD}@" if secret else ""
        self.where = f"127.0.0.1:{listener.getsockname()[1]}"
        self.uri = f"{scheme}://{userinfo}{self.where}"
        #: Where it was asked to go.
        self.targets: list[str] = []
        self.ask = {"http": self.ask_http, "socks5h": self.ask_socks}[scheme]
        start(self.run)

    def run(self) -> None:
        """Accept connections until the socket is closed."""
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                start(self.serve, sock)

    def serve(self, sock: socket.socket) -> None:
        """Serve a connection."""
        with sock, contextlib.suppress(OSError, AssertionError):
            port = self.ask(Peer(sock))
            if port is None:
                return
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as other:
                copying = start(copy, other, sock)
                copy(sock, other)
                copying.join(PATIENCE)

    def ask_http(self, peer: Peer) -> int | None:
        """RFC 9110, section 9.3.6."""
        head = peer.receive_head()
        credentials = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.secret and f"\r\nProxy-Authorization: Basic {credentials}\r\n" not in head:
            peer.send("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return None
        method, target, _ = head.split(" ", 2)
        assert method == "CONNECT"
        self.targets.append(target)
        peer.send("HTTP/1.1 200 OK\r\n\r\n")
        return int(target.rpartition(":")[2])

    def ask_socks(self, peer: Peer) -> int | None:
        """RFC 1928 and RFC 1929."""
        _, count = peer.receive(2)
        method = 2 if self.secret else 0
        assert method in peer.receive(count)
        peer.send(bytes([5, method]))
        if self.secret:
            peer.receive(1)
            known = [self.receive_string(peer), self.receive_string(peer)] == [USER, PASSWORD]
            peer.send(bytes([1, not known]))
            if not known:
                return None
        # With the "h", the name comes as it is.
        assert peer.receive(4) == b"\x05\x01\x00\x03"
        host, port = self.receive_string(peer), int.from_bytes(peer.receive(2))
        self.targets.append(f"{host}:{port}")
        peer.send(b"\x05\x00\x00\x01" + bytes(6))
        return port

    def receive_string(self, peer: Peer) -> str:
        """Receive what follows its length."""
        return peer.receive(peer.receive(1)[0]).decode()


def start(function: object, *args: object) -> threading.Thread:
    """Call a function in a thread."""
    thread = threading.Thread(target=function, args=args, daemon=True)
    thread.start()
    return thread


def copy(source: socket.socket, target: socket.socket) -> None:
    """Copy until the end, and copy that too."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def running(scheme: str, *, secret: bool = False) -> Iterator[Proxy]:
    """Run a proxy."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield Proxy(listener, scheme, secret)
        # On some systems, closing doesn't wake who accepts.
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
