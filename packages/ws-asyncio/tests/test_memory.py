"""Transports in memory do what transports over sockets do: each test runs on both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from kit import on_sockets

from ws_asyncio.memory import MemoryNetwork


class Recorder(asyncio.Protocol):
    """A protocol that writes down what it is told."""

    transport: asyncio.Transport

    def __init__(self, half_close: bool = True) -> None:
        self.half_close = half_close
        self.received = bytearray()
        self.calls: list[str] = []
        self.eof = asyncio.get_running_loop().create_future()
        self.lost = asyncio.get_running_loop().create_future()
        self.exception: Exception | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data

    def eof_received(self) -> bool:
        self.eof.set_result(None)
        return self.half_close

    def pause_writing(self) -> None:
        self.calls.append("pause")

    def resume_writing(self) -> None:
        self.calls.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.exception = exc
        self.lost.set_result(None)


class Buffered(asyncio.BufferedProtocol):
    """Reads five bytes at a time."""

    def __init__(self) -> None:
        self.buffer = bytearray(5)
        self.chunks: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.chunks.append(bytes(self.buffer[:nbytes]))


Join = Callable[[Any, Any], Coroutine[Any, Any, tuple[Any, Any]]]


async def join_in_memory(client: Any, server: Any) -> tuple[Any, Any]:
    network = MemoryNetwork()
    listener = await network.create_server(lambda: server)
    await network.create_connection(lambda: client)
    listener.close()
    return client, server


async def join_by_socket(client: Any, server: Any) -> tuple[Any, Any]:
    loop = asyncio.get_running_loop()
    made = loop.create_future()

    def accept() -> Any:
        made.set_result(None)
        return server

    listener = await loop.create_server(accept, "127.0.0.1", 0)
    await loop.create_connection(lambda: client, *listener.sockets[0].getsockname())
    await made
    while not hasattr(server, "transport"):
        await asyncio.sleep(0)
    listener.close()
    return client, server


def on_both(test: Callable[[Join], Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test on each network, with asyncio's own event loop."""

    @pytest.mark.parametrize("join", [join_in_memory, join_by_socket])
    def wrapper(join: Join) -> None:
        asyncio.run(asyncio.wait_for(test(join), 20))

    wrapper.__name__ = test.__name__
    return wrapper


async def until(condition: Callable[[], Any]) -> None:
    """Wait for it; a test that waits in vain is ended by its time limit."""
    while not condition():
        await asyncio.sleep(0.001)


@on_both
async def test_data_arrives_in_order(join: Join) -> None:
    client, server = await join(Recorder(), Recorder())
    client.transport.write(b"ab")
    client.transport.writelines([b"c", bytearray(b"d"), memoryview(b"e")])
    server.transport.write(b"xyz")
    await until(lambda: len(server.received) == 5 and len(client.received) == 3)
    assert (server.received, client.received) == (b"abcde", b"xyz")
    client.transport.abort()
    server.transport.abort()


@on_both
async def test_the_directions_end_apart(join: Join) -> None:
    client, server = await join(Recorder(), Recorder())
    assert client.transport.can_write_eof()
    client.transport.write(b"request")
    client.transport.write_eof()
    await server.eof
    assert server.received == b"request"
    with pytest.raises(RuntimeError):
        client.transport.write(b"more")
    server.transport.write(b"response")
    server.transport.close()
    await client.eof
    assert client.received == b"response"
    client.transport.close()
    await client.lost
    await server.lost
    assert (client.exception, server.exception) == (None, None)


@on_both
async def test_a_protocol_that_wants_no_half_is_closed(join: Join) -> None:
    client, server = await join(Recorder(), Recorder(half_close=False))
    client.transport.write_eof()
    await server.lost
    assert server.exception is None
    await client.eof
    client.transport.close()
    await client.lost


@on_both
async def test_what_was_written_before_the_close_arrives(join: Join) -> None:
    client, server = await join(Recorder(), Recorder())
    client.transport.write(b"x" * 1_000_000)
    client.transport.close()
    assert client.transport.is_closing()
    client.transport.write(b"late")
    await server.eof
    assert server.received == b"x" * 1_000_000
    server.transport.close()
    await client.lost


@on_both
async def test_an_abort_resets_the_other_end(join: Join) -> None:
    client, server = await join(Recorder(), Recorder())
    server.transport.pause_reading()
    # Over sockets, it takes bytes that weren't read to make a reset of the close.
    client.transport.write(b"unread")
    await asyncio.sleep(0.01)
    server.transport.abort()
    server.transport.abort()
    await server.lost
    await client.lost
    assert server.exception is None
    assert isinstance(client.exception, ConnectionResetError)


@on_both
async def test_writing_to_an_end_that_is_gone_resets(join: Join) -> None:
    client, server = await join(Recorder(), Recorder())
    server.transport.close()
    await server.lost
    await client.eof
    while not client.lost.done():
        client.transport.write(b"x")
        await asyncio.sleep(0.001)
    assert isinstance(client.exception, ConnectionError)


@on_both
async def test_an_end_that_does_not_read_makes_the_other_pause(join: Join) -> None:
    client, server = await join(Recorder(), Recorder())
    client.transport.set_write_buffer_limits(1000, 100)
    assert client.transport.get_write_buffer_limits() == (100, 1000)
    server.transport.pause_reading()
    assert not server.transport.is_reading()
    size = 0
    while not client.calls:
        client.transport.write(b"x" * 100_000)
        size += 100_000
        await asyncio.sleep(0)
    assert client.transport.get_write_buffer_size() > 1000
    assert not server.received
    server.transport.resume_reading()
    assert server.transport.is_reading()
    await until(lambda: len(server.received) == size)
    assert client.calls == ["pause", "resume"]
    assert client.transport.get_write_buffer_size() == 0
    client.transport.abort()
    server.transport.abort()


@on_both
async def test_a_buffer_of_the_protocol_is_read_into(join: Join) -> None:
    client, server = await join(Recorder(), Buffered())
    client.transport.write(b"0123456789ab")
    await until(lambda: sum(map(len, server.chunks)) == 12)
    assert server.chunks == [b"01234", b"56789", b"ab"]
    client.transport.abort()
    server.transport.abort()
    await client.lost


@pytest.mark.parametrize(
    ("given", "low", "high"),
    [((), 2**14, 2**16), ((1000,), 250, 1000), ((None, 100), 100, 400), ((9, 3), 3, 9)],
)
@on_sockets
async def test_write_limits(given: tuple[Any, ...], low: int, high: int) -> None:
    client, server = await join_in_memory(Recorder(), Recorder())
    client.transport.set_write_buffer_limits(*given)
    assert client.transport.get_write_buffer_limits() == (low, high)
    client.transport.abort()
    await server.lost


@on_sockets
async def test_nobody_listens() -> None:
    network = MemoryNetwork()
    with pytest.raises(ConnectionRefusedError):
        await network.create_connection(Recorder)
    server = await network.create_server(Recorder)
    assert server.is_serving()
    server.close()
    with pytest.raises(ConnectionRefusedError):
        await network.create_connection(Recorder)


@on_sockets
async def test_a_held_network_holds_data_ends_and_resets() -> None:
    network = MemoryNetwork()
    server = await network.create_server(Recorder)
    clients = [(await network.create_connection(Recorder))[1] for _ in range(2)]
    others = [link[1].get_protocol() for link in network.links]
    network.hold()
    clients[0].transport.write(b"data")
    clients[0].transport.write_eof()
    clients[1].transport.abort()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not others[0].received and not others[0].eof.done() and not others[1].lost.done()
    network.release()
    await others[0].eof
    await others[1].lost
    assert others[0].received == b"data"
    assert isinstance(others[1].exception, ConnectionResetError)
    server.close()
    network.abort()
    await others[0].lost
    await clients[0].lost
    assert isinstance(clients[0].exception, ConnectionResetError)
