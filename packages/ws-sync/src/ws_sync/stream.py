"""Non-blocking sockets: reading and writing through one face, TLS or not."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["PlainStream", "Stream", "open_stream"]


class Stream(Protocol):
    """
    The bytes of a socket that doesn't block.

    ``recv_into`` and ``send`` are those of a socket: they raise :exc:`BlockingIOError` where they
    would have to wait.
    """

    #: Whether sending has to wait until something is read (TLS only).
    send_needs_read: bool
    #: Whether ``send``, where it raises, has sent nothing.
    sends_at_once: bool
    #: Tells how many bytes can be read although the socket isn't ready for it (TLS only).
    pending: Callable[[], int] | None

    def recv_into(self, buffer: memoryview, /) -> int:
        """Read into *buffer*; returns the number of bytes, 0 at the end of the stream."""

    def send(self, data: Any, /) -> int:
        """Write some of *data*; returns how many bytes."""

    def end(self) -> None:
        """End the output."""


class PlainStream:
    """
    A stream without TLS.

    :param sock: a socket that doesn't block.
    """

    send_needs_read = False
    sends_at_once = True
    pending: Callable[[], int] | None = None

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.recv_into = sock.recv_into
        self.send = sock.send

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
