"""
Who waits for a connection, and who moves its bytes meanwhile.

No thread belongs to a connection. **Whoever waits moves the bytes**: a thread that calls ``recv``
and finds no message, or ``send`` and finds the socket full, waits for the socket itself, reads,
writes, and sees to the deadlines (:meth:`Waiting._wait`). One thread at a time does so, the
*driver*; others that wait are told when what they wait for has happened, and one of them takes over
when the driver leaves. Where nobody waits, the :mod:`~ws_sync.watchman` looks after the connection.

**One lock.** Everything here happens under the lock of the connection, but waiting. A socket is
closed by the last thread that waits for it: its number mustn't get another meaning before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar, Final

from ws_sansio.protocol import Protocol

from .readiness import READ, WRITE, Readiness
from .stream import Stream, open_stream
from .watchman import LATER, Duty, Watchman, watchman

__all__ = ["Waiting"]

#: For how long, in seconds, a thread that waits beside the driver waits for the socket at once.
RELIEF: Final = 0.1

#: For how long, in seconds, the watchman waits for the lock: other connections need it, too.
COURTESY: Final = 0.005


class Waiting:
    """
    What waits for a socket, or for who waits for it.

    Subclasses say what to wait for, and what to do then.

    :param sock: a connected socket, with TLS if there is to be TLS. It doesn't block from now on.
    :param protocol: the core of the connection.
    """

    # Tests have their own.
    _clock = staticmethod(time.monotonic)
    _readiness_class: ClassVar[type[Readiness]] = Readiness
    _watchman: ClassVar[Watchman] = watchman

    def __init__(self, sock: Any, protocol: Protocol) -> None:
        self.protocol = protocol
        #: The socket. It doesn't block; reading from it or writing to it breaks the protocol.
        self.socket = sock
        self._stream: Stream = open_stream(sock)
        self._outbox = bytearray()
        self._lost = False

        self._lock = threading.Lock()
        self._readiness = self._readiness_class(sock)
        # The thread that drives; what it waits for at the socket, 0 while it doesn't; until when.
        self._driver: int | None = None
        self._driver_events = 0
        self._driver_until: float | None = None
        # What others wait for, with a lock that each tries to take.
        self._waiting: list[tuple[Callable[[], Any], threading.Lock]] = []
        # How many wait for the socket.
        self._polling = 0
        # Whether the watchman knows the connection, and has its socket in the selector.
        self._noted = False
        self._in_selector = False

    def fileno(self) -> int:
        """The number of the socket; -1 once that is closed."""
        number: int = self.socket.fileno()
        return number

    # What subclasses do: the lock is held

    def _reads(self) -> bool:
        """Whether to wait for what the peer sends."""
        raise NotImplementedError

    def _move_bytes(self, ready: bool) -> None:
        """
        Write and read what can be.

        :param ready: whether the socket is ready.
        """
        raise NotImplementedError

    def _stream_broken(self) -> None:
        """The socket is ready although nothing was waited for."""
        raise NotImplementedError

    def _handle_deadline(self) -> None:
        """Do what is due."""
        raise NotImplementedError

    # For the watchman, as :class:`~ws_sync.watchman.Watched` says: the lock isn't held

    def _flush_gathered(self) -> bool:
        raise NotImplementedError

    def _drop(self) -> None:
        raise NotImplementedError

    # Waiting: the lock is held, and let go of meanwhile

    def _wait(self, done: Callable[[], Any], until: float | None = None) -> bool:
        """
        Move bytes until something is the case.

        :param done: says whether it is; true once the connection is lost, at the latest.
        :param until: when to give up, by the clock; :data:`None` for never.
        :returns: whether it is.
        """
        tried = drives = False
        try:
            while not done():
                now = self._clock()
                deadline = self.protocol.next_deadline
                if deadline is not None and now >= deadline:
                    self._handle_deadline()
                    continue
                if tried and until is not None and now >= until:
                    return False
                if deadline is None or (until is not None and until < deadline):
                    deadline = until
                timeout = None if deadline is None else max(0.0, deadline - now)
                if self._driver is None:
                    self._driver = threading.get_ident()
                    drives = True
                if drives:
                    self._driver_until = deadline
                    self._drive(timeout)
                elif self._driver == threading.get_ident():
                    self._drive_within(timeout)
                elif events := self._unattended():
                    # The driver may leave at any time.
                    self._poll_beside(events, timeout)
                else:
                    self._sleep(done, timeout)
                tried = True
            return True
        finally:
            if drives:
                self._driver = None
            self._leave()

    def _drive(self, timeout: float | None) -> None:
        events = self._driver_events = self._events()
        pending = self._stream.pending
        if pending is not None and events & READ and pending():
            timeout = 0.0  # TLS has decrypted it while there was no room
        try:
            ready = self._poll(self._readiness, events, timeout)
        finally:
            self._driver_events = 0
        if ready and not events:
            self._stream_broken()
        # What is due is seen to before the next round.
        self._move_bytes(ready)

    def _drive_within(self, timeout: float | None) -> None:
        """In a signal handler, which has interrupted the driver: that goes on afterwards."""
        outer, self._driver_events = self._driver_events, 0
        try:
            self._poll_beside(self._events(), timeout)
        finally:
            self._driver_events = outer

    def _poll_beside(self, events: int, timeout: float | None) -> None:
        readiness = self._readiness_class(self.socket)
        pause = RELIEF if timeout is None else min(timeout, RELIEF)
        self._move_bytes(self._poll(readiness, events, pause))

    def _poll(self, readiness: Readiness, events: int, timeout: float | None) -> bool:
        self._polling += 1
        try:
            self._lock.release()
            return readiness.wait(events, timeout)
        finally:
            try:
                if not self._lock.acquire(False):
                    self._acquire_for_certain()
            finally:
                self._polling -= 1
                if self._lost:
                    self._close_socket()

    def _sleep(self, done: Callable[[], Any], timeout: float | None) -> None:
        """Wait to be told of something."""
        bell = threading.Lock()
        bell.acquire()
        self._waiting.append((done, bell))
        try:
            self._lock.release()
            bell.acquire(timeout=-1 if timeout is None else min(timeout, threading.TIMEOUT_MAX))
        finally:
            try:
                self._acquire_for_certain()
            finally:
                if (done, bell) in self._waiting:
                    self._waiting.remove((done, bell))

    def _acquire_for_certain(self) -> None:
        """Take the lock, whatever interrupts: who leaves a ``with`` block has to hold it."""
        taken: list[bool] = []
        interrupt: BaseException | None = None
        while not taken:
            try:
                # One call, so that no interrupt comes between taking it and noting that.
                taken.extend(map(self._lock.acquire, (True,)))
            except BaseException as exc:
                interrupt = exc
        if interrupt is not None:
            try:
                raise interrupt
            finally:
                del interrupt

    def _notify(self) -> None:
        """Something has happened: tell those who waited for it."""
        for entry in [entry for entry in self._waiting if entry[0]()]:
            self._waiting.remove(entry)
            entry[1].release()

    def _leave(self) -> None:
        """Leave the connection to somebody else who waits, or else to the watchman."""
        if self._driver is None and self._waiting:
            self._waiting.pop(0)[1].release()
        elif self._outbox:
            self._attend_soon()
        elif self._driver is None and not (self._noted or self._lost):
            self._noted = True
            self._watchman.watch(self)

    def _attend_soon(self) -> None:
        """Have the watchman come by at once, unless a driver does all there is to do."""
        if not self._lost and self._neglected():
            self._noted = True
            self._watchman.watch(self, 0.0)

    def _events(self) -> int:
        """What to wait for at the socket."""
        events = READ if self._reads() else 0
        if self._outbox and not self._stream.send_needs_read:
            events |= WRITE
        return events

    def _unattended(self) -> int:
        """
        What to wait for at the socket, and a driver doesn't.

        There is output that it doesn't know of, or room for input that there wasn't.
        """
        return self._events() & ~self._driver_events

    def _neglected(self) -> bool:
        """Whether there is something that no driver sees to, or not in time."""
        if self._driver is None or self._unattended():
            return True
        deadline, until = self.protocol.next_deadline, self._driver_until
        return deadline is not None and (until is None or deadline < until)

    def _close_socket(self) -> None:
        if not self._polling:
            self.socket.close()

    # For the watchman

    def _look_after(self, ready: bool) -> Duty | None:
        """
        Do what there is to do; :data:`None` where somebody attends to the connection.

        :param ready: whether the socket is ready.
        """
        if not self._lock.acquire(timeout=COURTESY):
            return LATER
        try:
            self._move_bytes(ready)
            self._handle_deadline()
            if self._lost or not self._neglected():
                self._noted = False
                return None
            events = self._unattended()
            if events and not self._in_selector:
                self._in_selector = True
                self._polling += 1
            return Duty(events, self.protocol.next_deadline)
        finally:
            self._lock.release()

    def _released(self) -> None:
        """The socket isn't in the selector any more."""
        with self._lock:
            self._in_selector = False
            self._polling -= 1
            if self._lost:
                self._close_socket()
