"""Waiting for a socket that doesn't block."""

from __future__ import annotations

import math
import select
import sys
from typing import Any, Final

__all__ = ["READ", "WRITE", "Readiness"]

#: What to wait for: bits, the same as those of :mod:`selectors`.
READ: Final = 1
WRITE: Final = 2

# The longest wait that poll() takes is 2**31 milliseconds. Who waits does so in a loop.
_LONGEST: Final = 86400.0

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
