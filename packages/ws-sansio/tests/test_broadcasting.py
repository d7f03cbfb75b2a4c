"""Who gets a message that goes to many."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from ws_sansio import PreparedMessage, State
from ws_sansio.broadcasting import BroadcastReport, Distribution, prepare
from ws_types.errors import ConcurrencyError, InvalidState

FRAGMENTED = ConcurrencyError("sending a fragmented message")


def connection(
    state: State = State.OPEN, waiting: int = 0, error: Exception | None = None
) -> SimpleNamespace:
    return SimpleNamespace(
        protocol=SimpleNamespace(state=state),
        logger=logging.getLogger("websockets.server"),
        waiting=waiting,
        error=error,
        done=[],
    )


def send(target: Any) -> None:
    if target.error is not None:
        raise target.error
    target.done.append("sent")


def close(target: Any) -> None:
    if target.error is not None:
        raise target.error
    target.done.append("closed")


def distribute(
    *connections: Any, limit: int | None = 1000, slow: Any = "skip", raise_exceptions: bool = False
) -> BroadcastReport:
    distribution = Distribution(limit, slow)
    distribution.run(connections, waiting=lambda one: one.waiting, send=send, close=close)
    return distribution.finish(raise_exceptions)


def test_open_connections_get_the_message(caplog: pytest.LogCaptureFixture) -> None:
    everybody = [connection(state) for state in State]
    report = distribute(*everybody, raise_exceptions=True)
    assert report.sent == 1
    assert [one.done for one in everybody] == [[], ["sent"], [], []]
    assert report.skipped == report.closed == report.failed == []
    assert caplog.messages == []


def test_those_in_a_fragmented_message_are_skipped(caplog: pytest.LogCaptureFixture) -> None:
    busy, idle = connection(error=FRAGMENTED), connection()
    report = distribute(busy, idle)
    assert (report.sent, report.skipped) == (1, [busy])
    assert caplog.messages == ["skipped broadcast: sending a fragmented message"]


def test_the_limit_is_what_may_wait_before_the_message() -> None:
    for waiting, sent in ((999, 1), (1000, 1), (1001, 0)):
        assert distribute(connection(waiting=waiting)).sent == sent
    assert distribute(connection(waiting=10**9), limit=None).sent == 1


def test_slow_connections_are_skipped(caplog: pytest.LogCaptureFixture) -> None:
    slow = [connection(waiting=2000), connection(waiting=2000)]
    report = distribute(*slow, connection())
    assert (report.sent, report.skipped) == (1, slow)
    assert caplog.messages == ["skipped broadcast: too much output waits (2 connections)"]


def test_slow_connections_are_closed(caplog: pytest.LogCaptureFixture) -> None:
    slow = connection(waiting=2000)
    report = distribute(slow, connection(), slow="close", raise_exceptions=True)
    assert (report.sent, report.closed, report.skipped) == (1, [slow], [])
    assert slow.done == ["closed"]
    assert caplog.messages == ["skipped broadcast: closed, too much output waits"]


def test_slow_connections_are_given_to_a_function(caplog: pytest.LogCaptureFixture) -> None:
    slow = connection(waiting=2000)
    given: list[Any] = []
    report = distribute(slow, connection(), slow=given.append, raise_exceptions=True)
    assert given == report.skipped == [slow]
    assert report.sent == 1
    # It is for the function to say.
    assert caplog.messages == []


def test_the_function_may_change_the_connections() -> None:
    connections = {1: connection(waiting=2000), 2: connection(waiting=2000), 3: connection()}
    distribution = Distribution(1000, lambda one: connections.popitem())
    distribution.run(connections.values(), waiting=lambda one: one.waiting, send=send, close=close)
    assert distribution.finish(False).sent == 1


def test_one_failure_does_not_keep_the_message_from_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = OSError("forged\nline")
    broken = connection(error=error)
    report = distribute(broken, connection())
    assert (report.sent, report.failed) == (1, [(broken, error)])
    [line] = caplog.messages
    assert line == r"skipped broadcast: failed to write message: OSError: forged\nline"


@pytest.mark.parametrize("slow", ["close", send])
def test_failures_of_the_policy(slow: Any) -> None:
    error = OSError("no")
    broken = connection(waiting=2000, error=error)
    report = distribute(broken, connection(), slow=slow)
    assert (report.sent, report.failed, report.closed) == (1, [(broken, error)], [])


def test_one_line_tells_all(caplog: pytest.LogCaptureFixture) -> None:
    distribute(connection(error=FRAGMENTED), connection(waiting=2000), connection(error=FRAGMENTED))
    assert caplog.messages == [
        "skipped broadcast: sending a fragmented message (2 connections); too much output waits"
    ]


def test_exceptions_instead_of_a_line(caplog: pytest.LogCaptureFixture) -> None:
    last = connection()
    error = OSError("no")
    with pytest.raises(ExceptionGroup, match=r"^skipped broadcast") as caught:
        distribute(
            connection(error=FRAGMENTED),
            connection(waiting=2000),
            connection(error=error),
            last,
            raise_exceptions=True,
        )
    assert [type(exc) for exc in caught.value.exceptions] == [
        ConcurrencyError,
        BufferError,
        RuntimeError,
    ]
    assert str(caught.value.exceptions[2]) == "failed to write message"
    assert caught.value.exceptions[2].__cause__ is error
    assert caplog.messages == []
    assert last.done == ["sent"]


def test_a_connection_that_another_thread_closes_is_not_open() -> None:
    report = distribute(connection(error=InvalidState("closed")), raise_exceptions=True)
    assert repr(report) == "<BroadcastReport: sent=0, skipped=0, closed=0, failed=0>"


@pytest.mark.parametrize(("limit", "slow"), [(-1, "skip"), (0, "drop"), (0, None)])
def test_settings_that_are_of_no_use(limit: int, slow: Any) -> None:
    with pytest.raises(ValueError, match=r"^(limit|slow) must be "):
        Distribution(limit, slow)


def test_what_can_be_broadcast() -> None:
    message = PreparedMessage("a")
    assert prepare(message, None) is message
    assert repr(prepare(b"a", True)) == "<PreparedMessage: TEXT, 1 bytes>"
    for wrong in (1, ["a"], None, {}):
        with pytest.raises(TypeError, match=r"^data must be str or bytes$"):
            prepare(wrong, None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^text is for PreparedMessage"):
        prepare(message, True)
