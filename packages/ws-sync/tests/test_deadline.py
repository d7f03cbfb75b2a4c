"""Deadlines, and what takes no timeout."""

from __future__ import annotations

import _thread
import gc
import signal
import threading
import weakref
from queue import SimpleQueue
from typing import Any

import pytest
from servers import PATIENCE

from ws_sync.deadline import Deadline


def nothing(value: Any) -> None:
    pytest.fail(f"{value!r} was discarded")


class Late:
    """A call that returns when it is told to."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.discarded: SimpleQueue[str] = SimpleQueue()

    def __call__(self) -> str:
        assert self.go.wait(PATIENCE)
        return "late"


def test_the_time_that_is_left() -> None:
    assert Deadline(None).timeout() is None
    left = Deadline(10).timeout()
    assert left is not None
    assert 0 < left <= 10
    for timeout in (0, -1):
        with pytest.raises(TimeoutError, match="timed out during opening handshake"):
            Deadline(timeout).timeout()


@pytest.mark.parametrize("timeout", [None, PATIENCE])
def test_a_call_in_time(timeout: float | None) -> None:
    assert Deadline(timeout).call(lambda: "value", nothing) == "value"
    assert Deadline(timeout).call(lambda: None, nothing) is None


def test_a_call_that_raises() -> None:
    def fail() -> None:
        raise OSError("no such thing")

    with pytest.raises(OSError, match="no such thing"):
        Deadline(PATIENCE).call(fail, nothing)


def test_a_call_that_is_late_is_left_behind_and_its_result_discarded() -> None:
    late = Late()
    with pytest.raises(TimeoutError, match="timed out during opening handshake"):
        Deadline(0.01).call(late, late.discarded.put)
    assert late.discarded.empty()
    late.go.set()
    assert late.discarded.get(timeout=PATIENCE) == "late"


def test_an_exception_that_is_late_is_nobodys() -> None:
    left = threading.Event()
    go = threading.Event()

    def fail() -> None:
        assert go.wait(PATIENCE)
        left.set()
        raise OSError("no such thing")

    with pytest.raises(TimeoutError):
        Deadline(0.01).call(fail, nothing)
    go.set()
    assert left.wait(PATIENCE)


def test_ctrl_c_interrupts_the_wait() -> None:
    late = Late()

    def interrupting() -> str:
        _thread.interrupt_main()
        return late()

    # Jobs that a shell runs in the background ignore Ctrl-C, and so would this one.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            Deadline(None).call(interrupting, late.discarded.put)
    finally:
        signal.signal(signal.SIGINT, before)
    late.go.set()
    assert late.discarded.get(timeout=PATIENCE) == "late"


def test_an_exception_leads_back_to_nothing() -> None:
    class Failure(Exception):
        pass

    def fail() -> None:
        raise Failure

    gc.disable()
    try:
        try:
            Deadline(PATIENCE).call(fail, nothing)
        except Failure as exc:
            reference = weakref.ref(exc)
        assert reference() is None
    finally:
        gc.enable()
