"""The thread that looks after connections nobody attends to."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from typing import Any

import pytest
from kit import PING, TEXT, end, frame

from ws_sansio import Side
from ws_sync.watchman import IDLE, Watchman

PONG_A = bytes([0x8A, 1]) + b"a"


def test_pings_are_answered_while_nobody_calls() -> None:
    with end(Side.SERVER) as it:
        it.peer_sends((TEXT, b"x"))
        it.connection.recv()
        it.peer_sends((PING, b"a"))
        it.watchman.rounds()
        assert it.received() == b""
        it.clock.now += IDLE
        it.watchman.rounds()
        assert it.received() == PONG_A
        # From now on, at once.
        it.peer_sends((PING, b"a"))
        it.watchman.rounds()
        assert it.received() == PONG_A


def test_it_steps_back_when_somebody_receives() -> None:
    with end(Side.SERVER) as it:
        it.connection.ping()
        it.watchman.rounds()
        assert it.connection._in_selector

        def come_by() -> None:
            it.peer_sends((TEXT, b"x"))
            it.watchman.rounds()
            assert not it.connection._in_selector
            assert not it.watchman._events

        it.clock.meanwhile.append(come_by)
        assert it.connection.recv() == "x"


def test_threads_that_wait_cost_it_nothing() -> None:
    with end(Side.SERVER) as it:

        def look() -> None:
            assert not (it.watchman._asked or it.watchman._when)
            it.peer_sends((TEXT, b"x"))

        it.clock.meanwhile.append(look)
        assert it.connection.recv() == "x"


def test_output_that_didnt_fit_is_written_when_it_does() -> None:
    with end(Side.SERVER) as it:
        big = b"x" * 4_000_000
        with pytest.raises(TimeoutError):
            it.connection.recv(timeout=0)
        with it.connection._lock:
            it.connection.protocol.send_message(big)
            it.connection._flush()
            it.connection._leave()
        received = b""
        for _ in range(1000):
            it.watchman.rounds(1)
            received += it.received()
            if not it.connection.buffered_output:
                break
        assert received + it.received() == frame(2, big, masked=False)


def test_it_can_be_asked_any_number_of_times() -> None:
    with end() as it:
        for _ in range(1000):
            it.watchman.watch(it.connection, 0)
            it.connection._noted = True
        it.watchman.rounds()
        assert it.watchman._events == {it.connection: 1}


def test_timers_dont_pile_up() -> None:
    with end(ping_interval=20, ping_timeout=20) as it:

        def come_by() -> None:
            it.peer_sends((TEXT, b"x"))
            it.watchman.rounds()

        for _ in range(100):
            it.clock.meanwhile.append(come_by)
            it.connection.recv()
            it.clock.now += 2 * IDLE
            it.watchman.rounds()
        assert len(it.watchman._timers) <= 3


def test_a_wait_isnt_longer_than_systems_can_wait() -> None:
    with end(ping_interval=1e9, ping_timeout=1e9) as it:
        it.connection.ping()
        it.watchman.rounds()
        assert Watchman._timeout(it.watchman) == 86400


class Careless(logging.Filter):
    """A filter with a bug."""

    def filter(self, record: logging.LogRecord) -> bool:
        raise LookupError("a bug of the program")


@pytest.mark.parametrize("how", ["log", "socket", "flush"])
def test_what_fails_for_one_connection_isnt_for_others_to_suffer(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: Any) -> None:
        raise LookupError("a bug of ours")

    failures: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", failures.append)
    with end(ping_interval=20, ping_timeout=20) as it, end(Side.SERVER) as other:
        other.connection._watchman = it.watchman  # type: ignore[misc]
        other.connection.ping()
        it.connection.ping()
        it.watchman.rounds()
        other.received()
        if how == "socket":
            it.connection.socket.close()
        elif how == "log":
            logger = logging.getLogger("careless")
            logger.setLevel(logging.DEBUG)
            monkeypatch.setattr(logger, "filters", [Careless()])
            it.connection.protocol.logger = logger
            it.connection.protocol.debug = True
            it.connection.protocol._output._logger = logger
        else:
            monkeypatch.setattr(type(it.connection), "_flush_gathered", fail)
            it.watchman.flush_soon(it.connection)
        it.clock.now += 21
        it.watchman.rounds()
        assert len(failures) == (how != "socket")
        assert it.connection.fileno() == -1
        other.peer_sends((PING, b"a"))
        it.watchman.rounds()
        assert other.received() == PONG_A


def test_a_thread_that_cant_be_started_can_be_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    own = Watchman()
    with end() as it:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", fail)
            with pytest.raises(RuntimeError, match="can't start new thread"):
                own.watch(it.connection)
        own.watch(it.connection)
        assert own._thread is not None
        own.stop()
        assert not own._thread.is_alive()
        # Others may still be at it when the interpreter ends.
        own.watch(it.connection)
        own.flush_soon(it.connection)
        own.stop()


def test_the_collector_may_call_it_while_it_is_called() -> None:
    with end() as it:
        with it.watchman._lock:
            it.watchman.watch(it.connection, 0)
        it.watchman.rounds()
        assert it.watchman._events == {it.connection: 1}


PROGRAM = """
import socket, threading
from ws_sansio import Protocol, Side
from ws_sync.connection import Connection
a, b = socket.socketpair()
connection = Connection(a, Protocol(Side.CLIENT, view="messages"))
connection.response = object()
connection.ping()
assert [t.name for t in threading.enumerate()] == ["MainThread", "ws-sync watchman"]
b.close()
connection.wait_closed(10)
"""


def test_the_interpreter_ends_and_nothing_is_left_open() -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


FORK = """
import os, socket
from ws_sansio import Protocol, Side
from ws_sync.connection import Connection

def ping():
    a, b = socket.socketpair()
    connection = Connection(a, Protocol(Side.CLIENT, view="messages"))
    connection.response = object()
    pong = connection.ping(b"x")
    b.recv(100)
    b.sendall(bytes([0x8a, 1]) + b"x")
    assert pong.wait(10)
    b.close()
    connection.wait_closed(10)

ping()
pid = os.fork()
ping()
if pid:
    assert os.waitpid(pid, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_process_has_a_watchman_of_its_own() -> None:
    # From Python 3.12 on, to fork where there are threads is warned of.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
