"""Connections that come back."""

from __future__ import annotations

import types
from collections.abc import Callable, Generator
from typing import Any

import pytest
from servers import serving

import ws_sync.client
from ws_sync.client import ClientConnection, connect, reconnect
from ws_sync.server import ServerConnection
from ws_types.exceptions import InvalidStatus
from ws_types.http11 import Request, Response


def delays() -> Generator[float, None, None]:
    yield from (1.0, 2.0, 4.0)


class Clock:
    """Stands for :mod:`time`; nobody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    module = types.SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep)
    monkeypatch.setattr(ws_sync.client, "time", module)
    return clock


def answering(*statuses: int, **headers: str) -> Callable[..., Response | None]:
    """Answer with one status after another, then let everything through."""
    left = list(statuses)

    def process_request(connection: ServerConnection, request: Request) -> Response | None:
        if not left:
            return None
        response = connection.respond(left.pop(0), "")
        for name, value in headers.items():
            response.headers[name.replace("_", "-")] = value
        return response

    return process_request


def uri_of(server: Any) -> str:
    return f"ws://127.0.0.1:{server.socket.getsockname()[1]}/"


def iterate(connector: reconnect) -> None:
    for _ in connector:
        pytest.fail("connected")


def test_a_new_connection_whenever_one_has_ended() -> None:
    seen: list[ClientConnection] = []
    with serving() as server:
        for client in reconnect(uri_of(server)):
            client.send("a")
            assert client.recv() == "a"
            seen.append(client)
            if len(seen) == 3:
                break
    assert len(set(seen)) == 3
    assert [client.close_code for client in seen[:2]] == [1000, 1000]


def test_iterating_over_connect() -> None:
    with serving() as server:
        for client in connect(uri_of(server), legacy=False):
            client.send("a")
            assert client.recv() == "a"
            break


def test_attempts_that_fail_are_followed_by_others(clock: Clock) -> None:
    with serving(process_request=answering(503, 500, Retry_After="10")) as server:
        connector = reconnect(uri_of(server), reconnect_delays=delays)
        assert connector.last_failure is None
        for _ in connector:
            break
    assert clock.now == 1 + 10 + 2 + 10
    assert isinstance(connector.last_failure, InvalidStatus)
    assert connector.last_failure.response.status_code == 500


def test_a_failure_that_will_not_pass_ends_it(clock: Clock) -> None:
    with (
        serving(process_request=answering(503, 404)) as server,
        pytest.raises(InvalidStatus) as raised,
    ):
        iterate(reconnect(uri_of(server), reconnect_delays=delays))
    assert raised.value.response.status_code == 404
    assert clock.now == 1


@pytest.mark.parametrize(
    ("bounds", "ended"), [({"max_attempts": 3}, 3), ({"max_elapsed": 2.5}, 1), ({}, 7)]
)
def test_attempts_are_bounded(clock: Clock, bounds: dict[str, Any], ended: int) -> None:
    with (
        serving(process_request=answering(*[503] * 10)) as server,
        pytest.raises(InvalidStatus),
    ):
        iterate(reconnect(uri_of(server), reconnect_delays=delays, **bounds))
    assert clock.now == ended


def test_what_the_program_decides(clock: Clock) -> None:
    mine = RuntimeError("mine")
    with (
        serving(process_request=answering(503)) as server,
        pytest.raises(RuntimeError, match="mine"),
    ):
        iterate(reconnect(uri_of(server), process_exception=lambda exc: mine))


def test_a_hook_runs_before_the_program_gets_the_connection() -> None:
    def subscribe(connection: ClientConnection) -> None:
        connection.send("subscribe")

    with serving() as server:
        with connect(uri_of(server), on_connect=subscribe) as client:
            assert client.recv() == "subscribe"
        for client in reconnect(uri_of(server), on_connect=subscribe):
            assert client.recv() == "subscribe"
            break


def test_a_hook_that_fails_closes_the_connection() -> None:
    seen: list[ClientConnection] = []

    def fail(connection: ClientConnection) -> None:
        seen.append(connection)
        raise RuntimeError("mine")

    with serving() as server, pytest.raises(RuntimeError, match="mine"):
        connect(uri_of(server), on_connect=fail)
    assert seen[0].close_code == 1011


def test_a_connection_that_ends_during_the_hook_is_a_failure_that_passes(clock: Clock) -> None:
    seen: list[ClientConnection] = []

    def subscribe(connection: ClientConnection) -> None:
        seen.append(connection)
        if len(seen) == 1:
            connection.close()
            connection.recv()

    with serving() as server:
        for client in reconnect(uri_of(server), on_connect=subscribe, reconnect_delays=delays):
            assert client is seen[1]
            break
    assert clock.now == 1
