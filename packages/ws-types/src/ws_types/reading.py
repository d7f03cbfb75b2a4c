"""How the heads and bodies of HTTP/1.1 messages are read (RFC 9112, sections 2 to 7).

Readers are generators over functions that read, which are generators too and wait for input; so
they fit any source of bytes, and take time in proportion to it. :mod:`ws_types.http11` says what
they accept, and which limits there are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from typing import TypeAlias

from .errors import BodyTooLarge, HeaderLineTooLong, SecurityError, TooManyHeaders
from .escaping import printable
from .headers import Headers, decode_name, is_field_value, is_token

__all__ = [
    "MAX_BODY_SIZE",
    "MAX_HEAD_SIZE",
    "MAX_LINE_LENGTH",
    "MAX_NUM_HEADERS",
    "SHOWN",
    "Head",
    "Limits",
    "ReadExact",
    "ReadLine",
    "ReadToEOF",
    "read_body",
    "read_request_body",
    "refuse_body",
    "show",
]

MAX_LINE_LENGTH = int(os.environ.get("WEBSOCKETS_MAX_LINE_LENGTH", "8192"))
MAX_NUM_HEADERS = int(os.environ.get("WEBSOCKETS_MAX_NUM_HEADERS", "128"))
MAX_HEAD_SIZE = int(os.environ.get("WEBSOCKETS_MAX_HEAD_SIZE", "65536"))
MAX_BODY_SIZE = int(os.environ.get("WEBSOCKETS_MAX_BODY_SIZE", "1048576"))

ReadLine: TypeAlias = Callable[[int, type[Exception]], Generator[None, None, bytes | bytearray]]
"""Reads a line with its LF. Raises the exception of that type if it is longer than so many bytes,
and :exc:`EOFError` if the stream ends within it."""

ReadExact: TypeAlias = Callable[[int], Generator[None, None, bytes | bytearray]]
"""Reads so many bytes. Raises :exc:`EOFError` if the stream ends before."""

ReadToEOF: TypeAlias = Callable[[int, type[Exception]], Generator[None, None, bytes | bytearray]]
"""Reads until the stream ends. Raises the exception of that type if it has more than so many
bytes."""

# How much of what a peer sent is shown in an error.
SHOWN = 80

_DIGITS = b"0123456789"
_HEXDIGITS = b"0123456789abcdefABCDEF"
# 15 digits are more than any limit, and few enough to be read in no time.
_MAX_DIGITS = 15


def show(data: bytes | bytearray) -> str:
    """What an error shows of what a peer sent."""
    return printable(data[: SHOWN + 1].decode("latin-1"), SHOWN)


class Limits:
    """What a parser accepts. Each limit is the default one unless another is given.

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


class Head:
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
        raise ValueError(f"invalid HTTP header name: {show(name)}")
    if not is_field_value(value):
        raise ValueError(f"invalid HTTP header value: control character in {show(name)}")
    return decode_name(name), value.strip(b" \t").decode("latin-1")


def _parse_content_length(headers: Headers) -> int | None:
    values = headers.get_all("Content-Length")
    if not values:
        return None
    if len(values) > 1:
        raise SecurityError("invalid content length: multiple values")
    digits = values[0].encode("latin-1")
    if not digits or digits.translate(None, _DIGITS):
        raise SecurityError(f"invalid content length: {show(digits)}")
    digits = digits.lstrip(b"0")
    if len(digits) > _MAX_DIGITS:
        raise BodyTooLarge(f"body too large: {show(digits)} bytes")
    return int(digits or b"0")


def refuse_body(headers: Headers) -> None:
    """Raise an error where a request announces a body, and none is supported."""
    if "Transfer-Encoding" in headers:
        raise ValueError("transfer codings aren't supported")
    try:
        length = _parse_content_length(headers)
    except SecurityError as exc:
        raise ValueError("unsupported request body") from exc
    if length:
        raise ValueError("unsupported request body")


def read_request_body(
    headers: Headers, limits: Limits, read_line: ReadLine, read_exact: ReadExact
) -> Generator[None, None, bytes | bytearray]:
    """Read the body of a request: there is none unless a header announces it."""
    if "Transfer-Encoding" not in headers and "Content-Length" not in headers:
        return b""
    try:
        # A length is announced: what reads to the end of the stream isn't called.
        return (yield from read_body(headers, limits, read_line, read_exact, None))
    except BodyTooLarge:
        raise
    except SecurityError as exc:
        raise ValueError("invalid request body") from exc


def read_body(
    headers: Headers,
    limits: Limits,
    read_line: ReadLine,
    read_exact: ReadExact,
    read_to_eof: ReadToEOF | None,
) -> Generator[None, None, bytes | bytearray]:
    """Read a body (RFC 9112, section 6.3); without a length, to the end of the stream."""
    codings = headers.get_all("Transfer-Encoding")
    length = _parse_content_length(headers)
    if codings:
        if len(codings) > 1 or codings[0].lower() != "chunked":
            shown = printable(", ".join(codings), SHOWN)
            raise ValueError(f"transfer coding {shown} isn't supported")
        if length is not None:
            # A sign of response splitting (RFC 9112, section 6.3, item 3).
            raise SecurityError("both Transfer-Encoding and Content-Length headers")
        return (yield from _read_chunks(limits, read_line, read_exact))
    if length is None:
        assert read_to_eof is not None
        return (yield from read_to_eof(limits.body_size, BodyTooLarge))
    if length > limits.body_size:
        raise BodyTooLarge(f"body too large: {length} bytes")
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
            raise SecurityError(f"invalid chunk size: {show(digits)}")
        size = int(digits, 16)
        if size == 0:
            yield from Head(read_line, limits).read_headers()
            return bytes(body)
        if len(body) + size > limits.body_size:
            raise BodyTooLarge(f"chunk too large: {size} bytes after {len(body)} bytes")
        body += yield from read_exact(size)
        if (yield from read_exact(2)) != b"\r\n":
            raise ValueError("chunk without CRLF")
