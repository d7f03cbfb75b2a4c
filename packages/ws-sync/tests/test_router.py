"""Handlers by path; which one it is is tested in ws-sansio."""

from __future__ import annotations

import pathlib
import socket
import sys
from typing import Any

import pytest
from servers import PATIENCE, REQUEST, ask, become_client, connected, running
from werkzeug.routing import Map, Rule

from ws_sync.router import Router, route, unix_route
from ws_sync.server import ServerConnection
from ws_types.http11 import Request, Response


def home(connection: ServerConnection) -> None:
    connection.send("home")


def channel(connection: ServerConnection, name: str) -> None:
    connection.send(f"channel {name}")


def rules() -> Map:
    return Map([Rule("/", endpoint=home), Rule("/channels/<name>/", endpoint=channel)])


def request_for(path: bytes) -> bytes:
    return REQUEST.replace(b"GET / ", b"GET " + path + b" ")


def test_handlers() -> None:
    with running(route(rules(), "127.0.0.1", 0)) as server:
        with connected(server) as client:
            assert client.recv(PATIENCE) == "home"
        with connected(server, request_for(b"/channels/a%20b/")) as client:
            assert client.recv(PATIENCE) == "channel a%20b"
        assert ask(server, request_for(b"/nothing"))[9:12] == b"404"


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({}, b"ws://localhost/channels/a/"),
        ({"ssl": True}, b"wss://localhost/channels/a/"),
        ({"server_name": "example.com"}, b"ws://example.com/channels/a/"),
    ],
)
def test_redirects(settings: Any, where: bytes) -> None:
    with running(route(rules(), "127.0.0.1", 0, **settings)) as server:
        answer = ask(server, request_for(b"/channels/a"))
        assert answer.startswith(b"HTTP/1.1 302 Found\r\n")
        assert b"\r\nLocation: " + where + b"\r\n" in answer


def test_process_request_comes_first() -> None:
    asked: list[str] = []

    def first(connection: ServerConnection, request: Request) -> Response | None:
        asked.append(request.path)
        return connection.respond(418, "tea\n") if request.path == "/tea" else None

    with running(route(rules(), "127.0.0.1", 0, process_request=first)) as server:
        assert ask(server, request_for(b"/tea"))[9:12] == b"418"
        assert ask(server, request_for(b"/nothing"))[9:12] == b"404"
        with connected(server) as client:
            assert client.recv(PATIENCE) == "home"
    assert asked == ["/tea", "/nothing", "/"]


def test_routers_of_the_program() -> None:
    class Mine(Router):
        def handler(self, connection: ServerConnection) -> None:
            connection.send("welcome")
            super().handler(connection)

    server = route(rules(), "127.0.0.1", 0, create_router=Mine)
    with running(server), connected(server) as client:
        assert [client.recv(PATIENCE), client.recv(PATIENCE)] == ["welcome", "home"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no Unix sockets")
def test_unix_sockets(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "socket")
    with running(unix_route(rules(), path)), socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(PATIENCE)
        sock.connect(path)
        with become_client(sock) as client:
            assert client.recv(PATIENCE) == "home"
