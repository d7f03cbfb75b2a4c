"""
For the tests of programs that use this library.

:func:`connected_pair` joins a client and a server in memory::

    async with connected_pair(echo) as (client, server):
        await client.send("hello")
        assert await client.recv() == "hello"

:func:`serving` runs a server on a free port, for clients that bring their own network::

    async with serving(echo) as server, connect(server.uri) as client:
        ...

Both fit fixtures of any test runner, and event loops of any kind.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, NamedTuple, cast

from .client import ClientConnection, connect
from .memory import MemoryNetwork, MemoryTransport
from .server import Server, ServerConnection, serve

__all__ = ["ConnectedPair", "LocalServer", "connected_pair", "serving"]


class ConnectedPair(NamedTuple):
    """The two ends of a connection in memory. Get one from :func:`connected_pair`."""

    #: The client's end.
    client: ClientConnection
    #: The server's end.
    server: ServerConnection

    def hold(self) -> None:
        """
        Let nothing arrive any more, as where cables are cut: no data, and no end of the stream.

        What is sent meanwhile fills the buffers of the network, and then those of the connections.
        """
        self._network.hold()

    def release(self) -> None:
        """Let arrive what was held, and all that follows."""
        self._network.release()

    def abort(self) -> None:
        """Reset the connection: both ends lose it at once, without a closing handshake."""
        self._network.abort()

    @property
    def _network(self) -> MemoryNetwork:
        return cast(MemoryTransport, self.client.transport).network


@contextlib.asynccontextmanager
async def connected_pair(
    handler: Callable[[ServerConnection], Awaitable[None]] | None = None,
    *,
    uri: str = "ws://localhost/",
    capacity: int = 2**16,
    client: Mapping[str, Any] | None = None,
    server: Mapping[str, Any] | None = None,
) -> AsyncIterator[ConnectedPair]:
    """
    Join a client and a server in memory, without sockets, for the time of an ``async with`` block.

    Everything but the network is real: the opening and the closing handshake, extensions, limits,
    keepalive, backpressure. At the end, both ends are closed.

    :param handler: handles the server's end, as with :func:`~ws_asyncio.server.serve`;
        :data:`None` leaves it to the test.
    :param uri: what the client asks for; ``wss://`` makes no TLS.
    :param capacity: the bytes that the network holds in each direction. A small number makes it
        fill soon.
    :param client: arguments of :class:`~ws_asyncio.client.connect`.
    :param server: arguments of :func:`~ws_asyncio.server.serve`.
    :raises InvalidHandshake: if the server refuses the client.
    :raises ValueError: if *capacity* isn't positive.
    """
    if capacity < 1:
        raise ValueError(f"capacity must be at least 1 byte, not {capacity}")
    network = MemoryNetwork()
    network.capacity = capacity
    accepted: asyncio.Queue[ServerConnection] = asyncio.Queue()

    async def handle(connection: ServerConnection) -> None:
        accepted.put_nowait(connection)
        if handler is None:
            await connection.wait_closed()
        else:
            await handler(connection)

    async with serve(handle, network=network, **(server or {})) as running:
        connection = await connect(uri, network=network, **(client or {}))
        try:
            yield ConnectedPair(connection, await accepted.get())
        finally:
            network.release()
            closing = asyncio.ensure_future(connection.close())
            await asyncio.sleep(0)
            # The client has begun; but where nobody reads, it mustn't have to wait for the server.
            running.close()
            await closing


@dataclasses.dataclass(frozen=True)
class LocalServer:
    """
    A server on a free port of this machine. Get one from :func:`serving`.

    :param uri: where it listens: ``ws://`` or ``wss://``, host and port. Paths can be appended.
    :param server: the server.
    """

    uri: str
    server: Server


@contextlib.asynccontextmanager
async def serving(
    handler: Callable[[ServerConnection], Awaitable[None]],
    *,
    host: str = "127.0.0.1",
    **settings: Any,
) -> AsyncIterator[LocalServer]:
    """
    Run a server on a free port, for the time of an ``async with`` block.

    :param handler: handles a connection, as with :func:`~ws_asyncio.server.serve`.
    :param host: the address to listen on, for which a certificate has to be valid.
    :param settings: everything else that :func:`~ws_asyncio.server.serve` takes; with *ssl*, the
        URI is a ``wss://`` one.
    """
    async with serve(handler, host, 0, **settings) as server:
        port = server.sockets[0].getsockname()[1]
        scheme = "ws" if settings.get("ssl") is None else "wss"
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        yield LocalServer(f"{scheme}://{authority}", server)
