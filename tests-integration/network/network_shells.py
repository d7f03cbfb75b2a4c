"""
What the scenarios of this folder call, whatever shell is tested.

Tests run in a thread of their own, and block; what they start of a shell is a
:class:`concurrent.futures.Future`. To add a shell, write a class with the methods of
:class:`AsyncioShell`, whose connections have those of :class:`AsyncioEnd`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import socket
import ssl
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Self

import network_threads

import ws_asyncio

__all__ = ["SHELLS", "AsyncioEnd", "AsyncioShell"]

Future = concurrent.futures.Future


class AsyncioEnd:
    """One end of a connection. Methods that return a future begin something."""

    def __init__(self, shell: AsyncioShell, connection: ws_asyncio.Connection) -> None:
        self.shell = shell
        self.connection = connection

    def recv(self) -> Future[Any]:
        return self.shell.start(self.connection.recv())

    def iterate(self) -> Future[Any]:
        """Iterate over messages, to the end."""

        async def iterate() -> list[Any]:
            return [message async for message in self.connection]

        return self.shell.start(iterate())

    def send(self, message: Any) -> Future[Any]:
        return self.shell.start(self.connection.send(message))

    def ping(self) -> Future[Any]:
        """Send a ping, and wait for its pong."""

        async def ping() -> float:
            return await (await self.connection.ping())

        return self.shell.start(ping())

    def close(self) -> Future[Any]:
        return self.shell.start(self.connection.close())

    def leave(self) -> Future[Any]:
        """Leave the connection's context manager."""
        return self.shell.start(self.connection.__aexit__(None, None, None))

    def wait_closed(self) -> Future[Any]:
        return self.shell.start(self.connection.wait_closed())

    def shrink(self) -> None:
        """Make the socket's buffer for output small, so that what is sent waits with us."""
        sock = self.connection.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**13)

    def is_full(self) -> bool:
        """Whether so many messages wait to be received that reading has stopped."""
        return not self.connection.transport.is_reading()

    @property
    def close_code(self) -> int | None:
        return self.connection.close_code


class AsyncioServer:
    """
    A server on a free port.

    :param shell: the shell.
    :param server: the server.
    """

    def __init__(self, shell: AsyncioShell, server: ws_asyncio.Server) -> None:
        self.shell = shell
        self.server = server
        self.port: int = server.sockets[0].getsockname()[1]

    def shut_down(self) -> Future[Any]:
        """Close the server with its connections."""

        async def shut_down() -> None:
            self.server.close()
            await self.server.wait_closed()

        return self.shell.start(shut_down())


class AsyncioShell:
    """Runs :mod:`ws_asyncio` on an event loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="asyncio shell")
        self._accepted: asyncio.Queue[ws_asyncio.ServerConnection] = asyncio.Queue()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.start(self._leave_nothing()).result(timeout=30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _leave_nothing(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        # Transports that were aborted come to rest.
        for _ in range(3):
            await asyncio.sleep(0)

    def start(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def block(self, seconds: float) -> None:
        """Let nothing else run where the connections do."""
        self.loop.call_soon_threadsafe(time.sleep, seconds)

    def serve(self, context: ssl.SSLContext | None = None, **settings: Any) -> AsyncioServer:
        """Run a server. Its connections are what :meth:`accept` returns, and stay open."""

        async def handler(connection: ws_asyncio.ServerConnection) -> None:
            self._accepted.put_nowait(connection)
            await connection.wait_closed()

        async def serve() -> ws_asyncio.Server:
            return await ws_asyncio.serve(handler, "127.0.0.1", 0, ssl=context, **settings)

        return AsyncioServer(self, self.start(serve()).result(timeout=10))

    def accept(self) -> AsyncioEnd:
        """The server's end of the connection that was opened next."""
        return AsyncioEnd(self, self.start(self._accepted.get()).result(timeout=10))

    def connect(
        self, port: int, context: ssl.SSLContext | None = None, **settings: Any
    ) -> Future[AsyncioEnd]:
        """Begin to connect."""
        scheme = "ws" if context is None else "wss"
        uri = f"{scheme}://127.0.0.1:{port}"

        async def connect() -> AsyncioEnd:
            return AsyncioEnd(self, await ws_asyncio.connect(uri, ssl=context, **settings))

        return self.start(connect())


SHELLS: dict[str, Callable[[], Any]] = {
    "asyncio": AsyncioShell,
    "threads": network_threads.ThreadsShell,
}
