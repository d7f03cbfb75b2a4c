"""What both sides log: the handshake and frames at DEBUG, what became of a connection at INFO."""

from __future__ import annotations

import base64
import logging
from typing import Any

import pytest
from framing import BINARY, CLOSE, PING, PONG, TEXT, frame
from wiring import open_pair, request_bytes, requested, requesting, response_bytes, settle

from ws_sansio import ClientProtocol, Protocol, ServerProtocol, Side
from ws_types.headers import Headers
from ws_types.http11 import Response
from ws_types.uri import parse_uri

SECRET = "s3cr3t-of-mine"
SECRETS = [
    ("Authorization", f"Bearer {SECRET}"),
    ("authorization", f"Basic {SECRET}"),
    ("Cookie", f"session={SECRET}"),
    ("Proxy-Authorization", f"Basic {SECRET}"),
    ("Set-Cookie", f"session={SECRET}; HttpOnly"),
]
#: A line break, a terminal escape in one character and in two, an override of the direction.
HOSTILE = "a\r\n\x1b[2J\x9b31m\u202e"


@pytest.fixture
def debug(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "websockets.client")
    caplog.set_level(logging.DEBUG, "websockets.server")
    return caplog


@pytest.fixture
def info(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "websockets.client")
    caplog.set_level(logging.INFO, "websockets.server")
    return caplog


def lines(log: pytest.LogCaptureFixture, name: str, level: int = logging.DEBUG) -> list[str]:
    """Take the lines that one logger has written at one level."""
    messages = [
        record.getMessage()
        for record in log.records
        if record.name == name and record.levelno == level
    ]
    log.clear()
    return messages


# DEBUG


def test_client_logs_the_handshake(debug: pytest.LogCaptureFixture) -> None:
    client = requesting()
    assert lines(debug, "websockets.client") == [
        "> GET /chat?room=1 HTTP/1.1",
        "> Host: example.com",
        "> Upgrade: websocket",
        "> Connection: Upgrade",
        f"> Sec-WebSocket-Key: {client.key}",
        "> Sec-WebSocket-Version: 13",
    ]
    client.receive_data(response_bytes(client, ("Server", "x"), without=["Sec-WebSocket-Accept"]))
    assert lines(debug, "websockets.client") == [
        "< HTTP/1.1 101 Switching Protocols",
        "< Upgrade: websocket",
        "< Connection: Upgrade",
        "< Server: x",
        "> EOF",
    ]


def test_server_logs_the_handshake(debug: pytest.LogCaptureFixture) -> None:
    server, request = requested(request_bytes())
    received = lines(debug, "websockets.server")
    assert received[:2] == ["< GET /chat HTTP/1.1", "< Host: example.com"]
    assert len(received) == 6
    server.send_response(server.accept(request))
    answered = lines(debug, "websockets.server")
    assert answered[0] == "> HTTP/1.1 101 Switching Protocols"
    assert answered[2:4] == ["> Upgrade: websocket", "> Connection: Upgrade"]
    assert answered[-1] == "= connection is OPEN"


def test_bodies_are_logged_by_their_size(debug: pytest.LogCaptureFixture) -> None:
    server, _ = requested(request_bytes())
    server.send_response(server.reject(404, "nothing here\n"))
    assert lines(debug, "websockets.server")[-2:] == ["> [body] (13 bytes)", "> EOF"]
    client = requesting()
    client.receive_data(b"HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\n\r\nnothing here\n")
    assert "< [body] (13 bytes)" in lines(debug, "websockets.client")


@pytest.mark.parametrize("view", ["frames", "messages"])
def test_frames_are_logged_in_both_views(debug: pytest.LogCaptureFixture, view: Any) -> None:
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(frame(TEXT, b"hi") + frame(BINARY, b"\x00\xff"))
    assert lines(debug, "websockets.server") == [
        "< TEXT 'hi' [2 bytes]",
        "< BINARY 00 ff [2 bytes]",
    ]
    server.receive_data(frame(PING, b"p"))
    server.receive_data(frame(PONG, b"q"))
    assert lines(debug, "websockets.server") == [
        "< PING 'p' [text, 1 byte]",
        "> PONG 'p' [text, 1 byte]",
        "< PONG 'q' [text, 1 byte]",
    ]
    server.send_text(b"a", fin=False)
    server.send_continuation(b"b", fin=True)
    server.send_message("c")
    server.send_ping(b"p")
    assert lines(debug, "websockets.server") == [
        "> TEXT 'a' [1 byte, continued]",
        "> CONT 'b' [text, 1 byte]",
        "> TEXT 'c' [1 byte]",
        "> PING 'p' [text, 1 byte]",
    ]
    server.receive_data(frame(CLOSE, b"\x03\xe8bye"))
    server.receive_eof()
    assert lines(debug, "websockets.server") == [
        "< CLOSE 1000 (OK) bye [5 bytes]",
        "> CLOSE 1000 (OK) bye [5 bytes]",
        "= connection is CLOSING",
        "> EOF",
        "< EOF",
        "= connection is CLOSED",
    ]


def test_logging_does_not_change_what_is_sent(
    debug: pytest.LogCaptureFixture, caplog: pytest.LogCaptureFixture
) -> None:
    def outcome() -> tuple[list[bytes], list[Any]]:
        server = Protocol(Side.SERVER, view="messages")
        server.send_message("h\u00e9")
        server.send_binary(memoryview(b"abcdef")[::2])
        server.receive_data(frame(TEXT, b"a", fin=False) + frame(PING) + frame(0, b"b"))
        server.receive_data(frame(3))
        return server.data_to_send(), server.events_received()

    logged = outcome()
    caplog.set_level(logging.INFO, "websockets.server")
    assert outcome() == logged


def test_nothing_is_written_where_debugging_is_off(info: pytest.LogCaptureFixture) -> None:
    client, server = open_pair()
    client.send_text(b"hi")
    client.send_close(1000)
    settle(client, server)
    assert all(record.levelno >= logging.INFO for record in info.records)


# Secrets


@pytest.mark.parametrize(("name", "value"), SECRETS)
def test_secrets_are_never_logged(debug: pytest.LogCaptureFixture, name: str, value: str) -> None:
    client = ClientProtocol(parse_uri("ws://example.com/chat"))
    request = client.connect()
    request.headers[name] = value
    client.send_request(request)
    server, received = requested(b"".join(client.data_to_send()))
    assert received.headers[name] == value
    response = server.accept(received)
    response.headers[name] = value
    server.send_response(response)
    client.receive_data(b"".join(server.data_to_send()))
    shown = f"{name}: [redacted, {len(value)} characters]"
    assert f"> {shown}" in debug.messages
    assert f"< {shown}" in debug.messages
    assert debug.text.count("redacted") == 4
    assert SECRET not in debug.text


def test_credentials_of_the_uri_are_never_logged(debug: pytest.LogCaptureFixture) -> None:
    client = ClientProtocol(parse_uri(f"ws://alice:{SECRET}@example.com/chat"))
    client.send_request(client.connect())
    requested(b"".join(client.data_to_send()))
    assert "> Host: example.com" in debug.messages
    assert debug.text.count("redacted") == 2
    assert SECRET not in debug.text
    assert "alice" not in debug.text
    assert base64.b64encode(f"alice:{SECRET}".encode()).decode() not in debug.text


def test_credentials_of_an_absolute_target_are_never_logged(
    debug: pytest.LogCaptureFixture,
) -> None:
    requested(request_bytes(line=f"GET ws://alice:{SECRET}@example.com/chat?a=b@c HTTP/1.1"))
    assert debug.messages[0] == "< GET ws://***@example.com/chat?a=b@c HTTP/1.1"
    assert SECRET not in debug.text


def test_secrets_of_a_malformed_request_are_never_logged(debug: pytest.LogCaptureFixture) -> None:
    server = ServerProtocol()
    server.receive_data(
        f"GET / HTTP/1.1\r\nCookie: {SECRET}\r\nAuthorization: {SECRET}\x01\r\n\r\n".encode()
    )
    assert server.handshake_exc is not None
    assert debug.records
    assert SECRET not in debug.text


# What the peer chooses


def printable(log: pytest.LogCaptureFixture) -> None:
    assert log.records
    for record in log.records:
        assert record.getMessage().isprintable(), record.getMessage()


@pytest.mark.parametrize("code", [*range(0x20), 0x7F, 0x80, 0x85, 0x9B, 0xA0, 0xFF])
def test_headers_are_logged_on_one_printable_line(
    debug: pytest.LogCaptureFixture, code: int
) -> None:
    value = f"a{chr(code)}b"
    server = ServerProtocol()
    server.receive_data(request_bytes(("Foo", value)))
    client = requesting()
    client.receive_data(response_bytes(client, ("Foo", value), line=f"HTTP/1.1 101 {value}"))
    printable(debug)


def test_reason_phrases_are_escaped(debug: pytest.LogCaptureFixture) -> None:
    client = requesting()
    client.receive_data(response_bytes(client, line="HTTP/1.1 101 Switching\x9b31m"))
    assert "< HTTP/1.1 101 Switching\\x9b31m" in debug.messages


def test_reason_phrases_of_programs_are_escaped(debug: pytest.LogCaptureFixture) -> None:
    server = ServerProtocol()
    server.receive_data(request_bytes())
    # What somebody else's server gave as a reason, for instance.
    server.send_response(Response(502, "Bad\x9b31m", Headers()))
    assert "HTTP response sent (502 Bad\\x9b31m)" in debug.messages
    printable(debug)


def test_methods_are_cut(debug: pytest.LogCaptureFixture) -> None:
    server = ServerProtocol()
    server.receive_data(b"M" * 5000 + b" / HTTP/1.1\r\nHost: x\r\n\r\n")
    (line,) = [line for line in debug.messages if line.startswith("< M")]
    assert len(line) < 1100


@pytest.mark.parametrize(
    "data",
    [
        f"GET /{HOSTILE} HTTP/1.1\r\n\r\n".encode(),
        f"GET / HTTP/1.1\r\n{HOSTILE}: x\r\n\r\n".encode(),
        f"{HOSTILE} / HTTP/1.1\r\n\r\n".encode(),
        f"GET / HTTP/{HOSTILE}\r\n\r\n".encode(),
        f"GET / HTTP/1.1\r\nFoo: {HOSTILE}\r\n\r\n".encode(),
        f"GET / HTTP/1.1\r\nContent-Length: {HOSTILE}\r\n\r\n".encode(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
    ],
)
def test_what_is_no_request_is_not_logged_raw(debug: pytest.LogCaptureFixture, data: bytes) -> None:
    server = ServerProtocol()
    server.receive_data(data)
    assert server.handshake_exc is not None
    printable(debug)
    assert debug.messages[0].startswith("! InvalidMessage(")


def test_what_is_no_response_is_not_logged_raw(debug: pytest.LogCaptureFixture) -> None:
    client = requesting()
    client.receive_data(f"HTTP/1.1 200 {HOSTILE}\r\n\r\n".encode())
    client.receive_eof()
    printable(debug)


@pytest.mark.parametrize("view", ["frames", "messages"])
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG])
@pytest.mark.parametrize("payload", [HOSTILE.encode(), bytes(range(32)), b"\xff\x9b"])
def test_payloads_are_logged_on_one_printable_line(
    debug: pytest.LogCaptureFixture, view: Any, opcode: int, payload: bytes
) -> None:
    server = Protocol(Side.SERVER, view=view)
    server.send_binary(payload)
    server.receive_data(frame(opcode, payload))
    printable(debug)


def test_reasons_are_logged_on_one_printable_line(debug: pytest.LogCaptureFixture) -> None:
    server = Protocol(Side.SERVER)
    server.receive_data(frame(CLOSE, b"\x03\xe8" + HOSTILE.encode()))
    server.receive_eof()
    printable(debug)
    assert str(server.close_exc).isprintable()


def test_large_payloads_are_cut(debug: pytest.LogCaptureFixture) -> None:
    server = Protocol(Side.SERVER, view="messages")
    server.receive_data(frame(TEXT, b"x" * 100_000) + frame(BINARY, b"\xff" * 100_000))
    server.send_binary(b"\xff" * 100_000)
    assert len(debug.messages) == 3
    assert max(map(len, debug.messages)) < 200


def test_long_paths_and_headers_are_cut(debug: pytest.LogCaptureFixture) -> None:
    requested(request_bytes(("Foo", "x" * 8000), line=f"GET /{'x' * 8000} HTTP/1.1"))
    assert max(map(len, debug.messages)) < 1100


# INFO


def test_server_tells_of_connections(info: pytest.LogCaptureFixture) -> None:
    client, server = open_pair()
    assert lines(info, "websockets.server", logging.INFO) == ["connection open"]
    client.send_close(1000)
    settle(client, server)
    assert lines(info, "websockets.server", logging.INFO) == ["connection closed"]
    assert lines(info, "websockets.client", logging.INFO) == []


@pytest.mark.parametrize(
    ("settings", "data", "line"),
    [
        ({"origins": ["http://a"]}, request_bytes(), "connection rejected (403 Forbidden)"),
        ({}, request_bytes(without=["Host"]), "connection rejected (400 Bad Request)"),
        ({}, request_bytes(without=["Upgrade"]), "connection rejected (426 Upgrade Required)"),
    ],
)
def test_server_tells_of_connections_that_it_rejects(
    info: pytest.LogCaptureFixture, settings: Any, data: bytes, line: str
) -> None:
    server, request = requested(data, **settings)
    server.send_response(server.accept(request))
    server.receive_eof()
    assert lines(info, "websockets.server", logging.INFO) == [line]


def test_responses_of_a_program_are_no_rejections(info: pytest.LogCaptureFixture) -> None:
    server, _ = requested(request_bytes())
    server.send_response(Response(200, "OK", Headers()))
    assert lines(info, "websockets.server", logging.INFO) == ["HTTP response sent (200 OK)"]


def test_a_client_that_says_nothing_leaves_no_line(info: pytest.LogCaptureFixture) -> None:
    server = ServerProtocol()
    server.receive_eof()
    assert info.messages == []
