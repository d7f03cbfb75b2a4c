"""One write for a batch, and no waiting for a lone message."""

from __future__ import annotations

import asyncio

from kit import TEXT, Raw, echo, frame, in_memory, pair, raw_open, turns

from ws_asyncio import ServerConnection, serve


@in_memory
async def test_a_lone_message_leaves_at_once() -> None:
    async with pair() as both:
        before = len(both.wire.writes)
        await both.client.send("now")
        # The loop hasn't turned.
        assert len(both.wire.writes) == before + 1
        await both.client.send("and now")
        assert len(both.wire.writes) == before + 2
        assert await both.other.recv() == "now"
        assert await both.other.recv() == "and now"


@in_memory
async def test_answers_to_a_batch_leave_in_one_write() -> None:
    async with serve(echo, ping_interval=None):
        raw = await raw_open()
        writes = raw.transport.other.writes
        before = len(writes)
        raw.transport.write(b"".join(frame(TEXT, b"%d" % i) for i in range(10)))
        await turns()
        assert writes[before:] == [
            b"".join(frame(TEXT, b"%d" % i, masked=False) for i in range(10))
        ]
        raw.transport.abort()


@in_memory
async def test_a_ping_does_not_overtake_what_is_gathered() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send("1")
        await connection.pong(b"2")
        await connection.send("3")
        await connection.close()

    async with serve(handler, ping_interval=None):
        raw = await raw_open()
        raw.transport.write(frame(TEXT, b"a") * 2)
        await turns()
        sent = frame(TEXT, b"1", masked=False) + frame(10, b"2", masked=False)
        sent += frame(TEXT, b"3", masked=False) + frame(8, b"\x03\xe8", masked=False)
        assert raw.received == sent
        raw.transport.abort()


@in_memory
async def test_what_is_gathered_leaves_before_the_reader_waits() -> None:
    written: list[int] = []

    async def handler(connection: ServerConnection) -> None:
        writes = connection.transport.writes
        await connection.recv()
        await connection.send("answer")
        await connection.recv()
        written.append(len(writes))
        waiting = connection.recv()
        waiting.send(None)
        # The loop hasn't turned.
        written.append(len(writes))
        waiting.close()

    async with serve(handler, ping_interval=None):
        raw = await raw_open()
        raw.transport.write(frame(TEXT, b"a") * 2)
        await turns()
        # Before is the response to the handshake.
        assert written == [1, 2]
        raw.transport.abort()


@in_memory
async def test_what_is_gathered_leaves_when_the_loop_turns() -> None:
    """The handler keeps messages waiting, and is busy with something else."""
    go_on = asyncio.get_running_loop().create_future()

    async def handler(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send("answer")
        await go_on

    async with serve(handler, ping_interval=None):
        raw = await raw_open()
        raw.transport.write(frame(TEXT, b"a") * 2)
        await turns()
        assert raw.received == frame(TEXT, b"answer", masked=False)
        go_on.set_result(None)
        raw.transport.abort()


@in_memory
async def test_a_large_batch_leaves_before_it_is_complete() -> None:
    sizes: list[int] = []

    async def handler(connection: ServerConnection) -> None:
        writes = connection.transport.writes
        before = len(writes)
        async for _ in connection:
            await connection.send(b"x" * 1000)
            sizes.append(len(writes) - before)

    async with serve(handler, ping_interval=None, write_limit=2**20, max_queue=None):
        raw = await raw_open()
        raw.transport.write(frame(TEXT, b"a") * 100)
        await turns()
        # 64 KiB are 66 messages.
        assert sizes == [0] * 65 + [1] * 34 + [2]
        assert len(raw.received) == 100 * 1004
        raw.transport.abort()


@in_memory
async def test_close_takes_what_is_gathered_along() -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send("last words")
        # One message still waits: this was gathered.

    async with serve(handler, ping_interval=None):
        raw = await raw_open()
        raw.transport.write(frame(TEXT, b"a") * 2)
        await turns()
        last = frame(TEXT, b"last words", masked=False) + frame(8, b"\x03\xe8", masked=False)
        assert raw.received == last
        raw.transport.abort()


@in_memory
async def test_nothing_is_written_twice_or_lost_in_a_long_exchange() -> None:
    async with pair(echo) as both:

        async def send() -> None:
            for i in range(2000):
                await both.client.send(str(i))

        sending = asyncio.create_task(send())
        assert [await both.client.recv() for _ in range(2000)] == [str(i) for i in range(2000)]
        await sending
        assert len(both.other_wire.writes) < 1000


@in_memory
async def test_gathered_output_is_dropped_with_the_connection() -> None:
    connections: list[ServerConnection] = []

    async def handler(connection: ServerConnection) -> None:
        connections.append(connection)
        await connection.recv()
        await connection.send("gathered")
        connection.transport.abort()
        await connection.wait_closed()

    async with serve(handler, ping_interval=None):
        raw: Raw = await raw_open()
        raw.transport.write(frame(TEXT, b"a") * 2)
        await raw.lost
        await turns()
        assert connections[0]._gather_flush is None
