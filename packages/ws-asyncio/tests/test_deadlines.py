"""Every wait ends, on a network that drops everything; and none ends too soon."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from kit import (
    PONG,
    REQUEST,
    TEXT,
    URI,
    Raw,
    echo,
    frame,
    hold,
    in_memory,
    memory,
    pair,
    raw_client,
    raw_open,
    turns,
)

from ws_asyncio import ClientConnection, ServerConnection, connect, serve
from ws_types.exceptions import ConnectionClosedError
from ws_types.http11 import Request

ALIVE: dict[str, Any] = {"ping_interval": 20, "ping_timeout": 20, "close_timeout": 10}


def since(start: float) -> float:
    return memory().now - start


# A network that drops everything


@pytest.mark.parametrize("side", ["client", "server"])
@in_memory
async def test_recv_ends_on_a_dead_network(side: str) -> None:
    settings = {side: ALIVE}
    async with pair(**settings) as both:
        connection = both.client if side == "client" else both.other
        memory().cut()
        start = memory().now
        with pytest.raises(ConnectionClosedError) as raised:
            await connection.recv()
        # Interval, timeout, and the closing handshake.
        assert since(start) == pytest.approx(50, abs=1)
        assert "keepalive ping timeout: peer was silent for 20.0 s" in str(raised.value)
        assert connection.close_code == 1006


@pytest.mark.parametrize("side", ["client", "server"])
@in_memory
async def test_send_ends_on_a_dead_network_with_full_buffers(side: str) -> None:
    settings = {side: ALIVE}
    async with pair(**settings) as both:
        connection = both.client if side == "client" else both.other
        memory().cut()
        start = memory().now
        with pytest.raises(ConnectionClosedError) as raised:
            await asyncio.gather(*[connection.send(b"x" * 10_000) for _ in range(20)])
        assert since(start) == pytest.approx(50, abs=1)
        assert "keepalive ping timeout: output made no progress" in str(raised.value)


@pytest.mark.parametrize("begun", [False, True])
@in_memory
async def test_recv_streaming_ends_on_a_dead_network(begun: bool) -> None:
    async def items() -> AsyncIterator[str]:
        yield "a"
        await asyncio.Event().wait()

    async with pair(client=ALIVE) as both:
        stream = both.client.recv_streaming()
        if begun:
            sending = asyncio.create_task(both.other.send(items()))
            assert await anext(stream) == "a"
            sending.cancel()
        memory().cut()
        with pytest.raises(ConnectionClosedError):
            await anext(stream)
        with pytest.raises(ConnectionClosedError):
            await both.client.recv()


@pytest.mark.parametrize("waiting", [0, 30])
@in_memory
async def test_send_ends_where_reading_paused_after_the_ping_had_left(waiting: float) -> None:
    """Regression: a send waited for ever."""
    async with serve(hold, **ALIVE | {"max_queue": 1}) as server:
        raw = await raw_open()
        (connection,) = server.connections
        await asyncio.sleep(21)
        assert raw.received[0] == 0x89
        raw.transport.write(frame(TEXT, b"fill") * 5)
        await turns()
        raw.transport.pause_reading()
        await asyncio.sleep(waiting)
        start = memory().now
        with pytest.raises(ConnectionClosedError, match="output made no progress"):
            await asyncio.wait_for(connection.send(b"x" * 1_000_000), 100)
        # At the latest, it is noticed after one timeout, and given up after another.
        assert since(start) <= 51


async def _pong(connection: Any) -> None:
    await (await connection.ping())


WAITS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "recv": lambda connection: connection.recv(),
    "send": lambda connection: connection.send([b"x" * 50_000] * 10),
    "pong": _pong,
    "wait_closed": lambda connection: connection.wait_closed(),
    "close": lambda connection: connection.close(),
    "iteration": lambda connection: connection.__aiter__().__anext__(),
}


@pytest.mark.parametrize("wait", WAITS)
@in_memory
async def test_every_wait_ends_with_the_inbox_and_the_output_full(wait: str) -> None:
    async with pair(client=ALIVE | {"max_queue": 1}) as both:
        for _ in range(5):
            await both.other.send("fill")
        await turns()
        assert both.wire.reading_paused
        memory().cut()
        filling = asyncio.create_task(both.client.send(b"x" * 100_000))
        await turns()
        if wait in ("recv", "iteration"):
            for _ in range(5):
                await both.client.recv()
        start = memory().now
        with contextlib.suppress(ConnectionClosedError):
            await asyncio.wait_for(WAITS[wait](both.client), 100)
        assert since(start) <= (10.1 if wait == "close" else 61)
        with pytest.raises(ConnectionClosedError):
            await filling


@pytest.mark.parametrize("side", ["client", "server"])
@in_memory
async def test_close_ends_on_a_dead_network(side: str) -> None:
    async with pair(**{side: {"close_timeout": 7}}) as both:
        connection = both.client if side == "client" else both.other
        memory().cut()
        start = memory().now
        await connection.close()
        assert since(start) == pytest.approx(7, abs=0.1)
        assert connection.close_code == 1006
        assert str(connection.protocol.parser_exc) == "timed out during closing handshake"


@in_memory
async def test_leaving_the_client_ends_on_a_dead_network() -> None:
    async with serve(hold, ping_interval=None):
        start = memory().now
        async with connect(URI, ping_interval=None, close_timeout=3):
            memory().cut()
        assert since(start) == pytest.approx(3, abs=0.1)


@in_memory
async def test_closing_the_server_ends_on_a_dead_network() -> None:
    start = 0.0
    async with serve(hold, ping_interval=None, close_timeout=4):
        raws = [await raw_open() for _ in range(10)]
        assert raws
        memory().cut()
        start = memory().now
    assert since(start) == pytest.approx(4, abs=0.1)


@in_memory
async def test_close_that_is_cancelled_goes_on() -> None:
    async with pair(client={"close_timeout": 5}) as both:
        memory().cut()
        start = memory().now
        closing = asyncio.create_task(both.client.close())
        await turns()
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        await both.client.wait_closed()
        assert since(start) == pytest.approx(5, abs=0.1)


@in_memory
async def test_a_peer_that_ends_its_stream_and_never_reads() -> None:
    """Regression: output that nobody took kept the connection, for ever."""
    waiting: list[ServerConnection] = []

    async def flood(connection: ServerConnection) -> None:
        waiting.append(connection)
        await connection.send(b"x" * 1_000_000)

    async with serve(flood, ping_interval=None, close_timeout=6):
        raw = await raw_open()
        raw.transport.pause_reading()
        await turns()
        start = memory().now
        raw.transport.write_eof()
        await asyncio.wait_for(waiting[0].wait_closed(), 100)
        assert since(start) == pytest.approx(6, abs=0.1)


@in_memory
async def test_a_peer_that_takes_what_was_sent_before_the_end_gets_all_of_it() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send(b"x" * 1_000_000)

    memory().capacity = 1000
    async with serve(talk, ping_interval=None, close_timeout=6):
        raw = await raw_open()
        raw.transport.write_eof()
        raw.transport.pause_reading()
        await asyncio.sleep(5)
        raw.transport.resume_reading()
        await turns(10_000)
        assert len(raw.received) == 1_000_010
        raw.transport.abort()


@in_memory
async def test_no_close_timeout_is_no_limit() -> None:
    async with pair(client={"close_timeout": None}) as both:
        memory().cut()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(both.client.close(), 3000)
        both.wire.abort()


# The opening handshake


@in_memory
async def test_a_client_gives_up_on_a_silent_server() -> None:
    async def listen() -> None:
        await memory().create_server(Raw)

    await listen()
    start = memory().now
    with pytest.raises(TimeoutError, match=r"^timed out during opening handshake$"):
        await connect(URI, open_timeout=8)
    assert since(start) == pytest.approx(8, abs=0.1)
    await turns()
    assert memory().links[0][0].lost


@in_memory
async def test_a_client_waits_as_long_as_it_is_told() -> None:
    await memory().create_server(Raw)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(connect(URI, open_timeout=None).connect(), 3000)


@pytest.mark.parametrize("data", [b"", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01"])
@in_memory
async def test_a_server_gives_up_on_a_handshake_that_does_not_come(data: bytes) -> None:
    async with serve(hold, open_timeout=9):
        raw = await raw_client()
        start = memory().now
        raw.transport.write(data)
        await asyncio.wait_for(raw.lost, 100)
        assert since(start) == pytest.approx(9, abs=0.1)


@in_memory
async def test_a_handshake_that_dribbles_has_the_same_time() -> None:
    async with serve(hold, open_timeout=9):
        raw = await raw_client()
        start = memory().now
        for byte in REQUEST[:-1]:
            raw.transport.write(bytes([byte]))
            await asyncio.sleep(1)
            await turns()
            if raw.lost.done():
                break
        assert since(start) == pytest.approx(9, abs=1)


@in_memory
async def test_process_request_that_takes_too_long_is_cancelled() -> None:
    """Regression: it went on, and held its connection."""
    ends: list[str] = []

    async def process_request(connection: ServerConnection, request: Request) -> None:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    async with serve(hold, process_request=process_request, open_timeout=9) as server:
        raw = await raw_client()
        start = memory().now
        raw.transport.write(REQUEST)
        await asyncio.wait_for(raw.lost, 100)
        await turns()
        assert since(start) == pytest.approx(9, abs=0.1)
        assert ends == ["cancelled"]
        assert not server._registry.tasks and server._registry.admission.is_empty()


@in_memory
async def test_a_client_that_keeps_a_refused_connection_open() -> None:
    async with serve(hold, open_timeout=100, close_timeout=9):
        raw = await raw_client()
        raw.transport.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        start = memory().now
        await asyncio.wait_for(raw.lost, 100)
        assert raw.received.startswith(b"HTTP/1.1 426 ")
        assert raw.eof
        assert since(start) == pytest.approx(9, abs=0.1)


# Keepalive


@pytest.mark.parametrize("side", ["client", "server"])
@in_memory
async def test_pings_are_sent_at_their_interval(side: str) -> None:
    """Regression: the client's first ping was never sent."""
    async with pair(**{side: ALIVE}) as both:
        connection = both.client if side == "client" else both.other
        wire = both.wire if side == "client" else both.other_wire
        before = len(wire.writes)
        await asyncio.sleep(101)
        assert len(wire.writes) - before == 5
        assert all(data[0] == 0x89 for data in wire.writes[before:])
        assert connection.latency >= 0
        assert connection.last_received is not None


@in_memory
async def test_an_interval_shorter_than_the_timeout_is_kept() -> None:
    """Regression: after an answer, the next ping came after the timeout instead."""
    settings = {"ping_interval": 2, "ping_timeout": 60}
    async with pair(client=settings) as both:
        before = len(both.wire.writes)
        await asyncio.sleep(21)
        assert len(both.wire.writes) - before == 10


@in_memory
async def test_no_interval_no_ping() -> None:
    async with pair() as both:
        before = len(both.wire.writes)
        await asyncio.sleep(3000)
        assert len(both.wire.writes) == before


@in_memory
async def test_no_timeout_never_gives_up() -> None:
    async with pair(client={"ping_interval": 20, "ping_timeout": None}) as both:
        memory().cut()
        await asyncio.sleep(3000)
        assert both.client.state.name == "OPEN"
        both.wire.abort()


@in_memory
async def test_any_byte_is_a_sign_of_life() -> None:
    """A peer that talks and never answers a ping is alive."""
    async with serve(echo, **ALIVE):
        raw = await raw_open()
        for _ in range(50):
            raw.transport.write(frame(TEXT, b"a"))
            await asyncio.sleep(10)
        assert not raw.lost.done()
        start = memory().now
        await asyncio.wait_for(raw.lost, 100)
        assert since(start) <= 61


@in_memory
async def test_a_program_that_does_not_read_is_no_dead_peer() -> None:
    async with pair(client=ALIVE | {"max_queue": 1}) as both:
        for _ in range(5):
            await both.other.send("fill")
        await turns()
        assert both.wire.reading_paused
        await asyncio.sleep(1000)
        assert both.client.state.name == "OPEN"
        for _ in range(5):
            await both.client.recv()
        await asyncio.sleep(1000)
        assert both.client.state.name == "OPEN"


@in_memory
async def test_output_that_gets_shorter_is_a_sign_of_life() -> None:
    """A peer that reads slowly, and whose pong is behind what it reads."""
    memory().capacity = 1000
    async with serve(hold, **ALIVE | {"write_limit": 2**20}) as server:
        raw = await raw_open()
        raw.transport.pause_reading()
        (connection,) = server.connections
        await connection.send(b"x" * 100_000)
        # It takes more than 300 seconds for what was sent.
        for _ in range(30):
            await asyncio.sleep(10)
            raw.transport.resume_reading()
            await turns(3)
            assert not raw.transport.is_closing()
            raw.transport.pause_reading()
        raw.transport.abort()


@in_memory
async def test_a_blocked_loop_is_told_from_a_dead_peer() -> None:
    """What arrived while our loop was blocked is read before anything is concluded."""
    async with serve(hold, **ALIVE):
        raw = await raw_open()
        await asyncio.sleep(25)
        assert raw.received[0] == 0x89
        payload = bytes(raw.received[2:6])
        # Blocked for a minute; meanwhile the pong has arrived.
        memory().now += 60
        raw.transport.write(frame(PONG, payload))
        await asyncio.sleep(5)
        assert not raw.lost.done()
        raw.transport.abort()


@in_memory
async def test_a_client_with_a_full_inbox_notices_that_it_failed() -> None:
    """Output makes no progress while reading is paused: the end of the stream is read anyway."""
    async with pair(client=ALIVE | {"max_queue": 1}) as both:
        for _ in range(5):
            await both.other.send("fill")
        await turns()
        assert both.wire.reading_paused
        memory().cut()
        with pytest.raises(ConnectionClosedError):
            await both.client.send(b"x" * 100_000)
        assert not both.wire.reading_paused


@in_memory
async def test_latency_is_the_round_trip() -> None:
    class Slow(ClientConnection):
        def buffer_updated(self, nbytes: int) -> None:
            memory().now += 0.25
            super().buffer_updated(nbytes)

    async with pair(client={"create_connection": Slow}) as both:
        assert both.client.latency == 0
        assert await (await both.client.ping()) == pytest.approx(0.25)
        assert both.client.latency == pytest.approx(0.25)
