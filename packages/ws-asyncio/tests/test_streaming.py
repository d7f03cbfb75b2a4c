"""Receiving messages in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from kit import hold, in_memory, pair, turns

from ws_types.errors import ConcurrencyError
from ws_types.exceptions import ConnectionClosedError, ConnectionClosedOK

OTHERS = "is already running recv or recv_streaming"


async def pieces(connection: Any, decode: bool | None = None) -> list[Any]:
    return [piece async for piece in connection.recv_streaming(decode)]


class Feed:
    """An asynchronous iterable that gives what it is told, when it is told."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue()

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (item := await self.queue.get()) is not None:
            yield item

    def put(self, *items: Any) -> None:
        for item in items:
            self.queue.put_nowait(item)


@in_memory
@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_pieces_arrive_before_the_message_is_complete(compression: str | None) -> None:
    settings = {"compression": compression}
    async with pair(hold, settings, settings) as both:
        feed = Feed()
        sending = asyncio.create_task(both.other.send(feed))
        stream = both.client.recv_streaming()
        for item in ("one", "", "\u00e9" * 5000):
            feed.put(item)
            assert await anext(stream) == item
        feed.put(None)
        assert [piece async for piece in stream] == [""]
        await sending
        await both.other.send("whole")
        assert await both.client.recv() == "whole"


@in_memory
async def test_what_has_arrived_of_a_message_is_not_waited_for() -> None:
    async with pair() as both:
        feed = Feed()
        feed.put("a", "b")
        sending = asyncio.create_task(both.other.send(feed))
        await turns(10)
        stream = both.client.recv_streaming()
        assert await anext(stream) == "ab"
        feed.put("c", None)
        assert [piece async for piece in stream] == ["c", ""]
        await sending


@in_memory
@pytest.mark.parametrize(
    ("message", "text", "decode", "expected"),
    [
        ("whole", None, None, ["whole"]),
        (b"whole", None, None, [b"whole"]),
        (b"whole", None, True, ["whole"]),
        ("whole", None, False, [b"whole"]),
        (["a", "b"], None, None, ["a", "b", ""]),
        ([b"a", b"b"], None, None, [b"a", b"b", b""]),
        ([b"\xc3", b"\xa9"], True, None, ["", "\u00e9", ""]),
        ([b"\xc3", b"\xa9"], True, False, [b"", b"\xc3\xa9", b""]),
        ([b"\xc3", b"\xa9"], None, True, ["", "\u00e9", ""]),
    ],
)
async def test_types_of_pieces(
    message: Any, text: bool | None, decode: bool | None, expected: Iterable[Any]
) -> None:
    async with pair() as both:
        receiving = asyncio.create_task(pieces(both.client, decode))
        await turns(3)
        await both.other.send(message, text=text)
        assert await receiving == expected


@in_memory
async def test_pieces_can_be_received_as_messages_and_messages_as_pieces() -> None:
    async with pair() as both:
        await both.other.send("first")
        assert await pieces(both.client) == ["first"]
        for _ in range(3):
            await both.other.send(["a", "b", "c"])
            assert await both.client.recv() == "abc"
            await both.other.send([b"a", b"b", b"c"])
            assert b"".join(await pieces(both.client)) == b"abc"


@in_memory
async def test_a_cancelled_recv_loses_no_piece() -> None:
    async with pair() as both:
        await both.other.send("first")
        assert await pieces(both.client) == ["first"]
        feed = Feed()
        sending = asyncio.create_task(both.other.send(feed))
        for received in (both.client.recv(), pieces(both.client)):
            feed.put("a")
            receiving = asyncio.create_task(received)
            await turns(10)
            if received.__name__ == "recv":
                receiving.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await receiving
            else:
                feed.put("b", None)
                assert "".join(await receiving) == "aab"
        await sending


@in_memory
async def test_cancelled_before_the_first_piece() -> None:
    async with pair() as both:
        receiving = asyncio.create_task(pieces(both.client))
        await turns(3)
        with pytest.raises(ConcurrencyError, match=f"^cannot call recv while .* {OTHERS}$"):
            await both.client.recv()
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
        await both.other.send(["a", "b"])
        assert await both.client.recv() == "ab"


@in_memory
@pytest.mark.parametrize("end", ["break", "cancel", "aclose"])
async def test_a_message_that_was_begun_has_to_be_finished(end: str) -> None:
    async with pair() as both:
        feed = Feed()
        sending = asyncio.create_task(both.other.send(feed))
        feed.put("a")
        stream = both.client.recv_streaming()
        async for piece in stream:
            assert piece == "a"
            break
        if end == "cancel":
            waiting = asyncio.create_task(anext(stream))
            await turns(3)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        elif end == "aclose":
            await stream.aclose()
        feed.put("b", None)
        await sending
        await both.other.send("next")
        with pytest.raises(ConcurrencyError, match=f"^cannot call recv while .* {OTHERS}$"):
            await both.client.recv()
        with pytest.raises(ConcurrencyError, match=f"^cannot call recv_streaming .* {OTHERS}$"):
            await pieces(both.client)


@in_memory
async def test_another_message_can_be_received_from_the_last_piece_on() -> None:
    async with pair() as both:
        await both.other.send("a")
        await both.other.send("b")
        async for piece in both.client.recv_streaming():
            assert piece == "a"
            assert await both.client.recv() == "b"


@in_memory
async def test_end_within_a_message() -> None:
    async with pair() as both:
        feed = Feed()
        sending = asyncio.create_task(both.other.send(feed))
        feed.put("a")
        stream = both.client.recv_streaming()
        assert await anext(stream) == "a"
        both.other.transport.abort()
        with pytest.raises(ConnectionClosedError):
            await anext(stream)
        with pytest.raises(ConnectionClosedError):
            await both.client.recv()
        with pytest.raises(ConnectionClosedError):
            await pieces(both.client)
        feed.put(None)
        with pytest.raises(ConnectionClosedError):
            await sending


@in_memory
async def test_pieces_are_received_after_the_end() -> None:
    async with pair() as both:
        await both.other.send(["a", "b"])
        await both.other.close()
        assert "".join(await pieces(both.client)) == "ab"
        with pytest.raises(ConnectionClosedOK):
            await pieces(both.client)


@in_memory
async def test_binary_that_cannot_be_decoded_fails_the_connection() -> None:
    async with pair() as both:
        receiving = asyncio.create_task(pieces(both.client, decode=True))
        await turns(3)
        await both.other.send([b"abc\xc3", b"\xff", b"rest"])
        with pytest.raises(ConnectionClosedError) as caught:
            await receiving
        assert "1007 (invalid frame payload data)" in str(caught.value)
        assert isinstance(caught.value.__cause__, UnicodeDecodeError)
        # What is left of the message isn't taken for one.
        with pytest.raises(ConnectionClosedError):
            await both.client.recv()
        assert both.other.close_code == 1007


@in_memory
@pytest.mark.parametrize("receive", ["recv", "recv_streaming"])
async def test_pieces_are_held_back_like_messages(receive: str) -> None:
    settings = {"max_queue": 4, "max_size": None}
    async with pair(hold, settings) as both:
        await both.other.send("first")
        assert await pieces(both.client) == ["first"]
        piece = b"x" * 100_000
        sending = asyncio.create_task(both.other.send([piece] * 100))
        await turns(200)
        assert not sending.done()
        assert both.client.buffered_input < 2_000_000
        if receive == "recv":
            assert len(await both.client.recv()) == 10_000_000
        else:
            size = 0
            async for part in both.client.recv_streaming():
                size += len(part)
                assert both.client.buffered_input < 2_000_000
            assert size == 10_000_000
        await sending


@in_memory
async def test_messages_without_a_limit_in_fragments_with_one() -> None:
    async with pair(hold, {"max_size": (None, 1000)}) as both:
        receiving = asyncio.create_task(pieces(both.client))
        await turns(3)
        await both.other.send([b"x" * 1000] * 50)
        assert len(b"".join(await receiving)) == 50_000
        await both.other.send([b"x" * 1001])
        with pytest.raises(ConnectionClosedError, match="1009"):
            await pieces(both.client)
