"""The end of connections: closing handshakes, what they say, and what happens without them."""

from __future__ import annotations

import pytest
from shells import PATIENCE

CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999]
NORMAL = (1000, 1001)


@pytest.mark.parametrize("code", CODES)
def test_any_code_and_reason(shell, ends, code):
    first, second = ends
    first.close(code, "a réason")
    closed = second.closed()
    kind = "ConnectionClosedOK" if code in NORMAL else "ConnectionClosedError"
    assert type(closed) is getattr(shell.errors, kind)
    assert (closed.rcvd.code, closed.rcvd.reason) == (code, "a réason")
    assert (closed.sent.code, closed.sent.reason) == (code, "a réason")
    assert closed.rcvd_then_sent is True
    assert first.ended_with == second.ended_with == (code, "a réason")


def test_code_and_reason_by_default(ends):
    first, second = ends
    first.close()
    second.closed()
    assert first.ended_with == second.ended_with == (1000, "")


def test_who_closed_first(ends):
    first, _ = ends
    first.close(reason="enough")
    closed = first.closed()
    assert closed.rcvd_then_sent is False
    assert (closed.sent.code, closed.sent.reason) == (1000, "enough")


def test_both_close_at_once(ends):
    first, second = ends
    closing = [first.start("close"), second.start("close")]
    for each in closing:
        each.result(PATIENCE)
    assert first.ended_with == second.ended_with == (1000, "")


def test_states(ends):
    first, second = ends
    assert first.state == second.state == "OPEN"
    assert first.ended_with == (None, None)
    first.close()
    second.closed()
    assert first.state == second.state == "CLOSED"


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65536])
def test_codes_that_cannot_be_sent(shell, ends, code):
    first, second = ends
    with pytest.raises(shell.errors.ProtocolError):
        first.close(code)
    first.send("still open")
    assert second.recv() == "still open"


def test_reasons_that_are_too_long(shell, ends):
    first, second = ends
    first.send("still open")
    with pytest.raises(shell.errors.ProtocolError):
        first.close(1000, "é" * 62)
    assert second.recv() == "still open"
    first.close(1000, "é" * 61)
    assert second.closed().rcvd.reason == "é" * 61


def test_closing_twice_does_nothing(ends):
    first, second = ends
    first.close(1001, "first")
    first.close(1008, "second")
    second.closed()
    second.close(1011)
    assert first.ended_with == second.ended_with == (1001, "first")


@pytest.mark.parametrize("operation", ["send", "ping", "pong"])
def test_nothing_is_sent_after_the_end(shell, ends, operation):
    for end in ends:
        end.close()
        with pytest.raises(shell.errors.ConnectionClosedOK):
            end.start(operation, "late").result(PATIENCE)


def test_nothing_is_received_after_the_end(shell, ends):
    ends[0].close()
    for end in ends:
        with pytest.raises(shell.errors.ConnectionClosedOK):
            end.recv()
        assert end.iterate() == []
        with pytest.raises(shell.errors.ConnectionClosedOK):
            end.recv_streaming()


@pytest.mark.parametrize("operation", ["recv", "recv_streaming", "iterate"])
def test_who_waits_is_told_of_the_end(shell, ends, operation):
    first, _ = ends
    waiting = [end.start(operation) for end in ends]
    shell.settle()
    first.close(4000, "enough")
    for each in waiting:
        with pytest.raises(
            shell.errors.ConnectionClosedError, match=r"4000 \(private use\) enough"
        ):
            each.result(PATIENCE)


def test_the_end_without_a_closing_handshake(shell, ends):
    first, second = ends
    first.abort()
    closed = second.closed()
    assert type(closed) is shell.errors.ConnectionClosedError
    assert (closed.rcvd, closed.sent, closed.rcvd_then_sent) == (None, None, None)
    assert str(closed) == "no close frame received or sent"
    assert second.ended_with == (1006, "")
    with pytest.raises(shell.errors.ConnectionClosedError):
        second.send("late")


def test_a_ping_that_waits_is_told_of_the_end(shell, ends):
    first, second = ends
    first.send("a message before the pong")
    pong = first.ping()
    second.recv()
    pong.result(PATIENCE)
    second.abort()
    first.closed()
    with pytest.raises(shell.errors.ConnectionClosedError):
        first.ping()


def test_messages_that_nobody_wants_do_not_keep_it_open(ends):
    first, second = ends
    for _ in range(10):
        second.send("unwanted")
    first.close()
    assert first.ended_with == (1000, "")
    second.closed()


def test_the_handler_returns(server):
    client, handled = server.pair()
    handled.finish()
    assert client.closed().rcvd.code == 1000


def test_the_handler_raises(shell, server):
    client, handled = server.pair()
    handled.finish(LookupError("of the handler"))
    closed = client.closed()
    assert isinstance(closed, shell.errors.ConnectionClosedError)
    assert (closed.rcvd.code, closed.rcvd.reason) == (1011, "")


def test_the_handler_raises_after_the_end(server):
    client, handled = server.pair()
    client.close()
    handled.finish(LookupError("of the handler"))
    other, again = server.pair()
    again.send("still there")
    assert other.recv() == "still there"
