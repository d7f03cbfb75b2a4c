"""Ctrl-C ends every wait, and harms nothing."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from kit import Task, pair, until

from ws_sync.connection import Connection

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent to threads")

WAITS: dict[str, Callable[[Connection], object]] = {
    "recv": lambda connection: connection.recv(),
    "recv_streaming": lambda connection: next(connection.recv_streaming()),
    "wait_closed": lambda connection: connection.wait_closed(),
    "send": lambda connection: connection.send(bytes(8_000_000)),
    "close": lambda connection: connection.close(),
}


@contextlib.contextmanager
def interrupted_when(condition: Callable[[], object]) -> Iterator[None]:
    """Press Ctrl-C when the main thread waits, until it notices: it may be about to begin."""
    main = threading.get_ident()
    noticed = threading.Event()

    def once(*args: object) -> None:
        if not noticed.is_set():
            noticed.set()
            raise KeyboardInterrupt

    def press() -> None:
        until(condition)
        while not noticed.wait(0.005):
            signal.pthread_kill(main, signal.SIGINT)

    before = signal.signal(signal.SIGINT, once)
    task = Task(press)
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
        task.result()
    finally:
        noticed.set()
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("wait", WAITS)
def test_a_thread_that_moves_bytes_is_interrupted(wait: str) -> None:
    with pair() as (client, server):
        with interrupted_when(lambda: client._driver_events):
            WAITS[wait](client)
        assert client._driver is None
        if wait in ("recv", "wait_closed", "recv_streaming"):
            server.send("after")
            assert client.recv(timeout=20) == "after"


def test_a_thread_that_waits_for_another_is_interrupted() -> None:
    with pair() as (client, server):
        driver = Task(client.recv)
        until(lambda: client._driver_events)
        with interrupted_when(lambda: client._waiting):
            client.wait_closed()
        server.send("after")
        assert driver.result() == "after"
