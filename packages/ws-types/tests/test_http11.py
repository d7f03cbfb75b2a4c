import collections
import copy
import dataclasses
import os
import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws_types import reading
from ws_types.errors import (
    HeaderLineTooLong,
    RequestLineTooLong,
    SecurityError,
    StatusLineTooLong,
    TooManyHeaders,
)
from ws_types.exceptions import InvalidStatus
from ws_types.headers import Headers
from ws_types.http11 import Limits, Request, Response


class Input:
    """Bytes that arrive in pieces; its readers are generators, as the parsers want them."""

    def __init__(self):
        self.buffer = bytearray()
        self.position = 0
        self.ended = False

    def take(self, size):
        data = bytes(self.buffer[self.position : self.position + size])
        self.position += size
        return data

    def read_line(self, limit, too_long):
        scanned = self.position
        while (end := self.buffer.find(b"\n", scanned)) < 0:
            scanned = len(self.buffer)
            if scanned - self.position > limit:
                raise too_long(f"more than {limit} bytes")
            if self.ended:
                raise EOFError("stream ends")
            yield
        if end + 1 - self.position > limit:
            raise too_long(f"more than {limit} bytes")
        return self.take(end + 1 - self.position)

    def read_exact(self, size):
        while len(self.buffer) - self.position < size:
            if self.ended:
                raise EOFError("stream ends")
            yield
        return self.take(size)

    def read_to_eof(self, limit, too_long):
        while True:
            if len(self.buffer) - self.position > limit:
                raise too_long(f"more than {limit} bytes")
            if self.ended:
                return self.take(limit)
            yield


def run(make_parser, pieces):
    """Run a parser over pieces; return its result, and what is left."""
    source = Input()
    parser = make_parser(source)
    pieces = collections.deque(pieces)
    try:
        while pieces:
            next(parser)
            source.buffer += pieces.popleft()
        source.ended = True
        next(parser)
    except StopIteration as exc:
        return exc.value, bytes(source.buffer[source.position :]) + b"".join(pieces)
    raise AssertionError("the parser waits though the stream has ended")


def run_in_three_modes(make_parser, wire, *, to_the_end=False):
    """Run whole, byte by byte, and with trailing bytes; all must agree on result or error."""

    def outcome(pieces):
        try:
            return run(make_parser, pieces)
        except Exception as exc:
            return type(exc), str(exc)

    whole = outcome([wire])
    single = outcome([wire[i : i + 1] for i in range(len(wire))])
    assert single == whole
    if not to_the_end and not isinstance(whole[0], type):
        assert outcome([wire + b"more"]) == (whole[0], whole[1] + b"more")
    return run(make_parser, [wire])


def parse_request(wire, **kwargs):
    return run_in_three_modes(lambda source: Request.parse(source.read_line, **kwargs), wire)


def parse_response(wire, *args, to_the_end=False, **kwargs):
    return run_in_three_modes(
        lambda source: Response.parse(
            source.read_line, source.read_exact, source.read_to_eof, *args, **kwargs
        ),
        wire,
        to_the_end=to_the_end,
    )


# Requests

GET = b"GET / HTTP/1.1\r\n"


def test_request():
    request, left = parse_request(
        b"GET /chat?room=1 HTTP/1.1\r\nHost: x\r\nCookie: a\r\ncookie:b\r\n\r\n"
    )
    assert left == b""
    assert request == Request(
        "/chat?room=1", Headers([("Host", "x"), ("Cookie", "a"), ("cookie", "b")])
    )


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b"A: b", "b"),
        (b"A:b", "b"),
        (b"A:  b \t ", "b"),
        (b"A:", ""),
        (b"A: \t ", ""),
        (b"A: b\tc  d", "b\tc  d"),
        (b"A: b:c", "b:c"),
        (b"A: \xe9\xff\x80", "éÿ\x80"),
    ],
)
def test_values_lose_the_space_around_them(line, value):
    request, _ = parse_request(GET + line + b"\r\n\r\n")
    assert request.headers["A"] == value


@pytest.mark.parametrize(
    ("wire", "method", "path", "protocol"),
    [
        (b"POST / HTTP/1.1\r\n\r\n", "POST", "/", "HTTP/1.1"),
        (b"get / HTTP/1.0\r\n\r\n", "get", "/", "HTTP/1.0"),
        (b"GET http://x/?%20 HTTP/1.1\r\n\r\n", "GET", "http://x/?%20", "HTTP/1.1"),
        (b"OPTIONS * HTTP/1.1\r\n\r\n", "OPTIONS", "*", "HTTP/1.1"),
    ],
)
def test_what_the_handshake_will_refuse_is_parsed(wire, method, path, protocol):
    request, _ = parse_request(wire)
    assert (request.method, request.path, request.protocol) == (method, path, protocol)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"", "invalid HTTP request line: "),
        (b"GET /", "invalid HTTP request line: GET /"),
        (b"\x16\x03\x01\x02", "invalid HTTP request line: \\x16\\x03\\x01\\x02"),
        (
            b"GET / HTTP/2",
            "unsupported protocol; expected HTTP/1.1 or HTTP/1.0: GET / HTTP/2",
        ),
        (
            b"GET / HTTP/1.1 ",
            "unsupported protocol; expected HTTP/1.1 or HTTP/1.0: GET / HTTP/1.1 ",
        ),
        (
            b"GET /a b HTTP/1.1",
            "unsupported protocol; expected HTTP/1.1 or HTTP/1.0: GET /a b HTTP/1.1",
        ),
        (b" / HTTP/1.1", "invalid HTTP method: "),
        (b"G@T / HTTP/1.1", "invalid HTTP method: G@T"),
        (b"GET\t/ / HTTP/1.1", None),
        (b"GET  HTTP/1.1", "invalid HTTP request target: "),
        (b"GET /\xe9 HTTP/1.1", "invalid HTTP request target: /é"),
        (b"GET /\t HTTP/1.1", "invalid HTTP request target: /\\t"),
        (b"GET /\x00 HTTP/1.1", "invalid HTTP request target: /\\x00"),
        (b"GET /\r HTTP/1.1", "invalid HTTP request target: /\\r"),
        (b"GET /\x7f HTTP/1.1", "invalid HTTP request target: /\\x7f"),
    ],
)
def test_request_lines_that_are_not(line, text):
    with pytest.raises(ValueError, match=r"invalid|unsupported") as caught:
        parse_request(line + b"\r\n\r\n")
    if text is not None:
        assert str(caught.value) == text


def test_what_is_shown_of_a_peers_line_is_bounded():
    with pytest.raises(ValueError, match="invalid HTTP request line") as caught:
        parse_request(b"a" * 8000 + b"\r\n\r\n")
    assert len(str(caught.value)) < 150


HEADER_ERRORS = [
    (b"A", "invalid HTTP header line: there is no colon"),
    (b" A: b", "invalid HTTP header line: line folding is obsolete"),
    (b"A: b\r\n c", "invalid HTTP header line: line folding is obsolete"),
    (b"A: b\r\n\tc", "invalid HTTP header line: line folding is obsolete"),
    (b"A : b", "invalid HTTP header name: A "),
    (b": b", "invalid HTTP header name: "),
    (b"A@: b", "invalid HTTP header name: A@"),
    (b"\xc3\xa9: b", "invalid HTTP header name: Ã©"),
    (b"A: secret\0", "invalid HTTP header value: control character in A"),
    (b"A: secret\x7f", "invalid HTTP header value: control character in A"),
    (b"A: secret\r", "invalid HTTP header value: control character in A"),
    (b"A" * 500 + b": \0", f"invalid HTTP header value: control character in {'A' * 80}..."),
    (b"A: b\rB: c", "invalid HTTP header value: control character in A"),
    (b"A: b\nB: c", "line of HTTP headers doesn't end with CRLF"),
]


@pytest.mark.parametrize(("lines", "text"), HEADER_ERRORS)
def test_header_lines_that_are_not(lines, text):
    with pytest.raises(ValueError, match=r"HTTP header") as caught:
        parse_request(GET + lines + b"\r\n\r\n")
    assert str(caught.value) == text
    with pytest.raises(ValueError, match=r"HTTP header") as caught:
        parse_response(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n\r\n")
    assert str(caught.value) == text


@pytest.mark.parametrize("wire", [b"GET / HTTP/1.1\n\r\n", GET + b"\n", GET + b"A: b\n\r\n"])
def test_bare_lf_is_refused(wire):
    with pytest.raises(ValueError, match="doesn't end with CRLF"):
        parse_request(wire)


@pytest.mark.parametrize(
    ("wire", "what"),
    [
        (b"", "request line"),
        (b"GET / HT", "request line"),
        (GET, "headers"),
        (GET + b"A: b", "headers"),
        (GET + b"A: b\r\n\r", "headers"),
    ],
)
def test_end_of_the_stream_within_a_request(wire, what):
    with pytest.raises(EOFError) as caught:
        parse_request(wire)
    assert str(caught.value) == f"connection closed while reading HTTP {what}"
    assert isinstance(caught.value.__cause__, EOFError)


@pytest.mark.parametrize("value", [b"0", b"00"])
def test_request_with_an_empty_body(value):
    parse_request(GET + b"Content-Length: " + value + b"\r\n\r\n")


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 5",
        b"Content-Length: +0",
        b"Content-Length: -1",
        b"Content-Length: 0_0",
        b"Content-Length: 0, 0",
        b"Content-Length: x",
        b"Content-Length:",
        b"Content-Length: \xb2",
        b"Content-Length: " + b"9" * 5000,
        b"Content-Length: 0\r\nContent-Length: 0",
        b"Content-Length: 0\r\nContent-Length: 5",
    ],
)
def test_request_with_a_body(lines):
    with pytest.raises(ValueError, match=r"^unsupported request body$"):
        parse_request(GET + lines + b"\r\n\r\n")


@pytest.mark.parametrize("coding", [b"chunked", b"gzip", b"identity", b""])
@pytest.mark.parametrize("more", [b"", b"Content-Length: 0\r\n"])
def test_request_with_a_transfer_coding(coding, more):
    with pytest.raises(ValueError, match=r"^transfer codings aren't supported$"):
        parse_request(GET + more + b"Transfer-Encoding: " + coding + b"\r\n\r\n")


# Limits

PAD = b"a" * 8192


def test_line_limits_count_the_whole_line():
    path = PAD[: 8192 - len(b"GET  HTTP/1.1\r\n")]
    request, _ = parse_request(b"GET " + path + b" HTTP/1.1\r\n\r\n")
    assert request.path.encode() == path
    with pytest.raises(RequestLineTooLong):
        parse_request(b"GET a" + path + b" HTTP/1.1\r\n\r\n")
    value = PAD[: 8192 - len(b"A: \r\n")]
    request, _ = parse_request(GET + b"A: " + value + b"\r\n\r\n")
    assert request.headers["A"].encode() == value
    with pytest.raises(HeaderLineTooLong):
        parse_request(GET + b"A: a" + value + b"\r\n\r\n")
    with pytest.raises(StatusLineTooLong):
        parse_response(b"HTTP/1.1 200 " + PAD + b"\r\n\r\n")


def test_number_of_headers():
    request, _ = parse_request(GET + b"A: b\r\n" * 128 + b"\r\n")
    assert len(request.headers.get_all("A")) == 128
    with pytest.raises(TooManyHeaders, match=r"^expected no more than 128 headers$"):
        parse_request(GET + b"A: b\r\n" * 129 + b"\r\n")


def test_size_of_the_head():
    line = b"A: " + b"a" * 1019 + b"\r\n"
    assert len(line) == 1024
    rest = 65536 - len(GET) - 2 - 63 * 1024
    fits = GET + line * 63 + b"B: " + b"b" * (rest - 5) + b"\r\n\r\n"
    assert len(fits) == 65536
    run(lambda source: Request.parse(source.read_line), [fits])
    with pytest.raises(SecurityError, match="HTTP head too large: more than 65536 bytes"):
        run(lambda source: Request.parse(source.read_line), [fits[:-4] + b"b\r\n\r\n"])


def test_limits_can_be_given():
    limits = Limits(line_length=20, num_headers=1, head_size=40, body_size=3)
    kwargs = {"limits": limits}
    parse_request(GET + b"A: b\r\n\r\n", **kwargs)
    with pytest.raises(RequestLineTooLong):
        parse_request(b"GET /abcdef HTTP/1.1\r\n\r\n", **kwargs)
    with pytest.raises(HeaderLineTooLong):
        parse_request(GET + b"A: bbbbbbbbbbbbbbbbbbbbbbbb\r\n\r\n", **kwargs)
    with pytest.raises(TooManyHeaders, match="no more than 1 headers"):
        parse_request(GET + b"A: b\r\nA: b\r\n\r\n", **kwargs)
    with pytest.raises(SecurityError, match="more than 40 bytes"):
        parse_request(
            GET + b"A: bbbbbbbbbbbbbbb\r\n" * 2 + b"\r\n",
            limits=Limits(line_length=20, num_headers=9, head_size=40),
        )
    with pytest.raises(SecurityError, match="body too large: 4 bytes"):
        parse_response(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", **kwargs)


def test_limits_are_those_of_the_module_by_default(monkeypatch):
    monkeypatch.setattr(reading, "MAX_NUM_HEADERS", 1)
    with pytest.raises(TooManyHeaders, match="no more than 1 headers"):
        parse_request(GET + b"A: b\r\nA: b\r\n\r\n")


def test_limits_come_from_the_environment():
    names = ["MAX_LINE_LENGTH", "MAX_NUM_HEADERS", "MAX_HEAD_SIZE", "MAX_BODY_SIZE"]
    code = f"from ws_types import http11; print(*[getattr(http11, n) for n in {names}])"
    output = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
        env={**os.environ, **{f"WEBSOCKETS_{name}": str(i) for i, name in enumerate(names)}},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert output.split() == ["0", "1", "2", "3"]


class Counting(Input):
    """Counts the bytes that its readers hand out."""

    def __init__(self):
        super().__init__()
        self.read = 0

    def take(self, size):
        self.read += size
        return super().take(size)


def test_a_peer_that_never_ends_is_cut_short():
    # Endless headers, trailers and chunk extensions; the readers stand for the peer.
    for start, again in [
        (b"HTTP/1.1 200 OK\r\n", b"A: bbbbbbbb\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"A: bbbbbbbb\r\n"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1;" + PAD[:999] + b"\r\na\r\n",
        ),
    ]:
        source = Counting()
        source.buffer += start
        parser = Response.parse(source.read_line, source.read_exact, source.read_to_eof)
        for _ in range(1000):
            try:
                next(parser)
            except SecurityError:
                break
            source.buffer += again
        else:
            pytest.fail("the parser goes on")
        assert source.read < 70000


# Responses

OK = b"HTTP/1.1 200 OK\r\n"


def test_switching_protocols():
    response, left = parse_response(b"HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n")
    assert response == Response(101, "Switching Protocols", Headers(A="b"))
    assert response.body == left == b""


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        (b"HTTP/1.1 404 Not Found", 404, "Not Found"),
        (b"HTTP/1.1 404 ", 404, ""),
        (b"HTTP/1.1 404  x", 404, " x"),
        (b"HTTP/1.1 599 a\tb \xe9", 599, "a\tb é"),
        (b"HTTP/1.1 100 Continue", 100, "Continue"),
    ],
)
def test_status_lines(line, status, reason):
    response, _ = parse_response(line + b"\r\nContent-Length: 0\r\n\r\n")
    assert (response.status_code, response.reason_phrase) == (status, reason)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"SSH-2.0", "invalid HTTP status line: SSH-2.0"),
        (b"HTTP/1.1 404", "invalid HTTP status line: HTTP/1.1 404"),
        (b"HTTP/1.0 200 OK", "unsupported protocol; expected HTTP/1.1: HTTP/1.0 200 OK"),
        (b"http/1.1 200 OK", "unsupported protocol; expected HTTP/1.1: http/1.1 200 OK"),
        (b"HTTP/1.1  200 OK", "invalid status code; expected integer; got "),
        (b"HTTP/1.1 +20 OK", "invalid status code; expected integer; got +20"),
        (b"HTTP/1.1 2_0 OK", "invalid status code; expected integer; got 2_0"),
        (b"HTTP/1.1 \xb2\xb2\xb2 OK", "invalid status code; expected integer; got ²²²"),
        (b"HTTP/1.1 99 OK", "invalid status code; expected 100–599; got 99"),
        (b"HTTP/1.1 099 OK", "invalid status code; expected 100–599; got 099"),
        (b"HTTP/1.1 600 OK", "invalid status code; expected 100–599; got 600"),
        (b"HTTP/1.1 2000 OK", "invalid status code; expected 100–599; got 2000"),
        (b"HTTP/1.1 200 O\0K", "invalid HTTP reason phrase: O\\x00K"),
        (b"HTTP/1.1 200 O\rK", "invalid HTTP reason phrase: O\\rK"),
    ],
)
def test_status_lines_that_are_not(line, text):
    with pytest.raises(ValueError, match=r"invalid|unsupported") as caught:
        parse_response(line + b"\r\n\r\n")
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("wire", "what"),
    [(b"", "status line"), (b"HTTP/1.1 200 OK", "status line"), (OK + b"A", "headers")],
)
def test_end_of_the_stream_within_the_head_of_a_response(wire, what):
    with pytest.raises(EOFError, match=f"connection closed while reading HTTP {what}"):
        parse_response(wire)


@pytest.mark.parametrize("status", [b"100", b"101", b"199", b"204", b"304"])
def test_statuses_without_a_body(status):
    wire = b"HTTP/1.1 " + status + b" x\r\nContent-Length: 3\r\n\r\n"
    response, left = parse_response(wire + b"abc")
    assert (response.body, left) == (b"", b"abc")


@pytest.mark.parametrize("value", [b"3", b"03", b" 3 ", b"0" * 100 + b"3"])
def test_body_of_known_length(value):
    response, left = parse_response(OK + b"Content-Length: " + value + b"\r\n\r\nabcdef")
    assert (response.body, left) == (b"abc", b"def")


def test_body_that_ends_early():
    with pytest.raises(EOFError):
        parse_response(OK + b"Content-Length: 3\r\n\r\nab")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"+3", "invalid content length: +3"),
        (b"-3", "invalid content length: -3"),
        (b"1_0", "invalid content length: 1_0"),
        (b"1,1", "invalid content length: 1,1"),
        (b"3, 3", "invalid content length: 3, 3"),
        (b"0x3", "invalid content length: 0x3"),
        (b"3.0", "invalid content length: 3.0"),
        (b"", "invalid content length: "),
        (b"\xb2", "invalid content length: ²"),
        (b"3\r\nContent-Length: 3", "invalid content length: multiple values"),
        (b"1048577", "body too large: 1048577 bytes"),
        (b"9" * 5000, f"body too large: {'9' * 80}... bytes"),
    ],
)
def test_lengths_that_are_not(value, text):
    with pytest.raises(SecurityError) as caught:
        parse_response(OK + b"Content-Length: " + value + b"\r\n\r\nabc")
    assert str(caught.value) == text


def test_body_until_the_end_of_the_stream():
    response, left = parse_response(OK + b"\r\nabc", to_the_end=True)
    assert (response.body, left) == (b"abc", b"")


def test_body_until_the_end_of_the_stream_is_bounded():
    limits = Limits(body_size=10)
    response, _ = parse_response(OK + b"\r\n" + b"a" * 10, to_the_end=True, limits=limits)
    assert response.body == b"a" * 10
    with pytest.raises(SecurityError):
        parse_response(OK + b"\r\n" + b"a" * 11, to_the_end=True, limits=limits)


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("chunks", "body"),
    [
        (b"0\r\n\r\n", b""),
        (b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (b"1\r\na\r\n2\r\nbc\r\n00\r\n\r\n", b"abc"),
        (b"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", b"0123456789" * 2),
        (b'3;name="value"\r\nabc\r\n0;x\r\n\r\n', b"abc"),
        (b"3\r\n\r\n\r\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n", b"\r\n\r"),
    ],
)
def test_chunked_body(chunks, body):
    response, left = parse_response(CHUNKED + chunks)
    assert (response.body, left) == (body, b"")
    assert type(response.body) is bytes


def test_names_of_codings_do_not_depend_on_case():
    wire = OK + b"Transfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
    assert parse_response(wire)[0].body == b"a"


@pytest.mark.parametrize(
    ("chunks", "error", "text"),
    [
        (b"\r\n", SecurityError, "invalid chunk size: "),
        (b";x\r\n", SecurityError, "invalid chunk size: "),
        (b"+3\r\n", SecurityError, "invalid chunk size: +3"),
        (b"-1\r\n", SecurityError, "invalid chunk size: -1"),
        (b"0x3\r\n", SecurityError, "invalid chunk size: 0x3"),
        (b"3 \r\n", SecurityError, "invalid chunk size: 3 "),
        (b"1_0\r\n", SecurityError, "invalid chunk size: 1_0"),
        (b"0" * 16 + b"\r\n", SecurityError, "invalid chunk size: 0000000000000000"),
        (b"FFFFFFFF\r\n", SecurityError, "chunk too large: 4294967295 bytes after 0 bytes"),
        (b"1\r\na\r\n100000\r\n", SecurityError, "chunk too large: 1048576 bytes after 1 bytes"),
        (b"3\r\nabcd\r\n", ValueError, "chunk without CRLF"),
        (b"3\nabc\r\n", ValueError, "line of HTTP chunk size doesn't end with CRLF"),
        (b"0\r\nTrailer\r\n\r\n", ValueError, "invalid HTTP header line: there is no colon"),
        (b"0\r\n" + b"A: b\r\n" * 129, TooManyHeaders, "expected no more than 128 headers"),
    ],
)
def test_chunks_that_are_not(chunks, error, text):
    with pytest.raises(error) as caught:
        parse_response(CHUNKED + chunks)
    assert str(caught.value) == text


@pytest.mark.parametrize("chunks", [b"", b"3", b"3\r\nab", b"3\r\nabc\r", b"0\r\n", b"0\r\nA"])
def test_end_of_the_stream_within_chunks(chunks):
    with pytest.raises(EOFError):
        parse_response(CHUNKED + chunks)


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        (b"Transfer-Encoding: gzip", "gzip"),
        (b"Transfer-Encoding: gzip, chunked", "gzip, chunked"),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "chunked, chunked"),
        (b"Transfer-Encoding:", ""),
        (b"Transfer-Encoding: \xad", "\\xad"),
    ],
)
def test_codings_that_are_not_supported(lines, shown):
    with pytest.raises(ValueError, match="isn't supported") as caught:
        parse_response(OK + lines + b"\r\n\r\n")
    assert str(caught.value) == f"transfer coding {shown} isn't supported"


def test_both_framings_are_refused():
    both = b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
    with pytest.raises(SecurityError, match="both Transfer-Encoding and Content-Length"):
        parse_response(OK + both + b"3\r\nabc\r\n0\r\n\r\n")


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
@pytest.mark.parametrize("status", [b"200", b"407"])
@pytest.mark.parametrize("framing", [b"", b"Content-Length: 3\r\n", b"Transfer-Encoding: gzip\r\n"])
def test_no_body_of_a_proxys_answer_is_read(version, status, framing):
    wire = version + b" " + status + b" x\r\n" + framing + b"\r\n"
    response, left = parse_response(wire + b"abc", True)
    assert (response.status_code, response.body, left) == (int(status), b"", b"abc")


def test_other_versions_of_a_proxys_answer():
    with pytest.raises(ValueError, match=r"expected HTTP/1\.1 or HTTP/1\.0: HTTP/2 200 OK$"):
        parse_response(b"HTTP/2 200 OK\r\n\r\n", True)


# Serializing

TARGETS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)


@given(TARGETS, st.dictionaries(st.sampled_from("ABC"), st.sampled_from(["", "x", "a b"])))
def test_parsing_undoes_serializing_requests(path, headers):
    request = Request(path, Headers(headers))
    parsed, left = run(lambda source: Request.parse(source.read_line), [request.serialize()])
    assert (parsed, left) == (request, b"")


@given(st.integers(100, 599), st.binary(max_size=50))
def test_parsing_undoes_serializing_responses(status, body):
    if status < 200 or status in (204, 304):
        body = b""
    response = Response(status, "Reason", Headers({"Content-Length": str(len(body))}), body)
    assert parse_response(response.serialize()) == (response, b"")


def test_serialized_request():
    assert Request("/x", Headers(A="b")).serialize() == b"GET /x HTTP/1.1\r\nA: b\r\n\r\n"
    request = Request("/", Headers(), "POST", "HTTP/1.0")
    assert request.serialize() == b"POST / HTTP/1.0\r\n\r\n"


@pytest.mark.parametrize(
    "bad", ["", "/ HTTP/1.1\r\nX: y", "/\n", "/\r", "/\0", "/a b", "/\x7f", "/é", "/\ud800", "/\t"]
)
def test_paths_that_may_not_be_sent(bad):
    with pytest.raises(ValueError, match="invalid path of an HTTP request") as caught:
        Request(bad, Headers()).serialize()
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("bad", ["", "GET\r\n", "G T", "G\0", "GÉT", "\ud800"])
def test_methods_that_may_not_be_sent(bad):
    with pytest.raises(ValueError, match="invalid method of an HTTP request"):
        Request("/", Headers(), bad).serialize()


def test_protocols_that_may_not_be_sent():
    with pytest.raises(ValueError, match="invalid protocol of an HTTP request"):
        Request("/", Headers(), "GET", "HTTP/1.1\r\nX: y").serialize()


def test_serialized_response():
    response = Response(200, "é", Headers(A="b"), bytearray(b"body"))
    assert response.serialize() == b"HTTP/1.1 200 \xe9\r\nA: b\r\n\r\nbody"
    assert Response(200, "", Headers()).serialize() == b"HTTP/1.1 200 \r\n\r\n"


@pytest.mark.parametrize("bad", ["O\r\nK", "O\nK", "O\0K", "O\x7fK", "€", "\ud800"])
def test_reasons_that_may_not_be_sent(bad):
    with pytest.raises(ValueError, match="invalid reason phrase") as caught:
        Response(200, bad, Headers()).serialize()
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("status", [0, 99, 1000, -200])
def test_statuses_that_may_not_be_sent(status):
    with pytest.raises(ValueError, match="invalid status of an HTTP response"):
        Response(status, "", Headers()).serialize()


# Values


def test_request_is_a_dataclass():
    request = Request("/", Headers(A="b"))
    assert repr(request) == (
        "Request(path='/', headers=Headers([('A', 'b')]), "
        "method='GET', protocol='HTTP/1.1', _exception=None)"
    )
    assert dataclasses.replace(request, path="/x").path == "/x"
    posted = dataclasses.replace(request, method="POST", body=b"x")
    assert repr(posted).endswith("method='POST', protocol='HTTP/1.1', _exception=None, body=b'x')")
    assert posted != dataclasses.replace(posted, body=b"y")
    assert request != Request("/", Headers())
    assert request != "/"
    with pytest.raises(TypeError, match="unhashable"):
        hash(request)


def test_response_is_a_dataclass():
    response = Response(200, "OK", Headers(A="b"), b"x")
    assert repr(response) == (
        "Response(status_code=200, reason_phrase='OK', "
        "headers=Headers([('A', 'b')]), body=b'x', _exception=None)"
    )
    assert dataclasses.replace(response, body=b"").body == b""
    assert response != Response(200, "OK", Headers(A="b"))
    assert response != 200
    with pytest.raises(TypeError, match="unhashable"):
        hash(response)


def test_representations_show_no_secrets():
    request = Request("/", Headers({"Host": "x", "Authorization": "Basic secret"}))
    response = Response(200, "OK", Headers({"Set-Cookie": "session=secret"}))
    for shown in (repr(request), repr(response), repr(InvalidStatus(response))):
        assert "secret" not in shown
    assert "('Host', 'x')" in repr(request)


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_representations_show_the_start_of_a_long_body(kind):
    whole, long = kind(b"x" * 1024), kind(b"x" * 1025)
    assert f"body={whole!r}," in repr(Response(200, "OK", Headers(), whole))
    assert f"body={whole!r}... (1025 bytes)," in repr(Response(200, "OK", Headers(), long))
    assert repr(Request("/", Headers(), body=long)).endswith(f"body={whole!r}... (1025 bytes))")


def test_representation_of_a_response_in_its_own_exception_ends():
    response = Response(404, "Not Found", Headers())
    response._exception = InvalidStatus(response)
    assert repr(response).endswith("_exception=InvalidStatus(...))")
    assert "HTTP 404" in str(response._exception)


@pytest.mark.parametrize("value", [Request("/", Headers(A="b")), Response(200, "", Headers())])
def test_copies(value):
    assert copy.copy(value) == copy.deepcopy(value) == value
    assert pickle.loads(pickle.dumps(value)) == value


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (Request("/", Headers()), "use ServerProtocol.handshake_exc instead"),
        (Response(200, "", Headers()), "use ClientProtocol.handshake_exc instead"),
    ],
)
def test_deprecated_exception(message, text):
    name = type(message).__name__
    message._exception = error = ValueError()
    with pytest.warns(
        DeprecationWarning, match=f"^{name}.exception is deprecated; {text}$"
    ) as caught:
        assert message.exception is error
    assert caught[0].filename == __file__
