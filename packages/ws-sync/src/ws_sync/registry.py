"""
The connections of a server: who is there, who may be, and how they end together.

:class:`~ws_sansio.admission.Admission` decides. Each connection has a thread, which is registered
from when the connection is accepted until the handler has returned.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from ws_sansio.admission import Admission, Refusal
from ws_sansio.drain import drain_times
from ws_types.codes import CloseCode
from ws_types.http11 import Request
from ws_types.typing import LoggerLike

from .connection import Connection

__all__ = ["HANDLER_GRACE", "Guest", "Registry"]

#: How long a server waits for handlers, in seconds, after it has closed their connections. Threads
#: can't be stopped.
HANDLER_GRACE: Final = 10.0


class Guest:
    """
    A connection from when it is accepted, before there is a :class:`Connection`.

    :param sock: its socket.
    :param address: where it comes from.
    """

    def __init__(self, sock: socket.socket, address: Any) -> None:
        #: The socket, until the connection has it.
        self.socket = sock
        self.address = address
        #: The connection, when there is one.
        self.connection: Connection | None = None
        #: The thread that looks after it.
        self.thread = threading.current_thread()

    def drop(self) -> None:
        """End it at once, whatever it is doing. Its thread closes the socket."""
        connection = self.connection
        if connection is not None:
            connection._drop()
            return
        # That of ssl would take TLS away from the thread that is about to use it.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def leave(self) -> None:
        """Let go of the socket and of the connection, which is over."""
        connection, self.connection = self.connection, None
        if connection is None:
            self.socket.close()
        else:
            connection._drop()


class Registry:
    """
    The connections of a server.

    :param admission: the account of them, and the limits.
    :param logger: where to log.
    """

    def __init__(self, admission: Admission[Guest], logger: LoggerLike) -> None:
        self.admission = admission
        self.logger = logger
        #: Set when no connection is opened any more.
        self.closing = False
        #: Set when nothing is answered any more to those who have just come.
        self.dismissed = False
        self._changed = threading.Condition()
        self._guests: set[Guest] = set()
        # Threads that wait here for the others: handlers may close the server.
        self._waiting: list[threading.Thread] = []
        # Those whose request was being considered when the server was closed.
        self._dismissed: set[Guest] = set()

    # Threads of connections call these

    def arrived(self, guest: Guest) -> bool:
        """A connection was accepted; returns whether to go on with it."""
        with self._changed:
            if self.dismissed:
                return False
            self._guests.add(guest)
            victim = self.admission.arrived(guest)
        if victim is not None:
            self.logger.info("%s", self.admission.drop_reason)
            victim.drop()
        return victim is not guest

    def requested(self, guest: Guest, request: Request) -> Refusal | None:
        """A request is complete."""
        with self._changed:
            return self.admission.requested(guest, request, guest.address)

    def answered(self, guest: Guest, opened: bool) -> None:
        """The response was sent."""
        with self._changed:
            self.admission.answered(guest, opened)
            if opened:
                self._dismissed.discard(guest)

    def left(self, guest: Guest) -> None:
        """The connection is gone, and its handler is done."""
        with self._changed:
            self.admission.left(guest)
            self._guests.discard(guest)
            self._dismissed.discard(guest)
            self._changed.notify_all()

    # The server calls these

    def opened(self) -> list[Connection]:
        """The connections that are open, or were when their handlers began."""
        with self._changed:
            found = [guest.connection for guest in self.admission.opened]
        return [connection for connection in found if connection is not None]

    def dismiss(self) -> list[Connection]:
        """
        Open no more connections, and drop those that haven't asked for one.

        :returns: those whose request is being considered, to be refused.
        """
        with self._changed:
            self.closing = self.dismissed = True
            dropped = [*self.admission.waiting, *self.admission.ending]
            self._dismissed.update(self.admission.considered)
            considered = [guest.connection for guest in self._dismissed]
        for guest in dropped:
            guest.drop()
        return [connection for connection in considered if connection is not None]

    def close(self, code: CloseCode | int, reason: str) -> None:
        """Close all connections that are open."""
        connections = self.opened()
        for connection in connections:
            connection._begin_closing(code, reason)
        # Their deadlines run at the same time: together they take no longer than one.
        for connection in connections:
            connection.close()

    def wait_empty(self, timeout: float | None = None) -> None:
        """
        Wait until all connections are gone, and all handlers are done.

        Doesn't wait for threads that wait here themselves; for requests that were being considered,
        it waits :data:`HANDLER_GRACE` at most. What is left then is told of in the log.

        :param timeout: seconds to wait for handlers; :data:`None` is no limit.
        """
        now = time.monotonic()
        self._wait_for(lambda: self._dismissed, now + HANDLER_GRACE, "handshakes")
        end = None if timeout is None else now + timeout
        self._wait_for(lambda: self._guests - self._dismissed, end, "handlers")

    def drain(
        self, timeout: float, spread: float | None, code: CloseCode | int, reason: str
    ) -> None:
        """
        Open no more connections, and close those that are open over a period.

        Returns when the last is being closed, or none is open any more.
        """
        connections = self.opened()
        times = drain_times(len(connections), time.monotonic(), timeout, spread)
        self.closing = True
        for connection, when in zip(connections, times, strict=True):
            with self._changed:
                while self.admission.opened and (delay := when - time.monotonic()) > 0:
                    self._changed.wait(delay)
            connection._begin_closing(code, reason)

    def _wait_for(self, guests: Callable[[], set[Guest]], end: float | None, what: str) -> None:
        """Wait for the threads of guests, except those that wait here, until *end* at most."""
        current = threading.current_thread()
        with self._changed:
            self._waiting.append(current)
            self._changed.notify_all()
            try:
                while left := [guest for guest in guests() if guest.thread not in self._waiting]:
                    delay = None if end is None else end - time.monotonic()
                    if delay is not None and delay <= 0:
                        self.logger.warning("not waiting for %d %s that don't end", len(left), what)
                        return
                    self._changed.wait(delay)
            finally:
                self._waiting.remove(current)
