"""The opening handshake between a client and a server, whatever the pieces that bytes arrive in."""

from __future__ import annotations

from typing import Any

import pytest
from wiring import URI, Cut, Factory, Pair, start, transfer

from ws_sansio import ClientProtocol, ServerProtocol, State
from ws_types.codes import Opcode
from ws_types.errors import InvalidOrigin, InvalidUpgrade, NegotiationError
from ws_types.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from ws_types.frames import Frame
from ws_types.headers import Headers
from ws_types.http11 import Request, Response

pytest_plugins = ["variants"]


def test_a_handshake_opens_both_sides(cut: Cut) -> None:
    pair, request, response = start(ClientProtocol(URI), ServerProtocol(), cut)
    assert (request.path, request.headers["Host"]) == ("/chat?room=1", "example.com")
    assert response.status_code == 101
    assert (pair.client.state, pair.server.state) == (State.OPEN, State.OPEN)
    assert (pair.client.handshake_exc, pair.server.handshake_exc) == (None, None)


def test_both_sides_agree_on_what_was_negotiated(cut: Cut) -> None:
    client = ClientProtocol(
        URI,
        origin="http://example.com",  # type: ignore[arg-type]
        extensions=[Factory("x-one"), Factory("x-two"), Factory("x-three")],
        subprotocols=["b", "a"],  # type: ignore[list-item]
    )
    server = ServerProtocol(
        origins=["same-origin"],  # type: ignore[list-item]
        extensions=[Factory("x-three"), Factory("x-one")],
        subprotocols=["a", "b"],  # type: ignore[list-item]
    )
    pair, _, _ = start(client, server, cut)
    assert client.subprotocol == server.subprotocol == "a"
    names = [extension.name for extension in client.extensions]
    assert names == [extension.name for extension in server.extensions] == ["x-one", "x-three"]
    client.send_text(b"hi")
    server.send_binary(b"ho")
    pair.settle()
    assert pair.server_saw == [Frame(Opcode.TEXT, b"hi")]
    assert pair.client_saw == [Frame(Opcode.BINARY, b"ho")]


def test_messages_right_behind_the_response(cut: Cut, view: Any) -> None:
    client, server = ClientProtocol(URI, view=view), ServerProtocol(view=view)

    client.send_request(client.connect())
    pair = Pair(client, server, cut)
    transfer(client, server, cut)
    [request] = server.events_received()
    server.send_response(server.accept(request))
    server.send_message("welcome")
    server.send_close(1001, "bye")
    pair.settle()
    response, *rest = pair.client_saw
    assert response.status_code == 101
    assert rest[0] == ("welcome" if view == "messages" else Frame(Opcode.TEXT, b"welcome"))
    client_exc, server_exc = pair.close_excs()
    assert type(client_exc) is type(server_exc) is ConnectionClosedOK


# Refusals

REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], int, type[Exception]]] = {
    "origin": ({"origin": "http://a"}, {"origins": ["http://b"]}, 403, InvalidOrigin),
    "subprotocol": ({"subprotocols": ["a"]}, {"subprotocols": ["b"]}, 400, NegotiationError),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_client_that_is_refused_sees_the_response(cut: Cut, name: str) -> None:
    client_options, server_options, status, error = REFUSALS[name]
    client, server = ClientProtocol(URI, **client_options), ServerProtocol(**server_options)
    pair, _, response = start(client, server, cut)
    assert response.status_code == status
    assert isinstance(server.handshake_exc, error)
    assert isinstance(client.handshake_exc, InvalidStatus)
    assert client.handshake_exc.response is response
    assert response.body.startswith(b"Failed to open a WebSocket connection: ")
    pair.settle()
    for exc in pair.close_excs():
        assert str(exc) == "no close frame received or sent"


def test_a_client_that_is_rejected_sees_the_response(cut: Cut) -> None:
    client, server = ClientProtocol(URI), ServerProtocol()
    pair, _, response = start(client, server, cut, lambda server, _: server.reject(404, "no\n"))
    assert (response.status_code, response.body) == (404, b"no\n")
    assert str(client.handshake_exc) == "server rejected WebSocket connection: HTTP 404"
    assert server.handshake_exc is None
    pair.settle()
    pair.close_excs()


def test_server_serves_a_page_whose_body_ends_with_the_connection(cut: Cut) -> None:
    client, server = ClientProtocol(URI), ServerProtocol()
    page = b"<!doctype html>" * 100
    pair, _, response = start(client, server, cut, lambda *_: Response(200, "OK", Headers(), page))
    assert (response.status_code, response.body) == (200, page)
    assert isinstance(client.handshake_exc, InvalidStatus)
    pair.settle()
    pair.close_excs()


@pytest.mark.parametrize(
    ("options", "header", "error"),
    [
        ({}, ("Sec-WebSocket-Protocol", "x"), "no subprotocols supported"),
        ({}, ("Sec-WebSocket-Extensions", "x"), "no extensions supported"),
        ({}, ("Sec-WebSocket-Accept", "x"), "invalid Sec-WebSocket-Accept header: x"),
    ],
)
def test_client_refuses_what_the_server_did(
    cut: Cut, options: Any, header: tuple[str, str], error: str
) -> None:
    def answer(server: ServerProtocol, request: Request) -> Response:
        response = server.accept(request)
        if header[0] in response.headers:
            del response.headers[header[0]]
        response.headers[header[0]] = header[1]
        return response

    client, server = ClientProtocol(URI, **options), ServerProtocol()
    pair, _, _ = start(client, server, cut, answer)
    assert str(client.handshake_exc) == error
    assert client.state is State.CONNECTING
    assert server.state is State.OPEN
    pair.settle()
    # The server learns of it from the end of the stream.
    assert str(server.parser_exc) == "unexpected end of stream"
    client_exc, server_exc = pair.close_excs()
    assert type(client_exc) is type(server_exc) is ConnectionClosedError


def test_a_request_without_upgrade_is_answered_by_how_to(cut: Cut) -> None:
    client, server = ClientProtocol(URI), ServerProtocol()
    request = client.connect()
    del request.headers["Upgrade"]
    client.send_request(request)
    pair = Pair(client, server, cut)
    transfer(client, server, cut)
    [received] = server.events_received()
    server.send_response(server.accept(received))
    assert isinstance(server.handshake_exc, InvalidUpgrade)
    pair.settle()
    [response] = pair.client_saw
    assert response.status_code == 426
    assert response.headers["Upgrade"] == "websocket"
    pair.close_excs()


def test_client_gives_up_before_the_response(cut: Cut) -> None:
    client, server = ClientProtocol(URI, open_timeout=1), ServerProtocol()
    client.handle_deadline(0.0)
    client.send_request(client.connect(), now=0.0)
    pair = Pair(client, server, cut)
    pair.carry()
    [request] = pair.server_saw
    client.handle_deadline(1.0)
    pair.carry()
    assert server.state is State.CLOSED
    server.send_response(server.accept(request))
    assert server.data_to_send() == []
    pair.close_excs()
