"""Bytes and deadlines: who reads, what is gathered, what waits, and how a connection is lost."""

from __future__ import annotations

import contextlib
import weakref

import pytest
from kit import CLOSE, PING, TEXT, Task, end, frame, no_collector, pair, until

from ws_sansio import Side
from ws_sansio.prepared import PreparedMessage
from ws_sync.sending import GATHER_LIMIT
from ws_types.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK

BIG = bytes(8_000_000)


# What leaves


def test_a_lone_message_leaves_at_once() -> None:
    with end(Side.SERVER) as it:
        it.connection.send("a")
        assert it.received() == frame(TEXT, b"a", masked=False)


def test_what_is_sent_while_messages_wait_leaves_when_the_receiver_waits() -> None:
    with end(Side.SERVER) as it:
        it.peer_sends((TEXT, b"1"), (TEXT, b"2"))
        it.connection.recv()
        it.connection.send("a")
        assert (it.received(), it.connection.buffered_output > 0) == (b"", True)
        it.connection.recv()
        with pytest.raises(TimeoutError):
            it.connection.recv(timeout=0)
        assert it.received() == frame(TEXT, b"a", masked=False)
        assert it.connection.buffered_output == 0


def test_what_is_gathered_is_bounded() -> None:
    with end(Side.SERVER) as it:
        it.peer_sends((TEXT, b"1"), (TEXT, b"2"))
        it.connection.recv()
        it.connection.send("a" * (GATHER_LIMIT // 2))
        assert it.received() == b""
        it.connection.send("b" * GATHER_LIMIT)
        assert len(it.received()) > GATHER_LIMIT * 1.5


def test_what_is_gathered_leaves_though_the_program_does_something_else() -> None:
    with end(Side.SERVER) as it:
        it.peer_sends((TEXT, b"1"), (TEXT, b"2"))
        it.connection.recv()
        it.connection.send("a")
        it.watchman.rounds(1)
        assert it.received() == frame(TEXT, b"a", masked=False)


def test_closing_sends_what_was_gathered_first() -> None:
    with end(Side.SERVER, close_timeout=1) as it:
        it.peer_sends((TEXT, b"1"), (TEXT, b"2"))
        it.connection.recv()
        it.connection.send("a")
        it.connection.close()
        assert it.received().startswith(frame(TEXT, b"a", masked=False) + b"\x88")


# What waits


def test_two_peers_that_send_at_once_dont_wait_for_each_other() -> None:
    with pair(max_queue=None) as (client, server):

        def talk() -> object:
            client.send(BIG)
            return client.recv()

        task = Task(talk)
        server.send(BIG)
        assert server.recv() == task.result() == BIG


def test_a_message_that_doesnt_fit_is_sent_whole() -> None:
    with pair() as (client, server):
        sending = [Task(client.send, BIG[: 1_000_000 + i]) for i in range(4)]
        sizes = sorted(len(server.recv()) for _ in range(4))
        for task in sending:
            task.result()
        assert sizes == [1_000_000 + i for i in range(4)]


def test_a_socket_is_written_to_when_it_says_that_it_is_ready() -> None:
    """It may have room before, but a ping that leaves into it has gone nowhere."""
    with end() as it:
        it.connection._send_soon(PreparedMessage(BIG), None)
        it.received()
        waiting = it.connection.buffered_output
        it.watchman.rounds(1)
        assert it.connection.buffered_output == waiting
        it.watchman.rounds(1)
        assert it.connection.buffered_output < waiting


def test_a_peer_that_takes_nothing_is_given_up() -> None:
    with end(ping_interval=20, ping_timeout=20) as it:
        with pytest.raises(ConnectionClosedError) as caught:
            it.connection.send(BIG)
        assert "output made no progress" in str(caught.value.__cause__)
        assert it.clock.now < 1060


def test_reading_stops_while_nobody_receives_and_goes_on() -> None:
    with end(max_queue=2) as it:
        with pytest.raises(TimeoutError):
            it.connection.recv(timeout=0)
        for _ in range(6):
            it.peer_sends((TEXT, b"x"))
            it.clock.now += 2
            it.watchman.rounds()
        assert it.connection._inbox.count == 3
        assert [it.connection.recv() for _ in range(6)] == ["x"] * 6


def test_an_inbox_is_filled_again_as_soon_as_there_is_room() -> None:
    with end(max_queue=2) as it:
        it.connection.ping()
        for _ in range(6):
            it.peer_sends((TEXT, b"x"))
            it.watchman.rounds()
        assert [it.connection.recv() for _ in range(3)] == ["x"] * 3
        assert it.connection._inbox.count == 0
        it.watchman.rounds()
        assert it.connection._inbox.count == 3


def test_a_watched_connection_whose_peer_is_gone_is_closed() -> None:
    with end() as it:
        it.connection.ping()
        it.watchman.rounds()
        it.raw.close()
        it.watchman.rounds()
        assert it.connection.fileno() == -1
        with pytest.raises(ConnectionClosedError):
            it.connection.recv()


def test_a_broken_connection_with_a_full_inbox_ends() -> None:
    with end(max_queue=0) as it:
        it.peer_sends((TEXT, b"a"), (TEXT, b"b"))
        it.connection.ping()
        it.watchman.rounds()
        it.raw.close()
        it.connection.wait_closed(timeout=1)
        assert [it.connection.recv() for _ in range(2)] == ["a", "b"]


# Deadlines


def test_keepalive_while_receiving() -> None:
    with end(ping_interval=20, ping_timeout=10) as it:
        with pytest.raises(ConnectionClosedError) as caught:
            it.connection.recv()
        assert "peer was silent" in str(caught.value.__cause__)
        assert it.received()[:1] == bytes([0x80 | PING])
        assert 1030 <= it.clock.now <= 1042


def test_keepalive_while_nobody_calls() -> None:
    with end(ping_interval=20, ping_timeout=10, close_timeout=2) as it:
        with pytest.raises(TimeoutError):
            it.connection.recv(timeout=0)
        for _ in range(60):
            it.clock.now += 1
            it.watchman.rounds()
        assert it.connection.fileno() == -1
        assert it.connection.close_code == 1006


def test_a_peer_that_sends_is_alive_though_it_doesnt_answer() -> None:
    with end(ping_interval=20, ping_timeout=10) as it:
        for _ in range(30):
            it.peer_sends((TEXT, b"x"))
            it.connection.recv()
            it.clock.now += 5
        assert it.connection.fileno() >= 0


# Losing


def test_why_a_peer_left_is_known_though_sending_failed_first() -> None:
    with end(max_queue=None) as it:
        it.peer_sends((TEXT, b"last"), (CLOSE, (1008).to_bytes(2, "big") + b"go away"))
        it.raw.close()
        with pytest.raises(ConnectionClosedError, match="go away"):
            it.connection.send("a")
        assert it.connection.recv() == "last"


def test_close_wakes_a_thread_that_receives() -> None:
    with pair(close_timeout=10) as (client, server):
        receiving = Task(client.recv)
        until(lambda: client._driver)
        closing = Task(client.close)
        assert not list(server)
        closing.result()
        with pytest.raises(ConnectionClosedOK):
            receiving.result()
        assert client.fileno() == server.fileno() == -1


def test_dropping_wakes_everybody_who_waits() -> None:
    with pair() as (client, _):
        tasks = [Task(client.recv), Task(client.wait_closed), Task(client.send, BIG)]
        until(lambda: client._driver and client._outbox)
        client._drop()
        for task in tasks:
            with contextlib.suppress(ConnectionClosed):
                task.result()
        assert client.fileno() == -1


@pytest.mark.parametrize("graceful", [True, False])
def test_a_closed_connection_is_freed_without_the_collector(graceful: bool) -> None:
    with no_collector():
        with pair() as (client, server):
            client.send("a")
            assert server.recv() == "a"
            if graceful:
                closing = Task(client.close)
                assert not list(server)
                closing.result()
                del closing
            else:
                client._drop()
                with pytest.raises(ConnectionClosedError):
                    server.recv()
            references = [weakref.ref(client), weakref.ref(server)]
        del client, server
        assert [reference() for reference in references] == [None, None]
