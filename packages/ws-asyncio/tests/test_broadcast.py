"""One message to many connections."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kit import URI, in_memory, memory, turns

from ws_asyncio import PreparedMessage, ServerConnection, broadcast, connect, serve
from ws_types.errors import ConcurrencyError

JSON = '{"name": "value", "other": [1, 2, 3]}' * 20


@contextlib.asynccontextmanager
async def crowd(
    *compression: str | None, **settings: Any
) -> AsyncIterator[tuple[list[Any], list[ServerConnection]]]:
    """Clients, one for each setting of compression, and the ends that a server has of them."""
    ends: list[ServerConnection] = []

    async def handle(connection: ServerConnection) -> None:
        ends.append(connection)
        await connection.wait_closed()

    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(serve(handle, ping_interval=None, **settings))
        clients = []
        for setting in compression:
            opening = connect(URI, compression=setting, ping_interval=None, close_timeout=1)
            clients.append(await stack.enter_async_context(opening))
        while len(ends) < len(clients):
            await asyncio.sleep(0)
        yield clients, ends
        # Leaving closes them.
        del ends[:]


@in_memory
@pytest.mark.parametrize("message", ["text", b"binary", JSON, PreparedMessage(JSON)])
async def test_everybody_gets_the_message(message: Any) -> None:
    async with crowd(None, "deflate", "deflate") as (clients, ends):
        report = broadcast(ends, message)
        await ends[0].send("after")
        expected = JSON if isinstance(message, PreparedMessage) else message
        for client in clients:
            assert await client.recv() == expected
        assert await clients[0].recv() == "after"
        assert (report.sent, report.skipped, report.closed, report.failed) == (3, [], [], [])


@in_memory
async def test_messages_of_one_turn_leave_in_one_write() -> None:
    async with crowd(None) as ([client], [end]):
        writes = end.transport.writes  # type: ignore[attr-defined]
        writes.clear()
        broadcast([end], "one")
        broadcast([end], "two")
        assert writes == []
        assert end.buffered_output > 0
        assert [await client.recv(), await client.recv()] == ["one", "two"]
        assert len(writes) == 1


@in_memory
async def test_a_turn_gathers_no_more_than_so_much() -> None:
    async with crowd(None) as ([client], [end]):
        writes = end.transport.writes  # type: ignore[attr-defined]
        writes.clear()
        for _ in range(10):
            broadcast([end], b"x" * 30_000)
        assert len(writes) >= 2
        for _ in range(10):
            assert len(await client.recv()) == 30_000


@in_memory
async def test_messages_are_compressed_or_not() -> None:
    async with crowd("deflate") as ([client], [end]):
        sizes = []
        for compress in (None, True, False):
            before = len(b"".join(end.transport.writes))  # type: ignore[attr-defined]
            broadcast([end], JSON, compress=compress)
            assert await client.recv() == JSON
            sizes.append(len(b"".join(end.transport.writes)) - before)  # type: ignore[attr-defined]
        assert sizes[0] == sizes[1] < 100 < len(JSON) < sizes[2]


@in_memory
async def test_text_chooses_the_kind() -> None:
    async with crowd(None) as ([client], [end]):
        broadcast([end], "a", text=False)
        broadcast([end], b"b", text=True)
        assert [await client.recv(), await client.recv()] == [b"a", "b"]


@in_memory
async def test_closed_connections_are_left_out() -> None:
    async with crowd(None, None) as (clients, ends):
        await clients[0].close()
        report = broadcast(ends, "a", raise_exceptions=True)
        assert (report.sent, report.skipped) == (1, [])


@in_memory
async def test_those_in_a_fragmented_message_are_skipped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    go_on = asyncio.Event()

    async def items() -> AsyncIterator[str]:
        yield "a"
        await go_on.wait()
        yield "b"

    async with crowd(None, None) as (clients, ends):
        sending = asyncio.create_task(ends[0].send(items()))
        await turns(5)
        report = broadcast(ends, "message")
        assert (report.sent, report.skipped) == (1, [ends[0]])
        assert "skipped broadcast: sending a fragmented message" in caplog.messages
        with pytest.raises(ExceptionGroup) as caught:
            broadcast(ends, "message", raise_exceptions=True)
        assert [type(exc) for exc in caught.value.exceptions] == [ConcurrencyError]
        go_on.set()
        await sending
        assert broadcast(ends, "last").sent == 2
        assert [await clients[0].recv() for _ in range(2)] == ["ab", "last"]
        assert [await clients[1].recv() for _ in range(3)] == ["message", "message", "last"]


@in_memory
async def test_a_client_that_does_not_read_is_skipped_and_others_are_not() -> None:
    async with crowd(None, None) as (clients, ends):
        clients[0].transport.pause_reading()
        message = b"x" * 50_000
        limit = 200_000
        sent = skipped = 0
        received: list[Any] = []
        for _ in range(100):
            report = broadcast(ends, message, limit=limit)
            sent += report.sent
            skipped += len(report.skipped)
            assert ends[0].buffered_output <= limit + len(message) + 100
            received.append(await clients[1].recv())
        assert received == [message] * 100
        assert skipped > 50
        assert sent == 200 - skipped
        # Nobody who sends is kept from waiting, and nothing is lost of what was sent.
        clients[0].transport.resume_reading()
        for _ in range(sent - 100):
            assert await clients[0].recv() == message


@in_memory
async def test_a_client_that_does_not_read_is_closed() -> None:
    async with crowd(None, close_timeout=5) as ([client], [end]):
        client.transport.pause_reading()
        closed: list[Any] = []
        while not closed:
            closed = broadcast([end], b"x" * 50_000, limit=100_000, slow="close").closed
        assert closed == [end]
        assert end.protocol.close_sent is not None
        assert end.protocol.close_sent.code == 1013
        # It doesn't even take the close frame, and is dropped in time.
        before = memory().time()
        await end.wait_closed()
        assert memory().time() - before <= 5


@in_memory
async def test_what_cannot_be_broadcast() -> None:
    async with crowd(None) as (_, ends):
        with pytest.raises(TypeError, match=r"^data must be str or bytes$"):
            broadcast(ends, ["a"])  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"^slow must be"):
            broadcast(ends, "a", slow="drop")  # type: ignore[arg-type]
