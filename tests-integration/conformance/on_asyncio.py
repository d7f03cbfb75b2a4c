"""Shells on asyncio: an event loop in a thread does what the scenarios ask for."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Event
from typing import Any, TypeVar

from shells import PATIENCE, Connection, Library, Reconnecting, Server, Shell

T = TypeVar("T")

#: More turns of the loop than anything takes that waits for nothing.
TURNS = 20


class AsyncioConnection(Connection):
    """A connection that lives on the loop of a shell."""

    def __init__(self, shell: AsyncioShell, raw: Any) -> None:
        super().__init__(raw)
        self.shell = shell
        # What the handler returns or raises.
        self.outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        shell.connections.append(self)

    def start(self, operation: str, *args: Any, **options: Any) -> Future[Any]:
        return self.shell.start(getattr(self, f"_{operation}")(*args, **options))

    async def _send(self, message: Any, **options: Any) -> None:
        await self.raw.send(message, **options)

    async def _send_slowly(self, message: list[Any], begun: Event, proceed: Event) -> None:
        async def fragments() -> AsyncIterator[Any]:
            yield message[0]
            begun.set()
            await asyncio.to_thread(proceed.wait, PATIENCE)
            for fragment in message[1:]:
                yield fragment

        await self.raw.send(fragments())

    async def _recv(self, timeout: float | None = None, decode: bool | None = None) -> Any:
        async with asyncio.timeout(timeout):
            return await self.raw.recv(decode)

    async def _recv_for(self, turns: int) -> Any:
        """Receive a message, or None where it doesn't come within some turns of the loop."""
        receiving = asyncio.ensure_future(self.raw.recv())
        for _ in range(turns):
            await asyncio.sleep(0)
        receiving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            return await receiving
        return None

    async def _recv_streaming(
        self, decode: bool | None = None, into: SimpleQueue[Any] | None = None
    ) -> list[Any]:
        fragments = []
        async for fragment in self.raw.recv_streaming(decode):
            fragments.append(fragment)
            if into is not None:
                into.put(fragment)
        return fragments

    async def _iterate(self) -> list[Any]:
        return [message async for message in self.raw]

    async def _ping(self, data: Any) -> Future[None]:
        return self.shell.start(_wait_for(await self.raw.ping(data)))

    async def _ping_in_vain(self) -> Future[None]:
        pong = await self.raw.ping()

        async def wait() -> None:
            try:
                await pong
            except self.shell.errors.ConnectionClosed:
                return
            raise AssertionError("a pong came")

        return self.shell.start(wait())

    async def _pong(self, data: Any) -> None:
        await self.raw.pong(data)

    async def _close(self, *args: Any, **options: Any) -> None:
        await self.raw.close(*args, **options)

    async def _closed(self) -> Any:
        try:
            while True:
                await self.raw.recv()
        except self.shell.errors.ConnectionClosed as exc:
            return exc

    def abort(self) -> None:
        self.shell.run(self._abort())

    async def _abort(self) -> None:
        self.raw.transport.abort()
        await self.raw.wait_closed()

    def finish(self, exc: Exception | None = None) -> None:
        self.shell.run(self._finish(exc))

    async def _finish(self, exc: Exception | None) -> None:
        if exc is None:
            self.outcome.set_result(None)
        else:
            self.outcome.set_exception(exc)


class AsyncioServer(Server):
    """A server on the loop of a shell."""

    shell: AsyncioShell

    async def handle(self, raw: Any) -> None:
        """Hand the connection to the scenario, and wait for what that wants."""
        connection = AsyncioConnection(self.shell, raw)
        self.accepted.put(connection)
        closed = asyncio.create_task(raw.wait_closed())
        await asyncio.wait({connection.outcome, closed}, return_when=asyncio.FIRST_COMPLETED)
        closed.cancel()
        if connection.outcome.done():
            connection.outcome.result()

    async def _start(self, settings: dict[str, Any]) -> None:
        if settings.get("ssl") is not None:
            self.scheme = "wss"
        library = self.shell.library
        if self.socket_path is not None:
            self.raw = await library.unix_serve(self.handle, self.socket_path, **settings)
            return
        self.raw = await library.serve(self.handle, "127.0.0.1", 0, **settings)
        self.port = self.raw.sockets[0].getsockname()[1]

    def start_closing(self, **options: Any) -> Future[None]:
        return self.shell.start(self._close(options))

    async def _close(self, options: dict[str, Any]) -> None:
        self.raw.close(**options)
        await self.raw.wait_closed()

    def start_draining(self, timeout: float, **options: Any) -> Future[None]:
        return self.shell.start(self.raw.drain(timeout, **options))


class AsyncioShell(Shell):
    """A library on asyncio."""

    senders_wait = True

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Stop the loop."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(PATIENCE)
        self.loop.close()

    def start(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop, and wait for it."""
        return self.start(coroutine).result(PATIENCE)

    def settle(self) -> None:
        self.run(_turn())

    def start_connecting(
        self, uri: str, *, socket_path: str | None = None, **settings: Any
    ) -> Future[Connection]:
        return self.start(self._connect(uri, socket_path, settings))

    async def _connect(
        self, uri: str, socket_path: str | None, settings: dict[str, Any]
    ) -> Connection:
        if socket_path is not None:
            raw = await self.library.unix_connect(socket_path, uri, **settings)
        else:
            raw = await self.library.connect(uri, **settings)
        return AsyncioConnection(self, raw)

    @contextlib.contextmanager
    def serve(self, *, socket_path: str | None = None, **settings: Any) -> Iterator[Server]:
        server = AsyncioServer(self, socket_path)
        self.run(server._start(settings))
        try:
            yield server
        finally:
            server.close()

    @contextlib.contextmanager
    def reconnect(self, uri: str, **settings: Any) -> Iterator[Reconnecting]:
        raw = self.library.connect(uri, **settings)
        connections = aiter(raw)

        async def following() -> Connection:
            return AsyncioConnection(self, await anext(connections))

        def iterate() -> Iterator[Connection]:
            with contextlib.suppress(StopAsyncIteration):
                while True:
                    yield self.run(following())

        try:
            yield Reconnecting(raw, iterate())
        finally:
            self.run(_end(connections))

    def sending(self, message: Any) -> Callable[[Any], Awaitable[None]]:
        async def send(raw: Any) -> None:
            await raw.send(message)

        return send

    def broadcast(self, connections: list[Connection], message: Any, **options: Any) -> Any:
        async def broadcast() -> Any:
            return self.library.broadcast([each.raw for each in connections], message, **options)

        return self.run(broadcast())


async def _wait_for(pong: Any) -> None:
    await pong


async def _turn() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def _end(connections: AsyncIterator[Any]) -> None:
    await connections.aclose()  # type: ignore[attr-defined]
