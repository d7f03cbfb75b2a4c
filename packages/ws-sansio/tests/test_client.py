"""The client's side of the opening handshake."""

from __future__ import annotations

import base64
import logging
from typing import Any

import pytest
from framing import PING, TEXT, frame
from wiring import (
    URI,
    Factory,
    Marking,
    no_cycles,
    one_by_one,
    requesting,
    response_bytes,
    whole,
)

from ws_sansio import SEND_EOF, ClientProtocol, Side, State
from ws_types.codes import Opcode
from ws_types.errors import (
    InvalidHeader,
    InvalidHeaderFormat,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidUpgrade,
    NegotiationError,
    SecurityError,
)
from ws_types.exceptions import InvalidStatus
from ws_types.frames import Frame
from ws_types.headers import Headers
from ws_types.http11 import Request, Response
from ws_types.uri import parse_uri

EXTENSIONS, SUBPROTOCOL = "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"


def refused(client: ClientProtocol) -> Any:
    """The error of a handshake that failed, after a look at the rest."""
    assert client.state is State.CONNECTING
    assert client.handshake_exc is not None
    assert client.close_expected()
    assert client.data_to_send() == [SEND_EOF]
    client.events_received()
    # Nothing that follows counts.
    client.receive_data(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    assert client.events_received() == []
    error = client.handshake_exc
    client.receive_eof()
    assert client.state is State.CLOSED
    assert client.handshake_exc is error
    assert client.data_to_send() == []
    assert (client.close_code, client.close_reason) == (1006, "")
    assert str(client.close_exc) == "no close frame received or sent"
    return error


# The request


def test_request() -> None:
    client = ClientProtocol(URI)
    assert (client.side, client.state) == (Side.CLIENT, State.CONNECTING)
    request = client.connect()
    assert client.data_to_send() == []
    assert (request.method, request.path, request.protocol) == ("GET", "/chat?room=1", "HTTP/1.1")
    assert list(request.headers.raw_items()) == [
        ("Host", "example.com"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", client.key),
        ("Sec-WebSocket-Version", "13"),
    ]
    client.send_request(request)
    assert client.data_to_send() == [
        b"GET /chat?room=1 HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: "
        + client.key.encode()
        + b"\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ]
    assert client.state is State.CONNECTING
    assert not client.close_expected()


def test_keys_are_16_random_bytes() -> None:
    keys = {ClientProtocol(URI).key for _ in range(20)}
    assert len(keys) == 20
    assert {len(base64.b64decode(key, validate=True)) for key in keys} == {16}


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("ws://h/", "h"),
        ("ws://h:80/", "h"),
        ("ws://h:8080/", "h:8080"),
        ("wss://h/", "h"),
        ("wss://h:443/", "h"),
        ("wss://h:80/", "h:80"),
        ("ws://[::1]:81/", "[::1]:81"),
    ],
)
def test_host(uri: str, host: str) -> None:
    assert ClientProtocol(parse_uri(uri)).connect().headers["Host"] == host


def test_headers_of_the_program() -> None:
    client = ClientProtocol(URI)
    request = client.connect(additional_headers={"X-One": "1"}, user_agent_header="mine")
    assert (request.headers["X-One"], request.headers["User-Agent"]) == ("1", "mine")
    request = client.connect(additional_headers={"user-agent": "yours"}, user_agent_header="mine")
    assert request.headers.get_all("User-Agent") == ["yours"]
    assert "User-Agent" not in client.connect().headers


def test_credentials_of_the_uri_become_a_header() -> None:
    request = ClientProtocol(parse_uri("ws://us%20er:p%C3%A9:w@h/")).connect()
    assert "us" not in request.headers["Host"]
    encoded = base64.b64encode("us er:p\u00e9:w".encode()).decode()
    assert request.headers["Authorization"] == f"Basic {encoded}"


def test_origin_extensions_and_subprotocols_are_offered() -> None:
    client = ClientProtocol(
        URI,
        origin="https://example.org",  # type: ignore[arg-type]
        extensions=[Factory("x-a"), Factory("x-b")],
        subprotocols=["v2", "v1"],  # type: ignore[list-item]
    )
    headers = client.connect().headers
    assert headers["Origin"] == "https://example.org"
    assert headers[EXTENSIONS] == "x-a; level=3; flag, x-b; level=3; flag"
    assert headers[SUBPROTOCOL] == "v2, v1"


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "a\r\nX: y"])
def test_nothing_can_be_smuggled_into_the_request(bad: str) -> None:
    for make in (
        lambda: ClientProtocol(URI, origin="http://" + bad),  # type: ignore[arg-type]
        lambda: ClientProtocol(URI, subprotocols=["a" + bad]),  # type: ignore[list-item]
        lambda: ClientProtocol(URI, extensions=[Factory("x" + bad)]),
    ):
        client = None
        with pytest.raises(ValueError, match=r"."):  # noqa: PT012
            client = make()
            client.send_request(client.connect())
        assert client is None or client.data_to_send() == []
    client = ClientProtocol(URI)
    for request in (
        Request("/" + bad, Headers()),
        Request("/", Headers(), method="GET" + bad),
        Request("/", Headers(), protocol="HTTP/1.1" + bad),
    ):
        with pytest.raises(ValueError, match=r"invalid"):
            client.send_request(request)
    request = client.connect()
    for name, value in (("X", bad), ("X" + bad, "y")):
        with pytest.raises(ValueError, match=r"."):  # noqa: PT012
            request.headers[name] = value
            client.send_request(request)
    assert client.data_to_send() == []


def test_subprotocols_are_a_list() -> None:
    with pytest.raises(TypeError, match=r"subprotocols must be a list"):
        ClientProtocol(URI, subprotocols="chat")  # type: ignore[arg-type]


# The response


@pytest.mark.parametrize("cut", [whole, one_by_one])
def test_accepted(cut: Any) -> None:
    client = requesting()
    for piece in cut(response_bytes(client)):
        assert client.state is State.CONNECTING
        client.receive_data(piece)
    assert client.state is State.OPEN
    assert client.handshake_exc is None
    assert not client.close_expected()
    [response] = client.events_received()
    assert isinstance(response, Response)
    assert response.status_code == 101
    assert response.headers["Upgrade"] == "websocket"
    assert client.data_to_send() == []
    client.send_text(b"hi")
    assert len(client.data_to_send()) == 1


@pytest.mark.parametrize("view", ["frames", "messages"])
@pytest.mark.parametrize("cut", [whole, one_by_one])
def test_frames_right_behind_the_response(view: Any, cut: Any) -> None:
    client = requesting(view=view)
    data = response_bytes(client) + frame(TEXT, b"hi", key=None) + frame(PING, key=None)
    for piece in cut(data):
        client.receive_data(piece)
    response, *events = client.events_received()
    assert response.status_code == 101
    if view == "messages":
        assert events == ["hi"]
    else:
        assert events == [Frame(Opcode.TEXT, b"hi"), Frame(Opcode.PING, b"")]
    assert len(client.data_to_send()) == 1


@pytest.mark.parametrize(
    ("head", "end"),
    [
        ("Content-Length: 4\r\n\r\nbody", False),
        ("Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n", False),
        ("\r\nbody", True),
    ],
    ids=["length", "chunked", "eof"],
)
@pytest.mark.parametrize("cut", [whole, one_by_one])
def test_rejected_with_a_body(head: str, end: bool, cut: Any) -> None:
    client = requesting()
    for piece in cut(b"HTTP/1.1 403 Forbidden\r\n" + head.encode()):
        client.receive_data(piece)
    if end:
        assert client.handshake_exc is None
        client.receive_eof()
        assert client.state is State.CLOSED
        exc = client.handshake_exc
    else:
        exc = refused(client)
    assert type(exc) is InvalidStatus
    assert str(exc) == "server rejected WebSocket connection: HTTP 403"
    assert (exc.response.status_code, exc.response.body) == (403, b"body")


def test_rejection_is_an_event_too() -> None:
    client = requesting()
    client.receive_data(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
    [response] = client.events_received()
    assert response.headers["Location"] == "/"
    assert refused(client).response is response


CHANGED: list[tuple[Any, Any, type[Exception], str]] = [
    ([], ["Upgrade"], InvalidUpgrade, "missing Upgrade header"),
    ([("Upgrade", "h2c")], ["Upgrade"], InvalidUpgrade, "invalid Upgrade header: h2c"),
    ([], ["Connection"], InvalidUpgrade, "missing Connection header"),
    ([("Connection", "close")], ["Connection"], InvalidUpgrade, "invalid Connection header: close"),
    ([], ["Sec-WebSocket-Accept"], InvalidHeader, "missing Sec-WebSocket-Accept header"),
    (
        [("Sec-WebSocket-Accept", "x")],
        ["Sec-WebSocket-Accept"],
        InvalidHeaderValue,
        "invalid Sec-WebSocket-Accept header: x",
    ),
    (
        [("Sec-WebSocket-Accept", "x")],
        [],
        InvalidHeader,
        "invalid Sec-WebSocket-Accept header: multiple values",
    ),
    ([(EXTENSIONS, "x-a")], [], NegotiationError, "no extensions supported"),
    ([(SUBPROTOCOL, "a")], [], NegotiationError, "no subprotocols supported"),
    (
        [(EXTENSIONS, ";")],
        [],
        NegotiationError,
        "no extensions supported",
    ),
]


@pytest.mark.parametrize(("more", "without", "cls", "text"), CHANGED)
def test_unacceptable_responses(more: Any, without: Any, cls: type[Exception], text: str) -> None:
    client = requesting()
    client.receive_data(response_bytes(client, *more, without=without))
    [response] = client.events_received()
    exc = refused(client)
    assert type(exc) is cls
    assert str(exc) == text
    with pytest.warns(DeprecationWarning, match=r"handshake_exc"):
        assert response.exception is exc


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "invalid HTTP status line"),
        (b"HTTP/1.0 200 OK\r\n", "unsupported protocol; expected HTTP/1.1"),
        (b"HTTP/1.1 99 No\r\n", "invalid status code"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n", "invalid HTTP header"),
        (b"HTTP/1.1 200 OK\r\nA: " + bytes(9000), "read"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "body too large"),
        (b"x" * 9000, "read 9000 bytes"),
    ],
)
def test_what_is_no_response(data: bytes, cause: str) -> None:
    client = requesting()
    client.receive_data(data)
    assert client.events_received() == []
    exc = refused(client)
    assert type(exc) is InvalidMessage
    assert str(exc) == "did not receive a valid HTTP response"
    assert isinstance(exc.__cause__, (ValueError, SecurityError))
    assert str(exc.__cause__).startswith(cause)


@pytest.mark.parametrize("settings", [{}, {"subprotocols": ["a"]}])
def test_end_of_stream_at_every_point(settings: Any) -> None:
    whole_response = response_bytes(requesting())
    for length in range(len(whole_response)):
        client = requesting(**settings)
        client.receive_data(whole_response[:length])
        client.receive_eof()
        assert client.state is State.CLOSED
        assert type(client.handshake_exc) is InvalidMessage
        assert isinstance(client.handshake_exc.__cause__, EOFError)
        assert client.data_to_send() == [SEND_EOF]
        assert client.events_received() == []


# Negotiation


def test_extensions_that_were_accepted() -> None:
    factories = Factory("x-a"), Factory("x-b"), Factory("x-c")
    client = requesting(extensions=factories)
    client.receive_data(
        response_bytes(client, (EXTENSIONS, "x-c; level=1, x-a"), (EXTENSIONS, "x-b; flag"))
    )
    assert client.state is State.OPEN
    # In the order of the response, whatever was offered first.
    assert [extension.name for extension in client.extensions] == ["x-c", "x-a", "x-b"]
    assert factories[0].seen == [([], ["x-c"])]
    assert factories[1].seen == [([("flag", None)], ["x-c", "x-a"])]
    assert factories[2].seen == [([("level", "1")], [])]
    client.send_text(b"hi")
    [chunk] = client.data_to_send()
    assert chunk[0] == 0xC1


def test_extension_that_was_not_offered() -> None:
    client = requesting(extensions=[Factory("x-a")])
    client.receive_data(response_bytes(client, (EXTENSIONS, "x-b; level=1")))
    exc = refused(client)
    assert type(exc) is NegotiationError
    assert str(exc) == "Unsupported extension: name = x-b, params = [('level', '1')]"
    assert exc.__cause__ is None
    assert client.extensions == []


def test_extension_in_a_form_that_was_not_offered() -> None:
    client = requesting(extensions=[Factory("x-a", NegotiationError("unexpected level"))])
    client.receive_data(response_bytes(client, (EXTENSIONS, "x-a")))
    exc = refused(client)
    assert str(exc) == "Unsupported extension: name = x-a, params = []"
    assert str(exc.__cause__) == "unexpected level"


def test_offers_of_one_extension_are_tried_in_turn() -> None:
    factories = [Factory("x-a", NegotiationError("no")), Factory("x-a")]
    client = requesting(extensions=factories)
    client.receive_data(response_bytes(client, (EXTENSIONS, "x-a")))
    assert client.state is State.OPEN
    assert isinstance(client.extensions[0], Marking)


def test_malformed_extensions() -> None:
    client = requesting(extensions=[Factory("x-a")])
    client.receive_data(response_bytes(client, (EXTENSIONS, ";")))
    assert type(refused(client)) is InvalidHeaderFormat


def test_a_bug_in_an_extension_factory_fails_the_handshake(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = requesting(extensions=[Factory("x-a", LookupError("a bug"))])
    client.receive_data(response_bytes(client, (EXTENSIONS, "x-a")))
    assert type(refused(client)) is LookupError
    [record] = caplog.records
    assert (record.name, record.levelno) == ("websockets.client", logging.ERROR)
    assert record.exc_info is not None


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], None), (["a"], "a"), (["b"], "b")],
)
def test_subprotocol_that_was_selected(values: list[str], expected: str | None) -> None:
    client = requesting(subprotocols=["a", "b"])
    client.receive_data(response_bytes(client, *((SUBPROTOCOL, value) for value in values)))
    assert client.state is State.OPEN
    assert client.subprotocol == expected


@pytest.mark.parametrize(
    ("values", "cls", "text"),
    [
        (["c"], NegotiationError, "unsupported subprotocol: c"),
        (["c" * 5000], NegotiationError, f"unsupported subprotocol: {'c' * 1021}..."),
        (["a, b"], InvalidHeader, "invalid Sec-WebSocket-Protocol header: multiple values: a, b"),
        (["a", "b"], InvalidHeader, "invalid Sec-WebSocket-Protocol header: multiple values: a, b"),
        ([";"], InvalidHeaderFormat, None),
    ],
)
def test_subprotocol_that_cannot_be(values: list[str], cls: type[Exception], text: Any) -> None:
    client = requesting(subprotocols=["a", "b"])
    client.receive_data(response_bytes(client, *((SUBPROTOCOL, value) for value in values)))
    exc = refused(client)
    assert type(exc) is cls
    assert text is None or str(exc) == text
    assert client.subprotocol is None


# Without a handshake, and at its end


def test_starts_open() -> None:
    client = ClientProtocol(URI, state=State.OPEN)
    client.receive_data(frame(TEXT, b"hi", key=None))
    assert client.events_received() == [Frame(Opcode.TEXT, b"hi")]


REFUSALS = {
    "status": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "headers": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "garbage": b"garbage\r\n",
    "limit": b"x" * 9000,
    "nothing": b"",
    "part": b"HTTP/1.1 ",
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refused_clients_are_freed_at_once(name: str) -> None:
    def refused_client() -> ClientProtocol:
        client = requesting()
        client.receive_data(REFUSALS[name])
        client.receive_eof()
        assert client.handshake_exc is not None
        client.data_to_send()
        return client

    with no_cycles(refused_client) as reference:
        assert reference() is None


def test_clients_are_freed_at_once() -> None:
    def open_client() -> ClientProtocol:
        client = requesting(extensions=[Factory("x-a", NegotiationError("no")), Factory("x-a")])
        client.receive_data(response_bytes(client, (EXTENSIONS, "x-a")))
        assert client.state is State.OPEN
        return client

    for make in (requesting, open_client):
        with no_cycles(make) as reference:
            assert reference() is None


def test_data_of_a_wrong_type_is_the_program_s_mistake() -> None:
    client = requesting()
    with pytest.raises(TypeError):
        client.receive_data("HTTP/1.1 101\r\n")  # type: ignore[arg-type]
    assert client.handshake_exc is None
    client.receive_data(response_bytes(client))
    assert client.state is State.OPEN
