"""HTTP/1.1 requests and responses, as far as the opening handshake needs them (RFC 9112).

Parsers are generators over functions that read, which are generators too and wait for input; so
they fit any source of bytes, and take time in proportion to it. They accept less than HTTP permits,
since whatever two programs read differently can be used against one of them:

- a line ends with CRLF; a bare LF is an error;
- there is no line folding (obsolete since RFC 7230) and no space before the colon of a header;
- one ``Content-Length``, of digits alone, or one ``Transfer-Encoding`` of ``chunked``; never both.

Limits are counted in bytes. They come from the environment:

- ``WEBSOCKETS_MAX_LINE_LENGTH`` (8192): a line with its CRLF, as in Apache httpd, nginx and others;
- ``WEBSOCKETS_MAX_NUM_HEADERS`` (128): headers, and trailers;
- ``WEBSOCKETS_MAX_HEAD_SIZE`` (65536): the first line and the headers together;
- ``WEBSOCKETS_MAX_BODY_SIZE`` (1048576): a body. That of a response says why it is an error, and no
  more is read.

Errors don't show the values of headers, which may be secrets; nor does ``repr()`` show those that
are.
"""

from __future__ import annotations

import warnings
from collections.abc import Generator
from typing import TYPE_CHECKING

from .errors import RequestLineTooLong, StatusLineTooLong
from .headers import Headers, is_field_value, is_token
from .reading import (
    MAX_BODY_SIZE,
    MAX_HEAD_SIZE,
    MAX_LINE_LENGTH,
    MAX_NUM_HEADERS,
    SHOWN,
    Head,
    Limits,
    ReadExact,
    ReadLine,
    ReadToEOF,
    read_body,
    read_request_body,
    refuse_body,
    show,
)

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from .records import dataclass

__all__ = [
    "MAX_BODY_SIZE",
    "MAX_HEAD_SIZE",
    "MAX_LINE_LENGTH",
    "MAX_NUM_HEADERS",
    "Limits",
    "ReadExact",
    "ReadLine",
    "ReadToEOF",
    "Request",
    "Response",
]

_DIGITS = b"0123456789"
_TARGET_BYTES = bytes(range(0x21, 0x7F))
# How much of a body repr() shows, in bytes.
_BODY_SHOWN = 1024


@dataclass
class Request:
    """An HTTP request (RFC 9112, section 3).

    :param path: the request target, with its query: percent-encoded ASCII.
    :param headers: the headers.
    :param method: the method; that of a WebSocket handshake is always GET.
    :param protocol: the version, ``HTTP/1.1`` or ``HTTP/1.0``.
    :param body: the body, with no coding applied.
    """

    path: str
    headers: Headers
    method: str = "GET"
    protocol: str = "HTTP/1.1"
    _exception: Exception | None = None
    body: bytes | bytearray = b""

    def __init__(
        self,
        path: str,
        headers: Headers,
        method: str = "GET",
        protocol: str = "HTTP/1.1",
        _exception: Exception | None = None,
        *,
        body: bytes | bytearray = b"",
    ) -> None:
        self.path = path
        self.headers = headers
        self.method = method
        self.protocol = protocol
        self._exception = _exception
        self.body = body

    def __repr__(self) -> str:
        return (
            f"{type(self).__qualname__}(path={self.path!r}, headers={self.headers!r}, "
            f"method={self.method!r}, protocol={self.protocol!r}, "
            f"_exception={_describe(self._exception)}"
            + (f", body={_shorten(self.body)})" if self.body else ")")
        )

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        assert isinstance(other, Request)
        return self._fields() == other._fields()

    def _fields(self) -> tuple[object, ...]:
        return self.path, self.headers, self.method, self.protocol, self._exception, self.body

    __hash__ = None  # type: ignore[assignment]

    @property
    def exception(self) -> Exception | None:
        """Why the handshake failed. Deprecated."""
        warnings.warn(
            "Request.exception is deprecated; use ServerProtocol.handshake_exc instead",
            DeprecationWarning,
            stacklevel=2,
        )
        return self._exception

    @classmethod
    def parse(
        cls,
        read_line: ReadLine,
        *,
        read_exact: ReadExact | None = None,
        limits: Limits | None = None,
    ) -> Generator[None, None, Request]:
        """Read a request.

        :param read_line: reads a line with its LF; see :data:`ReadLine`.
        :param read_exact: reads so many bytes; see :data:`ReadExact`. Without it, a body isn't
            supported.
        :param limits: what to accept; by default, the limits of this module.
        :raises EOFError: if the stream ends too early.
        :raises SecurityError: if a limit is exceeded; its subclasses tell which.
        :raises ValueError: if it isn't an HTTP/1 request, or its body isn't supported, or isn't
            framed as it should be.
        """
        if limits is None:
            limits = Limits()
        head = Head(read_line, limits)
        line = yield from head.read(RequestLineTooLong, "request line")
        try:
            method, path, protocol = line.split(b" ", 2)
        except ValueError:
            raise ValueError(f"invalid HTTP request line: {show(line)}") from None
        if protocol not in (b"HTTP/1.1", b"HTTP/1.0"):
            raise ValueError(f"unsupported protocol; expected HTTP/1.1 or HTTP/1.0: {show(line)}")
        if not is_token(method):
            raise ValueError(f"invalid HTTP method: {show(method)}")
        if not path or path.translate(None, _TARGET_BYTES):
            raise ValueError(f"invalid HTTP request target: {show(path)}")
        headers = yield from head.read_headers()
        body: bytes | bytearray = b""
        if read_exact is not None:
            body = yield from read_request_body(headers, limits, read_line, read_exact)
        else:
            refuse_body(headers)
        return cls(path.decode(), headers, method.decode(), protocol.decode(), body=body)

    def serialize(self) -> bytes:
        """Return the request as it goes on the wire.

        :raises ValueError: if the method, the path or the protocol has a character that may not
            stand there (RFC 9112, section 3): what could smuggle in another request.
        """
        for what, text in (("path", self.path), ("protocol", self.protocol)):
            if not (text and text.isascii()) or text.encode().translate(None, _TARGET_BYTES):
                raise ValueError(
                    f"invalid {what} of an HTTP request: {text[:SHOWN]!a} "
                    "isn't printable ASCII without spaces"
                )
        if not (self.method.isascii() and is_token(self.method.encode())):
            raise ValueError(
                f"invalid method of an HTTP request: {self.method[:SHOWN]!a} isn't a token"
            )
        start = f"{self.method} {self.path} {self.protocol}\r\n".encode()
        return start + self.headers.serialize() + self.body


@dataclass
class Response:
    """An HTTP response (RFC 9112, section 4).

    :param status_code: the status.
    :param reason_phrase: the reason phrase, in ISO-8859-1; it may be empty.
    :param headers: the headers.
    :param body: the body, with no coding applied.
    """

    status_code: int
    reason_phrase: str
    headers: Headers
    body: bytes | bytearray = b""
    _exception: Exception | None = None

    def __init__(
        self,
        status_code: int,
        reason_phrase: str,
        headers: Headers,
        body: bytes | bytearray = b"",
        _exception: Exception | None = None,
    ) -> None:
        self.status_code = status_code
        self.reason_phrase = reason_phrase
        self.headers = headers
        self.body = body
        self._exception = _exception

    def __repr__(self) -> str:
        return (
            f"{type(self).__qualname__}(status_code={self.status_code!r}, "
            f"reason_phrase={self.reason_phrase!r}, headers={self.headers!r}, "
            f"body={_shorten(self.body)}, _exception={_describe(self._exception)})"
        )

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        assert isinstance(other, Response)
        return (
            (self.status_code, self.reason_phrase, self.headers, self.body, self._exception)
        ) == (other.status_code, other.reason_phrase, other.headers, other.body, other._exception)

    __hash__ = None  # type: ignore[assignment]

    @property
    def exception(self) -> Exception | None:
        """Why the handshake failed. Deprecated."""
        warnings.warn(
            "Response.exception is deprecated; use ClientProtocol.handshake_exc instead",
            DeprecationWarning,
            stacklevel=2,
        )
        return self._exception

    @classmethod
    def parse(
        cls,
        read_line: ReadLine,
        read_exact: ReadExact,
        read_to_eof: ReadToEOF,
        proxy: bool = False,
        *,
        limits: Limits | None = None,
    ) -> Generator[None, None, Response]:
        """Read a response with its body.

        :param read_line: reads a line with its LF; see :data:`ReadLine`.
        :param read_exact: reads so many bytes; see :data:`ReadExact`.
        :param read_to_eof: reads to the end of the stream; see :data:`ReadToEOF`.
        :param proxy: whether it is a proxy's answer to CONNECT. It may be HTTP/1.0, and its body
            isn't read: after 2xx there is none (RFC 9110, section 9.3.6).
        :param limits: what to accept; by default, the limits of this module.
        :raises EOFError: if the stream ends too early.
        :raises SecurityError: if a limit is exceeded (its subclasses tell which), or
            the body isn't framed as it should be.
        :raises ValueError: if it isn't an HTTP/1 response, or its framing is one that isn't
            supported.
        """
        if limits is None:
            limits = Limits()
        head = Head(read_line, limits)
        line = yield from head.read(StatusLineTooLong, "status line")
        try:
            protocol, digits, reason = line.split(b" ", 2)
        except ValueError:
            raise ValueError(f"invalid HTTP status line: {show(line)}") from None
        expected = "HTTP/1.1 or HTTP/1.0" if proxy else "HTTP/1.1"
        if protocol != b"HTTP/1.1" and not (proxy and protocol == b"HTTP/1.0"):
            raise ValueError(f"unsupported protocol; expected {expected}: {show(line)}")
        if not digits or digits.translate(None, _DIGITS):
            raise ValueError(f"invalid status code; expected integer; got {show(digits)}")
        if len(digits) != 3 or not b"100" <= digits <= b"599":
            raise ValueError(f"invalid status code; expected 100–599; got {show(digits)}")
        if not is_field_value(reason):
            raise ValueError(f"invalid HTTP reason phrase: {show(reason)}")
        status_code = int(digits)
        headers = yield from head.read_headers()
        body: bytes | bytearray = b""
        # RFC 9112, section 6.3.
        if not (proxy or 100 <= status_code < 200 or status_code in (204, 304)):
            body = yield from read_body(headers, limits, read_line, read_exact, read_to_eof)
        return cls(status_code, reason.decode("latin-1"), headers, body)

    def serialize(self) -> bytes:
        """Return the response as it goes on the wire.

        :raises ValueError: if the status isn't a number of three digits, or the reason phrase has a
            character that may not stand there (RFC 9112, section 4).
        """
        if not 100 <= self.status_code <= 999:
            raise ValueError(f"invalid status of an HTTP response: {self.status_code}")
        try:
            reason = self.reason_phrase.encode("latin-1")
        except UnicodeEncodeError:
            reason = b"\0"
        if not is_field_value(reason):
            raise ValueError(
                f"invalid reason phrase: {self.reason_phrase[:SHOWN]!a} has control "
                "characters, or isn't ISO-8859-1"
            )
        start = b"HTTP/1.1 %d %b\r\n" % (self.status_code, reason)
        return start + self.headers.serialize() + self.body


def _shorten(body: bytes | bytearray) -> str:
    # It ends in logs and tracebacks, and the peer chose its size.
    if len(body) <= _BODY_SHOWN:
        return repr(body)
    return f"{body[:_BODY_SHOWN]!r}... ({len(body)} bytes)"


def _describe(exc: Exception | None) -> str:
    # An InvalidStatus holds the response that holds it: without this, repr() wouldn't end.
    if exc is None:
        return "None"
    return f"{type(exc).__name__}(...)"
