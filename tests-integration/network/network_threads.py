"""What the scenarios of this folder call of :mod:`ws_sync`: each call has a thread of its own."""

from __future__ import annotations

import concurrent.futures
import contextlib
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, Self

import ws_sync.client
import ws_sync.server

__all__ = ["ThreadsShell"]

Future = concurrent.futures.Future


def start(function: Callable[..., Any], *args: Any, **options: Any) -> Future[Any]:
    """Call a function in a thread that doesn't keep the tests from ending."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(function(*args, **options))
        except BaseException as exc:
            future.set_exception(exc)

    threading.Thread(target=run, daemon=True).start()
    return future


class ThreadsEnd:
    """One end of a connection, as :class:`network_shells.AsyncioEnd`."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def recv(self) -> Future[Any]:
        return start(self.connection.recv)

    def iterate(self) -> Future[Any]:
        return start(lambda: list(self.connection))

    def send(self, message: Any) -> Future[Any]:
        return start(self.connection.send, message)

    def ping(self) -> Future[Any]:
        """Send a ping, and wait for its pong; the end of the connection is no pong."""

        def ping() -> None:
            self.connection.ping(ack_on_close=True).wait()
            self.connection.ping()

        return start(ping)

    def close(self) -> Future[Any]:
        return start(self.connection.close)

    def leave(self) -> Future[Any]:
        return start(self.connection.__exit__, None, None, None)

    def wait_closed(self) -> Future[Any]:
        return start(self.connection.wait_closed)

    def shrink(self) -> None:
        self.connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**13)

    def is_full(self) -> bool:
        return self.connection.buffered_input > 0

    @property
    def close_code(self) -> int | None:
        code: int | None = self.connection.close_code
        return code


class ThreadsServer:
    """A server on a free port, and the thread that it accepts connections in."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.port: int = server.socket.getsockname()[1]
        self._thread = threading.Thread(target=server.serve_forever, daemon=True)
        self._thread.start()

    def shut_down(self) -> Future[Any]:
        """Close the server with its connections."""

        def shut_down() -> None:
            self.server.shutdown()
            self._thread.join()

        return start(shut_down)


class ThreadsShell:
    """Runs :mod:`ws_sync`."""

    def __init__(self) -> None:
        self._accepted: queue.Queue[Any] = queue.Queue()
        # Nothing else holds a connection that nobody uses.
        self._connections: list[Any] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for connection in self._connections:
            start(connection.close).result(timeout=10)

    def block(self, seconds: float) -> None:
        """Let no thread do anything for the clients, as one does that is stuck in a log handler."""
        held = threading.Event()

        def hold() -> None:
            with contextlib.ExitStack() as stack:
                for connection in self._connections:
                    stack.enter_context(connection._lock)
                held.set()
                time.sleep(seconds)

        start(hold)
        assert held.wait(timeout=10)

    def serve(self, context: ssl.SSLContext | None = None, **settings: Any) -> ThreadsServer:
        """Run a server. Its connections are what :meth:`accept` returns, and stay open."""

        def handler(connection: Any) -> None:
            self._accepted.put(connection)
            connection.wait_closed()

        return ThreadsServer(ws_sync.server.serve(handler, "127.0.0.1", 0, ssl=context, **settings))

    def accept(self) -> ThreadsEnd:
        """The server's end of the connection that was opened next."""
        return ThreadsEnd(self._accepted.get(timeout=10))

    def connect(
        self, port: int, context: ssl.SSLContext | None = None, **settings: Any
    ) -> Future[ThreadsEnd]:
        """Begin to connect."""
        scheme = "ws" if context is None else "wss"
        uri = f"{scheme}://127.0.0.1:{port}"

        def connect() -> ThreadsEnd:
            connection = ws_sync.client.connect(uri, ssl=context, proxy=None, **settings)
            self._connections.append(connection)
            return ThreadsEnd(connection)

        return start(connect)
