"""Reading stops exactly when it should, and sending waits exactly when it should."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from kit import (
    MEGABYTE,
    PING,
    PONG,
    TEXT,
    Pair,
    echo,
    frame,
    hold,
    in_memory,
    memory,
    on_sockets,
    pair,
    raw_open,
    receive_all,
    turns,
)

from ws_asyncio import ServerConnection, connect, serve
from ws_types.exceptions import ConnectionClosedError, ConnectionClosedOK


async def fill(both: Pair, count: int) -> None:
    """Send messages to the server's end one by one, and let each arrive."""
    for i in range(count):
        await both.client.send(str(i))
        await turns(5)


@pytest.mark.parametrize(
    ("max_queue", "paused_at", "resumed_at"),
    [(16, 17, 4), (4, 5, 1), ((8, 6), 9, 6), ((8, 0), 9, 0), (0, 1, 0), ((4, 4), 5, 4)],
)
@in_memory
async def test_reading_stops_above_high_and_goes_on_at_low(
    max_queue: Any, paused_at: int, resumed_at: int
) -> None:
    async with pair(server={"max_queue": max_queue}) as both:
        wire = both.other_wire
        await fill(both, paused_at - 1)
        assert not wire.reading_paused
        await fill(both, 1)
        assert wire.reading_paused
        await fill(both, 3)
        for waiting in range(paused_at - 1, resumed_at, -1):
            await both.other.recv()
            assert wire.reading_paused, waiting
        if paused_at - 1 >= resumed_at:
            await both.other.recv()
        assert not wire.reading_paused
        assert wire.pauses == 1


@in_memory
async def test_no_limit_in_messages() -> None:
    async with pair(server={"max_queue": None}) as both:
        await fill(both, 500)
        assert both.other_wire.pauses == 0


@in_memory
async def test_limit_in_bytes() -> None:
    async with pair(server={"max_queue": None, "max_queue_size": 100_000}) as both:
        for _ in range(9):
            await both.client.send(b"x" * 11_000)
            await turns(5)
        assert not both.other_wire.reading_paused
        await both.client.send(b"x" * 11_000)
        await turns(5)
        assert both.other_wire.reading_paused
        while both.other_wire.reading_paused:
            await both.other.recv()
        assert both.other._inbox.size <= 25_000


@in_memory
async def test_reading_does_not_stop_for_a_reader_that_keeps_up() -> None:
    async with serve(echo, ping_interval=None, max_queue=1):
        raw = await raw_open()
        for _ in range(10):
            raw.transport.write(frame(TEXT, b"a") * 100)
            await turns()
        assert raw.transport.other.pauses == 0
        assert raw.received == frame(TEXT, b"a", masked=False) * 1000
        raw.transport.abort()


@in_memory
async def test_a_peer_that_sends_too_much_is_held_back() -> None:
    """What is received and not read stays bounded, however much the peer sends."""
    async with pair(client={"write_limit": 1000}) as both:

        async def flood() -> None:
            for _ in range(1000):
                await both.client.send(b"x" * 10_000)

        flooding = asyncio.create_task(flood())
        await turns(500)
        assert not flooding.done()
        # The queue, one read, and the wire are 10 MB less than what waits to be sent.
        assert both.other._inbox.size < 500_000
        for _ in range(1000):
            assert len(await both.other.recv()) == 10_000
        await flooding


@in_memory
async def test_send_waits_above_the_limit_until_output_has_drained() -> None:
    memory().capacity = 1000
    async with pair(client={"write_limit": (5000, 2000)}, server={"max_queue": 0}) as both:
        await both.client.send(b"x" * 100)  # is read, and stops the reading
        await turns()
        await both.client.send(b"x" * 990)  # fills the wire
        await both.client.send(b"x" * 4990)  # is below the limit with its header
        blocked = asyncio.create_task(both.client.send(b"y"))
        await turns()
        assert not blocked.done()
        assert both.wire.get_write_buffer_size() > 5000
        await both.other.recv()
        await both.other.recv()
        await both.other.recv()
        await blocked
        assert await both.other.recv() == b"y"


@in_memory
async def test_a_send_that_waits_can_be_cancelled_and_its_message_is_whole() -> None:
    memory().capacity = 1000
    async with pair(client={"write_limit": 1000}, server={"max_queue": 0}) as both:
        await both.client.send(b"stop")
        await turns()
        blocked = asyncio.create_task(both.client.send(b"x" * 10_000))
        await turns()
        blocked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await blocked
        assert await both.other.recv() == b"stop"
        assert await both.other.recv() == b"x" * 10_000
        assert not both.client._drainers
        await both.client.send(b"after")
        assert await both.other.recv() == b"after"


@in_memory
async def test_a_send_that_waits_ends_when_the_connection_is_lost() -> None:
    memory().capacity = 1000
    async with pair(client={"write_limit": 1000}, server={"max_queue": 0}) as both:
        await both.client.send(b"stop")
        await turns()
        blocked = [asyncio.create_task(both.client.send(b"x" * 10_000)) for _ in range(3)]
        await turns()
        both.other_wire.abort()
        for task in blocked:
            with pytest.raises(ConnectionClosedError):
                await task


@in_memory
async def test_a_fragmented_message_waits_too() -> None:
    memory().capacity = 1000
    async with pair(client={"write_limit": 1000}, server={"max_queue": 0}) as both:
        await both.client.send(b"stop")
        await turns()
        blocked = asyncio.create_task(both.client.send([b"x" * 10_000] * 3))
        await turns()
        assert not blocked.done()
        assert both.wire.get_write_buffer_size() < 15_000
        assert await both.other.recv() == b"stop"
        assert await both.other.recv() == b"x" * 30_000
        await blocked


# Pongs


@in_memory
async def test_a_flood_of_pings_from_a_peer_that_never_reads() -> None:
    """One pong at most waits above the limit, and it answers the newest ping."""
    memory().capacity = 4096
    async with serve(hold, ping_interval=None, write_limit=8192):
        raw = await raw_open()
        raw.transport.pause_reading()
        wire = raw.transport.other
        for i in range(5000):
            raw.transport.write(frame(PING, b"%0125d" % i))
            if i % 10 == 0:
                await turns(3)
            assert wire.get_write_buffer_size() < 8192 + 4096
        await turns(500)
        raw.transport.resume_reading()
        await turns(500)
        assert raw.received.endswith(frame(PONG, b"%0125d" % 4999, masked=False))
        assert len(raw.received) < 200 * 127
        raw.transport.abort()


@in_memory
async def test_pings_are_answered_after_output_was_paused_once() -> None:
    """Regression: what was sent later counted as waiting, and pongs were held back for ever."""
    memory().capacity = 2000
    async with pair(echo, server={"write_limit": (10_000, 5000)}) as both:
        both.wire.pause_reading()
        await both.client.send(b"x" * 30_000)
        await turns()
        assert both.other._writing_paused
        both.wire.resume_reading()
        assert len(await both.client.recv()) == 30_000
        assert not both.other._writing_paused
        for _ in range(10):
            await both.client.send(b"x" * 3000)
            await both.client.recv()
        assert await asyncio.wait_for(await both.client.ping(), 1) >= 0


@in_memory
async def test_two_peers_that_stream_at_once_do_not_deadlock() -> None:
    """Both send far more than the network holds before either reads a message."""
    memory().capacity = 10_000
    async with pair(hold) as both:

        async def stream(connection: Any) -> int:
            for _ in range(12):
                await connection.send(b"x" * 300_000)
            return sum([len(await connection.recv()) for _ in range(12)])

        sizes = await asyncio.gather(stream(both.client), stream(both.other))
        assert sizes == [3_600_000, 3_600_000]


@on_sockets
async def test_two_peers_that_stream_at_once_over_sockets() -> None:
    async def stream(connection: Any) -> None:
        for _ in range(12):
            await connection.send(MEGABYTE)
        for _ in range(12):
            assert await connection.recv() == MEGABYTE

    async with serve(stream, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/") as client:
            await stream(client)


# Closing


@in_memory
async def test_closing_with_a_full_inbox_and_nobody_reading() -> None:
    """The close frame of the peer is behind more than the inbox has room for."""

    async def flood(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosedOK):
            while True:
                await connection.send(b"x" * 10_000)

    async with pair(flood, client={"max_queue": 2}) as both:
        await turns(100)
        assert both.wire.reading_paused
        before = memory().now
        await both.client.close()
        assert memory().now - before <= 2
        assert both.client.close_code == 1000
        # What had room is there, without a gap.
        assert 2 < len(await receive_all(both.client)) < 100


@in_memory
async def test_closing_loses_nothing_while_somebody_reads() -> None:
    """However slowly, as long as it goes on; the timer of the keepalive doesn't matter."""

    sent: list[str] = []

    async def count(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosedOK):
            for i in range(2000):
                await connection.send(f"{i:0100}")
                sent.append(f"{i:0100}")

    patient = {"max_queue": 2, "close_timeout": 3000}
    async with pair(count, client=patient | {"ping_interval": 5}, server=patient) as both:
        received: list[Any] = []

        async def read() -> None:
            async for message in both.client:
                received.append(message)
                await asyncio.sleep(0.3)

        reading = asyncio.create_task(read())
        await turns(5)
        # One read brings hundreds.
        assert both.client._inbox.count > 100
        await both.client.close()
        await reading
        assert len(sent) > 1000
        assert received == sent


@pytest.mark.parametrize("close_timeout", [None, 1])
@in_memory
async def test_an_inbox_that_fills_while_closing(close_timeout: float | None) -> None:
    """Reading is paused for a while, for whoever receives, and then goes on without room."""
    settings = {"max_queue": 2, "close_timeout": close_timeout}
    memory().capacity = 1000
    async with pair(hold, client=settings) as both:
        closing = asyncio.create_task(both.client.close())
        sending = asyncio.gather(*[both.other.send(b"x" * 900) for _ in range(20)])
        await turns(100)
        await sending
        assert both.wire.reading_paused
        await closing
        assert both.client.close_code == 1000
        assert 3 <= len(await receive_all(both.client)) < 20


@in_memory
async def test_what_is_dropped_leaves_no_gap() -> None:
    async def count(connection: ServerConnection) -> None:
        for i in range(10_000):
            await connection.send(f"{i:05}" * 20)

    memory().capacity = 2000
    async with pair(count, client={"max_queue": 4}) as both:
        await turns(100)
        closing = asyncio.create_task(both.client.close())
        await asyncio.sleep(1.5)
        received = await receive_all(both.client)
        await closing
        assert 0 < len(received) < 10_000
        assert received == [f"{i:05}" * 20 for i in range(len(received))]


@in_memory
async def test_messages_before_a_close_frame_are_kept_whatever_their_number() -> None:
    async with serve(hold, ping_interval=None):
        raw = await raw_open()
        (connection,) = memory_connections()
        raw.transport.write(frame(TEXT, b"a") * 100 + frame(8, b"\x03\xe8"))
        raw.transport.write_eof()
        start = memory().now
        await connection.wait_closed()
        assert memory().now == start
        for _ in range(100):
            assert await connection.recv() == "a"
        with pytest.raises(ConnectionClosedOK):
            await connection.recv()
        raw.transport.abort()


def memory_connections() -> list[Any]:
    return [link[1].protocol for link in memory().links]
