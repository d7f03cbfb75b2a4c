"""Behaviour of the parsers of HTTP heads: whole, byte by byte, with trailing bytes."""

import gc
import sys
import weakref
from collections.abc import Callable
from itertools import pairwise
from typing import Any, SupportsIndex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws_sansio.__about__ import __version__
from ws_sansio.http11 import SERVER, USER_AGENT, RequestParser, ResponseParser
from ws_types import reading
from ws_types.errors import (
    HeaderLineTooLong,
    InvalidState,
    RequestLineTooLong,
    SecurityError,
    StatusLineTooLong,
    TooManyHeaders,
)
from ws_types.http11 import Request, Response

Parser = RequestParser | ResponseParser

LINE = b"GET /chat?x=1 HTTP/1.1\r\n"
STATUS = b"HTTP/1.1 404 Not Found\r\n"
REQUEST = LINE + b"Host: example.com\r\nUpgrade:websocket\r\nX: \xe9\xff \t\r\n\r\n"
# What begins like a line, and must not be looked at.
TRAILING = b"\x81\x05\r\n\r\nGET"


def feed(parser: Parser, *pieces: Any) -> Any:
    """Give pieces to a parser until it returns a message, and check that it takes no more."""
    message = None
    for piece in pieces:
        assert message is None, "complete before the last byte"
        message = parser.receive(piece)
    return message


def whole(parser: Parser, data: bytes) -> Any:
    return feed(parser, data)


def byte_by_byte(parser: Parser, data: bytes) -> Any:
    return feed(parser, *(data[i : i + 1] for i in range(len(data))))


def with_trailing_bytes(parser: Parser, data: bytes) -> Any:
    half = len(data) // 2
    message = feed(parser, data[:half], data[half:] + TRAILING)
    if message is not None:
        assert parser.leftover == TRAILING
        parser.leftover = b""
    return message


MODES = [whole, byte_by_byte, with_trailing_bytes]
Mode = Callable[[Parser, bytes], Any]


@pytest.fixture(params=MODES, ids=lambda mode: mode.__name__)
def mode(request: pytest.FixtureRequest) -> Any:
    return request.param


def assert_has_ended(parser: Parser) -> None:
    with pytest.raises(InvalidState, match="parser has ended"):
        parser.receive(b"x")
    with pytest.raises(InvalidState, match="parser has ended"):
        parser.receive_eof()
    assert parser.leftover == b""


def refused(parser: Parser, mode: Mode, data: bytes, error: type[Exception]) -> str:
    """Check that data is refused, for good, and return the text of the error."""

    def receive() -> None:
        assert mode(parser, data) is None
        parser.receive_eof()

    with pytest.raises(error) as raised:
        receive()
    assert_has_ended(parser)
    return str(raised.value)


# Requests


def test_request(mode: Mode) -> None:
    parser = RequestParser()
    request = mode(parser, REQUEST)
    assert isinstance(request, Request)
    assert (request.method, request.path, request.protocol) == ("GET", "/chat?x=1", "HTTP/1.1")
    assert list(request.headers.raw_items()) == [
        ("Host", "example.com"),
        ("Upgrade", "websocket"),
        ("X", "éÿ"),
    ]
    assert_has_ended(parser)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_request_from_any_buffer(kind: Any) -> None:
    parser = RequestParser()
    request = feed(parser, kind(REQUEST[:10]), kind(b""), kind(REQUEST[10:] + TRAILING))
    assert request.path == "/chat?x=1"
    assert type(parser.leftover) is bytes
    assert parser.leftover == TRAILING


def test_buffer_can_be_reused_by_the_caller() -> None:
    buffer = bytearray(LINE)
    parser = RequestParser()
    assert parser.receive(memoryview(buffer)) is None
    buffer[:] = b"Host: x\r\n\r\n"  # fails if the parser still exports it
    request = parser.receive(buffer)
    assert request is not None
    assert request.headers["Host"] == "x"


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n" + REQUEST,
        b"\x16\x03\x01\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"G@T / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1 \r\n\r\n",
        b"GET \xe9 HTTP/1.1\r\n\r\n",
        LINE + b"Host\r\n\r\n",
        LINE + b"Host : x\r\n\r\n",
        LINE + b" Host: x\r\n\r\n",
        LINE + b": x\r\n\r\n",
        LINE + b"Host: x\r\n folded\r\n\r\n",
        LINE + b"H\xc3st: x\r\n\r\n",
        LINE + b"Host: \x00\r\n\r\n",
        LINE + b"Host: \x1b[2J\r\n\r\n",
        LINE + b"Host: a\rb\r\n\r\n",
        LINE + b"Content-Length: 3\r\n\r\n",
        LINE + b"Content-Length: +0\r\n\r\n",
        LINE + b"Transfer-Encoding: chunked\r\n\r\n",
        REQUEST.replace(b"\r\n", b"\n"),
        LINE + b"Host: x\n\r\n",
    ],
)
def test_malformed_request_is_refused(mode: Mode, data: bytes) -> None:
    refused(RequestParser(), mode, data, ValueError)


@pytest.mark.parametrize("length", range(len(REQUEST)))
def test_request_cut_short(length: int) -> None:
    parser = RequestParser()
    assert parser.receive(REQUEST[:length]) is None
    what = "request line" if length < len(LINE) else "headers"
    with pytest.raises(EOFError, match=f"^connection closed while reading HTTP {what}$"):
        parser.receive_eof()
    assert_has_ended(parser)


# Limits of heads


def request_line(length: int) -> bytes:
    return b"GET /" + b"x" * (length - 16) + b" HTTP/1.1\r\n"


def status_line(length: int) -> bytes:
    return b"HTTP/1.1 404 " + b"x" * (length - 15) + b"\r\n"


def header_line(length: int) -> bytes:
    return b"X: " + b"x" * (length - 5) + b"\r\n"


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
END = b"Content-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("parser", "make", "error"),
    [
        (RequestParser, request_line, RequestLineTooLong),
        (RequestParser, lambda length: LINE + header_line(length), HeaderLineTooLong),
        (ResponseParser, status_line, StatusLineTooLong),
        (ResponseParser, lambda length: STATUS + header_line(length), HeaderLineTooLong),
    ],
    ids=range(4),
)
def test_length_of_lines_is_limited(
    mode: Mode, parser: type[Parser], make: Callable[[int], bytes], error: type[Exception]
) -> None:
    assert mode(parser(), make(8192) + END) is not None
    text = refused(parser(), mode, make(8193) + END, error)
    assert text == "read 8193 bytes, expected no more than 8192 bytes"


def test_line_that_does_not_end_is_refused_once_it_is_too_long() -> None:
    parser = RequestParser()
    assert feed(parser, *[b"x"] * 8192) is None
    with pytest.raises(RequestLineTooLong, match="read 8193 bytes, expected no more than 8192"):
        parser.receive(b"x")
    parser = RequestParser()
    with pytest.raises(RequestLineTooLong, match="read 100000 bytes, expected no more than 8192"):
        parser.receive(b"x" * 100_000)


@pytest.mark.parametrize(("parser", "line"), [(RequestParser, LINE), (ResponseParser, STATUS)])
def test_number_of_headers_is_limited(mode: Mode, parser: type[Parser], line: bytes) -> None:
    message = mode(parser(), line + b"X: y\r\n" * 127 + END)
    assert message.headers.get_all("X") == ["y"] * 127
    for count in 129, 2000:
        text = refused(parser(), mode, line + b"X: y\r\n" * count + b"\r\n", TooManyHeaders)
        assert text == "expected no more than 128 headers"


def head_of(line: bytes, length: int) -> bytes:
    """Make a head of a length, whose lines are all short enough."""
    lines = [line]
    left = length - len(line) - len(END)
    while left > 8192 + 64:
        lines.append(header_line(8192))
        left -= 8192
    while left:
        part = left if left <= 8192 else left // 2
        lines.append(header_line(part))
        left -= part
    return b"".join([*lines, END])


@pytest.mark.parametrize(("parser", "line"), [(RequestParser, LINE), (ResponseParser, STATUS)])
def test_length_of_heads_is_limited(mode: Mode, parser: type[Parser], line: bytes) -> None:
    assert mode(parser(), head_of(line, 65536)) is not None
    text = refused(parser(), mode, head_of(line, 65537), SecurityError)
    assert "65536 bytes" in text


def test_limits_are_those_of_the_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LINE_LENGTH", 30)
    monkeypatch.setattr(reading, "MAX_NUM_HEADERS", 2)
    monkeypatch.setattr(reading, "MAX_HEAD_SIZE", 80)
    monkeypatch.setattr(reading, "MAX_BODY_SIZE", 3)
    with pytest.raises(RequestLineTooLong, match="read 31 bytes, expected no more than 30 bytes"):
        RequestParser().receive(request_line(31))
    with pytest.raises(TooManyHeaders, match="expected no more than 2 headers"):
        RequestParser().receive(LINE + b"X: y\r\n" * 3)
    with pytest.raises(SecurityError, match="80 bytes"):
        RequestParser().receive(LINE + header_line(29) * 2)
    with pytest.raises(SecurityError, match="read 4 bytes, expected no more than 3 bytes"):
        ResponseParser().receive(STATUS + b"\r\nbody")


# Responses


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 2\r\n\r\nhi", b"hi"),
        (b"Content-Length: 0\r\n\r\n", b""),
        (b"Content-Length: 002\r\n\r\nhi", b"hi"),
        (CHUNKED + b"2\r\nhi\r\n0\r\n\r\n", b"hi"),
        (CHUNKED + b"0\r\n\r\n", b""),
        (
            b"Transfer-Encoding: Chunked\r\n\r\n"
            b"1;a=b\r\n\n\r\n0A\r\n0123456789\r\n0\r\nT: x\r\n\r\n",
            b"\n0123456789",
        ),
    ],
)
def test_response(mode: Mode, head: bytes, body: bytes) -> None:
    parser = ResponseParser()
    response = mode(parser, STATUS + head)
    assert isinstance(response, Response)
    assert (response.status_code, response.reason_phrase) == (404, "Not Found")
    assert response.body == body
    assert_has_ended(parser)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n",
    ],
)
def test_response_without_a_body(mode: Mode, data: bytes) -> None:
    response = mode(ResponseParser(), data)
    assert response is not None
    assert response.body == b""


def test_body_that_ends_with_the_connection() -> None:
    parser = ResponseParser()
    assert feed(parser, STATUS + b"\r", b"\n", b"h", b"i\r\n") is None
    response = parser.receive_eof()
    assert response is not None
    assert response.body == b"hi\r\n"
    assert parser.leftover == b""
    assert_has_ended(parser)


def test_answer_of_a_proxy_has_no_body(mode: Mode) -> None:
    data = b"HTTP/1.1 200 Connection established\r\n\r\n"
    response = mode(ResponseParser(proxy=True), data)
    assert response is not None
    assert response.status_code == 200


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 404\r\n\r\n",
        b"HTTP/1.1 99 No\r\n\r\n",
        b"HTTP/1.1 600 No\r\n\r\n",
        b"HTTP/1.1 2x0 No\r\n\r\n",
        b"HTTP/1.1 200 \x1b[2J\r\n\r\n",
        STATUS + b"A: b\r\n c\r\n\r\n",
        STATUS + b"Content-Length: -1\r\n\r\n",
        STATUS + b"Content-Length: +1\r\n\r\n",
        STATUS + b"Content-Length: 1, 1\r\n\r\na",
        STATUS + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        STATUS + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\na",
        STATUS + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        STATUS + b"Transfer-Encoding: gzip\r\n\r\n",
        STATUS + CHUNKED + b"x\r\n",
        STATUS + CHUNKED + b"-1\r\n",
        STATUS + CHUNKED + b"0x1\r\na\r\n0\r\n\r\n",
        STATUS + CHUNKED + b"1\r\nabb\r\n0\r\n\r\n",
    ],
)
def test_malformed_response_is_refused(mode: Mode, data: bytes) -> None:
    parser = ResponseParser()
    with pytest.raises((ValueError, SecurityError)):
        mode(parser, data)
    assert_has_ended(parser)


@pytest.mark.parametrize(
    "data",
    [
        STATUS + b"Content-Length: 1048577\r\n\r\n",
        STATUS + CHUNKED + b"100001\r\n",
        STATUS + CHUNKED + b"FFFFFFFFFFFFFFFFFFFF\r\n",
        STATUS + b"\r\n" + b"x" * 1048577,
        STATUS + CHUNKED + b"80000\r\n" + b"x" * 0x80000 + b"\r\n80001\r\n",
        STATUS + CHUNKED + b"1;" + b"x" * 8190 + b"\r\n",
    ],
    ids=range(6),
)
def test_body_that_is_too_large_is_refused(data: bytes) -> None:
    refused(ResponseParser(), whole, data, SecurityError)


@pytest.mark.parametrize(
    "head", [b"Content-Length: 1048576\r\n\r\n", b"\r\n", CHUNKED + b"100000\r\n"]
)
def test_body_of_the_greatest_length(head: bytes) -> None:
    parser = ResponseParser()
    body = b"x" * 1048576
    response = parser.receive(STATUS + head + body)
    if b"chunked" in head:
        assert response is None
        response = parser.receive(b"\r\n0\r\n\r\n")
    response = response or parser.receive_eof()
    assert response is not None
    assert response.body == body


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "connection closed while reading HTTP status line"),
        (STATUS[:-1], "connection closed while reading HTTP status line"),
        (STATUS, "connection closed while reading HTTP headers"),
        (STATUS + b"A: b\r\n", "connection closed while reading HTTP headers"),
        (STATUS + b"Content-Length: 2\r\n\r\nh", "stream ends after 1 bytes, expected 2 bytes"),
        (STATUS + CHUNKED + b"2\r\nh", "stream ends after 1 bytes, expected 2 bytes"),
        (STATUS + CHUNKED + b"2\r\nhi\r\n", "stream ends after 0 bytes, before end of line"),
        (STATUS + CHUNKED + b"0\r\n", "connection closed while reading HTTP headers"),
    ],
)
@pytest.mark.parametrize("mode", [whole, byte_by_byte])
def test_response_cut_short(mode: Mode, data: bytes, error: str) -> None:
    assert refused(ResponseParser(), mode, data, EOFError) == error


# Time and memory


class Meter(bytearray):
    """A buffer that counts the bytes that are looked at or moved."""

    work = 0

    def find(self, sub: Any, start: Any = 0, end: Any = None) -> int:
        found = super().find(sub, start)
        self.work += (found + 1 or len(self)) - start
        return found

    def __delitem__(self, key: SupportsIndex | slice) -> None:
        super().__delitem__(key)
        self.work += len(self)  # as if what remains moved


@given(
    st.sampled_from(
        [REQUEST, LINE + b"Host: x\n\r\n", LINE[:-2] + b"\n", b"\r\n", LINE + b"A\r\n"]
    ),
    st.lists(st.integers(0, 100)),
)
def test_pieces_make_no_difference(data: bytes, cuts: list[int]) -> None:
    def outcome(*pieces: bytes) -> tuple[Any, ...]:
        parser = RequestParser()
        message = None
        try:
            for piece in pieces:
                if message is None:
                    message = parser.receive(piece)
                else:
                    parser.leftover += piece
        except ValueError as exc:
            return (str(exc),)
        return message, parser.leftover

    data += TRAILING
    cuts = [0, *sorted(cuts), len(data)]
    assert outcome(*(data[a:b] for a, b in pairwise(cuts))) == outcome(data)


@pytest.mark.parametrize("size", [1, 2, 7, 1000, 10**7])
@pytest.mark.parametrize(
    ("parser", "data"),
    [
        (RequestParser, head_of(LINE, 65536)),
        (RequestParser, LINE + b"X: y\r\n" * 127 + END),
        (RequestParser, request_line(8192) + END),
        (RequestParser, LINE + header_line(8192) + END),
        (ResponseParser, STATUS + b"Content-Length: 50000\r\n\r\n" + b"\n" * 50000),
        (
            ResponseParser,
            STATUS + CHUNKED + b"1\r\n\n\r\n" * 9000 + b"0\r\n\r\n",
        ),
    ],
    ids=range(6),
)
def test_work_grows_with_what_arrives_whatever_the_pieces(
    parser: type[Parser], data: bytes, size: int
) -> None:
    parsing = parser()
    meter = Meter()
    parsing._reader.buffer = meter
    message = feed(parsing, *(data[i : i + size] for i in range(0, len(data), size)))
    assert message is not None
    assert 0 < meter.work <= 3 * len(data)


def test_what_was_read_is_not_kept() -> None:
    parser = RequestParser()
    parser.receive(LINE + header_line(8000) + b"X")
    for _ in range(100):
        parser.receive(b": y\r\nX")
        assert len(parser._reader.buffer) - parser._reader.start == 1
        assert len(parser._reader.buffer) <= 7


@pytest.mark.parametrize("parser", [RequestParser, ResponseParser])
def test_parser_is_freed_without_the_garbage_collector(parser: type[Parser]) -> None:
    gc.disable()
    try:
        parsing = parser()
        parsing.receive(b"HTTP/1.1 200")
        reference = weakref.ref(parsing)
        del parsing
        assert reference() is None
    finally:
        gc.enable()


# Names


def test_software_is_named() -> None:
    major, minor = sys.version_info[:2]
    assert f"Python/{major}.{minor} ws-sansio/{__version__}" == USER_AGENT == SERVER
