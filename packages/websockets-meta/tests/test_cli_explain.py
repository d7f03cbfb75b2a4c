"""Why a connection failed, in words that help."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from websockets.cli.explain import explain
from websockets.datastructures import Headers
from websockets.exceptions import InvalidMessage, InvalidStatus, InvalidURI
from websockets.http11 import Response


def refused(status: int, **headers: str) -> InvalidStatus:
    return InvalidStatus(Response(status, "x", Headers(**headers)))


@pytest.mark.parametrize(
    ("exc", "text"),
    [
        (InvalidURI("a", "no scheme"), "write ws://host:port/path"),
        (refused(404), "HTTP 404 Not Found: there is nothing at this path"),
        (refused(401), "HTTP 401 Unauthorized: credentials are missing or wrong: --user"),
        (refused(302, Location="/new"), "which points to /new"),
        (refused(599), "the server answered HTTP 599"),
        (InvalidMessage("did not receive a valid HTTP response"), "write wss://"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"), "without TLS, write ws://"),
        (socket.gaierror(-2, "Name not known"), "there is no such host: Name not known"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "no"), "nobody listens there"),
        (OSError(f"Two: [Errno {errno.ECONNREFUSED}] a, b"), "nobody listens there"),
        (TimeoutError("timed out during opening handshake"), "within 3 seconds (--timeout)"),
        (ValueError(), "ValueError"),
    ],
    ids=str,
)
def test_explanation(exc: Exception, text: str) -> None:
    assert text in explain(exc, 3.0)


def test_text_of_a_peer_is_escaped_and_bounded() -> None:
    assert explain(OSError("\x1b[31m" + "a" * 5000)).isprintable()
    assert len(explain(OSError("a" * 5000))) < 1100


def test_a_redirect_to_two_places() -> None:
    headers = Headers([("Location", "/a"), ("Location", "/b\x9b")])
    text = explain(InvalidStatus(Response(302, "Found", headers)))
    assert text == "the server answered HTTP 302 Found, which points to /a and to /b\\x9b"
