"""What clients that connect again can be told, and what they tell."""

from __future__ import annotations

import itertools

import pytest
import raw
from libraries import only_ours

pytestmark = only_ours


def no_delays():
    return itertools.repeat(0)


BUSY = "503 Service Unavailable"


def test_why_the_last_attempt_failed(shell, server):
    answers = [raw.answer("500 First"), raw.answer("502 Second"), raw.redirect(server.uri)]
    with (
        raw.answering(*answers) as web,
        shell.reconnect(web.uri, reconnect_delays=no_delays) as connections,
    ):
        assert connections.raw.last_failure is None
        next(connections)
        server.accept()
        failure = connections.raw.last_failure
        assert isinstance(failure, shell.errors.InvalidStatus)
        assert failure.response.status_code == 502
        assert failure.__traceback__ is None


@pytest.mark.parametrize("limit", [1, 3])
def test_so_many_attempts_and_no_more(shell, limit):
    settings = {"reconnect_delays": no_delays, "max_attempts": limit}
    with (
        raw.answering(*[raw.answer(BUSY)] * 5) as web,
        shell.reconnect(web.uri, **settings) as connections,
    ):
        with pytest.raises(shell.errors.InvalidStatus):
            next(connections)
        assert len(web.requests) == limit


def test_a_server_that_asks_for_more_time_than_there_is(shell):
    """Without it, there would be another attempt at once."""
    answers = [raw.answer(BUSY, headers="Retry-After: 3000\r\n")] * 2
    settings = {"reconnect_delays": no_delays, "max_elapsed": 60}
    with (
        raw.answering(*answers) as web,
        shell.reconnect(web.uri, **settings) as connections,
    ):
        with pytest.raises(shell.errors.InvalidStatus):
            next(connections)
        assert len(web.requests) == 1


@pytest.mark.parametrize(
    "retry_after",
    [
        "Retry-After: 0\r\n",
        "Date: Tue, 24 Nov 2026 08:00:00 GMT\r\nRetry-After: Tue, 24 Nov 2026 08:00:00 GMT\r\n",
    ],
    ids=["seconds", "date"],
)
def test_too_many_requests_pass_if_the_server_says_when(shell, server, retry_after):
    answers = [raw.answer("429 Too Many Requests", headers=retry_after), raw.redirect(server.uri)]
    with (
        raw.answering(*answers) as web,
        shell.reconnect(web.uri, reconnect_delays=no_delays) as connections,
    ):
        next(connections)
        server.accept()
        assert len(web.requests) == 2


def test_too_many_requests_stay_if_the_server_does_not_say_when(shell):
    with (
        raw.answering(raw.answer("429 Too Many Requests")) as web,
        shell.reconnect(web.uri, reconnect_delays=no_delays) as connections,
        pytest.raises(shell.errors.InvalidStatus),
    ):
        next(connections)


# on_connect


def test_each_connection_is_set_up_before_the_program_has_it(shell, server):
    with shell.reconnect(server.uri, on_connect=shell.sending("subscribe")) as connections:
        for _ in range(2):
            client = next(connections)
            handled = server.accept()
            client.send("from the program")
            assert [handled.recv(), handled.recv()] == ["subscribe", "from the program"]
    shell.connect(server.uri, on_connect=shell.sending("once"))
    assert server.accept().recv() == "once"


def test_a_connection_that_cannot_be_set_up_is_closed(shell, server):
    def fail(connection):
        raise LookupError("of the function")

    with pytest.raises(LookupError, match="of the function"):
        shell.connect(server.uri, on_connect=fail)
    assert server.accept().closed().rcvd.code == 1011


def test_a_connection_that_is_lost_while_it_is_set_up_is_followed_by_another(shell, server):
    failures = [ConnectionResetError("while it subscribed")]

    def subscribe(connection):
        if failures:
            raise failures.pop()

    settings = {"on_connect": subscribe, "reconnect_delays": no_delays}
    with shell.reconnect(server.uri, **settings) as connections:
        client = next(connections)
        assert server.accept().closed().rcvd.code == 1011
        client.send("the second")
        assert server.accept().recv() == "the second"
