"""HTTP/1.1 heads, read as they arrive (RFC 9112).

The grammar is in :mod:`ws_types.http11`, whose parsers are generators that ask for lines and bytes.
The parsers here feed those generators from a buffer, whatever the sizes of the pieces that arrive:

- no byte is looked at twice in search of the end of a line, so that a head that comes one byte at
  a time takes linear time (CVE-2023-43669);
- what isn't consumed yet is bounded by the limit of a line, or of a body, and the last piece;
- the limits of lines, heads and bodies are those of :mod:`ws_types.http11`, which applies them.

A parser reads one message. It ends when it returns it, or raises; what follows the message is in
``leftover``, and belongs to the next protocol.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Generic, TypeVar

from ws_types.errors import InvalidState
from ws_types.http11 import Limits, Request, Response
from ws_types.typing import BytesLike

from .__about__ import __version__

__all__ = ["SERVER", "USER_AGENT", "RequestParser", "ResponseParser"]

USER_AGENT = f"Python/{sys.version_info[0]}.{sys.version_info[1]} ws-sansio/{__version__}"
"""Value of the ``User-Agent`` header that a client sends."""

SERVER = USER_AGENT
"""Value of the ``Server`` header that a server sends."""

M = TypeVar("M")


class _Reader:
    """Bytes that have arrived, and the coroutines by which the grammar draws on them.

    Each coroutine yields when it needs more. It doesn't know the parser, so that nothing here
    forms a reference cycle.
    """

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.start = 0  # what is before it was consumed
        self.eof = False

    def feed(self, data: BytesLike) -> None:
        if self.start:
            del self.buffer[: self.start]
            self.start = 0
        self.buffer += data

    def take(self, length: int) -> bytes:
        end = self.start + length
        with memoryview(self.buffer) as view:
            data = bytes(view[self.start : end])
        self.start = end
        return data

    def take_rest(self) -> bytes:
        rest = self.take(len(self.buffer) - self.start)
        self.buffer.clear()
        self.start = 0
        return rest

    def read_line(
        self, limit: int, too_long: type[Exception]
    ) -> Generator[None, None, bytes | bytearray]:
        scanned = 0
        while True:
            end = self.buffer.find(b"\n", self.start + scanned) + 1
            length = (end or len(self.buffer)) - self.start
            if length > limit:
                raise too_long(f"read {length} bytes, expected no more than {limit} bytes")
            if end:
                return self.take(length)
            if self.eof:
                raise EOFError(f"stream ends after {length} bytes, before end of line")
            scanned = length
            yield

    def read_exact(self, length: int) -> Generator[None, None, bytes | bytearray]:
        while (available := len(self.buffer) - self.start) < length:
            if self.eof:
                raise EOFError(f"stream ends after {available} bytes, expected {length} bytes")
            yield
        return self.take(length)

    def read_to_eof(
        self, limit: int, too_long: type[Exception]
    ) -> Generator[None, None, bytes | bytearray]:
        while (available := len(self.buffer) - self.start) <= limit:
            if self.eof:
                return self.take(available)
            yield
        raise too_long(f"read {available} bytes, expected no more than {limit} bytes")


class _Parser(Generic[M]):
    """Drives a generator of the grammar; the base of the two parsers."""

    def __init__(self, reader: _Reader, generator: Generator[None, None, M]) -> None:
        self._reader = reader
        self._generator = generator
        self._ended = False
        #: The bytes that arrived after the message, once it is complete.
        self.leftover = b""

    def receive(self, data: BytesLike) -> M | None:
        """Take in bytes from the peer.

        :param data: bytes, in pieces of any size.
        :returns: the message, once it is complete, else None.
        :raises SecurityError: if a limit is exceeded; its subclass says which.
        :raises ValueError: if the message is malformed.
        :raises InvalidState: if the parser has ended.
        """
        if self._ended:
            raise InvalidState("parser has ended")
        self._reader.feed(data)
        return self._advance()

    def _receive_eof(self) -> M | None:
        if self._ended:
            raise InvalidState("parser has ended")
        self._reader.eof = True
        return self._advance()

    def _advance(self) -> M | None:
        try:
            next(self._generator)
        except StopIteration as stop:
            self._ended = True
            self.leftover = self._reader.take_rest()
            message: M = stop.value
            return message
        except BaseException:
            self._ended = True
            self._reader.take_rest()
            raise
        return None


class RequestParser(_Parser[Request]):
    """Reads a request as it arrives (RFC 9112 2.1, 3).

    :param max_body: bytes that its body may have; with 0, a request that announces one is refused.
    """

    def __init__(self, *, max_body: int = 0) -> None:
        reader = _Reader()
        super().__init__(
            reader,
            Request.parse(
                reader.read_line,
                read_exact=reader.read_exact if max_body else None,
                limits=Limits(body_size=max_body),
            ),
        )

    def receive_eof(self) -> None:
        """Take note that the peer has closed its side before the request was complete.

        :raises EOFError: always, unless the parser has ended; its text says what was being read.
        :raises InvalidState: if the parser has ended.
        """
        self._receive_eof()


class ResponseParser(_Parser[Response]):
    """Reads a response and its body as they arrive (RFC 9112 4, 6.3).

    :param proxy: whether a proxy answers to CONNECT, in which case no body is read.
    """

    def __init__(self, *, proxy: bool = False) -> None:
        reader = _Reader()
        super().__init__(
            reader,
            Response.parse(reader.read_line, reader.read_exact, reader.read_to_eof, proxy=proxy),
        )

    def receive_eof(self) -> Response | None:
        """Take note that the peer has closed its side.

        :returns: the response, if its body ends with the connection.
        :raises EOFError: if it isn't complete; its text says what was being read.
        :raises InvalidState: if the parser has ended.
        """
        return self._receive_eof()
