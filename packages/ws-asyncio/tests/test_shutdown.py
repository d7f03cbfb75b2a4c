"""The end of a server, at every stage of its connections."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest
from kit import (
    REQUEST,
    URI,
    MemoryLoop,
    Raw,
    echo,
    hold,
    in_memory,
    memory,
    on_sockets,
    pair,
    raw_client,
    turns,
)

from ws_asyncio import ServerConnection, connect, serve
from ws_types.errors import ProtocolError
from ws_types.exceptions import ConnectionClosedError, ConnectionClosedOK
from ws_types.http11 import Request, Response


@in_memory
async def test_closing_closes_connections() -> None:
    async with pair() as both:
        both.server.close()
        with pytest.raises(ConnectionClosedOK) as raised:
            await both.client.recv()
        assert raised.value.rcvd is not None and raised.value.rcvd.code == 1001
        await both.server.wait_closed()
        assert both.server.connections == set()
        both.server.close()
        await both.server.wait_closed()


@in_memory
async def test_closing_with_a_code_and_a_reason() -> None:
    async with pair() as both:
        with pytest.raises(ProtocolError):
            both.server.close(code=9999)
        with pytest.raises(ProtocolError):
            both.server.close(reason="x" * 124)
        assert both.server.is_serving()
        both.server.close(code=1012, reason="back soon")
        with pytest.raises(ConnectionClosedError) as raised:
            await both.client.recv()
        assert str(raised.value.rcvd) == "1012 (service restart) back soon"


@in_memory
async def test_closing_may_leave_connections_to_their_handlers() -> None:
    async with pair(echo) as both:
        both.server.close(close_connections=False)
        await turns()
        await both.client.send("still there")
        assert await both.client.recv() == "still there"
        with pytest.raises(ConnectionRefusedError):
            await connect(URI)
        await both.client.close()
        await both.server.wait_closed()


@in_memory
async def test_closing_drops_those_that_have_not_asked() -> None:
    async with serve(hold, ping_interval=None):
        silent, half = await raw_client(), await raw_client()
        half.transport.write(b"GET / HT")
        await turns()
        start = memory().now
    assert memory().now == start
    await turns()
    assert silent.lost.done() and half.lost.done()


@pytest.mark.parametrize("name", ["process_request", "process_response"])
@in_memory
async def test_closing_does_not_wait_for_what_is_decided(name: str) -> None:
    ended: list[str] = []

    async def for_ever(*_: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async with serve(hold, open_timeout=None, close_timeout=None, **{name: for_ever}):
        raw = await raw_client()
        raw.transport.write(REQUEST)
        await turns()
        start = memory().now
    assert memory().now == start
    assert ended == [name]
    await turns()
    assert raw.eof
    assert raw.received.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert raw.received.endswith(b"\r\n\r\nServer is shutting down.\n")
    raw.transport.abort()


@in_memory
async def test_what_is_decided_after_the_server_was_closed_changes_nothing() -> None:
    async def stubborn(connection: ServerConnection, request: Request) -> Response:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return connection.respond(200, "fine\n")
        raise AssertionError

    async with serve(hold, process_request=stubborn):
        raw = await raw_client()
        raw.transport.write(REQUEST)
        await turns()
    await turns()
    assert raw.eof
    assert raw.received.startswith(b"HTTP/1.1 503 ")
    assert raw.received.count(b"HTTP/1.1") == 1
    raw.transport.abort()


@pytest.mark.parametrize("name", ["process_request", "process_response"])
@in_memory
async def test_a_connection_that_is_let_through_while_the_server_drains(name: str) -> None:
    # It came too late to be closed with the others: nothing would ever have ended it.
    go_on = asyncio.Event()

    async def accept(connection: ServerConnection, request: Request, *_: Any) -> Response:
        response = connection.protocol.accept(request)
        if connection.server.connections:
            await go_on.wait()
        return response

    async with serve(hold, ping_interval=None, **{name: accept}) as server:
        client = await connect(URI, ping_interval=None)
        raw = await raw_client()
        raw.transport.write(REQUEST)
        await turns()
        draining = asyncio.create_task(server.drain(10))
        await turns()
        go_on.set()
        await turns()
        assert raw.received.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        raw.transport.abort()
        await client.close()
        await draining


def test_an_event_loop_that_is_closed_while_handlers_run() -> None:
    # What is left of them is thrown away afterwards, when nothing can be written any more.
    loop = MemoryLoop()
    running: list[Any] = []

    async def leave() -> None:
        running.append(await serve(hold, ping_interval=None))
        running.append(await serve(hold, process_request=_never, ping_interval=None))
        for server in running[:2]:
            memory().server = server.server
            raw = await raw_client()
            raw.transport.write(REQUEST)
            await turns()
            (task,) = server._registry.tasks.values()
            running.append(task)

    loop.run_until_complete(leave())
    loop.close()
    for task in running[2:]:
        task.get_coro().close()
        # There is no need to warn of tasks that never end.
        task._log_destroy_pending = False


async def _never(connection: ServerConnection, request: Request) -> None:
    await asyncio.get_running_loop().create_future()


@in_memory
async def test_a_connection_that_is_accepted_as_the_server_closes() -> None:
    async with serve(hold) as server:
        late = memory().server
        assert late is not None
        server.close()
        await turns()
        memory().server = late
        raw = await raw_client()
        await turns()
        assert raw.lost.done()


@in_memory
async def test_wait_closed_before_close() -> None:
    async with pair() as both:
        waiting = asyncio.create_task(both.server.wait_closed())
        await turns()
        assert not waiting.done()
        both.server.close()
        await waiting
        assert not both.server._registry.tasks


@in_memory
async def test_serve_forever_ends_when_the_server_is_closed() -> None:
    async with serve(hold) as server:
        serving = asyncio.create_task(server.serve_forever())
        await turns()
        server.close()
        await serving
        await server.serve_forever()


@on_sockets
async def test_serve_forever_that_is_cancelled_closes_connections() -> None:
    """Regression: on Python 3.12 it waited until all clients had left."""
    server = await serve(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    serving = asyncio.ensure_future(server.serve_forever())
    async with connect(f"ws://127.0.0.1:{port}/") as client:
        await client.send("a")
        assert await client.recv() == "a"
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(asyncio.shield(serving), 5)
        with pytest.raises(ConnectionClosedOK):
            await client.recv()
        assert client.close_code == 1001
    assert not server.is_serving()


@on_sockets
async def test_closing_does_not_wait_for_tls_handshakes() -> None:
    """Regression: on Python 3.12, it waited for *open_timeout*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    async with serve(hold, "127.0.0.1", 0, ssl=context, open_timeout=100) as server:
        loop = asyncio.get_running_loop()
        _, raw = await loop.create_connection(Raw, *server.sockets[0].getsockname())
        # Not a whole hello.
        raw.transport.write(b"\x16\x03\x01\x02\x00\x01\x00")
        for _ in range(10):
            await asyncio.sleep(0)
        server.close()
        await asyncio.wait_for(server.wait_closed(), 5)
        raw.transport.abort()
        await raw.lost
