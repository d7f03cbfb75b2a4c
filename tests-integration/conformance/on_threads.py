"""Shells on threads: each operation that a scenario begins has a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Event
from typing import Any, TypeVar

from shells import PATIENCE, Connection, Reconnecting, Server, Shell

T = TypeVar("T")

#: Seconds between two looks of a handler at whether the connection is closed, which nobody says.
TURN = 0.01


def start(function: Callable[..., T], *args: Any, **options: Any) -> Future[T]:
    """Call a function in a thread, which doesn't keep the tests from ending."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(function(*args, **options))
        except BaseException as exc:
            future.set_exception(exc)

    threading.Thread(target=run, daemon=True).start()
    return future


def _wait_for(pong: Event) -> Future[None]:
    def wait() -> None:
        if not pong.wait(PATIENCE):
            raise TimeoutError("no pong came")

    return start(wait)


class ThreadsConnection(Connection):
    """A connection that any thread may use."""

    def __init__(self, shell: ThreadsShell, raw: Any) -> None:
        super().__init__(raw)
        self.shell = shell
        # What the handler returns or raises.
        self.outcome: Future[None] = Future()
        shell.connections.append(self)

    def start(self, operation: str, *args: Any, **options: Any) -> Future[Any]:
        return start(getattr(self, f"_{operation}"), *args, **options)

    def _send(self, message: Any, **options: Any) -> None:
        self.raw.send(message, **options)

    def _send_slowly(self, message: list[Any], begun: Event, proceed: Event) -> None:
        def fragments() -> Iterator[Any]:
            yield message[0]
            begun.set()
            proceed.wait(PATIENCE)
            yield from message[1:]

        self.raw.send(fragments())

    def _recv(self, timeout: float | None = None, decode: bool | None = None) -> Any:
        return self.raw.recv(timeout, decode)

    def _recv_streaming(
        self, decode: bool | None = None, into: SimpleQueue[Any] | None = None
    ) -> list[Any]:
        fragments = []
        for fragment in self.raw.recv_streaming(decode):
            fragments.append(fragment)
            if into is not None:
                into.put(fragment)
        return fragments

    def _iterate(self) -> list[Any]:
        return list(self.raw)

    def _ping(self, data: Any) -> Future[None]:
        return _wait_for(self.raw.ping(data))

    def _ping_in_vain(self) -> Future[None]:
        return _wait_for(self.raw.ping(ack_on_close=True))

    def _pong(self, data: Any) -> None:
        self.raw.pong(data)

    def _close(self, *args: Any, **options: Any) -> None:
        self.raw.close(*args, **options)

    def _closed(self) -> Any:
        try:
            while True:
                self.raw.recv()
        except self.shell.errors.ConnectionClosed as exc:
            return exc

    def abort(self) -> None:
        # It may be closed already.
        with contextlib.suppress(OSError):
            self.raw.socket.shutdown(socket.SHUT_RDWR)
        # Nobody may be attending to it, and it would keep its socket.
        start(self.raw.close).result(PATIENCE)

    def finish(self, exc: Exception | None = None) -> None:
        if exc is None:
            self.outcome.set_result(None)
        else:
            self.outcome.set_exception(exc)


class ThreadsServer(Server):
    """A server that accepts connections in a thread."""

    def __init__(
        self, shell: ThreadsShell, socket_path: str | None, settings: dict[str, Any]
    ) -> None:
        super().__init__(shell, socket_path)
        if settings.get("ssl") is not None:
            self.scheme = "wss"
        self.released = False
        if socket_path is not None:
            self.raw = shell.library.unix_serve(self.handle, socket_path, **settings)
        else:
            self.raw = shell.library.serve(self.handle, "127.0.0.1", 0, **settings)
            self.port = self.raw.socket.getsockname()[1]
        self.serving = start(self.raw.serve_forever)

    def handle(self, raw: Any) -> None:
        """Hand the connection to the scenario, and wait for what that wants."""
        assert isinstance(self.shell, ThreadsShell)
        connection = ThreadsConnection(self.shell, raw)
        self.accepted.put(connection)
        while not self.released and raw.state.name != "CLOSED":
            with contextlib.suppress(TimeoutError):
                return connection.outcome.result(TURN)
        return None

    def start_closing(self, **options: Any) -> Future[None]:
        return start(self._close, **options)

    def _close(self, **options: Any) -> None:
        self.raw.shutdown(**options)
        self.serving.result(PATIENCE)

    def start_draining(self, timeout: float, **options: Any) -> Future[None]:
        return start(self.raw.drain, timeout, **options)

    def release(self) -> None:
        """Have all handlers return, those that weren't called yet too."""
        self.released = True


class ThreadsShell(Shell):
    """A library on threads."""

    senders_wait = False

    def stop(self) -> None:
        """Do nothing: there is nothing to stop."""

    def start_connecting(
        self, uri: str, *, socket_path: str | None = None, **settings: Any
    ) -> Future[Connection]:
        return start(self._connect, uri, socket_path, settings)

    def _connect(self, uri: str, socket_path: str | None, settings: dict[str, Any]) -> Connection:
        settings = {"legacy": True, **settings}
        if socket_path is not None:
            raw = self.library.unix_connect(socket_path, uri, **settings)
        else:
            raw = self.library.connect(uri, **settings)
        return ThreadsConnection(self, raw)

    @contextlib.contextmanager
    def serve(self, *, socket_path: str | None = None, **settings: Any) -> Iterator[Server]:
        server = ThreadsServer(self, socket_path, settings)
        try:
            yield server
        finally:
            server.release()
            # Nobody attends to them any more: they would take their time to answer.
            closing = [start(connection.raw.close) for connection in self.connections]
            server.close()
            for closed in closing:
                closed.exception(PATIENCE)

    @contextlib.contextmanager
    def reconnect(self, uri: str, **settings: Any) -> Iterator[Reconnecting]:
        settings = {"legacy": False, **settings}
        opener = self.library.connect(uri, **settings)
        connections = iter(opener)

        def iterate() -> Iterator[Connection]:
            while (raw := start(next, connections, None).result(PATIENCE)) is not None:
                yield ThreadsConnection(self, raw)

        try:
            yield Reconnecting(opener, iterate())
        finally:
            connections.close()

    def sending(self, message: Any) -> Callable[[Any], None]:
        def send(raw: Any) -> None:
            raw.send(message)

        return send

    def broadcast(self, connections: list[Connection], message: Any, **options: Any) -> Any:
        raw = [each.raw for each in connections]
        return start(self.library.broadcast, raw, message, **options).result(PATIENCE)
