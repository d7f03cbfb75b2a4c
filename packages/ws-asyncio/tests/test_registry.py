"""Who may connect to a server, and how connections end together."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from kit import (
    REQUEST,
    URI,
    Raw,
    echo,
    hold,
    in_memory,
    lines,
    memory,
    no_collector,
    on_sockets,
    pair,
    raw_client,
    raw_open,
    turns,
)

from ws_asyncio import Server, ServerConnection, connect, serve
from ws_types.errors import ProtocolError
from ws_types.exceptions import ConnectionClosedError, InvalidStatus
from ws_types.http11 import Request, Response

GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
QUIET: dict[str, Any] = {"ping_interval": None}


@pytest.fixture(autouse=True)
def log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


async def answer(data: bytes) -> bytes:
    """What the server in memory answers."""
    raw = await raw_client()
    raw.transport.write(data)
    await turns()
    raw.transport.abort()
    await turns()
    return bytes(raw.received)


def health(connection: ServerConnection, request: Request) -> Response | None:
    return connection.respond(200, "fine\n") if request.path == "/health" else None


# Limits


@in_memory
async def test_limit_of_connections(caplog: pytest.LogCaptureFixture) -> None:
    async with serve(hold, max_connections=2, process_request=health, **QUIET) as server:
        first, second = await raw_open(), await raw_open()
        caplog.clear()
        refused = await answer(REQUEST)
        assert refused.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"\r\nRetry-After: 5\r\n" in refused
        assert lines(caplog) == [
            "connection refused, max_connections (2) reached (503 Service Unavailable)"
        ]
        # It isn't ill.
        assert (await answer(GET)).startswith(b"HTTP/1.1 200 OK\r\n")
        first.transport.abort()
        await turns()
        third = await raw_open()
        assert len(server.connections) == 2
        second.transport.abort()
        third.transport.abort()


@on_sockets
async def test_limit_of_an_address(caplog: pytest.LogCaptureFixture) -> None:
    async with serve(hold, "127.0.0.1", 0, max_connections_per_address=1) as server:
        uri = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with connect(uri):
            with pytest.raises(InvalidStatus) as raised:
                await connect(uri)
            assert raised.value.response.status_code == 429
        while server.connections:
            await asyncio.sleep(0)
        async with connect(uri):
            pass
    said = [line for line in lines(caplog) if "refused" in line]
    assert said == [
        "connection refused, max_connections_per_address (1) reached by 127.0.0.1 "
        "(429 Too Many Requests)"
    ]


@in_memory
async def test_hosts(caplog: pytest.LogCaptureFixture) -> None:
    """DNS rebinding (CVE-2026-59950): the page's domain is in Host, and isn't ours."""
    asked: list[Request] = []

    def process_request(connection: ServerConnection, request: Request) -> None:
        asked.append(request)

    async with serve(hold, hosts=["example.com"], process_request=process_request, **QUIET):
        for data in (REQUEST, GET):
            assert (await answer(data)).startswith(b"HTTP/1.1 403 Forbidden\r\n")
        assert not asked
        assert lines(caplog) == ["connection refused, Host not allowed (403 Forbidden)"] * 2
        allowed = REQUEST.replace(b"Host: localhost", b"Host: example.com:8000")
        assert (await answer(allowed)).startswith(b"HTTP/1.1 101 ")


@in_memory
async def test_refusing_takes_no_task() -> None:
    async with serve(hold, hosts=[], **QUIET):
        before = asyncio.all_tasks()
        raw = await raw_client()
        raw.transport.write(REQUEST)
        for _ in range(10):
            await asyncio.sleep(0)
            assert asyncio.all_tasks() == before
        assert raw.received.startswith(b"HTTP/1.1 403 ")
        raw.transport.abort()


@in_memory
async def test_the_oldest_silent_connection_makes_room(caplog: pytest.LogCaptureFixture) -> None:
    async with serve(hold, max_pending=3, **QUIET) as server:
        silent = [await raw_client() for _ in range(5)]
        await turns()
        assert [raw.lost.done() for raw in silent] == [True, True, False, False, False]
        assert lines(caplog) == ["connection dropped, max_pending (3) reached"] * 2
        # Whoever speaks is served in spite of them.
        for count in range(1, 6):
            await raw_open()
            assert len(server.connections) == count
        for client, _ in memory().links:
            client.abort()


@in_memory
async def test_a_slowloris_is_bounded() -> None:
    """CVE class: handshakes that dribble or never end."""
    async with serve(hold, max_pending=10, open_timeout=10, **QUIET) as server:
        attackers = []
        for number in range(200):
            raw = await raw_client()
            raw.transport.write(b"GET / HTTP/1.1\r\nX-%d: " % number)
            attackers.append(raw)
            await turns(5)
        assert len(server._registry.admission.waiting) == 10
        assert sum(raw.lost.done() for raw in attackers) == 190
        await asyncio.sleep(11)
        assert all(raw.lost.done() for raw in attackers)
        assert server._registry.admission.is_empty()


@in_memory
async def test_refused_connections_that_stay_make_room_first() -> None:
    async with serve(hold, max_pending=2, process_request=health, **QUIET):
        silent, stays = await raw_client(), await raw_client()
        stays.transport.write(GET)
        await turns()
        assert stays.eof
        await raw_client()
        await turns()
        assert stays.lost.done()
        assert not silent.lost.done()
        for client, _ in memory().links:
            client.abort()


@in_memory
async def test_connections_are_not_held_by_the_account() -> None:
    async with serve(hold, max_connections=10, max_pending=10, **QUIET) as server:
        with no_collector():
            for data in (b"", b"GET", b"\x00\r\n", GET, REQUEST):
                raw = await raw_client()
                raw.transport.write(data)
                await turns()
                raw.transport.abort()
                await turns()
        assert server._registry.admission.is_empty()
        assert not server._registry.tasks


@pytest.mark.parametrize(
    "settings",
    [
        {"max_connections": 0},
        {"max_connections_per_address": -1},
        {"max_pending": 0},
        {"max_body": -1},
        {"hosts": ["http://x/"]},
    ],
)
def test_limits_that_make_no_sense(settings: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(settings)) + "|isn't a host"):
        serve(hold, **settings)


# Draining


async def drained(server: Server, clients: list[Any], **settings: Any) -> list[float]:
    """When each client is closed, in seconds after a drain began."""
    start = memory().now
    times: dict[Any, float] = {}

    async def watch(client: Any) -> None:
        await client.wait_closed()
        times[client] = memory().now - start

    watchers = [asyncio.create_task(watch(client)) for client in clients]
    await server.drain(**settings)
    await asyncio.gather(*watchers)
    return [times[client] for client in clients]


@pytest.mark.parametrize(
    ("spread", "expected"),
    [(None, [2.5, 5.0, 7.5, 10.0]), (2, [8.5, 9.0, 9.5, 10.0]), (0, [10.0] * 4)],
)
@in_memory
async def test_draining_spreads_the_closing_of_connections(
    spread: float | None, expected: list[float]
) -> None:
    async with serve(echo, **QUIET) as server:
        clients = [await connect(URI, **QUIET) for _ in range(4)]
        while len(server.connections) < 4:
            await asyncio.sleep(0)
        times = await drained(server, clients, timeout=10, spread=spread)
        assert times == pytest.approx(expected)
        assert {client.close_code for client in clients} == {1001}


@in_memory
async def test_draining_lets_connections_finish() -> None:
    async with serve(echo, **QUIET) as server:
        client = await connect(URI, **QUIET)
        draining = asyncio.create_task(server.drain(100, spread=0))
        await asyncio.sleep(50)
        await client.send("still there")
        assert await client.recv() == "still there"
        await client.close()
        await draining
        # It doesn't wait for longer than there is something to wait for.
        assert memory().now < 1051
        assert client.close_code == 1000


@in_memory
async def test_draining_refuses_handshakes_and_answers_requests() -> None:
    async with serve(hold, process_request=health, **QUIET) as server:
        client = await connect(URI, **QUIET)
        draining = asyncio.create_task(server.drain(10, code=1012, reason="new version"))
        await turns()
        refused = await answer(REQUEST)
        assert refused.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"shutting down" in refused
        assert (await answer(GET)).startswith(b"HTTP/1.1 200 OK\r\n")
        await draining
        with pytest.raises(ConnectionClosedError) as raised:
            await client.recv()
        assert str(raised.value.rcvd) == "1012 (service restart) new version"
        with pytest.raises(ConnectionRefusedError):
            await connect(URI)


@in_memory
async def test_draining_refuses_those_that_are_considered() -> None:
    async def for_ever(connection: ServerConnection, request: Request) -> None:
        await asyncio.Event().wait()

    async with serve(hold, process_request=for_ever, **QUIET) as server:
        raw = await raw_client()
        raw.transport.write(REQUEST)
        await turns()
        await server.drain(0)
        await turns()
        assert raw.eof
        assert raw.received.startswith(b"HTTP/1.1 503 ")
        raw.transport.abort()


@in_memory
async def test_draining_ends_on_a_network_that_drops_everything() -> None:
    async with pair(server={"close_timeout": 5}) as both:
        memory().cut()
        start = memory().now
        await both.server.drain(10)
        assert memory().now - start == pytest.approx(15)
        memory().release()
        both.wire.abort()


@in_memory
async def test_draining_cancels_handlers_that_do_not_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ended: list[str] = []

    async def stubborn(connection: ServerConnection) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async with pair(stubborn) as both:
        start = memory().now
        await both.server.drain(10)
        assert memory().now - start == pytest.approx(20)
        assert ended == ["cancelled"]
    assert "cancelling 1 handlers that don't end" in lines(caplog)


@in_memory
async def test_draining_that_is_cancelled_closes_at_once() -> None:
    async with pair() as both:
        draining = asyncio.create_task(both.server.drain(1000))
        await asyncio.sleep(1)
        draining.cancel()
        await both.server.wait_closed()
        assert memory().now == 1001
        assert both.client.close_code == 1001
        assert draining.cancelled()


@in_memory
async def test_closing_while_draining() -> None:
    async with pair() as both:
        draining = asyncio.create_task(both.server.drain(1000))
        await asyncio.sleep(1)
        both.server.close()
        await draining
        assert memory().now == 1001


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"timeout": -1}, ValueError),
        ({"timeout": 1, "spread": 2}, ValueError),
        ({"timeout": 1, "code": 9999}, ProtocolError),
        ({"timeout": 1, "reason": "x" * 124}, ProtocolError),
    ],
)
@in_memory
async def test_drains_that_make_no_sense_do_nothing(settings: Any, error: type[Exception]) -> None:
    async with pair(echo) as both:
        with pytest.raises(error):
            await both.server.drain(**settings)
        assert both.server.is_serving()
        await connect(URI)


@on_sockets
async def test_draining_over_sockets() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        address = server.sockets[0].getsockname()
        uri = "ws://{}:{}/".format(*address)
        clients = [await connect(uri) for _ in range(10)]
        loop = asyncio.get_running_loop()
        _, silent = await loop.create_connection(Raw, *address)
        await asyncio.wait_for(server.drain(0.05), 5)
        for client in clients:
            await client.wait_closed()
            assert client.close_code == 1001
        while not silent.eof:
            await asyncio.sleep(0)
        silent.transport.abort()
    assert server.sockets == ()
