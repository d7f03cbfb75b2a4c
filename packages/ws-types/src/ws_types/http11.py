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
- ``WEBSOCKETS_MAX_BODY_SIZE`` (1048576): the body of a response. That of an error says why, and no
  more is read.

Errors don't show the values of headers, which may be secrets.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, TypeAlias

from .errors import (
    HeaderLineTooLong,
    RequestLineTooLong,
    SecurityError,
    StatusLineTooLong,
    TooManyHeaders,
)
from .escaping import printable
from .headers import Headers, decode_name, is_field_value, is_token

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

MAX_LINE_LENGTH = int(os.environ.get("WEBSOCKETS_MAX_LINE_LENGTH", "8192"))
MAX_NUM_HEADERS = int(os.environ.get("WEBSOCKETS_MAX_NUM_HEADERS", "128"))
MAX_HEAD_SIZE = int(os.environ.get("WEBSOCKETS_MAX_HEAD_SIZE", "65536"))
MAX_BODY_SIZE = int(os.environ.get("WEBSOCKETS_MAX_BODY_SIZE", "1048576"))

ReadLine: TypeAlias = Callable[[int, type[Exception]], Generator[None, None, bytes | bytearray]]
"""Reads a line with its LF. Raises the exception of that type if it is longer than so many bytes,
and
:exc:`EOFError` if the stream ends within it."""

ReadExact: TypeAlias = Callable[[int], Generator[None, None, bytes | bytearray]]
"""Reads so many bytes. Raises :exc:`EOFError` if the stream ends before."""

ReadToEOF: TypeAlias = Callable[[int, type[Exception]], Generator[None, None, bytes | bytearray]]
"""Reads until the stream ends. Raises the exception of that type if it has more than so many
bytes."""

# How much of what a peer sent is shown in an error.
_SHOWN = 80

_DIGITS = b"0123456789"
_HEXDIGITS = b"0123456789abcdefABCDEF"
# 15 digits are more than any limit, and few enough to be read in no time.
_MAX_DIGITS = 15

_TARGET_BYTES = bytes(range(0x21, 0x7F))


def _show(data: bytes | bytearray) -> str:
    return printable(data[: _SHOWN + 1].decode("latin-1"), _SHOWN)


class Limits:
    """What a parser accepts. Each limit is that of this module unless another is given.

    :param line_length: how many bytes a line may have, with its CRLF.
    :param num_headers: how many headers there may be.
    :param head_size: how many bytes the first line and the headers may have together.
    :param body_size: how many bytes a body may have.
    """

    __slots__ = ("body_size", "head_size", "line_length", "num_headers")

    def __init__(
        self,
        *,
        line_length: int | None = None,
        num_headers: int | None = None,
        head_size: int | None = None,
        body_size: int | None = None,
    ) -> None:
        self.line_length = MAX_LINE_LENGTH if line_length is None else line_length
        self.num_headers = MAX_NUM_HEADERS if num_headers is None else num_headers
        self.head_size = MAX_HEAD_SIZE if head_size is None else head_size
        self.body_size = MAX_BODY_SIZE if body_size is None else body_size


class _Head:
    """Reads the lines of a head, and holds them to their limits."""

    def __init__(self, read_line: ReadLine, limits: Limits) -> None:
        self.read_line = read_line
        self.limits = limits
        self.size = 0

    def read(self, too_long: type[Exception], what: str) -> Generator[None, None, bytes]:
        try:
            line = yield from self.read_line(self.limits.line_length, too_long)
        except EOFError as exc:
            raise EOFError(f"connection closed while reading HTTP {what}") from exc
        self.size += len(line)
        limit = self.limits.head_size
        if self.size > limit:
            raise SecurityError(f"HTTP head too large: more than {limit} bytes")
        return _strip_crlf(line, what)

    def read_headers(self) -> Generator[None, None, Headers]:
        pairs: list[tuple[str, str]] = []
        limit = self.limits.num_headers
        while line := (yield from self.read(HeaderLineTooLong, "headers")):
            if len(pairs) >= limit:
                raise TooManyHeaders(f"expected no more than {limit} headers")
            pairs.append(_parse_header(line))
        return Headers._from_validated(pairs)


def _strip_crlf(line: bytes | bytearray, what: str) -> bytes:
    if line[-2:] != b"\r\n":
        raise ValueError(f"line of HTTP {what} doesn't end with CRLF")
    return bytes(line[:-2])


def _parse_header(line: bytes) -> tuple[str, str]:
    if line[0] in b" \t":
        raise ValueError("invalid HTTP header line: line folding is obsolete")
    name, colon, value = line.partition(b":")
    if not colon:
        raise ValueError("invalid HTTP header line: there is no colon")
    if not is_token(name):
        raise ValueError(f"invalid HTTP header name: {_show(name)}")
    if not is_field_value(value):
        raise ValueError(f"invalid HTTP header value: control character in {name.decode()}")
    return decode_name(name), value.strip(b" \t").decode("latin-1")


def _parse_content_length(headers: Headers) -> int | None:
    values = headers.get_all("Content-Length")
    if not values:
        return None
    if len(values) > 1:
        raise SecurityError("invalid content length: multiple values")
    digits = values[0].encode("latin-1")
    if not digits or digits.translate(None, _DIGITS):
        raise SecurityError(f"invalid content length: {_show(digits)}")
    digits = digits.lstrip(b"0")
    if len(digits) > _MAX_DIGITS:
        raise SecurityError(f"body too large: {_show(digits)} bytes")
    return int(digits or b"0")


@dataclass
class Request:
    """An HTTP request without a body (RFC 9112, section 3).

    :param path: the request target, with its query: percent-encoded ASCII.
    :param headers: the headers.
    :param method: the method; that of a WebSocket handshake is always GET.
    :param protocol: the version, ``HTTP/1.1`` or ``HTTP/1.0``.
    """

    path: str
    headers: Headers
    method: str = "GET"
    protocol: str = "HTTP/1.1"
    _exception: Exception | None = None

    def __init__(
        self,
        path: str,
        headers: Headers,
        method: str = "GET",
        protocol: str = "HTTP/1.1",
        _exception: Exception | None = None,
    ) -> None:
        self.path = path
        self.headers = headers
        self.method = method
        self.protocol = protocol
        self._exception = _exception

    def __repr__(self) -> str:
        return (
            f"{type(self).__qualname__}(path={self.path!r}, headers={self.headers!r}, "
            f"method={self.method!r}, protocol={self.protocol!r}, "
            f"_exception={_describe(self._exception)})"
        )

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        assert isinstance(other, Request)
        return (self.path, self.headers, self.method, self.protocol, self._exception) == (
            (other.path, other.headers, other.method, other.protocol, other._exception)
        )

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
        cls, read_line: ReadLine, *, limits: Limits | None = None
    ) -> Generator[None, None, Request]:
        """Read a request. A body isn't supported.

        :param read_line: reads a line with its LF; see :data:`ReadLine`.
        :param limits: what to accept; by default, the limits of this module.
        :raises EOFError: if the stream ends too early.
        :raises SecurityError: if a limit is exceeded; its subclasses tell which.
        :raises ValueError: if it isn't an HTTP/1 request, or announces a body.
        """
        if limits is None:
            limits = Limits()
        head = _Head(read_line, limits)
        line = yield from head.read(RequestLineTooLong, "request line")
        try:
            method, path, protocol = line.split(b" ", 2)
        except ValueError:
            raise ValueError(f"invalid HTTP request line: {_show(line)}") from None
        if protocol not in (b"HTTP/1.1", b"HTTP/1.0"):
            raise ValueError(f"unsupported protocol; expected HTTP/1.1 or HTTP/1.0: {_show(line)}")
        if not is_token(method):
            raise ValueError(f"invalid HTTP method: {_show(method)}")
        if not path or path.translate(None, _TARGET_BYTES):
            raise ValueError(f"invalid HTTP request target: {_show(path)}")
        headers = yield from head.read_headers()
        if "Transfer-Encoding" in headers:
            raise ValueError("transfer codings aren't supported")
        try:
            length = _parse_content_length(headers)
        except SecurityError as exc:
            raise ValueError("unsupported request body") from exc
        if length:
            raise ValueError("unsupported request body")
        return cls(path.decode(), headers, method.decode(), protocol.decode())

    def serialize(self) -> bytes:
        """Return the request as it goes on the wire.

        :raises ValueError: if the method, the path or the protocol has a character that may not
            stand there (RFC 9112, section 3): what could smuggle in another request.
        """
        for what, text in (("path", self.path), ("protocol", self.protocol)):
            if not (text and text.isascii()) or text.encode().translate(None, _TARGET_BYTES):
                raise ValueError(
                    f"invalid {what} of an HTTP request: {text[:_SHOWN]!a} "
                    "isn't printable ASCII without spaces"
                )
        if not (self.method.isascii() and is_token(self.method.encode())):
            raise ValueError(
                f"invalid method of an HTTP request: {self.method[:_SHOWN]!a} isn't a token"
            )
        return f"{self.method} {self.path} {self.protocol}\r\n".encode() + self.headers.serialize()


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
            f"body={self.body!r}, _exception={_describe(self._exception)})"
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
        head = _Head(read_line, limits)
        line = yield from head.read(StatusLineTooLong, "status line")
        try:
            protocol, digits, reason = line.split(b" ", 2)
        except ValueError:
            raise ValueError(f"invalid HTTP status line: {_show(line)}") from None
        expected = "HTTP/1.1 or HTTP/1.0" if proxy else "HTTP/1.1"
        if protocol != b"HTTP/1.1" and not (proxy and protocol == b"HTTP/1.0"):
            raise ValueError(f"unsupported protocol; expected {expected}: {_show(line)}")
        if not digits or digits.translate(None, _DIGITS):
            raise ValueError(f"invalid status code; expected integer; got {_show(digits)}")
        if len(digits) != 3 or not b"100" <= digits <= b"599":
            raise ValueError(f"invalid status code; expected 100–599; got {_show(digits)}")
        if not is_field_value(reason):
            raise ValueError(f"invalid HTTP reason phrase: {_show(reason)}")
        status_code = int(digits)
        headers = yield from head.read_headers()
        body: bytes | bytearray = b""
        # RFC 9112, section 6.3.
        if not (proxy or 100 <= status_code < 200 or status_code in (204, 304)):
            body = yield from _read_body(headers, limits, read_line, read_exact, read_to_eof)
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
                f"invalid reason phrase: {self.reason_phrase[:_SHOWN]!a} has control "
                "characters, or isn't ISO-8859-1"
            )
        start = b"HTTP/1.1 %d %b\r\n" % (self.status_code, reason)
        return start + self.headers.serialize() + self.body


def _describe(exc: Exception | None) -> str:
    # An InvalidStatus holds the response that holds it: without this, repr() wouldn't end.
    if exc is None:
        return "None"
    return f"{type(exc).__name__}(...)"


def _read_body(
    headers: Headers,
    limits: Limits,
    read_line: ReadLine,
    read_exact: ReadExact,
    read_to_eof: ReadToEOF,
) -> Generator[None, None, bytes | bytearray]:
    """Read the body of a response (RFC 9112, section 6.3)."""
    codings = headers.get_all("Transfer-Encoding")
    length = _parse_content_length(headers)
    if codings:
        if len(codings) > 1 or codings[0].lower() != "chunked":
            shown = printable(", ".join(codings), _SHOWN)
            raise ValueError(f"transfer coding {shown} isn't supported")
        if length is not None:
            # A sign of response splitting (RFC 9112, section 6.3, item 3).
            raise SecurityError("both Transfer-Encoding and Content-Length headers")
        return (yield from _read_chunks(limits, read_line, read_exact))
    if length is None:
        return (yield from read_to_eof(limits.body_size, SecurityError))
    if length > limits.body_size:
        raise SecurityError(f"body too large: {length} bytes")
    return (yield from read_exact(length))


def _read_chunks(
    limits: Limits, read_line: ReadLine, read_exact: ReadExact
) -> Generator[None, None, bytes]:
    """Read a chunked body (RFC 9112, section 7.1); extensions and trailers are ignored."""
    body = bytearray()
    # Together the extensions are held to the limit of a head, or a body could go on for ever.
    extensions = 0
    while True:
        line = yield from read_line(limits.line_length, SecurityError)
        digits, _, extension = _strip_crlf(line, "chunk size").partition(b";")
        extensions += len(extension)
        if extensions > limits.head_size:
            raise SecurityError(f"chunk extensions too large: more than {limits.head_size} bytes")
        if not 0 < len(digits) <= _MAX_DIGITS or digits.translate(None, _HEXDIGITS):
            raise SecurityError(f"invalid chunk size: {_show(digits)}")
        size = int(digits, 16)
        if size == 0:
            yield from _Head(read_line, limits).read_headers()
            return bytes(body)
        if len(body) + size > limits.body_size:
            raise SecurityError(f"chunk too large: {size} bytes after {len(body)} bytes")
        body += yield from read_exact(size)
        if (yield from read_exact(2)) != b"\r\n":
            raise ValueError("chunk without CRLF")
