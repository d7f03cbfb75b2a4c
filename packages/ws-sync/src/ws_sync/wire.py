"""
A wire that can be held, in place of a network, for :mod:`ws_sync.testing`.

It has two ends, ordinary sockets. What one of them sends, a thread carries to the other; what it
doesn't carry waits in the buffers of the operating system, which fill up as those of a network do.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from typing import Final

__all__ = ["Wire", "WireSocket"]

#: How many bytes are carried at once.
_CHUNK: Final = 2**16


class WireSocket(socket.socket):
    """A socket that is the end of a wire."""

    #: The wire.
    wire: Wire


class Wire:
    """A wire between two sockets."""

    def __init__(self) -> None:
        first, near = _pair(self)
        second, far = _pair(self)
        #: The sockets at its ends. They belong to whoever uses them.
        self.ends = first, second
        near.setblocking(False)
        far.setblocking(False)
        self._inner = near, far
        # Rung to wake the thread.
        self._bell, self._ear = socket.socketpair()
        # Guards what follows.
        self._lock = threading.Lock()
        self._directions = [_Direction(near, far), _Direction(far, near)]
        self._held = False
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="ws-sync wire", daemon=True)
        self._thread.start()

    def hold(self) -> None:
        """Carry nothing any more, not even the end of a stream."""
        with self._lock:
            self._held = True

    def release(self) -> None:
        """Carry what was held, and all that follows."""
        with self._lock:
            self._held = False
        self._ring()

    def close(self) -> None:
        """Take the wire away. Whoever still uses an end reads the end of the stream."""
        with self._lock:
            self._closed = True
        self._ring()
        self._thread.join()
        self._bell.close()

    def _ring(self) -> None:
        # The thread ends by itself when there is nothing left to carry.
        with contextlib.suppress(OSError):
            self._bell.send(b"\0")

    def _run(self) -> None:
        near, far = self._inner
        # Where an end is gone, so is what was on its way to it.
        with self._ear, near, far, contextlib.suppress(OSError):
            while self._directions and not self._closed:
                self._wait()
                self._carry()

    def _wait(self) -> None:
        """Wait until there may be something to carry."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._ear, selectors.EVENT_READ)
            for sock, events in self._wanted().items():
                selector.register(sock, events)
            for key, _ in selector.select():
                if key.fileobj is self._ear:
                    self._ear.recv(4096)

    def _wanted(self) -> dict[socket.socket, int]:
        wanted: dict[socket.socket, int] = {}
        with self._lock:
            for direction in [] if self._held else self._directions:
                sock, event = direction.wanted()
                wanted[sock] = wanted.get(sock, 0) | event
        return wanted

    def _carry(self) -> None:
        with self._lock:
            if not self._held:
                self._directions = [each for each in self._directions if each.carry()]


class _Direction:
    """One direction of a wire, between sockets that don't block."""

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self._source, self._target = source, target
        # What was read and isn't written yet.
        self._data = b""

    def wanted(self) -> tuple[socket.socket, int]:
        """The socket to wait for, and the event."""
        if self._data:
            return self._target, selectors.EVENT_WRITE
        return self._source, selectors.EVENT_READ

    def carry(self) -> bool:
        """
        Carry what there is; returns whether more may follow.

        :raises OSError: if an end is gone.
        """
        with contextlib.suppress(BlockingIOError):
            if not self._data:
                self._data = self._source.recv(_CHUNK)
                if not self._data:
                    self._target.shutdown(socket.SHUT_WR)
                    return False
            self._data = self._data[self._target.send(self._data) :]
        return True


def _pair(wire: Wire) -> tuple[WireSocket, socket.socket]:
    """Make an end of a wire, and the socket that it is connected to."""
    outer, inner = socket.socketpair()
    end = WireSocket(outer.family, outer.type, outer.proto, outer.detach())
    end.wire = wire
    return end, inner
