"""
Non-blocking sockets: waiting for one, and reading and writing through one face, TLS or not.
"""

from __future__ import annotations

import math
import select
import socket
import sys
from typing import Any, Final, Protocol

__all__ = ["READ", "WRITE", "PlainStream", "Readiness", "Stream", "open_stream"]

#: What to wait for: bits, the same as those of :mod:`selectors`.
READ: Final = 1
WRITE: Final = 2

# The longest wait that poll() takes is 2**31 milliseconds. Who waits does so in a loop.
_LONGEST: Final = 86400.0


class Stream(Protocol):
    """
    The bytes of a socket that doesn't block.

    ``recv_into`` and ``send`` are those of a socket: they raise :exc:`BlockingIOError` where they
    would have to wait.
    """

    #: Whether sending has to wait until something is read (TLS only).
    send_needs_read: bool

    def recv_into(self, buffer: memoryview, /) -> int:
        """Read into *buffer*; returns the number of bytes, 0 at the end of the stream."""

    def send(self, data: Any, /) -> int:
        """Write some of *data*; returns how many bytes."""

    def pending(self) -> int:
        """How many bytes can be read although the socket isn't ready for reading."""

    def end(self) -> None:
        """End the output."""


class PlainStream:
    """
    A stream without TLS.

    :param sock: a socket that doesn't block.
    """

    send_needs_read = False

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.recv_into = sock.recv_into
        self.send = sock.send

    def pending(self) -> int:
        return 0

    def end(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)


def open_stream(sock: Any) -> Stream:
    """
    The stream of a socket, which doesn't block from now on.

    :param sock: a socket, also one of :mod:`ssl`, or what :func:`ws_sync.tls.start_tls` returned.
    """
    sock.setblocking(False)
    if not hasattr(sock, "pending"):
        return PlainStream(sock)
    # TLS: the import of ssl takes longer than that of all of this package.
    from .tls import TLSStream

    return TLSStream(sock)


if sys.platform != "win32":
    _POLL: Final = {READ: select.POLLIN, WRITE: select.POLLOUT, READ | WRITE: 5, 0: 0}

    class Readiness:
        """
        Waits for one socket, for one thread at a time.

        :param sock: a socket.
        """

        def __init__(self, sock: Any) -> None:
            self._fileno: int = sock.fileno()
            self._poll = select.poll()
            self._events = -1

        def wait(self, events: int, timeout: float | None) -> bool:
            """
            Wait; may return early.

            :param events: what to wait for.
            :param timeout: seconds; :data:`None` is no limit.
            :returns: whether the socket is ready, or broken.
            """
            if events != self._events:
                self._poll.register(self._fileno, _POLL[events])
                self._events = events
            if timeout is None:
                return bool(self._poll.poll())
            # Rounded up: to wake up too early would be to spin.
            return bool(self._poll.poll(math.ceil(min(timeout, _LONGEST) * 1000)))

else:

    class Readiness:
        """
        Waits for one socket, for one thread at a time.

        :param sock: a socket.
        """

        def __init__(self, sock: Any) -> None:
            self._socket = sock

        def wait(self, events: int, timeout: float | None) -> bool:
            """
            Wait; may return early.

            :param events: what to wait for.
            :param timeout: seconds; :data:`None` is no limit.
            :returns: whether the socket is ready, or broken.
            """
            # Ctrl-C doesn't interrupt select() here: come back often enough to notice.
            timeout = 1.0 if timeout is None else min(timeout, 1.0)
            sockets = [self._socket]
            reading = sockets if events & READ else []
            writing = sockets if events & WRITE else []
            # A failed connect() is reported as an exception, not as a reset: not waited for here.
            return any(select.select(reading, writing, sockets, timeout))
