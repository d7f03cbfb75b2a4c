"""Pings, the closing handshake, and what can still be done afterwards."""

from __future__ import annotations

import asyncio

import pytest
from kit import (
    CLOSE,
    PONG,
    URI,
    echo,
    frame,
    hold,
    in_memory,
    memory,
    pair,
    raw_open,
    turns,
)

from ws_asyncio import ServerConnection, connect, serve
from ws_types.errors import ConcurrencyError, ProtocolError
from ws_types.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK

# Pings


@in_memory
async def test_ping() -> None:
    async with pair() as both:
        pong = await both.client.ping()
        assert await pong >= 0
        for data in ("text", b"bytes", bytearray(b"array"), memoryview(b"view"), b"", b"x" * 125):
            assert await (await both.client.ping(data)) >= 0


@in_memory
async def test_a_pong_answers_earlier_pings_too() -> None:
    async with serve(hold, ping_interval=None) as server:
        raw = await raw_open()
        (connection,) = server.connections
        pongs = [await connection.ping(str(i)) for i in range(4)]
        raw.transport.write(frame(PONG, b"2") + frame(PONG, b"unknown"))
        await turns()
        assert [pong.done() for pong in pongs] == [True, True, True, False]  # type: ignore[attr-defined]
        raw.transport.abort()
        with pytest.raises(ConnectionClosed):
            await pongs[3]


@in_memory
async def test_pings_that_cannot_be_sent() -> None:
    async with pair() as both:
        memory().cut()
        await both.client.ping("abc")
        with pytest.raises(ConcurrencyError, match="already waiting for a pong with the same data"):
            await both.client.ping(b"abc")
        with pytest.raises(ProtocolError, match="control frame too long"):
            await both.client.ping(b"x" * 126)
        with pytest.raises(ProtocolError, match="control frame too long"):
            await both.client.pong(b"x" * 126)
        assert both.client.state.name == "OPEN"
        both.wire.abort()
        both.other_wire.abort()


@in_memory
async def test_nobody_needs_to_wait_for_a_pong() -> None:
    """Neither is an exception that nobody retrieved reported, nor a cancelled one answered."""
    async with pair() as both:
        pong = await both.client.ping(b"1")
        pong.cancel()  # type: ignore[attr-defined]
        await turns()
        await both.client.ping(b"2")
        both.other_wire.abort()
        await both.client.wait_closed()


@in_memory
async def test_pong_without_ping() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.pong("text")
        await connection.pong()

    async with serve(talk, ping_interval=None):
        raw = await raw_open()
        await turns()
        pongs = frame(PONG, b"text", masked=False) + frame(PONG, masked=False)
        assert raw.received == pongs + frame(CLOSE, b"\x03\xe8", masked=False)
        raw.transport.abort()


# Closing


@in_memory
async def test_close_tells_code_and_reason() -> None:
    async with pair() as both:
        assert (both.client.close_code, both.client.close_reason) == (None, None)
        await both.client.close(4321, "r\u00e9ason")
        await both.other.wait_closed()
        for connection in (both.client, both.other):
            assert (connection.close_code, connection.close_reason) == (4321, "r\u00e9ason")
            assert connection.state.name == "CLOSED"
        await both.client.close()
        await both.client.close(1011)


@in_memory
async def test_close_that_cannot_be_sent_changes_nothing() -> None:
    async with pair(echo) as both:
        with pytest.raises(ProtocolError):
            await both.client.close(9999)
        with pytest.raises(ProtocolError):
            await both.client.close(1000, "x" * 124)
        await both.client.send("still there")
        assert await both.client.recv() == "still there"


@in_memory
async def test_nothing_can_be_sent_after_the_end() -> None:
    async with pair() as both:
        await both.client.close()
        for command in (
            lambda: both.client.send("a"),
            lambda: both.client.send(b"a"),
            lambda: both.client.send(["a"]),
            lambda: both.client.ping(),
            lambda: both.client.pong(),
            lambda: both.client.recv(),
        ):
            with pytest.raises(ConnectionClosedOK):
                await command()


@in_memory
async def test_the_error_of_send_says_what_the_peer_did_wrong() -> None:
    """Regression: the cause was lost."""
    async with serve(hold, ping_interval=None) as server:
        raw = await raw_open()
        (connection,) = server.connections
        raw.transport.write(b"\xff" * 20)
        raw.transport.write_eof()
        await connection.wait_closed()
        for message in ("a", ["a"]):
            with pytest.raises(ConnectionClosedError) as raised:
                await connection.send(message)
            assert isinstance(raised.value.__cause__, ProtocolError)
        raw.transport.abort()


@in_memory
async def test_a_connection_that_is_dropped() -> None:
    async with pair(hold) as both:
        receiving = asyncio.create_task(both.client.recv())
        pong = await both.client.ping()
        await asyncio.sleep(0)
        both.wire.lose(OSError("no route"))
        with pytest.raises(ConnectionClosedError) as raised:
            await receiving
        assert str(raised.value) == "no close frame received or sent"
        assert str(raised.value.__cause__) == "no route"
        with pytest.raises(ConnectionClosedError):
            await pong
        assert both.client.close_code == 1006
        both.other_wire.abort()


@in_memory
async def test_leaving_the_block_closes_the_connection() -> None:
    async with serve(hold, ping_interval=None):
        async with connect(URI) as client:
            pass
        assert client.close_code == 1000
        with pytest.raises(RuntimeError, match="mine"):
            async with connect(URI) as client:
                raise RuntimeError("mine")
        assert client.close_code == 1011
        async with await connect(URI) as client:
            pass
        assert client.close_code == 1000


@in_memory
async def test_every_close_waits_for_the_end() -> None:
    async with pair() as both:
        await asyncio.gather(both.client.close(), both.client.close(), both.other.close())
        assert both.wire.lost


@in_memory
async def test_both_sides_close_at_once() -> None:
    async with pair() as both:
        await asyncio.gather(both.client.close(4000), both.other.close(4001))
        assert (both.client.close_code, both.other.close_code) == (4001, 4000)
