"""
TLS on sockets that don't block.

An SSL object isn't safe for two threads at once, and a lock around one that blocks would
deadlock. So none blocks: every call is made under the lock of its connection, and who has to wait
does so outside of it.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from typing import Any

from .readiness import READ, WRITE, Readiness

__all__ = ["NestedTLS", "TLSStream", "start_tls"]

#: The most that one TLS record carries, in bytes (:rfc:`8446#section-5.1`).
RECORD_SIZE = 2**14


def start_tls(
    sock: Any,
    context: ssl.SSLContext,
    *,
    server_side: bool = False,
    server_hostname: str | None = None,
    timeout: float | None = None,
) -> Any:
    """
    Perform a TLS handshake.

    :param sock: a connected socket, which belongs to the result afterwards. It may be the result
        of another call, for TLS inside TLS as an HTTPS proxy needs it.
    :param context: the settings.
    :param server_side: whether this is the server's end.
    :param server_hostname: the name to ask for, and to find in the certificate.
    :param timeout: seconds for the handshake; :data:`None` is no limit.
    :returns: a :class:`ssl.SSLSocket`, or a :class:`NestedTLS` where *sock* has TLS already.
    :raises TimeoutError: if the handshake takes too long.
    :raises ssl.SSLError: if it fails.
    """
    secure: ssl.SSLSocket | NestedTLS
    if isinstance(sock, (ssl.SSLSocket, NestedTLS)):
        secure = NestedTLS(sock, context, server_side, server_hostname)
    else:
        secure = context.wrap_socket(
            sock,
            server_side=server_side,
            server_hostname=server_hostname,
            do_handshake_on_connect=False,
        )
    try:
        secure.settimeout(timeout)
        secure.do_handshake()
    except BaseException:
        secure.close()
        raise
    return secure


class TLSStream:
    """
    The stream of a socket with TLS, in the terms of one without.

    :param sock: what :func:`start_tls` returned.
    """

    def __init__(self, sock: Any) -> None:
        self._socket = sock
        self.pending = sock.pending
        # A peer may ask for new keys at any time, up to TLS 1.2.
        self.send_needs_read = False
        self.sends_at_once = False

    def recv_into(self, buffer: memoryview) -> int:
        try:
            size: int = self._socket.recv_into(buffer)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None
        return size

    def send(self, data: Any) -> int:
        """Write record by record: OpenSSL tells nothing of a call before all of it has left."""
        self.send_needs_read = False
        sent = 0
        with memoryview(data) as view:
            while sent < len(view):
                try:
                    sent += self._socket.send(view[sent : sent + RECORD_SIZE])
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as exc:
                    self.send_needs_read = isinstance(exc, ssl.SSLWantReadError)
                    if not sent:
                        raise BlockingIOError from None
                    break
        return sent

    def end(self) -> None:
        """Tell the peer that no more is to come, in the terms of TLS and of TCP."""
        # It complains that the peer hasn't done so yet, most often. That isn't waited for.
        with contextlib.suppress(OSError, ValueError):
            self._socket.unwrap()
        outer = self._socket
        while isinstance(outer, NestedTLS):
            outer = outer.outer
        # That of SSLSocket would forget TLS, and what is still to be read needs it.
        socket.socket.shutdown(outer, socket.SHUT_WR)


class NestedTLS:
    """
    A socket with TLS inside of another one with TLS.

    Has what a connection needs of a socket. What it doesn't have is looked up in
    :class:`ssl.SSLObject` (:meth:`~ssl.SSLObject.getpeercert` and the like), and then in the outer
    socket (:meth:`~socket.socket.getpeername` and the like).

    :param sock: the outer socket.
    :param context: the settings of the inner TLS.
    :param server_side: whether this is the server's end.
    :param server_hostname: the name to ask for, and to find in the certificate.
    """

    def __init__(
        self,
        sock: Any,
        context: ssl.SSLContext,
        server_side: bool = False,
        server_hostname: str | None = None,
    ) -> None:
        self.outer = sock
        sock.setblocking(False)
        self._timeout: float | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(
            self._incoming, self._outgoing, server_side, server_hostname
        )
        self._buffer = memoryview(bytearray(RECORD_SIZE))
        self._encrypted = bytearray()
        # How much of the data last given to send() is encrypted, but hasn't left.
        self._unsent = 0

    def __getattr__(self, name: str) -> Any:
        for inner in (self._object, self.outer):
            if hasattr(inner, name):
                return getattr(inner, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def settimeout(self, timeout: float | None) -> None:
        """
        Set how long :meth:`do_handshake` may take; nothing else waits.

        :param timeout: seconds; :data:`None` is no limit.
        """
        self._timeout = timeout

    def setblocking(self, flag: bool) -> None:
        """Nothing waits, but the handshake."""

    def do_handshake(self) -> None:
        """
        Perform the handshake of the inner TLS.

        :raises TimeoutError: if it takes too long.
        :raises ssl.SSLError: if it fails.
        """
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        readiness = Readiness(self.outer)
        while True:
            try:
                self._shake_hands()
                return
            except ssl.SSLWantReadError:
                events = READ
            except ssl.SSLWantWriteError:
                events = WRITE
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError("timed out during the TLS handshake")
            readiness.wait(events, left)

    def recv_into(self, buffer: memoryview) -> int:
        """Read, as :meth:`ssl.SSLSocket.recv_into` does."""
        while True:
            try:
                return self._object.read(len(buffer), buffer)  # type: ignore[return-value]
            except ssl.SSLWantReadError:
                self._pull()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return 0

    def send(self, data: Any) -> int:
        """
        Write, as :meth:`ssl.SSLSocket.send` does.

        What couldn't leave has to be given again: then it isn't encrypted again.
        """
        if not self._unsent:
            self._unsent = self._object.write(memoryview(data)[:RECORD_SIZE])
        self._push()
        size, self._unsent = self._unsent, 0
        return size

    def pending(self) -> int:
        """How many bytes can be read, or may be, although the socket isn't ready."""
        return self._object.pending() + self._incoming.pending + int(self.outer.pending())

    def unwrap(self) -> None:
        """Say that no more will be sent."""
        try:
            self._object.unwrap()
        finally:
            self._push()

    def shutdown(self, how: int) -> None:
        """As :meth:`socket.socket.shutdown` of the outer socket."""
        self.outer.shutdown(how)

    def close(self) -> None:
        """Close the outer socket."""
        self.outer.close()

    def _shake_hands(self) -> None:
        while True:
            try:
                self._object.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._push()
                self._pull()
        self._push()

    def _pull(self) -> None:
        size = self.outer.recv_into(self._buffer)
        if size:
            self._incoming.write(self._buffer[:size])
        else:
            self._incoming.write_eof()

    def _push(self) -> None:
        """Write what is encrypted; raises :exc:`ssl.SSLWantWriteError` where it can't all be."""
        self._encrypted += self._outgoing.read()
        while self._encrypted:
            with memoryview(self._encrypted) as view:
                size = self.outer.send(view)
            del self._encrypted[:size]
