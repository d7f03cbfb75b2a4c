"""A closed connection is freed at once: nothing that holds it is left, the collector is off."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from kit import REQUEST, echo, no_collector, on_sockets

from ws_asyncio import ClientConnection, ServerConnection, connect, serve
from ws_types.exceptions import ConnectionClosed, InvalidHandshake
from ws_types.http11 import Request, Response

# Tracebacks that were logged are kept by pytest.
SILENT = logging.Logger("silent", logging.CRITICAL)

made: list[weakref.ref[Any]] = []


def remember(connection: Any) -> None:
    made.append(weakref.ref(connection))
    made.append(weakref.ref(connection.protocol))


class Client(ClientConnection):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        remember(self)


class Serving(ServerConnection):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        remember(self)


async def settle() -> None:
    """Let transports be closed, and their loop forget them."""
    for _ in range(100):
        if not any(ref() is not None for ref in made):
            break
        await asyncio.sleep(0.01)


async def graceful(uri: str) -> None:
    async with connect(uri, create_connection=Client) as client:
        await client.send("a")
        assert await client.recv() == "a"


async def pinging(uri: str) -> None:
    async with connect(uri, create_connection=Client) as client:
        await (await client.ping())
        pong = await client.ping()
        del pong


async def iterating(uri: str) -> None:
    async with connect(uri, create_connection=Client) as client:
        await client.send("a")
        async for message in client:
            assert message == "a"
            await client.close()


async def aborted(uri: str) -> None:
    client = await connect(uri, create_connection=Client)
    client.transport.abort()
    with pytest.raises(ConnectionClosed):
        await client.recv()
    with pytest.raises(ConnectionClosed):
        await client.send("a")


async def closed_by_server(uri: str) -> None:
    async with connect(uri + "bye", create_connection=Client) as client:
        with pytest.raises(ConnectionClosed):
            await client.recv()


async def handler_failed(uri: str) -> None:
    async with connect(uri + "fail", create_connection=Client) as client:
        with pytest.raises(ConnectionClosed):
            await client.recv()


async def protocol_error(uri: str) -> None:
    async with connect(uri, create_connection=Client) as client:
        client.transport.write(b"\xff" * 20)
        with pytest.raises(ConnectionClosed):
            await client.recv()


async def refused(uri: str) -> None:
    with pytest.raises(InvalidHandshake):
        await connect(uri + "refuse", create_connection=Client)


async def no_websocket(uri: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(uri[:-1].rpartition(":")[2]))
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await reader.read()
    writer.close()
    await writer.wait_closed()


async def garbage(uri: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(uri[:-1].rpartition(":")[2]))
    writer.write(b"\x00" * 100 + b"\r\n\r\n")
    assert await reader.read()
    writer.close()
    await writer.wait_closed()


async def left_during_handshake(uri: str) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", int(uri[:-1].rpartition(":")[2]))
    writer.write(REQUEST.replace(b"GET /", b"GET /wait"))
    await writer.drain()
    while len(made) < 2:
        await asyncio.sleep(0)
    writer.transport.abort()


async def timed_out(uri: str) -> None:
    with pytest.raises(TimeoutError):
        await connect(uri + "wait", create_connection=Client, open_timeout=0.05)


async def cancelled(uri: str) -> None:
    connecting = asyncio.ensure_future(connect(uri + "wait", create_connection=Client).connect())
    # Not earlier: a transport of uvloop that is cancelled while it connects holds its protocol.
    while not any(isinstance(ref(), Client) and ref().request is not None for ref in made):
        await asyncio.sleep(0)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting


async def no_answer_to_close(uri: str) -> None:
    """The closing handshake times out."""
    client = await connect(uri, create_connection=Client, close_timeout=0.05)
    client.transport.pause_reading()
    await client.close()
    assert client.close_code == 1006


WAYS: list[Callable[[str], Any]] = [
    graceful,
    pinging,
    iterating,
    aborted,
    closed_by_server,
    handler_failed,
    protocol_error,
    refused,
    no_websocket,
    garbage,
    left_during_handshake,
    timed_out,
    cancelled,
    no_answer_to_close,
]


async def handler(connection: ServerConnection) -> None:
    assert connection.request is not None
    match connection.request.path:
        case "/bye":
            await connection.close(4000, "bye")
        case "/fail":
            raise RuntimeError("handler")
        case _:
            await echo(connection)


async def process_request(connection: ServerConnection, request: Request) -> Response | None:
    if request.path == "/refuse":
        return connection.respond(403, "no\n")
    if request.path == "/wait":
        await asyncio.Event().wait()
    return None


@pytest.mark.parametrize("way", WAYS)
@on_sockets
async def test_connections_are_freed_at_once(way: Callable[[str], Any]) -> None:
    made.clear()
    async with serve(
        handler,
        "127.0.0.1",
        0,
        process_request=process_request,
        select_subprotocol=lambda connection, offered: None,
        create_connection=Serving,
        logger=SILENT,
    ) as server:
        port = server.sockets[0].getsockname()[1]
        with no_collector():
            await way(f"ws://127.0.0.1:{port}/")
            await settle()
            assert made
            assert [ref() for ref in made if ref() is not None] == []
            assert not server._registry.tasks and server._registry.admission.is_empty()
