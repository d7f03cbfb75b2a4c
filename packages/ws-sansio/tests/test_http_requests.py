"""Requests that aren't about WebSocket, on the server's side: methods, bodies, HEAD."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from wiring import requested

from ws_sansio import SEND_EOF, ServerProtocol
from ws_types.errors import BodyTooLarge
from ws_types.headers import Headers
from ws_types.http11 import Request, Response

HOST = b"Host: localhost\r\n"


def received(data: bytes, **settings: Any) -> tuple[ServerProtocol, list[Any]]:
    server = ServerProtocol(**settings)
    server.receive_data(data)
    return server, server.events_received()


def answer_of(server: ServerProtocol) -> tuple[bytes, bytes]:
    """The status line and the body of the only response, after which the stream ends."""
    data, end = server.data_to_send()
    assert end == SEND_EOF
    head, _, body = bytes(data).partition(b"\r\n\r\n")
    return head.partition(b"\r\n")[0], body


@pytest.mark.parametrize(
    "data",
    [
        b"POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        b"PUT /x HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello",
        b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    ],
)
def test_request_with_a_body(data: bytes) -> None:
    server, (request,) = received(data, max_body=5)
    assert (request.path, request.body) == ("/x", b"hello")
    server.send_response(server.reject(200, "thanks"))
    assert answer_of(server) == (b"HTTP/1.1 200 OK", b"thanks")


def test_request_is_complete_when_its_body_is() -> None:
    server, events = received(b"POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell", max_body=5)
    assert events == []
    server.receive_data(b"o")
    assert [request.body for request in server.events_received()] == [b"hello"]


@pytest.mark.parametrize(
    ("framing", "max_body"),
    [
        (b"Content-Length: 6\r\n\r\n", 5),
        (b"Content-Length: 999999999999999999\r\n\r\n", 5),
        (b"Transfer-Encoding: chunked\r\n\r\n6\r\n", 5),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n", 5),
    ],
)
def test_body_over_the_limit(framing: bytes, max_body: int) -> None:
    server, events = received(b"POST / HTTP/1.1\r\n" + framing, max_body=max_body)
    assert events == []
    assert type(server.handshake_exc) is BodyTooLarge
    status, body = answer_of(server)
    assert status.startswith(b"HTTP/1.1 413 ")
    assert b"too large" in body
    # What still comes isn't kept.
    server.receive_data(b"x" * 1000)
    assert server.events_received() == server.data_to_send() == []


@pytest.mark.parametrize("framing", [b"Content-Length: 1", b"Transfer-Encoding: chunked"])
def test_by_default_no_body_is_taken(framing: bytes) -> None:
    server, events = received(b"POST / HTTP/1.1\r\n" + framing + b"\r\n\r\n")
    assert events == []
    assert answer_of(server)[0] == b"HTTP/1.1 400 Bad Request"


def test_body_in_two_framings() -> None:
    data = b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
    server, _ = received(data, max_body=5)
    assert answer_of(server)[0] == b"HTTP/1.1 400 Bad Request"


def test_limit_that_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="max_body must be at least 0 bytes, not -1"):
        ServerProtocol(max_body=-1)


def test_handshakes_may_come_with_a_body_and_frames() -> None:
    """It is of no use to anybody; but what follows it are frames."""
    data = (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        b"Content-Length: 3\r\n\r\nabc\x81\x81\0\0\0\0x"
    )
    server, (request,) = received(data, max_body=5)
    server.send_response(server.accept(request))
    assert [frame.data for frame in server.events_received()] == [b"x"]


@pytest.mark.parametrize("method", ["HEAD", "GET", "OPTIONS", "head"])
def test_only_the_response_to_head_has_no_body(method: str) -> None:
    server, request = requested(f"{method} /page HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert request.method == method
    response = Response(200, "OK", Headers({"Content-Length": "4"}), b"page")
    server.send_response(response)
    data = bytes(server.data_to_send()[0])
    assert b"Content-Length: 4\r\n" in data
    assert data.endswith(b"\r\n\r\n" if method == "HEAD" else b"\r\n\r\npage")
    # It is the same for whoever made it.
    assert response.body == b"page"


def test_bodies_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    data = b"POST /login HTTP/1.1\r\nContent-Length: 10\r\n\r\npw=hunter2x"
    server, (request,) = received(data, max_body=100)
    assert isinstance(request, Request)
    lines = [record.getMessage() for record in caplog.records]
    assert "< [body] (10 bytes)" in lines
    assert not [line for line in lines if "hunter2" in line]
    server.send_response(server.reject(200, "ok"))
    assert caplog.records[-1].levelname != "ERROR"
