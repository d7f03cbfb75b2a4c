"""
For the tests of programs that use this library.

:func:`connected_pair` joins a client and a server without a network::

    with connected_pair(echo) as (client, server):
        client.send("hello")
        assert client.recv() == "hello"

:func:`serving` runs a server on a free port, for clients that bring their own network::

    with serving(echo) as server, connect(server.uri) as client:
        ...

Both fit fixtures of any test runner.
"""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from .client import ClientConnection, connect
from .server import Server, ServerConnection, serve
from .wire import Wire, WireSocket

__all__ = ["ConnectedPair", "LocalServer", "connected_pair", "serving"]


class ConnectedPair(NamedTuple):
    """The two ends of a connection. Get one from :func:`connected_pair`."""

    #: The client's end.
    client: ClientConnection
    #: The server's end.
    server: ServerConnection

    def hold(self) -> None:
        """
        Let nothing arrive any more, as where cables are cut: no data, and no end of the stream.

        What is sent meanwhile fills the buffers of the operating system; then senders wait.
        """
        self._wire.hold()

    def release(self) -> None:
        """Let arrive what was held, and all that follows."""
        self._wire.release()

    def abort(self) -> None:
        """Lose the connection: both ends do at once, without a closing handshake."""
        for connection in self:
            connection._drop()

    @property
    def _wire(self) -> Wire:
        return cast(WireSocket, self.client.socket).wire


@contextlib.contextmanager
def connected_pair(
    handler: Callable[[ServerConnection], None] | None = None,
    *,
    uri: str = "ws://localhost/",
    client: Mapping[str, Any] | None = None,
    server: Mapping[str, Any] | None = None,
) -> Iterator[ConnectedPair]:
    """
    Join a client and a server for the time of a ``with`` block.

    They talk through sockets that nobody else can reach: there is no port, and in place of a
    network a wire that can be held. All else is real: the opening and the closing handshake,
    extensions, limits, keepalive, backpressure. At the end, both ends are closed.

    :param handler: handles the server's end, as with :func:`~ws_sync.server.serve`, in a thread;
        :data:`None` leaves it to the test.
    :param uri: what the client asks for: a ``ws://`` one.
    :param client: arguments of :func:`~ws_sync.client.connect`.
    :param server: arguments of :func:`~ws_sync.server.serve`.
    :raises InvalidHandshake: if the server refuses the client.
    """
    accepted: queue.SimpleQueue[ServerConnection] = queue.SimpleQueue()

    def handle(connection: ServerConnection) -> None:
        accepted.put(connection)
        if handler is None:
            connection.wait_closed()
        else:
            handler(connection)

    # It never listens: what it would accept is given to it.
    running = serve(handle, sock=socket.socket(), **(server or {}))
    wire = Wire()
    with contextlib.closing(wire), running:
        ours, theirs = wire.ends
        threading.Thread(target=running.handler, args=(theirs, None), daemon=True).start()
        with connect(uri, sock=ours, **(client or {})) as connection:
            try:
                yield ConnectedPair(connection, accepted.get())
            finally:
                wire.release()


@dataclasses.dataclass(frozen=True)
class LocalServer:
    """
    A server on a free port of this machine. Get one from :func:`serving`.

    :param uri: where it listens: ``ws://`` or ``wss://``, host and port. Paths can be appended.
    :param server: the server.
    """

    uri: str
    server: Server


@contextlib.contextmanager
def serving(
    handler: Callable[[ServerConnection], None],
    *,
    host: str = "127.0.0.1",
    **settings: Any,
) -> Iterator[LocalServer]:
    """
    Run a server on a free port, in a thread, for the time of a ``with`` block.

    :param handler: handles a connection, as with :func:`~ws_sync.server.serve`.
    :param host: the address to listen on, for which a certificate has to be valid.
    :param settings: everything else that :func:`~ws_sync.server.serve` takes; with *ssl*, the
        URI is a ``wss://`` one.
    """
    with serve(handler, host, 0, **settings) as server:
        port = server.socket.getsockname()[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        scheme = "ws" if settings.get("ssl") is None else "wss"
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        yield LocalServer(f"{scheme}://{authority}", server)
    thread.join()
