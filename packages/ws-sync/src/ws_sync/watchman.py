"""
One thread for all connections that nobody attends to.

Whoever calls :meth:`~ws_sync.connection.Connection.recv` reads the socket itself. The watchman
comes in when nobody has for a while: then pings have to be answered, keepalive goes on, and output
that the socket didn't take at once is written when it does.

It is told as little as possible, so that a program which only sends and receives pays for it once
in :data:`IDLE` at most. A connection is

- *unknown*, while somebody attends to it: thousands of threads waiting in ``recv`` cost it nothing;
- *noted*, once its caller has left: the watchman comes by after :data:`IDLE` seconds, and forgets
  it again if it is attended to;
- *watched*, where it wasn't: its socket is in the selector until somebody attends to it again.

Only a watched connection is held: one that is noted, and that is closed and forgotten by its
program, is gone at once.
"""

from __future__ import annotations

import atexit
import contextlib
import heapq
import itertools
import math
import os
import selectors
import socket
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

__all__ = ["FLUSH_DELAY", "IDLE", "LATER", "Duty", "Watched", "Watchman", "watchman"]

#: For how long, in seconds, a connection may be left alone.
IDLE: Final = 0.05

#: How long, in seconds, the end of the interpreter waits for the thread.
LEAVING: Final = 1.0

#: For how long, in seconds, messages may be gathered before they are sent.
FLUSH_DELAY: Final = 0.002


class Duty(NamedTuple):
    """What a connection wants the watchman to do."""

    #: What to wait for at its socket: the bits of :mod:`selectors`; 0 for nothing.
    events: int
    #: When to come by even so, by the clock of the watchman; :data:`None` for never.
    when: float | None


#: The connection is busy: come by again in :data:`IDLE` seconds, and change nothing.
LATER: Final = Duty(-1, None)

#: The longest wait in seconds: more would be too much for some systems.
_LONGEST: Final = 86400.0


class Watched(Protocol):
    """What the watchman asks of a connection."""

    def fileno(self) -> int:
        """The number of the socket."""

    def _look_after(self, ready: bool) -> Duty | None:
        """
        Do what there is to do; :data:`None` where somebody attends to the connection.

        :param ready: whether the selector says that the socket is ready.
        """

    def _released(self) -> None:
        """The socket isn't in the selector any more."""

    def _flush_gathered(self) -> bool:
        """Send what has been gathered; returns whether anything was."""

    def _drop(self) -> None:
        """Drop the connection at once."""


class Watchman:
    """
    Looks after connections, in a thread that is started when there is a first one.

    :param clock: gives seconds of a monotonic clock.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # Guards what any thread may change: this block. The collector may call a program's __del__
        # at any time, and that a connection: so a thread may come in twice.
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._asked: list[tuple[float, weakref.ref[Watched]]] = []
        self._gathering: weakref.WeakSet[Watched] = weakref.WeakSet()
        self._sleeping_until = 0.0
        # What the thread alone uses: timers, with numbers that make each of them comparable; those
        # of each connection; and what the selector waits for.
        self._timers: list[tuple[float, int, weakref.ref[Watched]]] = []
        self._numbers = itertools.count()
        self._when: weakref.WeakKeyDictionary[Watched, tuple[float, ...]]
        self._when = weakref.WeakKeyDictionary()
        self._events: dict[Watched, int] = {}
        self._selector: selectors.BaseSelector
        self._alarm: socket.socket
        self._bell: socket.socket

    def watch(self, connection: Watched, delay: float = IDLE) -> None:
        """
        Look after a connection that nobody attends to. Any thread may ask.

        :param connection: the connection.
        :param delay: seconds after which to begin.
        """
        when = self._clock() + delay
        with self._lock:
            self._asked.append((when, weakref.ref(connection)))
            self._expect(when)

    def flush_soon(self, connection: Watched) -> None:
        """
        Send what a connection gathers, every :data:`FLUSH_DELAY`, for as long as it gathers.

        Any thread may ask.

        :param connection: the connection.
        """
        with self._lock:
            self._gathering.add(connection)
            self._expect(self._clock() + FLUSH_DELAY)

    def stop(self) -> None:
        """End the thread."""
        with self._lock:
            thread = None if self._stopped else self._thread
            self._stopped = True
            if thread is not None:
                self._bell.send(b"\0")
        if thread is not None:
            thread.join(LEAVING)

    def leave_to_parent(self) -> None:
        """After a fork, in the child: threads don't live on there, and nothing here is its own."""
        if self._thread is not None and not self._stopped:
            self.close()
        Watchman.__init__(self, self._clock)

    # The thread

    def open(self) -> None:
        """Make what :meth:`turn` needs."""
        self._selector = selectors.DefaultSelector()
        self._alarm, self._bell = socket.socketpair()
        self._alarm.setblocking(False)
        self._selector.register(self._alarm, selectors.EVENT_READ)

    def close(self) -> None:
        """Undo :meth:`open`."""
        self._selector.close()
        self._alarm.close()
        self._bell.close()

    def turn(self) -> None:
        """Wait until there is something to do, and do it, once."""
        for key, _ in self._selector.select(self._timeout()):
            if key.data is None:
                self._alarm.recv(4096)
            else:
                self._look_after(key.data, True)
        now = self._clock()
        while self._timers and self._timers[0][0] <= now:
            when, _, reference = heapq.heappop(self._timers)
            connection = reference()
            if connection is not None:
                left = tuple(time for time in self._when.pop(connection) if time != when)
                if left:
                    self._when[connection] = left
                self._look_after(connection, False)
        self._flush()

    def _run(self) -> None:
        while not self._stopped:
            self.turn()
        self.close()

    def _timeout(self) -> float | None:
        """Take over what was asked for; returns the seconds until there is something to do."""
        with self._lock:
            for when, reference in self._asked:
                connection = reference()
                if connection is not None:
                    self._set_timer(connection, when)
            self._asked.clear()
            now = self._clock()
            until = self._timers[0][0] if self._timers else math.inf
            if self._gathering:
                until = min(until, now + FLUSH_DELAY)
            self._sleeping_until = until
        return None if until == math.inf else min(max(0.0, until - now), _LONGEST)

    def _look_after(self, connection: Watched, ready: bool) -> None:
        try:
            duty = connection._look_after(ready)
            if duty is LATER:
                self._set_timer(connection, self._clock() + IDLE)
                return
            self._set_events(connection, 0 if duty is None else duty.events)
            if duty is not None and duty.when is not None:
                self._set_timer(connection, duty.when)
        except Exception:
            self._give_up(connection)

    def _give_up(self, connection: Watched) -> None:
        """Something of a connection's raises, its log for instance: others aren't to suffer."""
        threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), self._thread)))
        with contextlib.suppress(Exception):
            connection._drop()
        with contextlib.suppress(Exception):
            self._set_events(connection, 0)

    def _set_timer(self, connection: Watched, when: float) -> None:
        times = self._when.get(connection, ())
        # An earlier one will do: it finds nothing due, and leads to the next.
        if not times or min(times) > when:
            self._when[connection] = (*times, when)
            heapq.heappush(self._timers, (when, next(self._numbers), weakref.ref(connection)))

    def _set_events(self, connection: Watched, events: int) -> None:
        before = self._events.pop(connection, 0)
        if events:
            self._events[connection] = events
        if before and not events:
            # Known by itself, because the number is gone where a program has closed the socket.
            self._selector.unregister(connection)
            connection._released()
        elif before and events != before:
            self._selector.modify(connection, events, connection)
        elif events and not before:
            self._selector.register(connection, events, connection)

    def _flush(self) -> None:
        with self._lock:
            gathering, self._gathering = self._gathering, weakref.WeakSet()
        for connection in gathering:
            try:
                gathers = connection._flush_gathered()
            except Exception:
                self._give_up(connection)
                continue
            if gathers:
                with self._lock:
                    self._gathering.add(connection)

    # Anybody, with the lock

    def _expect(self, when: float) -> None:
        """See to it that the thread does something at *when*."""
        if self._stopped:
            # The interpreter ends.
            return
        if self._thread is None:
            self._start()
        elif when < self._sleeping_until:
            # To ring once is enough.
            self._sleeping_until = -math.inf
            self._bell.send(b"\0")

    def _start(self) -> None:
        self.open()
        thread = threading.Thread(target=self._run, name="ws-sync watchman", daemon=True)
        try:
            thread.start()
        except BaseException:
            self.close()
            raise
        self._thread = thread
        # Lest sockets be left to the end of the interpreter.
        atexit.register(self.stop)


#: The watchman of this process.
watchman: Final = Watchman()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=watchman.leave_to_parent)
