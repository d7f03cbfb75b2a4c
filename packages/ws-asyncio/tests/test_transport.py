"""The transport's side: one buffer for many connections, and calls in an order that is allowed."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import weakref
from typing import Any

import pytest
from kit import (
    CLOSE,
    PING,
    PONG,
    TEXT,
    echo,
    frame,
    hold,
    in_memory,
    memory,
    no_collector,
    on_sockets,
    pair,
    raw_open,
    turns,
)

from ws_asyncio import ServerConnection, connect, serve
from ws_asyncio.testing import connected_pair, serving
from ws_asyncio.transport import queue_limits, write_limits
from ws_sansio.shells import READ_SIZE
from ws_types.exceptions import ConnectionClosedError


@in_memory
async def test_connections_share_one_buffer_and_not_what_is_in_it() -> None:
    """Frames of many connections arrive in pieces, one piece of each at a time."""
    async with serve(echo, ping_interval=None) as server:
        raws = [await raw_open() for _ in range(5)]
        buffers = {id(connection.get_buffer(-1)) for connection in server.connections}
        assert len(buffers) == 1
        messages = [frame(TEXT, bytes([65 + i]) * 300) for i in range(5)]
        for start in range(0, len(messages[0]), 7):
            for raw, message in zip(raws, messages, strict=True):
                raw.transport.write(message[start : start + 7])
            await turns(3)
        for i, raw in enumerate(raws):
            assert raw.received == frame(TEXT, bytes([65 + i]) * 300, masked=False)
            raw.transport.abort()


@in_memory
async def test_the_buffer_is_bounded() -> None:
    async with pair() as both:
        assert len(both.client.get_buffer(10**9)) == READ_SIZE
        assert both.client.get_buffer(1) is both.other.get_buffer(1)


@in_memory
async def test_a_message_larger_than_the_buffer() -> None:
    memory().capacity = 2**20
    async with pair(echo) as both:
        await both.client.send("\u00e9" * 400_000)
        assert await both.client.recv() == "\u00e9" * 400_000


@in_memory
async def test_messages_of_one_read_wake_the_reader_once() -> None:
    wakes = 0

    class Counting(ServerConnection):
        def _wake(self) -> None:
            nonlocal wakes
            wakes += self._receiver is not None
            super()._wake()

    received: list[Any] = []

    async def handler(connection: ServerConnection) -> None:
        async for message in connection:
            received.append(message)

    async with serve(handler, ping_interval=None, create_connection=Counting):
        raw = await raw_open()
        raw.transport.write(frame(TEXT, b"a") * 100)
        await turns()
        assert (wakes, len(received)) == (1, 100)
        raw.transport.abort()


@in_memory
async def test_the_server_ends_the_stream_first() -> None:
    async with serve(hold, ping_interval=None):
        raw = await raw_open()
        raw.transport.write(frame(CLOSE, b"\x03\xe8"))
        await turns()
        assert raw.received == frame(CLOSE, b"\x03\xe8", masked=False)
        assert raw.eof
        raw.transport.abort()


@in_memory
async def test_what_follows_a_failure_is_not_read() -> None:
    async with serve(hold, ping_interval=None) as server:
        raw = await raw_open()
        (connection,) = server.connections
        raw.transport.write(frame(TEXT, b"good") + b"\xff" * 10 + frame(TEXT, b"late"))
        await turns()
        raw.transport.write(frame(TEXT, b"later"))
        raw.transport.write_eof()
        assert await connection.recv() == "good"
        with pytest.raises(ConnectionClosedError):
            await connection.recv()
        assert raw.received.startswith(b"\x88")
        assert raw.received[2:4] == b"\x03\xea"
        raw.transport.abort()


@in_memory
async def test_nothing_is_written_to_a_transport_that_closes() -> None:
    async with pair() as both:
        before = len(both.wire.writes)
        both.wire.close()
        await both.client.send("a")
        await both.client.pong()
        assert len(both.wire.writes) == before
        await both.client.wait_closed()
        assert both.client.close_code == 1006


@in_memory
async def test_an_end_of_the_stream_that_cannot_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    # The peer has reset the connection, and this is how the event loop learns it.
    async with serve(echo, ping_interval=None):
        raw = await raw_open()
        wire = memory().links[-1][1]
        monkeypatch.setattr(wire, "write_eof", _refuse)
        raw.transport.write(frame(CLOSE))
        await turns()
        assert wire.aborted
        assert raw.lost.done()


def _refuse() -> None:
    raise OSError("not connected")


@in_memory
async def test_reading_is_not_paused_once_the_transport_closes() -> None:
    async with pair(client={"max_queue": 0}) as both:
        both.client._received(["a", "b"])
        both.wire.close()
        await turns()
        assert both.wire.pauses == 0


@in_memory
async def test_reading_is_not_resumed_once_the_connection_is_lost() -> None:
    async with pair(client={"max_queue": 0}) as both:
        await both.other.send("a")
        await turns()
        assert both.wire.reading_paused
        both.wire.abort()
        await turns()
        assert await both.client.recv() == "a"


@in_memory
async def test_control_frames_are_handled_while_nobody_receives() -> None:
    async with serve(hold, ping_interval=None):
        raw = await raw_open()
        raw.transport.write(frame(TEXT, b"a") * 3 + frame(PING, b"there?"))
        await turns()
        assert raw.received == frame(PONG, b"there?", masked=False)
        raw.transport.abort()


@in_memory
async def test_timers_are_gone_with_the_connection() -> None:
    async with pair(client={"ping_interval": 20}, server={"ping_interval": 20}) as both:
        both.wire.abort()
        await turns()
        assert both.client._timer is both.other._timer is None
        assert not [
            handle
            for handle in asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
            if not handle.cancelled() and "_on_deadline" in repr(handle)
        ]


@pytest.mark.parametrize(
    ("given", "limits"),
    [(5, (5, None)), (0, (0, None)), ((5, None), (5, None)), ((5, 0), (5, 0)), ((5, 5), (5, 5))],
)
def test_write_limits(given: Any, limits: tuple[int, int | None]) -> None:
    assert write_limits(given) == limits


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (-1, "write_limit must be at least 0 bytes, not -1"),
        ((5, 6), "write_limit's low-water mark must be between 0 and 5, not 6"),
        ((5, -1), "write_limit's low-water mark must be between 0 and 5, not -1"),
    ],
)
def test_write_limits_that_make_no_sense(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        write_limits(given)


def test_queue_limits() -> None:
    assert queue_limits(None) == (None, None)
    assert queue_limits(5) == (5, None)
    assert queue_limits((5, 2)) == (5, 2)


@on_sockets
async def test_a_connection_whose_write_failed_is_freed_at_once() -> None:
    """Regression: the exception is kept, and its traceback held the connection."""
    # Tracebacks that were logged are kept by pytest.
    silent = logging.Logger("silent", logging.CRITICAL)
    async with serving(echo, logger=silent) as server, connect(server.uri) as client:
        (connection,) = server.server.connections
        # As where the network has gone, unknown to the event loop.
        descriptor = connection.transport.get_extra_info("socket").fileno()
        with socket.socket(fileno=os.dup(descriptor)) as sock:
            sock.shutdown(socket.SHUT_WR)
        with no_collector():
            freed = weakref.ref(connection)
            await client.send("a")
            await client.wait_closed()
            await connection.wait_closed()
            assert connection.close_code == 1006
            del connection
            for _ in range(100):
                if freed() is None:
                    break
                await asyncio.sleep(0.01)
            assert freed() is None


@pytest.mark.parametrize("compression", [None, "deflate"])
@in_memory
async def test_reads_are_smaller_where_they_may_be_decompressed(compression: str | None) -> None:
    settings = {"compression": compression}
    async with connected_pair(client=settings, server=settings) as (client, server):
        sizes = {len(end.get_buffer(-1)) for end in (client, server)}
        assert sizes == {READ_SIZE if compression is None else 2**15}
