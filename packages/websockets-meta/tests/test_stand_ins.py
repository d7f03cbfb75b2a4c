"""Stand-ins take part in annotations and checks of types, and say what to write when used."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from websockets import _stand_ins as old
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

CLASSES = [
    (old.WebSocketCommonProtocol, Connection),
    (old.WebSocketClientProtocol, ClientConnection),
    (old.WebSocketServerProtocol, ServerConnection),
    (old.BasicAuthWebSocketServerProtocol, ServerConnection),
    (old.Frame, Frame),
]


@pytest.mark.parametrize(("old_class", "modern"), CLASSES)
def test_classes_of_today_are_subclasses(old_class: type, modern: type) -> None:
    assert issubclass(modern, old_class)
    assert issubclass(old_class, modern)
    assert not issubclass(str, old_class)


@pytest.mark.parametrize(("old_class", "modern"), CLASSES)
def test_members_are_those_of_today(old_class: type, modern: type) -> None:
    # unittest.mock's spec= rests on it.
    assert set(dir(modern)) <= set(dir(old_class))


def test_what_is_made_today_is_an_instance() -> None:
    async def make() -> ClientConnection:
        return ClientConnection(ClientProtocol(parse_uri("ws://localhost/")))

    connection = asyncio.run(make())
    assert isinstance(connection, old.WebSocketClientProtocol)
    assert isinstance(connection, old.WebSocketCommonProtocol)
    assert not isinstance(connection, old.WebSocketServerProtocol)
    assert isinstance(Frame(Opcode.TEXT, b""), old.Frame)


def test_subclass_of_a_program_is_a_class_of_its_own() -> None:
    class Mine(old.WebSocketServerProtocol):
        def __init__(self, number: int) -> None:
            super().__init__(number)

    assert issubclass(Mine, old.WebSocketServerProtocol)
    assert not issubclass(ServerConnection, Mine)
    with pytest.raises(NotImplementedError, match=r"^Mine was part of .* process_request="):
        Mine(1)


@pytest.mark.parametrize(
    ("call", "advice"),
    [
        (lambda: old.WebSocketCommonProtocol(), r"get connections from connect\(\) and serve\(\)"),
        (lambda: old.WebSocketClientProtocol(), "create_connection="),
        (lambda: old.WebSocketServerProtocol(ws_handler=None), "uvicorn: --ws websockets-sansio"),
        (lambda: old.BasicAuthWebSocketServerProtocol(realm="r"), r"websockets\.basic_auth\("),
        (lambda: old.basic_auth_protocol_factory(realm="r"), r"websockets\.basic_auth\("),
        (lambda: old.AbortHandshake(404, [], b""), r"return connection\.respond\(status, text\)"),
        (lambda: old.RedirectHandshake("ws://localhost/"), "raises InvalidStatus"),
        (lambda: old.Frame(True, 1, b""), r"websockets\.frames\.Frame\(opcode, data\)"),
    ],
)
def test_use_says_what_to_write(call: Any, advice: str) -> None:
    with pytest.raises(NotImplementedError, match=advice):
        call()


@pytest.mark.parametrize("exception", [old.AbortHandshake, old.RedirectHandshake])
def test_exceptions_are_failures_of_handshakes(exception: type[Exception]) -> None:
    assert issubclass(exception, InvalidHandshake)


# Servers


def port_of(server: Any) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def send_path(connection: ServerConnection, path: str) -> None:
    await connection.send(path)


@pytest.mark.asyncio
async def test_handler_with_a_path() -> None:
    async with (
        old.serve(send_path, "127.0.0.1", 0) as server,
        connect(f"ws://127.0.0.1:{port_of(server)}/room?a=1") as connection,
    ):
        assert await connection.recv() == "/room?a=1"


@pytest.mark.asyncio
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_process_request_of_the_old_kind(asynchronous: bool) -> None:
    def process(path: str, headers: Headers) -> Any:
        if path == "/health":
            return 200, {"X-Host": headers["Host"], "Content-Type": "text/html"}, b"fine\n"
        if path == "/gone":
            return Response(410, "Gone", Headers([("Content-Length", "0")]), b"")
        return None

    async def process_later(path: str, headers: Headers) -> Any:
        return process(path, headers)

    chosen = process_later if asynchronous else process
    async with old.serve(echo, "127.0.0.1", 0, process_request=chosen) as server:
        uri = f"ws://127.0.0.1:{port_of(server)}"
        with pytest.raises(InvalidStatus) as caught:
            await connect(f"{uri}/health")
        response = caught.value.response
        assert (response.status_code, response.body) == (200, b"fine\n")
        assert response.headers["X-Host"] == f"127.0.0.1:{port_of(server)}"
        assert response.headers.get_all("Content-Type") == ["text/html"]
        with pytest.raises(InvalidStatus, match="410"):
            await connect(f"{uri}/gone")
        async with connect(f"{uri}/") as connection:
            await connection.send("through")
            assert await connection.recv() == "through"


@pytest.mark.asyncio
async def test_select_subprotocol_of_the_old_kind() -> None:
    def select(client: Any, server: Any) -> Any:
        return next(name for name in client if name in server)

    settings: Any = {"subprotocols": ["a", "b"], "select_subprotocol": select}
    async with old.serve(echo, "127.0.0.1", 0, **settings) as server:
        uri = f"ws://127.0.0.1:{port_of(server)}"
        async with connect(uri, subprotocols=["c", "b", "a"]) as connection:  # type: ignore[list-item]
            assert connection.subprotocol == "b"


@pytest.mark.asyncio
@pytest.mark.skipif(not hasattr(asyncio, "start_unix_server"), reason="needs Unix sockets")
async def test_server_on_a_unix_socket(tmp_path: Any) -> None:
    from websockets import unix_connect

    path = str(tmp_path / "socket")
    async with old.unix_serve(send_path, path), unix_connect(path) as connection:
        assert await connection.recv() == "/"
