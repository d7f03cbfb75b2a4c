"""Servers that run in a thread, and clients to try them with, over loopback sockets."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

from ws_sansio import Protocol, Side
from ws_sync.connection import Connection
from ws_sync.server import Server, ServerConnection, serve
from ws_types.headers import Headers
from ws_types.http11 import Response

#: Longer than anything takes on a busy machine; whoever waits for so long has failed.
PATIENCE = 20.0

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


def hold(connection: ServerConnection) -> None:
    """A handler that does nothing until the connection is closed."""
    connection.wait_closed()


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """Run a server in a thread; at the end it has to have ended."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with server:
            yield server
    finally:
        thread.join(PATIENCE)
        assert not thread.is_alive()


@contextlib.contextmanager
def serving(handler: Any = echo, **settings: Any) -> Iterator[Server]:
    settings = {"ping_interval": None} | settings
    with running(serve(handler, "127.0.0.1", 0, **settings)) as server:
        yield server


def dial(server: Server) -> socket.socket:
    """Connect to a server without a word."""
    sock = socket.create_connection(server.socket.getsockname()[:2], PATIENCE)
    sock.settimeout(PATIENCE)
    return sock


def read_head(sock: Any) -> bytes:
    """Read the head of a response, and not a byte more."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        assert byte, head
        head += byte
    return head


def read_all(sock: socket.socket) -> bytes:
    """Read until the end of the stream, or until the connection is reset."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := sock.recv(65536):
            data += piece
    return data


def ask(server: Server, data: bytes) -> bytes:
    """What the server answers, to the end of the stream."""
    with dial(server) as sock:
        sock.sendall(data)
        return read_all(sock)


def become_client(sock: Any, request: bytes = REQUEST) -> Connection:
    """Perform the opening handshake by hand."""
    sock.sendall(request)
    head = read_head(sock)
    assert head.startswith(b"HTTP/1.1 101 "), head
    client = Connection(sock, Protocol(Side.CLIENT), ping_interval=None, close_timeout=5)
    client.response = Response(101, "Switching Protocols", Headers())
    return client


def connected(server: Server, request: bytes = REQUEST) -> Connection:
    return become_client(dial(server), request)


@contextlib.contextmanager
def meanwhile(function: Any, *args: Any, **kwargs: Any) -> Iterator[threading.Thread]:
    """Call a function in a thread, which has ended when the block has."""
    thread = threading.Thread(target=function, args=args, kwargs=kwargs, daemon=True)
    thread.start()
    yield thread
    thread.join(PATIENCE)
    assert not thread.is_alive()


def wait_for(condition: Any) -> None:
    """Wait for what another thread is about to do."""
    never = threading.Event()
    for _ in range(int(PATIENCE * 1000)):
        if condition():
            return
        never.wait(0.001)
    raise AssertionError("it doesn't come about")
