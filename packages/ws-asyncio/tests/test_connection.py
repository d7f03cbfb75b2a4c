"""Receiving, sending, pinging and closing, and what happens when they are cancelled."""

from __future__ import annotations

import asyncio
import ctypes
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from kit import (
    BINARY,
    CLOSE,
    TEXT,
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
from ws_types.errors import ConcurrencyError, InvalidState
from ws_types.exceptions import ConnectionClosedError, ConnectionClosedOK

# Receiving


@in_memory
async def test_messages_arrive_as_they_were_sent() -> None:
    async with pair(echo) as both:
        for message in ("", "text", "\U0001f600" * 1000, b"", b"\x00\xff", b"x" * 100_000):
            await both.client.send(message)
            received = await both.client.recv()
            assert received == message
            assert type(received) is type(message)


@in_memory
async def test_decode_chooses_the_type() -> None:
    async with pair(echo) as both:
        for message in ("\u00e9", "\u00e9".encode()):
            for decode, expected in ((None, message), (True, "\u00e9"), (False, b"\xc3\xa9")):
                await both.client.send(message)
                assert await both.client.recv(decode) == expected


@in_memory
async def test_what_is_no_text_cannot_be_received_as_text() -> None:
    async with pair(echo) as both:
        await both.client.send(b"\xff")
        with pytest.raises(ConnectionClosedError) as caught:
            await both.client.recv(decode=True)
        assert caught.value.sent is not None
        assert caught.value.sent.code == 1007
        assert isinstance(caught.value.__cause__, UnicodeDecodeError)


@in_memory
async def test_a_cancelled_recv_loses_nothing() -> None:
    async with pair() as both:
        for i in range(10):
            receiving = asyncio.create_task(both.client.recv())
            await turns(3)
            if i % 2:
                receiving.cancel()
                await both.other.send(str(i))
            else:
                # It is woken, and cancelled before it runs.
                await both.other.send(str(i))
                while not both.client._inbox:
                    await asyncio.sleep(0)
                receiving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await receiving
            assert await both.client.recv() == str(i)


@in_memory
async def test_one_task_receives_at_a_time() -> None:
    async with pair() as both:
        receiving = asyncio.create_task(both.client.recv())
        await turns(3)
        with pytest.raises(ConcurrencyError, match="already running recv or recv_streaming"):
            await both.client.recv()
        with pytest.raises(ConcurrencyError):
            await both.client.__aiter__().__anext__()
        # Even where there is a message, it is the other's.
        both.client._inbox.put(["mine"])
        with pytest.raises(ConcurrencyError):
            await both.client.recv()
        assert both.client._inbox.get() == "mine"
        await both.other.send("for the first")
        assert await receiving == "for the first"


@in_memory
async def test_iteration_ends_when_the_connection_is_closed_normally() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send("a")
        await connection.send(b"b")

    async with pair(talk) as both:
        assert [message async for message in both.client] == ["a", b"b"]
        assert [message async for message in both.client] == []


@in_memory
async def test_iteration_raises_when_it_is_closed_otherwise() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send("a")
        await connection.close(4000, "why")

    async with pair(talk) as both:
        iterator = both.client.__aiter__()
        assert await anext(iterator) == "a"
        with pytest.raises(ConnectionClosedError) as raised:
            await anext(iterator)
        assert raised.value.rcvd is not None
        assert (raised.value.rcvd.code, raised.value.rcvd.reason) == (4000, "why")


@in_memory
async def test_iteration_can_be_left_and_taken_up_again() -> None:
    async with pair(echo) as both:
        for i in range(4):
            await both.client.send(str(i))
        async for message in both.client:
            if message == "1":
                break
        assert await both.client.recv() == "2"
        async for message in both.client:
            assert message == "3"
            break


@in_memory
async def test_messages_can_be_received_after_the_connection_is_closed() -> None:
    async with pair() as both:
        for i in range(3):
            await both.other.send(str(i))
        await both.client.close()
        assert await receive_all(both.client) == ["0", "1", "2"]
        for _ in range(2):
            with pytest.raises(ConnectionClosedOK):
                await both.client.recv()


# Sending


class Bytes(bytes):
    pass


@pytest.mark.parametrize(
    ("message", "payload"),
    [
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"ab"), b"ab"),
        (memoryview(b"abcdef")[::2], b"ace"),
        (memoryview(bytes(range(16))).cast("I"), bytes(range(16))),
        # Regression: has no length, which was noticed when it was half sent.
        (memoryview(ctypes.c_uint8(5)), b"\x05"),
        (Bytes(b"ab"), b"ab"),
    ],
)
@in_memory
async def test_bytes_of_every_kind(message: Any, payload: bytes) -> None:
    async with pair(echo) as both:
        await both.client.send(message)
        assert await both.client.recv() == payload
        await both.client.send("next")
        assert await both.client.recv() == "next"


@in_memory
async def test_text_chooses_the_kind_of_message() -> None:
    async with pair(echo) as both:
        for message in ("a", b"a", bytearray(b"a"), ["a"], [b"a"]):
            await both.client.send(message, text=True)
            assert await both.client.recv() == "a"
            await both.client.send(message, text=False)
            assert await both.client.recv() == b"a"


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (5, "data must be str, bytes, iterable, or async iterable"),
        (None, "data must be str, bytes, iterable, or async iterable"),
        ({"a": 1}, "data is a dict-like object"),
        ([5], "iterable must contain bytes or str"),
    ],
)
@in_memory
async def test_what_cannot_be_sent(message: Any, error: str) -> None:
    async with pair(echo) as both:
        with pytest.raises(TypeError, match=f"^{error}$"):
            await both.client.send(message)
        await both.client.send("ok")
        assert await both.client.recv() == "ok"


@pytest.mark.parametrize(
    ("message", "text"), [("\ud800", None), (["\ud800"], None), (b"\xff", True)]
)
@in_memory
async def test_text_that_is_not_unicode_is_not_sent(message: Any, text: bool | None) -> None:
    async with pair(echo) as both:
        with pytest.raises(UnicodeError):
            await both.client.send(message, text=text)
        await both.client.send("ok")
        assert await both.client.recv() == "ok"


@in_memory
async def test_fragments_make_one_message() -> None:
    def fragments() -> Iterator[str]:
        yield "a"
        yield "\u00e9"

    async def slow() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(1)
        yield b"b"

    async with pair(echo) as both:
        await both.client.send(["a", "b"])
        assert await both.client.recv() == "ab"
        await both.client.send(fragments())
        assert await both.client.recv() == "a\u00e9"
        await both.client.send(slow())
        assert await both.client.recv() == b"ab"


@in_memory
async def test_fragments_on_the_wire() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send(["a", "b"])
        await connection.send([])
        await connection.send([b"c"])

    async with serve(talk, ping_interval=None):
        raw = await raw_open()
        await turns()
        assert raw.received == b"".join(
            [
                frame(TEXT, b"a", fin=False, masked=False),
                frame(0, b"b", fin=False, masked=False),
                frame(0, masked=False),
                frame(BINARY, b"c", fin=False, masked=False),
                frame(0, masked=False),
                frame(CLOSE, b"\x03\xe8", masked=False),
            ]
        )
        raw.transport.abort()


@in_memory
async def test_other_messages_wait_for_a_fragmented_one() -> None:
    go_on = asyncio.Event()

    async def fragments() -> AsyncIterator[str]:
        yield "a"
        await go_on.wait()
        yield "b"

    async with pair(echo) as both:
        first = asyncio.create_task(both.client.send(fragments()))
        await turns(3)
        others: list[asyncio.Task[None]] = [
            asyncio.create_task(both.client.send(message)) for message in ("c", ["d", "e"], "f")
        ]
        await turns(3)
        assert not any(task.done() for task in others)
        # Control frames needn't wait.
        assert await (await both.client.ping()) >= 0
        await both.client.pong(b"x")
        # One gives up.
        others[0].cancel()
        go_on.set()
        await first
        await asyncio.gather(*others[1:])
        assert [await both.client.recv() for _ in range(3)] == ["ab", "de", "f"]


@in_memory
async def test_nobody_waits_for_a_fragmented_message_on_a_lost_connection() -> None:
    go_on = asyncio.Event()

    async def fragments() -> AsyncIterator[str]:
        yield "a"
        await go_on.wait()
        yield "b"

    async with pair(echo) as both:
        first = asyncio.create_task(both.client.send(fragments()))
        await turns(3)
        other = asyncio.create_task(both.client.send("c"))
        await turns(3)
        both.other_wire.abort()
        await turns()
        with pytest.raises(ConnectionClosedError):
            other.result()
        go_on.set()
        with pytest.raises(ConnectionClosedError):
            await first


@in_memory
async def test_nothing_can_be_sent_or_received_before_the_connection_is_open() -> None:
    tried: list[str] = []

    async def try_all(connection: ServerConnection, request: Any) -> None:
        for call in (
            connection.recv,
            lambda: connection.send("a"),
            lambda: connection.send(["a"]),
            connection.ping,
            connection.pong,
        ):
            with pytest.raises(InvalidState) as raised:
                await call()
            tried.append(str(raised.value))

    async with pair(echo, server={"process_request": try_all}) as both:
        assert tried == ["connection is connecting"] * 5
        # No harm is done.
        await both.client.send("a")
        assert await both.client.recv() == "a"


async def _broken(error: BaseException | None) -> AsyncIterator[Any]:
    yield "a"
    if error is not None:
        raise error
    yield b"b"


@pytest.mark.parametrize("error", [ValueError("mine"), None, 5])
@in_memory
async def test_a_fragmented_message_that_breaks_off_fails_the_connection(error: Any) -> None:
    async with pair(hold) as both:
        if error == 5:
            with pytest.raises(TypeError, match="iterable must contain bytes or str"):
                await both.client.send(["a", 5])  # type: ignore[list-item]
        elif error is None:
            with pytest.raises(TypeError, match="iterable must contain uniform types"):
                await both.client.send(_broken(None))
        else:
            with pytest.raises(ValueError, match="mine"):
                await both.client.send(_broken(error))
        await both.client.wait_closed()
        assert both.client.protocol.close_sent is not None
        assert str(both.client.protocol.close_sent) == (
            "1011 (internal error) error in fragmented message"
        )
        with pytest.raises(ConnectionClosedError):
            await both.other.recv()


@in_memory
async def test_a_fragmented_message_that_is_cancelled_fails_the_connection() -> None:
    async def endless() -> AsyncIterator[str]:
        yield "a"
        await asyncio.Event().wait()

    async with pair(hold) as both:
        sending = asyncio.create_task(both.client.send(endless()))
        await turns(3)
        waiting = asyncio.create_task(both.client.send("b"))
        await turns(3)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        # Regression: was told to send a continuation.
        with pytest.raises(ConnectionClosedError):
            await waiting


@in_memory
async def test_a_fragmented_message_that_has_not_begun_fails_nothing() -> None:
    async def never() -> AsyncIterator[str]:
        await asyncio.Event().wait()
        yield "a"

    async with pair(echo) as both:
        sending = asyncio.create_task(both.client.send(never()))
        await turns(3)
        sending.cancel()
        await both.client.send("b")
        assert await both.client.recv() == "b"


@in_memory
async def test_closing_during_a_fragmented_message() -> None:
    async def endless() -> AsyncIterator[str]:
        while True:
            yield "a"
            await asyncio.sleep(1)

    async with pair(hold) as both:
        sending = asyncio.create_task(both.client.send(endless()))
        await turns(3)
        await both.client.close()
        assert both.client.protocol.close_sent is not None
        assert both.client.protocol.close_sent.reason == "close during fragmented message"
        with pytest.raises(ConnectionClosedError):
            await sending


# What is known


@in_memory
async def test_properties() -> None:
    async with pair(client={"subprotocols": ["b", "a"]}, server={"subprotocols": ["a"]}) as both:
        client, other = both.client, both.other
        assert isinstance(client.id, uuid.UUID)
        assert client.id == client.protocol.id != other.id
        assert client.subprotocol == other.subprotocol == "a"
        assert client.local_address == ("memory", 2)
        assert client.remote_address == ("memory", 1)
        assert client.request is not None and other.request is not None
        assert client.request.path == other.request.path == "/"
        assert client.response is not None and other.response is not None
        assert client.response.status_code == other.response.status_code == 101
        assert other.server is both.server
        assert client.logger.name == "websockets.client"  # type: ignore[union-attr]
        assert other.logger.name == "websockets.server"  # type: ignore[union-attr]
        assert client.last_received == memory().now


# On sockets


@on_sockets
async def test_an_exchange_over_sockets() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/") as client:
            assert client.remote_address == ("127.0.0.1", port)
            for size in (0, 1, 125, 126, 65_535, 65_536, 1_000_000):
                await client.send(b"x" * size)
                assert await client.recv() == b"x" * size
            await client.send(["a", "b"])
            assert await client.recv() == "ab"
            assert await (await client.ping()) >= 0

            async def send() -> None:
                for i in range(1000):
                    await client.send(str(i))

            sending = asyncio.create_task(send())
            assert [await client.recv() for _ in range(1000)] == [str(i) for i in range(1000)]
            await sending
        assert client.close_code == 1000


@on_sockets
async def test_a_peer_that_is_gone_over_sockets() -> None:
    async def vanish(connection: ServerConnection) -> None:
        await connection.recv()
        connection.transport.abort()
        await connection.wait_closed()

    async with serve(vanish, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/") as client:
            await client.send("go")
            with pytest.raises(ConnectionClosedError):
                await client.recv()
            with pytest.raises(ConnectionClosedError):
                await client.send("x")
