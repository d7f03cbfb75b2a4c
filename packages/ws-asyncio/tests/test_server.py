"""Handlers, and clients of all kinds, over a server's life."""

from __future__ import annotations

import asyncio
import contextlib
import http
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from kit import (
    REQUEST,
    TEXT,
    Raw,
    echo,
    frame,
    hold,
    in_memory,
    lines,
    memory,
    on_sockets,
    pair,
    raw_client,
    raw_open,
    turns,
)

from ws_asyncio import ServerConnection, connect, serve
from ws_types.http11 import Request, Response

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

# Its name depends on the version of Python.
TOO_LONG = http.HTTPStatus(414).phrase


@pytest.fixture(autouse=True)
def log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


# Handlers


@in_memory
async def test_a_handler_that_returns_closes_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.send("a")

    async with pair(handler) as both:
        assert await both.client.recv() == "a"
        await both.client.wait_closed()
        assert both.client.close_code == 1000
    assert lines(caplog) == [
        "connection open",
        "connection closed",
        "server closing",
        "server closed",
    ]


@in_memory
async def test_a_handler_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(connection: ServerConnection) -> None:
        raise ValueError("mine")

    async with pair(handler) as both:
        await both.client.wait_closed()
        assert both.client.close_code == 1011
    assert lines(caplog, logging.ERROR) == ["connection handler failed"]
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None and str(record.exc_info[1]) == "mine"


@pytest.mark.parametrize("itself", [False, True])
@in_memory
async def test_a_handler_that_is_cancelled(itself: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Regression: the connection stayed, and the server could not be closed."""

    async def handler(connection: ServerConnection) -> None:
        if itself:
            raise asyncio.CancelledError
        await asyncio.Event().wait()

    async with pair(handler) as both:
        for task in list(both.server._registry.tasks.values()):
            task.cancel()
        await both.client.wait_closed()
        assert both.client.close_code == 1011
        await turns()
        assert not both.server._registry.tasks
        assert both.server._registry.admission.is_empty()
    assert lines(caplog, logging.ERROR) == []


@in_memory
async def test_a_handler_that_is_cancelled_with_a_full_inbox() -> None:
    async def handler(connection: ServerConnection) -> None:
        await asyncio.Event().wait()

    async with pair(handler, server={"max_queue": 0}) as both:
        await both.client.send("a")
        await turns()
        assert both.other_wire.reading_paused
        start = memory().now
        for task in list(both.server._registry.tasks.values()):
            task.cancel()
        await both.client.wait_closed()
        assert both.client.close_code == 1011
        assert memory().now - start < 2


@in_memory
async def test_a_handler_outlives_its_connection() -> None:
    done = asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        await connection.wait_closed()
        await asyncio.sleep(100)
        done.set()

    async with serve(handler, ping_interval=None):
        raw = await raw_open()
        raw.transport.abort()
        await turns()
        assert not done.is_set()
    # The server waits for it.
    assert done.is_set()


@in_memory
async def test_a_class_of_the_program() -> None:
    class Mine(ServerConnection):
        pass

    async with pair(server={"create_connection": Mine}) as both:
        assert type(both.other) is Mine


@in_memory
async def test_messages_that_come_before_the_response() -> None:
    """RFC 6455, section 4.1, has the client wait; some don't."""

    async def slowly(connection: ServerConnection, request: Request) -> None:
        await asyncio.sleep(1)

    async with serve(echo, process_request=slowly, ping_interval=None):
        raw = await raw_client()
        raw.transport.write(REQUEST + frame(TEXT, b"early"))
        await asyncio.sleep(2)
        assert raw.received.endswith(frame(TEXT, b"early", masked=False))
        raw.transport.abort()


# Those that want something else


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", []),
        (b"GET / HT", []),
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            ["HTTP response sent (400 Bad Request)"],
        ),
        (b"\x00" * 10_000, [f"HTTP response sent (414 {TOO_LONG})"]),
        (
            b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000,
            ["HTTP response sent (431 Request Header Fields Too Large)"],
        ),
        (GET, ["connection rejected (426 Upgrade Required)"]),
        (b"GET / HTTP/1.0\r\n\r\n", ["connection rejected (505 HTTP Version Not Supported)"]),
    ],
)
@pytest.mark.parametrize("end", ["abort", "write_eof", "wait"])
@in_memory
async def test_scanners_leave_one_line_at_most(
    data: bytes, said: list[str], end: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(hold, open_timeout=5, close_timeout=5):
        raw = await raw_client()
        raw.transport.write(data)
        await turns()
        if end != "wait":
            getattr(raw.transport, end)()
        await asyncio.sleep(11)
        assert raw.lost.done() or end == "write_eof"
        assert memory().links[0][1].lost
        assert lines(caplog) == said
        assert not [record for record in caplog.records if record.exc_info]
        raw.transport.abort()


@pytest.mark.parametrize("end", ["abort", "write_eof"])
@in_memory
async def test_a_client_that_leaves_while_it_is_considered(
    end: str, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[str] = []

    async def process_request(connection: ServerConnection, request: Request) -> None:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async with serve(hold, process_request=process_request) as server:
        raw = await raw_client()
        raw.transport.write(REQUEST)
        await turns()
        getattr(raw.transport, end)()
        await turns()
        assert ended == ["cancelled"]
        assert not server._registry.tasks and server._registry.admission.is_empty()
        assert lines(caplog) == []
        raw.transport.abort()


@in_memory
async def test_process_request_that_does_not_let_itself_be_cancelled() -> None:
    async def process_request(connection: ServerConnection, request: Request) -> Response:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(5)
        return connection.respond(200, "late\n")

    async with serve(hold, process_request=process_request):
        raw = await raw_client()
        raw.transport.write(REQUEST)
        await turns()
        raw.transport.abort()


# Settings


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"max_queue": -1}, ValueError),
        ({"compression": "zip"}, ValueError),
        ({"max_queue": (1, 2)}, ValueError),
        ({"max_queue_size": -1}, ValueError),
        ({"write_limit": -1}, ValueError),
        ({"write_limit": (1, 2)}, ValueError),
        ({"open_timeout": -1}, ValueError),
        ({"close_timeout": -1}, ValueError),
        ({"ping_interval": -1}, ValueError),
        ({"ping_timeout": -1}, ValueError),
        ({"subprotocols": "chat"}, TypeError),
    ],
)
def test_settings_that_make_no_sense(settings: Any, error: type[Exception]) -> None:
    """They are noticed once, rather than with each connection."""
    with pytest.raises(error):
        serve(hold, **settings)


@in_memory
async def test_a_server_that_starts_later() -> None:
    server = await serve(hold, start_serving=False)
    server.server.close()
    assert not server.is_serving()
    await server.start_serving()
    assert server.is_serving()
    assert server.get_loop() is memory()
    server.close()
    await server.wait_closed()


@on_sockets
async def test_sockets_and_their_log_lines(caplog: pytest.LogCaptureFixture) -> None:
    async with serve(hold, "127.0.0.1", 0) as server:
        (sock,) = server.sockets
        port = sock.getsockname()[1]
        assert server.is_serving()
        assert server.get_loop() is asyncio.get_running_loop()
    assert server.sockets == ()
    assert lines(caplog) == [
        f"server listening on 127.0.0.1:{port}",
        "server closing",
        "server closed",
    ]


@on_sockets
async def test_the_log_line_of_ipv6(caplog: pytest.LogCaptureFixture) -> None:
    try:
        server = await serve(hold, "::1", 0)
    except OSError:
        pytest.skip("no IPv6")
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    assert f"server listening on [::1]:{port}" in lines(caplog)


@on_sockets
async def test_connections_are_those_that_are_open() -> None:
    async with serve(hold, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert server.connections == set()
        async with connect(f"ws://127.0.0.1:{port}/"):
            while not server.connections:
                await asyncio.sleep(0)
            (connection,) = server.connections
            assert connection.state.name == "OPEN"
            assert connection.remote_address[0] == "127.0.0.1"
        await connection.wait_closed()
        assert server.connections == set()


@on_sockets
async def test_many_connections_at_once() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]

        async def talk(name: int) -> None:
            async with connect(f"ws://127.0.0.1:{port}/") as client:
                for i in range(20):
                    await client.send(f"{name} {i}")
                    assert await client.recv() == f"{name} {i}"

        await asyncio.gather(*map(talk, range(30)))


Handler = Callable[[ServerConnection], Awaitable[None]]


async def _at_once(connection: ServerConnection) -> None:
    pass


async def _fails_at_once(connection: ServerConnection) -> None:
    raise ValueError("at once")


@pytest.mark.parametrize("handler", [_at_once, _fails_at_once])
@on_sockets
async def test_handlers_that_end_at_once(handler: Handler) -> None:
    """With eager tasks, they end before the server knows that they began."""
    async with serve(handler, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for _ in range(5):
            async with connect(f"ws://127.0.0.1:{port}/") as client:
                await client.wait_closed()
                assert client.close_code == (1000 if handler is _at_once else 1011)


@on_sockets
async def test_raw_peers_over_sockets() -> None:
    """Silence and garbage, and a server that is closed meanwhile."""
    async with serve(hold, "127.0.0.1", 0) as server:
        address = server.sockets[0].getsockname()
        loop = asyncio.get_running_loop()
        peers: list[Raw] = []
        for data in (b"", b"GET /", b"\x00" * 100, REQUEST):
            _, raw = await loop.create_connection(Raw, *address)
            raw.transport.write(data)
            peers.append(raw)
        while not server.connections:
            await asyncio.sleep(0)
        peers[-1].transport.abort()
        peers[2].transport.abort()
    for raw in peers:
        raw.transport.abort()
        await raw.lost
