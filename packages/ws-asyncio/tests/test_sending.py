"""Choices for one message, prepared messages, sending from other threads, and what waits."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kit import echo, hold, in_memory, on_sockets, pair, receive_all

from ws_asyncio import ClientConnection, PreparedMessage, connect, serve
from ws_types.exceptions import ConnectionClosedOK

TEXT = "all work and no play " * 50

compressing_pair = functools.partial(
    pair, client={"compression": "deflate"}, server={"compression": "deflate"}
)


@in_memory
async def test_prepared_messages_arrive_and_can_be_sent_again() -> None:
    message = PreparedMessage(TEXT)
    async with compressing_pair(receive_all) as both:
        for _ in range(2):
            await both.client.send(message)
            await both.client.send("from the client")
            await both.other.send(message)
            await both.other.send("between")
            assert await both.client.recv() == TEXT
            assert await both.client.recv() == "between"


@in_memory
async def test_what_a_prepared_message_goes_as_is_settled() -> None:
    async with pair() as both:
        with pytest.raises(TypeError, match="text is for PreparedMessage"):
            await both.client.send(PreparedMessage(b"a"), text=True)
        await both.client.close()
        with pytest.raises(ConnectionClosedOK):
            await both.client.send(PreparedMessage(b"a"))


@in_memory
@pytest.mark.parametrize("prepared", [False, True])
async def test_compression_of_one_message(prepared: bool) -> None:
    async with compressing_pair() as both:
        sizes = {}
        for compress in (None, True, False):
            message = PreparedMessage(TEXT) if prepared else TEXT
            writes = both.client.transport.writes
            writes.clear()
            await both.client.send(message, compress=compress)
            sizes[compress] = len(b"".join(writes))
        assert sizes[None] < 200
        assert sizes[True] < 200
        assert sizes[False] > len(TEXT)


@in_memory
@pytest.mark.parametrize("compress", [None, True, False])
async def test_fragmented_messages_are_compressed_or_not(compress: bool | None) -> None:
    async with compressing_pair() as both:
        await both.other.send(["a" * 500, "b" * 500], compress=compress)
        await both.other.send("next")
        assert await both.client.recv() == "a" * 500 + "b" * 500
        assert await both.client.recv() == "next"


@contextlib.asynccontextmanager
async def client_of(handler: Any) -> AsyncIterator[ClientConnection]:
    async with serve(handler, "localhost", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://localhost:{port}") as client:
            yield client


@on_sockets
async def test_messages_of_another_thread_arrive_in_order() -> None:
    async with client_of(echo) as client:

        def work() -> None:
            futures = [client.send_threadsafe(str(number)) for number in range(100)]
            for future in futures:
                assert future.result(timeout=10) is None

        thread = threading.Thread(target=work)
        thread.start()
        received = [await client.recv() for _ in range(100)]
        await asyncio.to_thread(thread.join)
        assert received == [str(number) for number in range(100)]


@on_sockets
async def test_another_thread_learns_that_the_connection_is_closed() -> None:
    async with client_of(hold) as client:
        await client.close()
        sending = await asyncio.to_thread(client.send_threadsafe, "late")
        with pytest.raises(ConnectionClosedOK):
            await asyncio.wrap_future(sending)


def test_sending_after_the_end_of_the_loop() -> None:
    async def main() -> ClientConnection:
        async with client_of(hold) as client:
            return client

    client = asyncio.run(main())
    with pytest.raises(RuntimeError, match="closed"):
        client.send_threadsafe("late")


@in_memory
async def test_what_waits_is_told() -> None:
    async with pair() as both:
        assert both.client.buffered_input == 0
        await both.other.send("a" * 1000)
        while not both.client.buffered_input:
            await asyncio.sleep(0)
        # A message waits, so what is sent is gathered.
        assert both.client.buffered_input >= 1000
        await both.client.send("b" * 100)
        assert both.client.buffered_output >= 100
        await both.client.recv()
        assert both.client.buffered_input == 0
