"""One message to many connections: nobody is waited for, and what isn't sent is reported."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from kit import TEXT, End, end, frame

from ws_sansio import PreparedMessage, Side, State
from ws_sync.broadcast import broadcast
from ws_types.exceptions import ConnectionClosedError


@contextlib.contextmanager
def ends(count: int) -> Iterator[list[End]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(end(Side.SERVER)) for _ in range(count)]


@pytest.mark.parametrize("message", ["a", PreparedMessage("a")])
def test_everybody_gets_the_message(message: str | PreparedMessage) -> None:
    with ends(3) as them:
        report = broadcast((it.connection for it in them), message)
        assert [it.received() for it in them] == [frame(TEXT, b"a", masked=False)] * 3
        assert (report.sent, report.skipped, report.closed, report.failed) == (3, [], [], [])


def test_a_peer_that_doesnt_read_is_skipped_and_others_arent() -> None:
    with ends(2) as (slow, fast):
        connections = {slow.connection, fast.connection}
        big = bytes(2**20)
        skipped = []
        for _ in range(8):
            skipped += broadcast(connections, big).skipped
            while fast.connection.buffered_output:
                fast.received()
                fast.watchman.rounds()
        assert skipped
        assert set(skipped) == {slow.connection}
        assert slow.connection.state is State.OPEN


def test_what_doesnt_fit_at_once_is_written_by_the_watchman() -> None:
    with ends(1) as (it,):
        big = bytes(900_000)
        assert broadcast([it.connection], big).sent == 1
        received = it.received()
        assert received != (whole := frame(2, big, masked=False))
        while it.connection.buffered_output:
            it.watchman.rounds()
            received += it.received()
        assert received == whole


def test_slow_peers_can_be_closed() -> None:
    with ends(1) as (it,):
        for _ in range(8):
            report = broadcast([it.connection], bytes(2**20), slow="close")
        assert report.sent == 0
        assert it.connection.protocol.close_sent is not None
        assert it.connection.protocol.close_sent.code == 1013


def test_those_within_a_fragmented_message_are_skipped() -> None:
    with ends(1) as (it,):
        reports = []

        def fragments() -> Iterator[str]:
            yield "a"
            reports.append(broadcast([it.connection], "b"))

        it.connection.send(fragments())
        assert reports[0].skipped == [it.connection]
        assert b"b" not in it.received()


def test_those_that_are_closed_are_left_out() -> None:
    with ends(1) as (it,):
        it.raw.close()
        with pytest.raises(ConnectionClosedError):
            it.connection.recv()
        report = broadcast([it.connection], "a", raise_exceptions=True)
        assert (report.sent, report.skipped) == (0, [])


def test_arguments_for_the_threads_of_websockets_are_ignored() -> None:
    assert broadcast([], "a", max_workers=4).sent == 0
    with pytest.raises(TypeError, match="unexpected keyword argument 'timeout'"):
        broadcast([], "a", timeout=4)
