"""Handlers by path; which one it is is tested in ws-sansio."""

from __future__ import annotations

import pathlib
import sys
from typing import Any

import pytest
from kit import URI, in_memory, on_sockets
from werkzeug.routing import Map, Rule

from ws_asyncio import Router, Server, ServerConnection, connect, route, unix_connect, unix_route
from ws_types.exceptions import InvalidStatus
from ws_types.http11 import Request, Response


async def home(connection: ServerConnection) -> None:
    await connection.send("home")


async def channel(connection: ServerConnection, name: str) -> None:
    await connection.send(f"channel {name}")


def rules() -> Map:
    return Map([Rule("/", endpoint=home), Rule("/channels/<name>/", endpoint=channel)])


async def status_of(path: str, **settings: Any) -> Response:
    with pytest.raises(InvalidStatus) as raised:
        await connect(URI + path, **settings)
    return raised.value.response


@in_memory
async def test_handlers() -> None:
    async with route(rules()) as server:
        assert isinstance(server, Server)
        async with connect(URI) as client:
            assert await client.recv() == "home"
        async with connect(URI + "channels/a%20b/") as client:
            assert await client.recv() == "channel a%20b"
        assert (await status_of("nothing")).status_code == 404


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({}, "ws://localhost/channels/a/"),
        ({"ssl": True}, "wss://localhost/channels/a/"),
        ({"server_name": "example.com"}, "ws://example.com/channels/a/"),
    ],
)
@in_memory
async def test_redirects(settings: Any, where: str) -> None:
    found: list[str] = []

    def look(connection: ServerConnection, request: Request, response: Response) -> None:
        found.append(response.headers.get("Location", ""))
        if found[-1]:
            # The client needn't follow.
            response.status_code = 404

    async with route(rules(), process_response=look, **settings):
        await status_of("channels/a")
    assert found == [where]


@pytest.mark.parametrize("asynchronous", [False, True])
@in_memory
async def test_process_request_comes_first(asynchronous: bool) -> None:
    asked: list[str] = []

    def first(connection: ServerConnection, request: Request) -> Response | None:
        asked.append(request.path)
        return connection.respond(418, "tea\n") if request.path == "/tea" else None

    async def first_later(connection: ServerConnection, request: Request) -> Response | None:
        return first(connection, request)

    async with route(rules(), process_request=first_later if asynchronous else first):
        assert (await status_of("tea")).status_code == 418
        assert (await status_of("nothing")).status_code == 404
        async with connect(URI) as client:
            assert await client.recv() == "home"
    assert asked == ["/tea", "/nothing", "/"]


@in_memory
async def test_routers_of_the_program() -> None:
    class Mine(Router):
        def not_found(self, connection: ServerConnection) -> Response:
            return connection.respond(410, "Gone\n")

        async def handler(self, connection: ServerConnection) -> None:
            await connection.send("welcome")
            await super().handler(connection)

    async with route(rules(), create_router=Mine):
        assert (await status_of("nothing")).status_code == 410
        async with connect(URI) as client:
            assert [await client.recv(), await client.recv()] == ["welcome", "home"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no Unix sockets")
@on_sockets
async def test_unix_sockets(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "socket")
    async with unix_route(rules(), path), unix_connect(path) as client:
        assert await client.recv() == "home"
