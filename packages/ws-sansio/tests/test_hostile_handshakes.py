"""
What a hostile peer may try during the opening handshake, and what it comes to.

The limits of memory are measured, with room for what an interpreter needs; those of time are
held by the size of the input: what isn't linear would not end within the timeout of the tests.
"""

from __future__ import annotations

import pytest
from wiring import (
    KIB,
    URI,
    Factory,
    one_by_one,
    peak,
    request_bytes,
    requested,
    requesting,
    response_bytes,
)

from ws_sansio import ClientProtocol, ServerProtocol, State
from ws_types.errors import InvalidMessage, SecurityError
from ws_types.http11 import MAX_BODY_SIZE, MAX_HEAD_SIZE, MAX_LINE_LENGTH
from ws_types.uri import WebSocketURI

# Requests that other pages, or other servers, make a browser send


@pytest.mark.parametrize("hosts", [[], ["a", "b"], ["a", "a"]])
def test_a_request_has_one_host(hosts: list[str]) -> None:
    more = [("Host", host) for host in hosts]
    server, request = requested(request_bytes(*more, without=["Host"]))
    assert server.accept(request).status_code == 400


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://example.com", 101),
        ("https://example.com", 403),  # another port
        ("http://evil.example", 403),
        ("http://example.com.evil.example", 403),
        ("http://evil.example/example.com", 403),
        ("http://example.com@evil.example", 403),
        ("null", 403),
    ],
)
def test_same_origin_refuses_other_pages(origin: str, status: int) -> None:
    data = request_bytes(("Host", "example.com:80"), ("Origin", origin), without=["Host"])
    server, request = requested(data, origins=["same-origin"])
    assert server.accept(request).status_code == status


# Heads


def test_heads_are_bounded_as_a_whole() -> None:
    server = ServerProtocol()
    many = [(f"X-{number}", "x" * 4000) for number in range(MAX_HEAD_SIZE // 4000 + 1)]
    server.receive_data(request_bytes(*many))
    assert isinstance(server.handshake_exc, SecurityError)
    assert server.data_to_send()[0].startswith(b"HTTP/1.1 431 ")


def test_two_thousand_headers_are_refused() -> None:
    server = ServerProtocol()
    server.receive_data(request_bytes(*((f"X-{number}", "") for number in range(2000))))
    assert isinstance(server.handshake_exc, SecurityError)
    assert server.data_to_send()[0].startswith(b"HTTP/1.1 431 ")
    client = requesting()
    client.receive_data(response_bytes(client, *((f"X-{number}", "") for number in range(2000))))
    assert isinstance(client.handshake_exc, InvalidMessage)
    assert isinstance(client.handshake_exc.__cause__, SecurityError)


@pytest.mark.parametrize("ending", [b"\r\n\r\n", b""])
def test_a_head_at_its_limits_that_comes_byte_by_byte(ending: bytes) -> None:
    """Each byte of the head is looked at once, or this takes hours."""
    server = ServerProtocol()
    line = b"GET /" + b"x" * (MAX_LINE_LENGTH - 30) + b" HTTP/1.1"
    fields = [b"X: " + b"y" * (MAX_LINE_LENGTH - 20)] * (MAX_HEAD_SIZE // MAX_LINE_LENGTH - 2)
    data = b"\r\n".join([line, *fields]) + ending
    for byte in one_by_one(data):
        server.receive_data(byte)
    assert len(server.events_received()) == (1 if ending else 0)


def test_a_line_without_end_is_not_buffered() -> None:
    server = ServerProtocol()

    def flood() -> None:
        for _ in range(1000):
            server.receive_data(bytes(KIB))

    assert peak(flood) < 256 * KIB
    assert server.handshake_exc is not None


# What follows a head


def test_what_follows_a_refused_request_is_not_buffered() -> None:
    server, request = requested(request_bytes(without=["Upgrade"]))
    server.send_response(server.accept(request))

    def flood() -> None:
        for _ in range(1000):
            server.receive_data(bytes(KIB))

    assert peak(flood) < 64 * KIB


def test_what_comes_before_the_response_is_bounded() -> None:
    server, _ = requested(request_bytes())

    def flood() -> None:
        for _ in range(1000):
            server.receive_data(bytes(KIB))

    assert peak(flood) < 4 * MAX_HEAD_SIZE
    assert isinstance(server.handshake_exc, SecurityError)
    assert server.data_to_send()[0].startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.1 403 Forbidden\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 99999999\r\n\r\n",
    ],
)
def test_bodies_of_responses_are_bounded(head: str) -> None:
    client = requesting()
    client.receive_data(head.encode())

    def flood() -> None:
        for _ in range(2 * MAX_BODY_SIZE // 1024):
            client.receive_data(bytes(1024))

    assert peak(flood) < 4 * MAX_BODY_SIZE
    assert isinstance(client.handshake_exc, InvalidMessage)
    assert isinstance(client.handshake_exc.__cause__, SecurityError)


# Values of headers

LISTS = ["Connection", "Upgrade", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "run", [" ", "\t", ",", ", ", " ,", ";", "; ", "a ", '"', '\\"', "a;a=", "="]
)
def test_runs_of_separators_take_linear_time(name: str, run: str) -> None:
    """A grammar that backtracks would take longer than the universe has."""
    value = "a" + run * ((MAX_LINE_LENGTH - 100) // len(run)) + "a"
    server, request = requested(
        request_bytes((name, value), without=[name]),
        subprotocols=["a"],
        extensions=[Factory()],
    )
    assert server.accept(request).status_code in (101, 400, 426)
    client = requesting(subprotocols=["a"], extensions=[Factory()])
    client.receive_data(response_bytes(client, (name, value), without=[name]))
    assert client.state is State.OPEN or client.handshake_exc is not None


def test_thousands_of_offers_take_linear_time() -> None:
    offers = ", ".join(["x-mark; level=9"] * 450)
    more = [("Sec-WebSocket-Extensions", offers)] * 8
    server, request = requested(request_bytes(*more), extensions=[Factory()])
    assert server.accept(request).status_code == 101
    assert server.extensions == []


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "\r\nHost: evil"])
def test_nothing_that_a_caller_passes_adds_a_line(bad: str) -> None:
    text = f"a{bad}b"
    uri = WebSocketURI(False, "example.com", 80, f"/{text}", "")
    client = ClientProtocol(uri)
    with pytest.raises(ValueError, match="invalid"):
        client.send_request(client.connect())
    assert client.data_to_send() == []
    with pytest.raises(ValueError, match="invalid"):
        ClientProtocol(WebSocketURI(False, text, 80, "/", "")).connect()
    with pytest.raises(ValueError, match="invalid"):
        ClientProtocol(URI, origin=text).connect()  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="invalid"):
        ClientProtocol(URI, subprotocols=[text])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="invalid"):
        ClientProtocol(URI).connect().headers["X"] = text
    with pytest.raises(ValueError, match="invalid"):
        ClientProtocol(URI).connect().headers[text] = "x"
    server, request = requested(
        request_bytes(("Sec-WebSocket-Protocol", "a")), select_subprotocol=lambda *_: text
    )
    assert server.accept(request).status_code == 500
    assert isinstance(server.handshake_exc, ValueError)
    server, request = requested(request_bytes())
    response = server.accept(request)
    response.reason_phrase = text
    with pytest.raises(ValueError, match="invalid"):
        server.send_response(response)
    assert server.data_to_send() == []
    assert server.state is State.CONNECTING
