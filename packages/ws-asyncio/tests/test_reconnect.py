"""Redirects, and connections that come back: on a network in memory, whose clock is our own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import weakref
from collections.abc import Callable, Generator
from typing import Any

import pytest
from kit import URI, echo, hold, in_memory, lines, memory, no_collector, turns

from ws_asyncio import ClientConnection, ServerConnection, connect, serve
from ws_types.errors import InvalidURI, SecurityError
from ws_types.exceptions import ConnectionClosed, InvalidStatus
from ws_types.http11 import Request, Response

Answer = Callable[[ServerConnection, Request], Response | None]


def delays() -> Generator[float, None, None]:
    yield from (1.0, 2.0, 4.0, 8.0)


class Answers:
    """A server's *process_request*: one answer after another, then all are let through."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        #: The requests, and when they came.
        self.requests: list[Request] = []
        self.times: list[float] = []

    def __call__(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        self.times.append(asyncio.get_running_loop().time() - 1000)
        return self.answers.pop(0)(connection, request) if self.answers else None

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]


def status(code: int, **headers: str) -> Answer:
    def answer(connection: ServerConnection, request: Request) -> Response:
        response: Response = connection.respond(code, "")
        for name, value in headers.items():
            response.headers[name.replace("_", "-")] = value
        return response

    return answer


def redirect(location: str) -> Answer:
    return status(302, Location=location)


async def iterate(connector: connect) -> None:
    async for _ in connector:
        pytest.fail("connected")


@contextlib.asynccontextmanager
async def serving(*answers: Answer) -> Any:
    requests = Answers(*answers)
    async with serve(echo, process_request=requests, ping_interval=None):
        yield requests


# Redirects


@in_memory
async def test_a_redirect_is_followed() -> None:
    answers = redirect("/two?a=1"), redirect("three")
    async with serving(*answers) as requests, connect(URI + "one") as client:
        await client.send("a")
        assert await client.recv() == "a"
    assert requests.paths == ["/one", "/two?a=1", "/three"]
    assert [link[0].lost for link in memory().links] == [True, True, True]


@in_memory
async def test_credentials_are_not_sent_elsewhere() -> None:
    secrets = {"Cookie": "id=1", "X-Mine": "1"}
    async with serving(redirect("/two"), redirect("ws://other/")) as requests:
        connector = connect("ws://me:secret@localhost/", additional_headers=secrets)
        async with connector as client:
            assert client.request is not None
            assert client.request.headers["Host"] == "other"
        first, second, third = requests.requests
        for request in (first, second):
            assert request.headers["Cookie"] == "id=1"
            assert request.headers["Authorization"].startswith("Basic ")
        assert "Cookie" not in third.headers
        assert "Authorization" not in third.headers
        assert third.headers["X-Mine"] == "1"
        # Another connection starts where the first one did.
        async with connector:
            assert requests.requests[-1].headers["Cookie"] == "id=1"
            assert requests.requests[-1].headers["Host"] == "localhost"


@in_memory
async def test_redirects_have_a_limit() -> None:
    async with serving(*[redirect("/again")] * 20) as requests:
        with pytest.raises(SecurityError, match="more than 10 redirects") as raised:
            await connect(URI)
    assert len(requests.paths) == 10
    assert isinstance(raised.value.__context__, InvalidStatus)


@pytest.mark.parametrize(
    ("settings", "location", "error"),
    [
        ({"uri": "wss://localhost/"}, "ws://localhost/", SecurityError),
        ({"uri": URI}, "http://localhost/", InvalidURI),
        ({"uri": URI, "host": "localhost"}, "ws://other/", ValueError),
        ({"uri": URI, "port": 81}, "ws://localhost:81/", ValueError),
    ],
)
@in_memory
async def test_redirects_that_are_refused(
    settings: Any, location: str, error: type[Exception]
) -> None:
    async with serving(redirect(location)) as requests:
        with pytest.raises(error):
            await connect(**settings)
    assert len(requests.paths) == 1


@in_memory
async def test_the_program_may_refuse_redirects() -> None:
    class Stubborn(connect):
        def process_redirect(self, exc: Exception) -> Exception | str:
            return exc

    async with serving(redirect("/two")):
        with pytest.raises(InvalidStatus):
            await Stubborn(URI)


@in_memory
async def test_one_timeout_for_all_redirects() -> None:
    async def slow(connection: ServerConnection, request: Request) -> Response | None:
        await asyncio.sleep(4)
        return redirect("/again")(connection, request)

    async with serve(hold, process_request=slow):
        started = memory().time()
        with pytest.raises(TimeoutError, match="timed out during opening handshake"):
            await connect(URI)
        assert memory().time() - started == 10


# Iteration


@in_memory
async def test_a_new_connection_whenever_one_has_ended() -> None:
    closed: list[ClientConnection] = []
    async with serving():
        async for client in connect(URI):
            closed.append(client)
            if len(closed) == 3:
                break
            await client.send("a")
            assert await client.recv() == "a"
        await turns()
    assert len(set(closed)) == 3
    assert [client.close_code for client in closed[:2]] == [1000, 1000]


@in_memory
async def test_attempts_that_fail_are_followed_by_others(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    connector = connect(URI, reconnect_delays=delays)
    assert connector.last_failure is None
    async with serving(status(503), status(500, Retry_After="10"), status(502)) as requests:
        async for client in connector:
            await client.close()
            break
    assert requests.times == [0, 1, 13, 17]
    assert isinstance(connector.last_failure, InvalidStatus)
    assert connector.last_failure.response.status_code == 502
    assert connector.last_failure.__traceback__ is None
    assert [line for line in lines(caplog) if "connect failed" in line] == [
        f"connect failed; reconnecting in {delay} seconds: ws_types.exceptions.InvalidStatus: "
        f"server rejected WebSocket connection: HTTP {code}"
        for delay, code in (("1.0", 503), ("12.0", 500), ("4.0", 502))
    ]


@in_memory
async def test_a_failure_that_will_not_pass_ends_it() -> None:
    async with serving(status(503), status(404)) as requests:
        with pytest.raises(InvalidStatus) as raised:
            await iterate(connect(URI, reconnect_delays=delays))
    assert raised.value.response.status_code == 404
    assert requests.times == [0, 1]


@in_memory
async def test_the_program_decides_what_ends_it() -> None:
    def decide(exc: Exception) -> Exception | None:
        return RuntimeError("enough") if "503" in str(exc) else None

    async with serving(status(404), status(503)):
        with pytest.raises(RuntimeError, match="enough"):
            await iterate(connect(URI, reconnect_delays=delays, process_exception=decide))


@pytest.mark.parametrize(
    ("bounds", "ended"), [({"max_attempts": 3}, 3), ({"max_elapsed": 10}, 7), ({}, 15)]
)
@in_memory
async def test_attempts_are_bounded(bounds: dict[str, Any], ended: int) -> None:
    """Where the delays end, attempts do as well."""
    with pytest.raises(ConnectionRefusedError):
        await iterate(connect(URI, reconnect_delays=delays, **bounds))
    assert memory().time() == 1000 + ended


@in_memory
async def test_bounds_are_those_of_a_row_of_failures() -> None:
    flaky = [status(503), status(503), lambda connection, request: None] * 3
    connections = 0
    async with serving(*flaky):
        async for _ in connect(URI, reconnect_delays=delays, max_attempts=3, max_elapsed=4):
            connections += 1
            if connections == 3:
                break


@pytest.mark.parametrize("bounds", [{"max_attempts": 0}, {"max_elapsed": -1}])
@in_memory
async def test_bounds_that_make_no_sense(bounds: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be None or at least"):
        connect(URI, **bounds)


@in_memory
async def test_what_the_program_raises_comes_out() -> None:
    async def iterate_once() -> None:
        async for _ in connect(URI):
            raise RuntimeError("mine")

    async with serving():
        with pytest.raises(RuntimeError, match="mine"):
            await iterate_once()


@in_memory
async def test_iteration_can_be_cancelled_while_it_waits() -> None:
    task = asyncio.ensure_future(iterate(connect(URI, reconnect_delays=delays)))
    await asyncio.sleep(2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# The hook


@in_memory
async def test_a_hook_runs_before_the_program_gets_the_connection() -> None:
    async def subscribe(connection: ClientConnection) -> None:
        await connection.send("subscribe")

    async with serving():
        async with connect(URI, on_connect=subscribe) as client:
            assert await client.recv() == "subscribe"
        client = await connect(URI, on_connect=subscribe)
        assert await client.recv() == "subscribe"
        await client.close()
        count = 0
        async for client in connect(URI, on_connect=subscribe):
            assert await client.recv() == "subscribe"
            count += 1
            if count == 2:
                break


@in_memory
async def test_a_hook_need_not_be_a_coroutine_function() -> None:
    seen: list[ClientConnection] = []
    async with serving(), connect(URI, on_connect=seen.append) as client:
        assert seen == [client]


@in_memory
async def test_a_hook_that_fails_closes_the_connection() -> None:
    seen: list[ClientConnection] = []

    def fail(connection: ClientConnection) -> None:
        seen.append(connection)
        raise RuntimeError("mine")

    async with serving():
        with pytest.raises(RuntimeError, match="mine"):
            await iterate(connect(URI, on_connect=fail))
    assert seen[0].close_code == 1011


@in_memory
async def test_a_connection_that_ends_during_the_hook_is_a_failure_that_passes() -> None:
    calls = 0

    async def subscribe(connection: ClientConnection) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            connection.transport.abort()
            await connection.recv()

    async with serving() as requests:
        async for client in connect(URI, on_connect=subscribe, reconnect_delays=delays):
            await client.send("a")
            assert await client.recv() == "a"
            break
    assert requests.times == [0, 1]


# Nothing is left behind


@in_memory
async def test_connections_are_freed_at_once() -> None:
    made: list[weakref.ref[Any]] = []

    class Remembered(ClientConnection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(weakref.ref(self))

    async def left() -> list[Any]:
        await turns()
        return [ref() for ref in made if ref() is not None]

    answers = (status(503), redirect("/two"), redirect("http://localhost/"))
    with no_collector():
        async with serving(*answers):
            connector = connect(
                URI,
                create_connection=Remembered,
                reconnect_delays=delays,
                logger=logging.Logger("silent"),
            )
            with pytest.raises(InvalidURI):
                await iterate(connector)
            assert len(made) == 3
            assert await left() == []
            async for client in connector:
                await client.close()
                with pytest.raises(ConnectionClosed):
                    await client.recv()
                del client
                assert await left() != []  # the iterator has it
                if len(made) == 6:
                    break
            assert await left() == []


@in_memory
async def test_a_connection_that_has_ended_is_not_kept_while_another_is_opened() -> None:
    made: list[weakref.ref[Any]] = []
    kept: list[Any] = []

    def process_exception(exc: Exception) -> Exception | None:
        kept.append(made[0]())
        return None

    with no_collector():
        async with serving(lambda connection, request: None, status(503)):
            async for client in connect(
                URI,
                reconnect_delays=delays,
                process_exception=process_exception,
                logger=logging.Logger("silent"),
            ):
                made.append(weakref.ref(client))
                await client.close()
                del client
                if len(made) == 2:
                    break
    assert kept == [None]
