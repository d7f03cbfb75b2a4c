"""When a client tries again: which failures, how often, how long, and what a server asks for."""

from __future__ import annotations

import gc
import itertools
import logging
import socket
import ssl
import weakref
from collections.abc import Callable, Generator
from typing import Any

import pytest

from ws_sansio.backoff import Attempts, backoff, process_exception, retry_after
from ws_types.errors import (
    InvalidHandshake,
    InvalidMessage,
    InvalidProxyMessage,
    InvalidUpgrade,
    InvalidURI,
    ProxyError,
    SecurityError,
)
from ws_types.exceptions import ConnectionClosedError, InvalidProxyStatus, InvalidStatus
from ws_types.headers import Headers
from ws_types.http11 import Response


def answer(status: int, **headers: str) -> Response:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Response(status, "", Headers(pairs))


def caused(exc: Exception, cause: Exception) -> Exception:
    exc.__cause__ = cause
    return exc


# Delays


def test_delays_grow_from_a_random_start_to_a_maximum() -> None:
    first, *others = itertools.islice(backoff(), 12)
    assert 0 <= first <= 5
    assert others[0] == 3.1
    assert others[1] == pytest.approx(3.1 * 1.618)
    assert others[-1] == 90
    assert others == sorted(others)


def test_the_first_delay_differs_from_client_to_client() -> None:
    assert len({next(backoff()) for _ in range(10)}) > 1


def test_delays_of_the_program() -> None:
    delays = itertools.islice(backoff(initial_delay=0, min_delay=1, max_delay=5, factor=2), 6)
    assert list(delays) == [0, 1, 2, 4, 5, 5]


def test_a_least_delay_above_the_longest() -> None:
    assert list(itertools.islice(backoff(0, 9, 5), 3)) == [0, 5, 5]


# Failures


@pytest.mark.parametrize(
    "exc",
    [
        OSError("unreachable"),
        ConnectionRefusedError(),
        TimeoutError(),
        socket.gaierror(-2, "Name or service not known"),
        ssl.SSLError("handshake"),
        caused(InvalidMessage(), EOFError()),
        caused(InvalidMessage(), ConnectionResetError()),
        caused(InvalidProxyMessage(), EOFError()),
        caused(ProxyError(), OSError()),
        ConnectionClosedError(None, None),
        InvalidStatus(answer(429, Retry_After="5")),
        *(InvalidStatus(answer(status)) for status in (500, 502, 503, 504)),
        *(InvalidProxyStatus(answer(status)) for status in (500, 502, 503, 504)),
    ],
    ids=repr,
)
def test_failures_that_may_pass(exc: Exception) -> None:
    assert process_exception(exc) is None


@pytest.mark.parametrize(
    "exc",
    [
        ValueError(),
        EOFError(),
        InvalidMessage(),
        caused(InvalidMessage(), ValueError()),
        ProxyError(),
        caused(InvalidProxyMessage(), ValueError()),
        InvalidHandshake(),
        InvalidUpgrade("Upgrade"),
        InvalidURI("ws://", ""),
        SecurityError(),
        *(InvalidStatus(answer(status)) for status in (200, 302, 401, 403, 404, 429, 501, 505)),
        *(InvalidProxyStatus(answer(status)) for status in (403, 407)),
    ],
    ids=repr,
)
def test_failures_that_will_not(exc: Exception) -> None:
    assert process_exception(exc) is exc


# Retry-After

NOW = "Tue, 24 Nov 2026 13:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("0120", 120),
        ("3600", 3600),
        ("3601", 3600),
        ("9" * 5000, 3600),
        ("Tue, 24 Nov 2026 13:01:30 GMT", 90),
        ("Tue, 24 Nov 2026 12:00:00 GMT", 0),
        ("Thu, 31 Dec 9999 23:59:59 GMT", 3600),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("1e3", None),
        ("\xb2", None),
        ("soon", None),
        ("Tue, 24 Xxx 2026 13:01:30 GMT", None),
        ("Tue, 24 Nov 0000 13:01:30 GMT", None),
        ("Tue, 99 Nov 2026 99:99:99 GMT", 3600),
    ],
)
def test_what_a_server_asks_for(value: str, seconds: float | None) -> None:
    assert retry_after(Headers([("Retry-After", value), ("Date", NOW)])) == seconds


def test_a_date_says_nothing_without_the_date_of_the_response() -> None:
    assert retry_after(Headers([("Retry-After", NOW)])) is None


def test_two_answers_are_none() -> None:
    assert retry_after(Headers([("Retry-After", "1"), ("Retry-After", "1")])) is None
    assert retry_after(Headers()) is None


# Attempts

SILENT = logging.getLogger("tests.silent")


def counting() -> Generator[float, None, None]:
    yield from (1.0, 2.0, 3.0)


def attempts(**settings: Any) -> Attempts:
    return Attempts(counting, **{"logger": SILENT, **settings})


def fail(row: Attempts, now: float = 0, exc: Exception | None = None) -> float:
    row.begin(now)
    return row.failed(exc or OSError("down"), now)


def test_delays_start_again_after_a_success() -> None:
    row = attempts()
    assert [fail(row), fail(row)] == [1, 2]
    row.begin(0)
    row.succeeded()
    assert fail(row) == 1


def test_where_delays_end_attempts_do() -> None:
    row = attempts()
    assert [fail(row) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(OSError, match="down"):
        fail(row)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_bound_on_attempts(count: int) -> None:
    row = attempts(max_attempts=count)
    for _ in range(count - 1):
        fail(row)
    with pytest.raises(OSError, match="down"):
        fail(row)
    row.succeeded()
    if count > 1:
        fail(row)


def test_a_bound_on_time() -> None:
    """No attempt starts later than that; nobody waits in order to give up."""
    row = attempts(max_elapsed=10)
    row.begin(100)
    assert row.failed(OSError(), 101) == 1
    row.begin(102)
    assert row.failed(OSError(), 108) == 2
    row.begin(110)
    with pytest.raises(OSError, match="down"):
        row.failed(OSError("down"), 110)


def test_the_bound_on_time_starts_again_after_a_success() -> None:
    row = attempts(max_elapsed=10)
    fail(row, 0)
    row.begin(9)
    row.succeeded()
    assert fail(row, 1000) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_attempts": 0}, "max_attempts must be None or at least 1, not 0"),
        ({"max_elapsed": -1}, "max_elapsed must be None or at least 0 seconds, not -1"),
        ({"max_elapsed": float("nan")}, "not nan"),
    ],
)
def test_bounds_that_make_no_sense(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        attempts(**settings)


@pytest.mark.parametrize("kind", [InvalidStatus, InvalidProxyStatus])
def test_retry_after_comes_before_the_delay(kind: Any) -> None:
    row = attempts()
    assert fail(row, exc=kind(answer(503, Retry_After="10"))) == 11
    assert fail(row, exc=kind(answer(503))) == 2


def test_retry_after_counts_against_the_bound_on_time() -> None:
    with pytest.raises(InvalidStatus):
        fail(attempts(max_elapsed=10), exc=InvalidStatus(answer(503, Retry_After="10")))


def test_a_failure_that_will_not_pass_is_raised_itself() -> None:
    exc = InvalidHandshake("no")
    with pytest.raises(InvalidHandshake) as raised:
        fail(attempts(), exc=exc)
    assert raised.value is exc
    assert exc.__cause__ is exc.__context__ is None


def test_the_program_decides() -> None:
    row = attempts(process_exception=lambda exc: None)
    assert fail(row, exc=ValueError()) == 1
    mine = RuntimeError("mine")
    row = attempts(process_exception=lambda exc: mine)
    down = OSError("down")
    with pytest.raises(RuntimeError, match="mine") as raised:
        fail(row, exc=down)
    assert raised.value.__cause__ is down


def test_the_program_raises() -> None:
    def decide(exc: Exception) -> None:
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        fail(attempts(process_exception=decide))


def test_the_last_failure_can_be_seen() -> None:
    row = attempts()
    assert row.last_failure is None
    with pytest.raises(OSError, match="down") as raised:
        raise OSError("down")
    exc = raised.value
    assert exc.__traceback__ is not None
    fail(row, exc=exc)
    assert row.last_failure is exc
    assert exc.__traceback__ is None
    row.begin(0)
    row.succeeded()
    assert row.last_failure is exc


def test_failures_are_logged_without_control_characters(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    row = Attempts(counting, max_attempts=3, logger=logging.getLogger("websockets.client"))
    fail(row, exc=OSError("down\n\x1b[31m"))
    fail(row, exc=InvalidStatus(answer(503, Retry_After="60")))
    with pytest.raises(OSError, match="down"):
        fail(row)
    assert [record.getMessage() for record in caplog.records] == [
        "connect failed; reconnecting in 1.0 seconds: OSError: down\\n\\x1b[31m",
        "connect failed; reconnecting in 62.0 seconds: ws_types.exceptions.InvalidStatus: "
        "server rejected WebSocket connection: HTTP 503",
        "connect failed; giving up after 3 attempts: OSError: down",
    ]
    assert {record.levelname for record in caplog.records} == {"INFO"}


class Failure(OSError):
    """Has weak references."""


@pytest.mark.parametrize("decide", [lambda exc: None, lambda exc: exc, lambda exc: Failure()])
def test_what_was_raised_is_freed(decide: Callable[[Exception], Exception | None]) -> None:
    def run() -> weakref.ref[Exception]:
        row = attempts(process_exception=decide, max_attempts=1)
        row.begin(0)
        try:
            try:
                raise Failure("down")
            except OSError as exc:
                row.failed(exc, 0)
        except OSError as exc:
            return weakref.ref(exc)
        pytest.fail("went on")

    gc.collect()
    gc.disable()
    try:
        assert run()() is None
    finally:
        gc.enable()
