"""Whom a server answers, and how many: limits, hosts, and bodies of requests."""

from __future__ import annotations

import re
import sys
import time

import pytest
import raw
from libraries import only_ours
from shells import PATIENCE

pytestmark = only_ours


def refused(shell, server):
    """Be refused; returns the response."""
    with pytest.raises(shell.errors.InvalidStatus) as caught:
        server.connect()
    return caught.value.response


def admitted(shell, server):
    """Be admitted, once a place is free; with threads, that is when a handler is done."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return server.pair()
        except shell.errors.InvalidStatus:
            assert time.monotonic() < end


def health(connection, request):
    """Answer what isn't about WebSocket."""
    return None if "Upgrade" in request.headers else connection.respond(200, "healthy\n")


def test_connections_up_to_the_limit(shell):
    with shell.serve(max_connections=2, process_request=health) as server:
        pairs = [server.pair() for _ in range(2)]
        for _ in range(3):
            response = refused(shell, server)
            assert response.status_code == 503
            assert int(response.headers["Retry-After"]) > 0
        with raw.dial(server.port) as peer:
            peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert peer.receive_head().startswith("HTTP/1.1 200 ")
        client, handled = pairs[0]
        client.close()
        handled.closed()
        handled.finish()
        client, handled = admitted(shell, server)
        client.send("in its place")
        assert handled.recv() == "in its place"
        assert refused(shell, server).status_code == 503


def test_connections_from_one_address(shell):
    with shell.serve(max_connections_per_address=1) as server:
        client, handled = server.pair()
        response = refused(shell, server)
        assert response.status_code == 429
        assert int(response.headers["Retry-After"]) > 0
        if sys.platform == "linux":
            # All of 127.0.0.0/8 is this machine.
            with raw.dial(server.port, "127.0.0.2") as peer:
                peer.send(f"{raw.HANDSHAKE}\r\n")
                assert peer.receive_head().startswith("HTTP/1.1 101 ")
                server.accept()
        client.close()
        handled.closed()
        handled.finish()
        admitted(shell, server)


def test_who_came_first_makes_room_for_who_comes(shell):
    with (
        shell.serve(max_pending=2) as server,
        raw.dial(server.port) as first,
        raw.dial(server.port) as second,
    ):
        first.send("GET / HTTP/1.1\r\n")
        with raw.connect(server.port):
            server.accept()
            assert first.receive_rest() == b""
            second.send(f"{raw.HANDSHAKE}\r\n")
            assert second.receive_head().startswith("HTTP/1.1 101 ")
            server.accept()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("here.example", 101),
        ("HERE.example:8000", 101),
        ("there.example:8000", 101),
        ("there.example", 403),
        ("a.well-known.example", 101),
        ("a.well-known.example.attacker.example", 403),
        ("127.0.0.1", 403),
    ],
)
def test_hosts(shell, host, status):
    hosts = ["here.example", "there.example:8000", re.compile(r"\w+\.well-known\.example")]
    with shell.serve(hosts=hosts) as server, raw.dial(server.port) as peer:
        peer.send(raw.HANDSHAKE.replace("Host: 127.0.0.1", f"Host: {host}") + "\r\n")
        assert peer.receive_head().startswith(f"HTTP/1.1 {status} ")


@pytest.mark.parametrize(
    ("settings", "size", "status"),
    [({"max_body": 5}, 5, 200), ({"max_body": 5}, 6, 413), ({}, 1, 400), ({}, 0, 200)],
)
def test_bodies_of_requests(shell, settings, size, status):
    def page(connection, request):
        assert connection.request is request
        return connection.respond(200, f"{request.method} {len(request.body)}\n")

    with shell.serve(process_request=page, **settings) as server, raw.dial(server.port) as peer:
        peer.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n" + "x" * size)
        assert peer.receive_head().startswith(f"HTTP/1.1 {status} ")
        body = peer.receive_rest()
        assert (body == f"POST {size}\n".encode()) is (status == 200)


@pytest.mark.parametrize(
    "limit", [{"max_connections": 0}, {"max_connections_per_address": -1}, {"max_pending": 0}]
)
def test_limits_that_nobody_could_keep(shell, limit):
    (name,) = limit
    with (
        pytest.raises(ValueError, match=f"{name} must be None or at least 1"),
        shell.serve(**limit),
    ):
        pass
