"""Who may connect to a server, and how connections end together."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from servers import (
    PATIENCE,
    REQUEST,
    ask,
    connected,
    dial,
    hold,
    meanwhile,
    read_all,
    read_head,
    serving,
    wait_for,
)

from ws_sync import registry
from ws_sync.connection import Connection
from ws_sync.server import Server, ServerConnection
from ws_types.errors import ProtocolError
from ws_types.exceptions import ConnectionClosed, ConnectionClosedOK
from ws_types.http11 import Request, Response

GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


def health(connection: ServerConnection, request: Request) -> Response | None:
    return connection.respond(200, "fine\n") if request.path == "/health" else None


def refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [record.getMessage() for record in caplog.records]
    return [line for line in found if line.startswith(("connection refused", "connection dropped"))]


@pytest.fixture(autouse=True)
def log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


# Limits


@pytest.mark.parametrize(
    ("limit", "status", "reason"),
    [
        ("max_connections", b"503", "max_connections (1) reached (503 Service Unavailable)"),
        (
            "max_connections_per_address",
            b"429",
            "max_connections_per_address (1) reached by 127.0.0.1 (429 Too Many Requests)",
        ),
    ],
)
def test_limits_of_connections(
    limit: str, status: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings: dict[str, Any] = {limit: 1, "process_request": health}
    with serving(**settings) as server:
        with connected(server):
            answer = ask(server, REQUEST)
            assert answer[9:12] == status
            assert b"\r\nRetry-After: 5\r\n" in answer
            assert refusals(caplog) == [f"connection refused, {reason}"]
            # It isn't ill.
            assert ask(server, GET)[9:12] == b"200"
        wait_for(lambda: not server._registry._guests)
        connected(server).close()


def test_hosts(caplog: pytest.LogCaptureFixture) -> None:
    with serving(hosts=["example.com"]) as server:
        assert ask(server, REQUEST)[9:12] == b"403"
        connected(server, REQUEST.replace(b"localhost", b"example.com:80")).close()
    assert refusals(caplog) == ["connection refused, Host not allowed (403 Forbidden)"]


def test_the_oldest_silent_connection_makes_room(caplog: pytest.LogCaptureFixture) -> None:
    with serving(max_pending=2) as server, contextlib.ExitStack() as stack:
        silent = []
        for count in range(1, 5):
            silent.append(stack.enter_context(dial(server)))
            wait_for(lambda count=count: len(server._registry._guests) == min(count, 2))
            wait_for(lambda count=count: len(refusals(caplog)) == max(0, count - 2))
        # Whoever speaks is served in spite of them.
        connected(server).close()
        for sock in silent[:2]:
            assert read_all(sock) == b""
    assert set(refusals(caplog)) == {"connection dropped, max_pending (2) reached"}


def test_newcomers_are_dropped_where_all_are_considered() -> None:
    go_on = threading.Event()

    def slowly(connection: ServerConnection, request: Request) -> None:
        go_on.wait(PATIENCE)

    with serving(max_pending=1, process_request=slowly) as server, dial(server) as first:
        first.sendall(REQUEST)
        wait_for(lambda: server._registry.admission.considered)
        with dial(server) as second:
            assert read_all(second) == b""
        go_on.set()
        assert read_head(first).startswith(b"HTTP/1.1 101 ")


# Draining


@contextlib.contextmanager
def clients(server: Server, count: int) -> Iterator[list[Connection]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connected(server)) for _ in range(count)]


def when_closed(clients: list[Connection], start: float) -> list[float]:
    """When each client is closed: they are closed in order."""
    times = []
    for client in clients:
        with pytest.raises(ConnectionClosed):
            client.recv(PATIENCE)
        times.append(time.monotonic() - start)
    return times


def test_draining_spreads_the_closing_of_connections() -> None:
    with serving() as server, clients(server, 3) as three:
        with meanwhile(server.drain, 0.3):
            times = when_closed(three, time.monotonic())
        assert times[0] >= 0.08
        assert times[1] >= 0.18
        assert times[2] >= 0.28
        assert [client.close_code for client in three] == [1001] * 3


def test_draining_lets_connections_finish() -> None:
    with serving() as server, connected(server) as client:
        with meanwhile(server.drain, 1000, spread=0):
            wait_for(lambda: server._registry.closing)
            client.send("still there")
            assert client.recv(PATIENCE) == "still there"
            client.close()
        assert client.close_code == 1000


def test_draining_refuses_handshakes_and_answers_requests() -> None:
    with serving(process_request=health) as server, connected(server) as client:
        draining = meanwhile(server.drain, 1000, code=1012)
        with draining, contextlib.ExitStack() as stack:
            wait_for(lambda: server._registry.closing)
            assert ask(server, REQUEST)[9:12] == b"503"
            assert ask(server, GET)[9:12] == b"200"
            # Shutting down doesn't wait for the end of the drain.
            stack.enter_context(meanwhile(server.shutdown))
            with pytest.raises(ConnectionClosedOK):
                client.recv(PATIENCE)


def test_draining_ends_where_a_peer_says_nothing() -> None:
    with serving(hold, close_timeout=0.05) as server, dial(server) as sock:
        sock.sendall(REQUEST)
        read_head(sock)
        server.drain(0.01)
        assert server.fileno() == -1


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"timeout": -1}, ValueError),
        ({"timeout": 1, "spread": 2}, ValueError),
        ({"timeout": 1, "code": 9999}, ProtocolError),
        ({"timeout": 1, "reason": "x" * 124}, ProtocolError),
    ],
)
def test_drains_that_make_no_sense_do_nothing(settings: Any, error: type[Exception]) -> None:
    with serving() as server:
        with pytest.raises(error):
            server.drain(**settings)
        connected(server).close()


# Afterwards


def test_connections_are_not_held_by_the_account() -> None:
    with serving(process_request=health) as server:
        for data in (b"GET", b"\x00\r\n\r\n", GET, REQUEST):
            with dial(server) as sock:
                sock.sendall(data)
                sock.recv(1) if data.endswith(b"\n") else None
        wait_for(lambda: not server._registry._guests)
        assert server._registry.admission.is_empty()


def test_a_guest_without_a_connection_can_be_dropped() -> None:
    ours, theirs = socket.socketpair()
    guest = registry.Guest(ours, None)
    guest.drop()
    assert theirs.recv(1) == b""
    guest.leave()
    guest.drop()
    theirs.close()
