"""When something has to be done, also where it takes no timeout."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

__all__ = ["Deadline"]

T = TypeVar("T")


class Deadline:
    """
    When something has to be done.

    :param timeout: seconds from now; :data:`None` is no limit.
    """

    def __init__(self, timeout: float | None) -> None:
        self._time = None if timeout is None else time.monotonic() + timeout

    def timeout(self) -> float | None:
        """
        The seconds that are left; :data:`None` is no limit.

        :raises TimeoutError: if none are.
        """
        if self._time is None:
            return None
        left = self._time - time.monotonic()
        if left <= 0:
            raise _late()
        return left

    def call(self, function: Callable[[], T], discard: Callable[[T], Any]) -> T:
        """
        Call what can't be told when to stop, in a thread that is left behind where it is late.

        Ctrl-C interrupts the wait, too.

        :param function: what to call.
        :param discard: gets what it returns when nobody waits for that any more.
        :raises TimeoutError: if it is late; *function* may raise anything else.
        """
        outcomes: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()
        late = threading.Event()

        def run() -> None:
            try:
                outcomes.put((function(), None))
            except BaseException as exc:
                outcomes.put((None, exc))
            if late.is_set():
                clear()

        def clear() -> None:
            # Whoever comes second finds it, and only one of them.
            try:
                value, exc = outcomes.get_nowait()
            except Empty:
                return
            if exc is None:
                discard(value)  # type: ignore[arg-type]

        try:
            # A daemon: the interpreter doesn't wait for it either.
            threading.Thread(target=run, name="ws-sync opening", daemon=True).start()
            value, exc = outcomes.get(timeout=self.timeout())
        except Empty:
            late.set()
            clear()
            raise _late() from None
        except BaseException:
            late.set()
            clear()
            raise
        try:
            if exc is not None:
                raise exc
        finally:
            # Its traceback leads here: it mustn't lead back.
            del exc
        return value  # type: ignore[return-value]


def _late() -> TimeoutError:
    return TimeoutError("timed out during opening handshake")
