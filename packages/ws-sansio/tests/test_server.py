"""The server's side of the opening handshake."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from framing import PING, TEXT, frame
from wiring import (
    ACCEPT,
    Factory,
    no_cycles,
    one_by_one,
    request_bytes,
    requested,
    whole,
)

from ws_sansio import SEND_EOF, ServerProtocol, Side, State
from ws_types.codes import Opcode
from ws_types.errors import (
    HeaderLineTooLong,
    InvalidHeader,
    InvalidHeaderFormat,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidMethod,
    InvalidOrigin,
    InvalidProtocol,
    InvalidUpgrade,
    NegotiationError,
    RequestLineTooLong,
    SecurityError,
    TooManyHeaders,
)
from ws_types.frames import Frame
from ws_types.headers import Headers
from ws_types.http11 import MAX_HEAD_SIZE, Request, Response

EXTENSIONS, SUBPROTOCOL = "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"
KEY, VERSION = "Sec-WebSocket-Key", "Sec-WebSocket-Version"

DATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", re.ASCII
)


def answered(data: bytes, **settings: Any) -> tuple[ServerProtocol, Request, Response]:
    """A server that answers a request with what accept() returns."""
    server, request = requested(data, **settings)
    response = server.accept(request)
    server.send_response(response)
    return server, request, response


def ends(server: ServerProtocol) -> None:
    """A handshake that has failed: look at the rest."""
    assert server.state is State.CONNECTING
    assert server.close_expected()
    head, end = server.data_to_send()
    assert head.startswith(b"HTTP/1.1 ")
    assert end == SEND_EOF
    error = server.handshake_exc
    server.receive_data(request_bytes())
    assert server.events_received() == []
    server.receive_eof()
    assert server.state is State.CLOSED
    assert server.handshake_exc is error
    assert server.data_to_send() == []
    assert (server.close_code, server.close_reason) == (1006, "")
    assert str(server.close_exc) == "no close frame received or sent"


# Acceptance


@pytest.mark.parametrize("cut", [whole, one_by_one])
def test_accepted(cut: Any) -> None:
    server = ServerProtocol()
    assert (server.side, server.state) == (Side.SERVER, State.CONNECTING)
    for piece in cut(request_bytes(("X-More", "1"))):
        assert server.events_received() == []
        server.receive_data(piece)
    [request] = server.events_received()
    assert isinstance(request, Request)
    assert (request.method, request.path, request.protocol) == ("GET", "/chat", "HTTP/1.1")
    assert request.headers["X-More"] == "1"
    assert server.data_to_send() == []
    response = server.accept(request)
    assert server.handshake_exc is None
    assert (response.status_code, response.reason_phrase) == (101, "Switching Protocols")
    names = [name for name, _ in response.headers.raw_items()]
    assert names == ["Date", "Upgrade", "Connection", "Sec-WebSocket-Accept"]
    assert DATE.fullmatch(response.headers["Date"])
    assert response.headers["Upgrade"] == "websocket"
    assert response.headers["Connection"] == "Upgrade"
    assert response.headers["Sec-WebSocket-Accept"] == ACCEPT
    # Nothing is sent yet, and headers can be added.
    assert server.data_to_send() == []
    assert server.state is State.CONNECTING
    response.headers["Server"] = "tests"
    server.send_response(response)
    assert server.state is State.OPEN
    assert not server.close_expected()
    [chunk] = server.data_to_send()
    assert chunk.startswith(b"HTTP/1.1 101 Switching Protocols\r\nDate: ")
    assert chunk.endswith(b"\r\nServer: tests\r\n\r\n")
    server.send_text(b"hi")
    assert server.data_to_send() == [b"\x81\x02hi"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Upgrade", "WebSocket"),
        ("Connection", "keep-alive, upgrade"),
        ("Connection", "UPGRADE"),
    ],
)
def test_case_and_company_do_not_matter(name: str, value: str) -> None:
    server, _, _ = answered(request_bytes((name, value), without=[name]))
    assert server.state is State.OPEN


# Refusals

REFUSED: list[tuple[Any, Any, int, type[Exception], str]] = [
    ([], ["Host"], 400, InvalidHeader, "missing Host header"),
    ([("Host", "b")], [], 400, InvalidHeader, "invalid Host header: multiple values"),
    ([], ["Upgrade"], 426, InvalidUpgrade, "missing Upgrade header"),
    ([("Upgrade", "h2c")], ["Upgrade"], 426, InvalidUpgrade, "invalid Upgrade header: h2c"),
    (
        [("Upgrade", "h2c")],
        [],
        426,
        InvalidUpgrade,
        "invalid Upgrade header: websocket, h2c",
    ),
    ([], ["Connection"], 426, InvalidUpgrade, "missing Connection header"),
    (
        [("Connection", "close")],
        ["Connection"],
        426,
        InvalidUpgrade,
        "invalid Connection header: close",
    ),
    (
        [("Connection", "@")],
        ["Connection"],
        400,
        InvalidHeaderFormat,
        "invalid Connection header: expected token at 0 in @",
    ),
    ([], [KEY], 400, InvalidHeader, f"missing {KEY} header"),
    ([(KEY, "x")], [], 400, InvalidHeader, f"invalid {KEY} header: multiple values"),
    ([(KEY, "AAAA")], [KEY], 400, InvalidHeaderValue, f"invalid {KEY} header: AAAA"),
    ([(KEY, "\xe9")], [KEY], 400, InvalidHeaderValue, None),  # type: ignore[list-item]
    ([(KEY, "x")], [KEY], 400, InvalidHeaderValue, None),  # type: ignore[list-item]
    ([], [VERSION], 400, InvalidHeader, f"missing {VERSION} header"),
    ([(VERSION, "13")], [], 400, InvalidHeader, f"invalid {VERSION} header: multiple values"),
    ([(VERSION, "8")], [VERSION], 426, InvalidHeaderValue, f"invalid {VERSION} header: 8"),
]


@pytest.mark.parametrize(("more", "without", "status", "cls", "text"), REFUSED)
def test_refused(more: Any, without: Any, status: int, cls: type[Exception], text: str) -> None:
    server, request, response = answered(request_bytes(*more, without=without))
    assert response.status_code == status
    exc = server.handshake_exc
    assert type(exc) is cls
    assert text is None or str(exc) == text
    with pytest.warns(DeprecationWarning, match=r"handshake_exc"):
        assert request.exception is exc
    body = bytes(response.body).decode()
    assert body.startswith(f"Failed to open a WebSocket connection: {exc}")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Content-Length"] == str(len(response.body))
    assert response.headers["Connection"] == "close"
    assert response.headers.get("Upgrade") == ("websocket" if cls is InvalidUpgrade else None)
    assert response.headers.get(VERSION) == ("13" if "8" in str(more) else None)
    ends(server)


@pytest.mark.parametrize(
    ("line", "status", "cls", "text"),
    [
        ("POST / HTTP/1.1", 405, InvalidMethod, "unsupported HTTP method: POST"),
        ("HEAD / HTTP/1.1", 405, InvalidMethod, "unsupported HTTP method: HEAD"),
        ("GET / HTTP/1.0", 505, InvalidProtocol, "unsupported HTTP version: HTTP/1.0"),
    ],
)
def test_refused_for_its_first_line(
    line: str, status: int, cls: type[Exception], text: str
) -> None:
    server, _, response = answered(request_bytes(line=line))
    assert response.status_code == status
    assert type(server.handshake_exc) is cls
    assert str(server.handshake_exc) == text
    assert response.headers.get("Allow") == ("GET" if status == 405 else None)
    ends(server)


LIMITS: list[tuple[bytes, int, type[Exception]]] = [
    (b"GET /" + b"x" * 9000, 414, RequestLineTooLong),
    (b"GET / HTTP/1.1\r\nA: " + b"x" * 9000, 431, HeaderLineTooLong),
    (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 2000, 431, TooManyHeaders),
    (b"GET / HTTP/1.1\r\n" + (b"A: " + b"x" * 8000 + b"\r\n") * 20, 431, SecurityError),
]


@pytest.mark.parametrize(("data", "status", "cls"), LIMITS)
def test_refused_at_a_limit(data: bytes, status: int, cls: type[Exception]) -> None:
    server = ServerProtocol()
    server.receive_data(data)
    assert server.events_received() == []
    assert isinstance(server.handshake_exc, cls)
    [head, _] = server._encoder.take()
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    server._encoder.append(head)
    server._encoder.append(b"")
    ends(server)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"\x16\x03\x01\x02\x00\x01\n", "unexpected line ending"),
        (b"GET /\r\n", "invalid HTTP request line"),
        (b"GET / HTTP/2.0\r\n", "unsupported protocol"),
        (b"GET / HTTP/1.1\r\nno colon\r\n", "invalid HTTP header"),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\n", "unsupported request body"),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer codings"),
        (b"G\0T / HTTP/1.1\r\n", "invalid HTTP method"),
    ],
)
def test_what_is_no_request_is_answered_by_400(data: bytes, cause: str) -> None:
    server = ServerProtocol()
    server.receive_data(data)
    assert server.events_received() == []
    exc = server.handshake_exc
    assert type(exc) is InvalidMessage
    assert str(exc) == "did not receive a valid HTTP request"
    assert isinstance(exc.__cause__, ValueError)
    if cause != "unexpected line ending":
        assert str(exc.__cause__).startswith(cause)
    ends(server)


def test_a_request_line_never_comes_back_raw() -> None:
    server = ServerProtocol()
    server.receive_data(b"GET \x1b[2J HTTP/1.1\r\n")
    [head, _] = server.data_to_send()
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"\x1b" not in head


# Decisions of the program


def test_rejected_by_the_program() -> None:
    server, _ = requested(request_bytes())
    response = server.reject(403, "No entr\u00e9e.\n")
    assert (response.status_code, response.reason_phrase) == (403, "Forbidden")
    assert response.body == b"No entr\xc3\xa9e.\n"
    assert response.headers["Content-Length"] == "12"
    assert DATE.fullmatch(response.headers["Date"])
    assert server.data_to_send() == []
    server.send_response(response)
    assert server.handshake_exc is None
    ends(server)


def test_any_response_can_be_sent() -> None:
    server, _ = requested(request_bytes())
    server.send_response(Response(302, "Found", Headers(Location="/"), b""))
    assert server.data_to_send() == [b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", SEND_EOF]


def test_statuses_have_to_be_known_to_reject() -> None:
    with pytest.raises(ValueError, match=r"999"):
        ServerProtocol().reject(999, "")


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "a\r\nX: y"])
def test_nothing_can_be_smuggled_into_the_response(bad: str) -> None:
    server, request = requested(request_bytes())
    with pytest.raises(ValueError, match=r"invalid reason phrase"):
        server.send_response(Response(200, "OK" + bad, Headers()))
    response = server.accept(request)
    for name, value in (("X", bad), ("X" + bad, "y")):
        with pytest.raises(ValueError, match=r"."):  # noqa: PT012
            response.headers[name] = value
            server.send_response(response)
    assert server.data_to_send() == []
    assert server.state is State.CONNECTING
    with pytest.raises(ValueError, match=r"invalid subprotocol"):
        ServerProtocol(subprotocols=["a" + bad])  # type: ignore[list-item]


# Origins


@pytest.mark.parametrize(
    ("origins", "origin", "ok"),
    [
        (None, None, True),
        (None, "https://evil.example", True),
        (["https://a.example"], "https://a.example", True),
        (["https://a.example"], "https://b.example", False),
        (["https://a.example"], None, False),
        (["https://a.example", None], None, True),
        ([re.compile(r"https://\w+\.example")], "https://b.example", True),
        ([re.compile(r"https://\w+\.example")], "https://b.example.evil", False),
        (["same-origin"], "https://example.com", True),
        (["same-origin"], "http://example.com", True),
        (["same-origin"], "https://example.com:444", False),
        (["same-origin"], "https://evil.example", False),
        (["same-origin"], "null", False),
        (["same-origin"], None, False),
    ],
)
def test_origins(origins: Any, origin: str | None, ok: bool) -> None:
    more = [] if origin is None else [("Origin", origin)]
    server, _, response = answered(request_bytes(*more), origins=origins)
    assert response.status_code == (101 if ok else 403)
    assert isinstance(server.handshake_exc, InvalidOrigin) is not ok


def test_two_origins() -> None:
    more = ("Origin", "http://a"), ("Origin", "http://a")
    server, _, response = answered(request_bytes(*more))
    assert response.status_code == 400
    assert str(server.handshake_exc) == "invalid Origin header: multiple values"


def test_origin_is_told() -> None:
    server = ServerProtocol()
    assert server.process_origin(Headers(Origin="http://a")) == "http://a"
    assert server.process_origin(Headers()) is None


# Extensions


@pytest.mark.parametrize(
    ("offers", "names", "header"),
    [
        ([], [], None),
        (["x-other"], [], None),
        (["x-a"], ["x-a"], "x-a; level=3"),
        (["x-b, x-a"], ["x-b", "x-a"], "x-b; level=3, x-a; level=3"),
        (["x-a", "x-b"], ["x-a", "x-b"], "x-a; level=3, x-b; level=3"),
        (["x-a; level=9"], [], None),
        (["x-a; level=9, x-a"], ["x-a"], "x-a; level=3"),
    ],
)
def test_extensions(offers: list[str], names: list[str], header: str | None) -> None:
    more = [(EXTENSIONS, offer) for offer in offers]
    settings = {"extensions": [Factory("x-a"), Factory("x-b")]}
    server, _, response = answered(request_bytes(*more), **settings)
    assert server.state is State.OPEN
    assert [extension.name for extension in server.extensions] == names
    assert response.headers.get(EXTENSIONS) == header
    server.data_to_send()
    server.send_text(b"")
    assert server.data_to_send()[0][0] == (0xC1 if names else 0x81)


def test_malformed_extensions() -> None:
    server, _, response = answered(request_bytes((EXTENSIONS, ";")), extensions=[Factory("x-a")])
    assert response.status_code == 400
    assert type(server.handshake_exc) is InvalidHeaderFormat
    # A server without extensions has no use for the header, and doesn't read it.
    server, _, response = answered(request_bytes((EXTENSIONS, ";")))
    assert response.status_code == 101


# Subprotocols


@pytest.mark.parametrize(
    ("offers", "expected", "error"),
    [
        (["b, a"], "a", None),
        (["b"], "b", None),
        (["c", "b"], "b", None),
        (["c"], None, "invalid subprotocol; expected one of a, b"),
        ([], None, "missing subprotocol"),
    ],
)
def test_subprotocols(offers: list[str], expected: str | None, error: str | None) -> None:
    more = [(SUBPROTOCOL, offer) for offer in offers]
    server, _, response = answered(request_bytes(*more), subprotocols=["a", "b"])
    assert server.subprotocol == expected
    assert response.headers.get(SUBPROTOCOL) == expected
    if error is None:
        assert response.status_code == 101
    else:
        assert response.status_code == 400
        assert type(server.handshake_exc) is NegotiationError
        assert str(server.handshake_exc) == error


def test_no_subprotocols_known() -> None:
    server, _, response = answered(request_bytes((SUBPROTOCOL, "a")))
    assert (server.subprotocol, response.status_code) == (None, 101)


def test_malformed_subprotocols() -> None:
    server, _, response = answered(request_bytes((SUBPROTOCOL, ";")))
    assert response.status_code == 400
    assert type(server.handshake_exc) is InvalidHeaderFormat


def test_select_subprotocol() -> None:
    calls = []

    def select(protocol: ServerProtocol, subprotocols: Any) -> Any:
        calls.append((protocol, list(subprotocols)))
        return subprotocols[-1]

    server, _, response = answered(
        request_bytes((SUBPROTOCOL, "a, b")), subprotocols=["a"], select_subprotocol=select
    )
    assert calls == [(server, ["a", "b"])]
    assert server.subprotocol == response.headers[SUBPROTOCOL] == "b"
    server, _, response = answered(
        request_bytes((SUBPROTOCOL, "a")), select_subprotocol=lambda *_: None
    )
    assert (server.subprotocol, response.status_code) == (None, 101)
    assert SUBPROTOCOL not in response.headers


def test_select_subprotocol_refuses() -> None:
    def select(protocol: ServerProtocol, subprotocols: Any) -> Any:
        raise NegotiationError("version 2 at least")

    server, _, response = answered(request_bytes(), select_subprotocol=select)
    assert response.status_code == 400
    assert b"version 2 at least" in response.body
    ends(server)


def test_a_bug_in_a_callback_is_answered_by_500(caplog: pytest.LogCaptureFixture) -> None:
    def select(protocol: ServerProtocol, subprotocols: Any) -> Any:
        raise LookupError("a bug")

    server, request, response = answered(request_bytes(), select_subprotocol=select)
    assert response.status_code == 500
    assert b"a bug" not in response.body
    assert type(server.handshake_exc) is LookupError
    assert request._exception is server.handshake_exc
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert (record.name, record.message) == ("websockets.server", "opening handshake failed")
    assert record.exc_info is not None
    ends(server)


# What comes early, and the end of the stream


@pytest.mark.parametrize("view", ["frames", "messages"])
@pytest.mark.parametrize("cut", [whole, one_by_one])
def test_frames_that_come_before_the_response_are_kept(view: Any, cut: Any) -> None:
    server = ServerProtocol(view=view)
    for piece in cut(request_bytes() + frame(TEXT, b"hi") + frame(PING)):
        server.receive_data(piece)
    [request] = server.events_received()
    server.receive_data(frame(TEXT, b"ho")[:3])
    assert server.events_received() == []
    assert server.data_to_send() == []
    server.send_response(server.accept(request))
    server.receive_data(frame(TEXT, b"ho")[3:])
    events = server.events_received()
    if view == "messages":
        assert events == ["hi", "ho"]
    else:
        assert [event.opcode for event in events] == [Opcode.TEXT, Opcode.PING, Opcode.TEXT]
    response, pong = server.data_to_send()
    assert response.startswith(b"HTTP/1.1 101 ")
    assert pong == b"\x8a\x00"


def test_what_comes_early_is_bounded() -> None:
    server, request = requested(request_bytes())
    server.receive_data(bytes(MAX_HEAD_SIZE))
    assert server.handshake_exc is None
    server.receive_data(b"\0")
    assert isinstance(server.handshake_exc, SecurityError)
    ends(server)
    # The program's answer comes too late.
    server.send_response(server.accept(request))
    assert server.data_to_send() == []
    assert server.state is State.CLOSED


def test_bad_frames_that_come_early_fail_the_connection() -> None:
    server, request = requested(request_bytes() + frame(3))
    server.send_response(server.accept(request))
    assert server.state is State.CLOSING
    response, close, end = server.data_to_send()
    assert response.startswith(b"HTTP/1.1 101 ")
    assert close.startswith(b"\x88")
    assert end == SEND_EOF


def test_end_of_stream_at_every_point() -> None:
    data = request_bytes()
    for length in range(len(data)):
        server = ServerProtocol()
        server.receive_data(data[:length])
        server.receive_eof()
        assert server.state is State.CLOSED
        assert type(server.handshake_exc) is InvalidMessage
        assert isinstance(server.handshake_exc.__cause__, EOFError)
        assert server.data_to_send() == [SEND_EOF]
        assert server.events_received() == []


def test_end_of_stream_before_the_response() -> None:
    server, request = requested(request_bytes())
    server.receive_eof()
    assert server.state is State.CLOSED
    assert type(server.handshake_exc) is InvalidMessage
    assert str(server.handshake_exc.__cause__) == "connection closed before the response"
    assert server.data_to_send() == [SEND_EOF]
    server.send_response(server.accept(request))
    assert server.data_to_send() == []
    assert server.state is State.CLOSED


def test_end_of_stream_after_a_failure_changes_nothing() -> None:
    server, request = requested(request_bytes(without=["Host"]))
    server.accept(request)
    error = server.handshake_exc
    server.receive_eof()
    assert server.handshake_exc is error


def test_starts_open() -> None:
    server = ServerProtocol(state=State.OPEN)
    server.receive_data(frame(TEXT, b"hi"))
    assert server.events_received() == [Frame(Opcode.TEXT, b"hi")]


# References


def boom(*args: Any) -> Any:
    raise LookupError


# pytest keeps the records of other loggers, and with them tracebacks.
QUIET = logging.Logger("quiet")
QUIET.addHandler(logging.NullHandler())

OFFER = request_bytes((EXTENSIONS, "x-a; level=9, x-a"))

ANSWERED: dict[str, tuple[bytes, dict[str, Any]]] = {
    "accepted": (
        request_bytes((EXTENSIONS, "x-a; level=9, x-a")),
        {"extensions": [Factory("x-a")]},
    ),
    "400": (request_bytes(without=["Host"]), {}),
    "400 cause": (request_bytes((KEY, "x"), without=[KEY]), {}),
    "403": (request_bytes(("Origin", "x")), {"origins": ["a"]}),
    "426": (request_bytes(without=["Upgrade"]), {}),
    "500": (request_bytes(), {"select_subprotocol": boom, "logger": QUIET}),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_servers_are_freed_at_once(name: str) -> None:
    data, settings = ANSWERED[name]

    def make() -> ServerProtocol:
        server, _, _ = answered(data, **settings)
        server.receive_eof()
        server.data_to_send()
        return server

    with no_cycles(make) as reference:
        assert reference() is None


@pytest.mark.parametrize("data", [b"", b"GET ", b"garbage\r\n", LIMITS[0][0], LIMITS[2][0]])
def test_servers_that_got_no_request_are_freed_at_once(data: bytes) -> None:
    def make() -> ServerProtocol:
        server = ServerProtocol()
        server.receive_data(data)
        server.receive_eof()
        assert server.handshake_exc is not None
        server.data_to_send()
        return server

    with no_cycles(make) as reference:
        assert reference() is None


def test_data_of_a_wrong_type_is_the_program_s_mistake() -> None:
    server = ServerProtocol()
    with pytest.raises(TypeError):
        server.receive_data("GET / HTTP/1.1\r\n")  # type: ignore[arg-type]
    assert server.data_to_send() == []
    server.receive_data(request_bytes())
    assert len(server.events_received()) == 1
