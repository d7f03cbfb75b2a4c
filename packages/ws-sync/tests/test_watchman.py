"""The thread that looks after connections nobody attends to."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from kit import PING, TEXT, end, frame

from ws_sansio import Side
from ws_sync.watchman import IDLE

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
    command = [sys.executable, "-c", FORK]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout) == (0, ""), run.stderr
