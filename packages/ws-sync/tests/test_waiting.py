"""Who waits, and who moves bytes meanwhile: drivers, those beside them, and interrupts."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable

import pytest
from kit import PING, TEXT, Task, end, frame, pair, until

from ws_sansio import Side
from ws_sync.connection import Connection
from ws_sync.watchman import IDLE, LATER
from ws_types.errors import ConcurrencyError
from ws_types.exceptions import ConnectionClosed, ConnectionClosedOK

BIG = bytes(8_000_000)

needs_signals = pytest.mark.skipif(
    sys.platform == "win32", reason="signals are sent to threads by pthread_kill"
)


# Drivers, and those who wait beside them


def test_those_who_wait_for_something_else_are_left_alone() -> None:
    with pair(max_queue=None) as (client, server):
        driving = Task(client.wait_closed)
        until(lambda: client._driver)
        waiting = Task(client.wait_closed)
        until(lambda: client._waiting)
        entry = client._waiting[0]
        for count in range(1, 50):
            server.send("x")
            until(lambda count=count: client._inbox.count == count)  # type: ignore[misc]
            assert client._waiting == [entry]
        server.close()
        driving.result()
        waiting.result()


def test_somebody_takes_over_when_the_driver_leaves() -> None:
    with pair() as (client, server):
        first = Task(client.recv)
        until(lambda: client._driver)
        others = [Task(client.wait_closed) for _ in range(3)]
        until(lambda: len(client._waiting) == 3)
        server.send("x")
        assert first.result() == "x"
        until(lambda: client._driver and len(client._waiting) == 2)
        closing = Task(server.close)
        for task in [*others, closing]:
            task.result()


def test_a_deadline_that_is_new_holds_though_a_thread_already_waits() -> None:
    """It went to sleep when there was none."""
    with pair(close_timeout=0.05) as (client, server):
        receiving = Task(client.recv)
        until(lambda: client._driver_events)

        def fragments() -> object:
            yield "a"
            raise LookupError

        with pytest.raises(LookupError):
            client.send(fragments())
        # The peer says nothing.
        with pytest.raises(ConnectionClosed):
            receiving.result()
        assert server.state is server.state.OPEN


def test_a_fragmented_message_that_begins_while_another_thread_waits_for_its_turn() -> None:
    with pair(max_queue=None) as (client, server):
        filling = Task(client.send, bytes(8_000_000))
        until(lambda: client._outbox)
        # All of them wait until it has left; then one begins.
        sending = [Task(client.send, iter(["a", "b"])) for _ in range(3)]
        until(lambda: len(client._waiting) == 3)
        received = [server.recv(), server.recv()]
        filling.result()
        outcomes = []
        for task in sending:
            try:
                outcomes.append(task.result())
            except ConcurrencyError:
                outcomes.append("refused")
        received += [server.recv() for _ in range(outcomes.count(None) - 1)]
        assert received[1:] == ["ab"] * outcomes.count(None)


# The end of the peer's stream


def test_what_waits_to_be_sent_behind_the_end_of_the_stream_keeps_nobody_busy() -> None:
    with end(Side.SERVER, close_timeout=5) as it:
        rounds = 0

        def count() -> None:
            nonlocal rounds
            rounds += 1

        it.raw.shutdown(1)
        it.clock.meanwhile.extend([count] * 100)
        start = it.clock.now
        with pytest.raises(ConnectionClosed):
            it.connection.send(BIG)
        # All of them passed by in waits for the socket to have room; then time went by.
        assert (rounds, it.clock.now - start) == (100, 5)


def test_the_watchman_isnt_kept_busy_by_it_either() -> None:
    with end(Side.SERVER, close_timeout=5) as it:
        it.connection.ping()
        with it.connection._lock:
            it.connection.protocol.send_message(BIG)
            it.connection._flush()
            it.connection._attend_soon()
        it.raw.shutdown(1)
        it.watchman.rounds()
        assert it.watchman._events == {it.connection: 2}


# The lock


def test_the_watchman_doesnt_wait_for_a_connection_that_is_busy() -> None:
    with end(Side.SERVER) as it:
        it.connection.ping()
        it.watchman.rounds()
        it.received()
        it.peer_sends((PING, b"a"))
        with it.connection._lock:
            assert it.connection._look_after(True) is LATER
            assert it.connection._flush_gathered() is True
            it.watchman.rounds(1)
            assert it.received() == b""
        it.clock.now += IDLE
        it.watchman.rounds()
        assert it.received() == frame(10, b"a", masked=False)


@needs_signals
@pytest.mark.parametrize("beside", [False, True])
def test_ctrl_c_while_another_thread_has_the_lock(beside: bool) -> None:
    """The thread that is interrupted has to have it back: it is in a ``with`` block."""
    main = threading.get_ident()
    interrupts: list[None] = []

    def twice(*args: object) -> None:
        # Once in the wait, and once while the lock is waited for.
        if len(interrupts) < 2:
            interrupts.append(None)
            raise KeyboardInterrupt

    with pair() as (client, server):
        driving = Task(client.recv) if beside else None
        if beside:
            until(lambda: client._driver_events)

        def press() -> None:
            until(lambda: client._waiting if beside else client._driver_events)
            with client._lock:
                while len(interrupts) < 2:
                    signal.pthread_kill(main, signal.SIGINT)
                    threading.Event().wait(0.005)
            # If the other had let go of it, this would have raised.

        before = signal.signal(signal.SIGINT, twice)
        try:
            pressing = Task(press)
            with pytest.raises(KeyboardInterrupt):
                client.wait_closed()
            pressing.result()
        finally:
            signal.signal(signal.SIGINT, before)
        assert not client._lock.locked() or beside
        server.send("after")
        assert (driving.result() if driving else client.recv(timeout=20)) == "after"


@needs_signals
def test_ctrl_c_within_the_core_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was being decoded is lost: to go on would be to wait for it for ever."""
    with end(Side.SERVER) as it:

        def interrupted(*args: object, **kwargs: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(type(it.connection.protocol), "receive_data", interrupted)
        it.peer_sends((TEXT, b"x"))
        with pytest.raises(KeyboardInterrupt):
            it.connection.recv()
        with pytest.raises(ConnectionClosed):
            it.connection.recv()
        assert it.connection.fileno() == -1


@pytest.mark.parametrize("at_once", [True, False], ids=["plain", "TLS"])
def test_ctrl_c_while_sending_loses_nothing_or_the_connection(at_once: bool) -> None:
    """Half a frame would be read as one with what follows it."""

    def interrupted(data: object) -> int:
        raise KeyboardInterrupt

    with end(Side.SERVER) as it:
        send = it.connection._stream.send
        it.connection._stream.sends_at_once = at_once
        it.connection._stream.send = interrupted  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            it.connection.send("a")
        it.connection._stream.send = send  # type: ignore[method-assign]
        if at_once:
            it.connection.send("b")
            sent = frame(TEXT, b"a", masked=False) + frame(TEXT, b"b", masked=False)
            assert it.received() == sent
        else:
            with pytest.raises(ConnectionClosed):
                it.connection.send("b")
            assert it.received() == b""


# Signal handlers


CALLS: dict[str, Callable[[Connection], object]] = {
    "recv": lambda connection: connection.recv(),
    "send": lambda connection: connection.send(BIG),
    "wait_closed": lambda connection: connection.wait_closed(),
}


@needs_signals
@pytest.mark.parametrize("call", CALLS)
def test_a_signal_handler_may_close_the_connection_that_its_thread_waits_for(call: str) -> None:
    main = threading.get_ident()
    codes: list[int | None] = []

    with pair(close_timeout=30) as (client, server):

        def handle(*args: object) -> None:
            client.close()
            codes.append(client.close_code)

        def press() -> None:
            until(lambda: client._driver_events)
            signal.pthread_kill(main, signal.SIGUSR1)
            # The peer reads what there is, and answers.
            for _ in server:
                pass

        before = signal.signal(signal.SIGUSR1, handle)
        try:
            pressing = Task(press)
            with contextlib.suppress(ConnectionClosedOK):
                CALLS[call](client)
            pressing.result()
        finally:
            signal.signal(signal.SIGUSR1, before)
        assert codes == [1000]
