"""Bodies of requests; those of responses are in ``test_http11.py``, with the heads."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterable

import pytest

from ws_types.errors import BodyTooLarge, SecurityError
from ws_types.http11 import Request
from ws_types.reading import Limits

POST = b"POST /form HTTP/1.1\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


class Source:
    """Bytes that arrive in pieces."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.ended = False

    def read_exact(self, size: int) -> Generator[None, None, bytes]:
        while len(self.buffer) < size:
            if self.ended:
                raise EOFError("stream ends")
            yield
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    def read_line(self, limit: int, too_long: type[Exception]) -> Generator[None, None, bytes]:
        while b"\n" not in self.buffer:
            if len(self.buffer) > limit:
                raise too_long("no end of the line")
            if self.ended:
                raise EOFError("stream ends")
            yield
        return (yield from self.read_exact(self.buffer.index(b"\n") + 1))


def parse(pieces: Iterable[bytes], limits: Limits) -> tuple[Request, bytes]:
    source = Source()
    parser = Request.parse(source.read_line, read_exact=source.read_exact, limits=limits)
    remaining = iter(pieces)
    try:
        while True:
            next(parser)
            try:
                source.buffer += next(remaining)
            except StopIteration:
                source.ended = True
    except StopIteration as stop:
        return stop.value, bytes(source.buffer) + b"".join(remaining)


def read(wire: bytes, limit: int = 10) -> Request:
    """Read a request whole, byte by byte, and with more behind it; all must agree."""
    limits = Limits(body_size=limit)
    request, left = parse([wire], limits)
    assert left == b""
    assert parse((wire[i : i + 1] for i in range(len(wire))), limits) == (request, b"")
    assert parse([wire + b"more"], limits) == (request, b"more")
    return request


def refuse(wire: bytes, limit: int = 10) -> Exception:
    errors: list[Exception] = []
    for pieces in ([wire], [wire[i : i + 1] for i in range(len(wire))]):
        with pytest.raises((ValueError, SecurityError, EOFError)) as raised:
            parse(pieces, Limits(body_size=limit))
        errors.append(raised.value)
    first, second = errors
    assert type(first) is type(second)
    assert str(first) == str(second)
    return errors[0]


@pytest.mark.parametrize("method", [b"GET", b"POST", b"DELETE", b"OPTIONS", b"X-MINE"])
def test_without_a_length_there_is_no_body(method: bytes) -> None:
    request = read(method + b" / HTTP/1.1\r\n\r\n")
    assert (request.method, request.body) == (method.decode(), b"")


@pytest.mark.parametrize("size", [0, 1, 9, 10])
def test_body_of_known_length(size: int) -> None:
    body = b"x" * size
    request = read(POST + b"Content-Length: %d\r\n\r\n" % size + body)
    assert (request.method, request.path, request.body) == ("POST", "/form", body)


def test_chunked_body() -> None:
    request = read(POST + CHUNKED + b"3;a=b\r\nabc\r\n7\r\ndefghij\r\n0\r\nTrailer: x\r\n\r\n")
    assert request.body == b"abcdefghij"
    assert "Trailer" not in request.headers


@pytest.mark.parametrize(
    ("framing", "text"),
    [
        (b"Content-Length: 11\r\n\r\n", "body too large: 11 bytes"),
        (b"Content-Length: " + b"9" * 99 + b"\r\n\r\n", f"body too large: {'9' * 80}... bytes"),
        (CHUNKED + b"b\r\n", "chunk too large: 11 bytes after 0 bytes"),
        (CHUNKED + b"5\r\nabcde\r\n6\r\n", "chunk too large: 6 bytes after 5 bytes"),
    ],
)
def test_body_over_the_limit_is_refused_before_it_is_read(framing: bytes, text: str) -> None:
    error = refuse(POST + framing)
    assert type(error) is BodyTooLarge
    assert str(error) == text


LENGTH, CODING = b"Content-Length: 1\r\n", b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        *map(b"".join, itertools.permutations([LENGTH, CODING])),
        LENGTH + LENGTH,
        b"Content-Length: 1, 1\r\n",
        b"Content-Length: +1\r\n",
        b"Content-Length: 0x1\r\n",
        b"Content-Length:\r\n",
        CODING + b"\r\nZ\r\n",
        CODING + b"\r\n1 \r\n",
    ],
)
def test_two_readings_of_a_length_are_none(headers: bytes) -> None:
    """What a proxy might read in another way isn't read at all (request smuggling)."""
    error = refuse(POST + headers + b"\r\n")
    assert type(error) is ValueError
    assert str(error) == "invalid request body"


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"identity", b"chunked, chunked"])
def test_other_codings(coding: bytes) -> None:
    error = refuse(POST + b"Transfer-Encoding: " + coding + b"\r\n\r\n")
    assert str(error) == f"transfer coding {coding.decode()} isn't supported"


@pytest.mark.parametrize("framing", [b"Content-Length: 3\r\n\r\nab", CHUNKED + b"3\r\nab"])
def test_end_of_the_stream_within_a_body(framing: bytes) -> None:
    assert type(refuse(POST + framing)) is EOFError


def test_serialized_body_is_read_again() -> None:
    request = read(POST + b"Content-Length: 4\r\n\r\nbody")
    assert read(request.serialize()) == request
