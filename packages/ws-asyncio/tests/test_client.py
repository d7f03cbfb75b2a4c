"""Opening a connection: what the client asks for, and how it fails."""

from __future__ import annotations

import asyncio
import pathlib
import socket
import ssl
from typing import Any

import pytest
import trustme
from kit import MEGABYTE, URI, Raw, echo, hold, in_memory, memory, on_sockets, pair, turns

from ws_asyncio import ClientConnection, connect, serve, unix_connect, unix_serve
from ws_asyncio.tunnels import default_ssl
from ws_sansio.http11 import USER_AGENT
from ws_types.errors import InvalidHandshake, InvalidMessage, InvalidUpgrade, InvalidURI
from ws_types.exceptions import InvalidStatus
from ws_types.http11 import Response


class Scripted(Raw):
    """A server that answers anything with what it was told to."""

    answer = b""
    end = False

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.transport.write(self.answer)
        if self.end:
            self.transport.close()


def scripted(answer: bytes, end: bool = False) -> type[Scripted]:
    return type("Answer", (Scripted,), {"answer": answer, "end": end})


async def request_of(**settings: Any) -> Any:
    """The request that a server gets."""
    async with pair(client=settings) as both:
        return both.other.request


# What the client asks for


@in_memory
async def test_the_request() -> None:
    request = await request_of()
    assert request.path == "/"
    assert request.headers["Host"] == "localhost"
    assert request.headers["User-Agent"] == USER_AGENT
    assert "Origin" not in request.headers


@in_memory
async def test_headers_of_the_program() -> None:
    request = await request_of(
        additional_headers={"X-One": "1"}, user_agent_header=None, origin="https://example.com"
    )
    assert request.headers["X-One"] == "1"
    assert "User-Agent" not in request.headers
    assert request.headers["Origin"] == "https://example.com"
    request = await request_of(additional_headers=[("User-Agent", "mine"), ("X", "1"), ("X", "2")])
    assert request.headers.get_all("User-Agent") == ["mine"]
    assert request.headers.get_all("X") == ["1", "2"]


@pytest.mark.parametrize("value", ["a\r\nInjected: 1", "a\nb", "a\x00b"])
@in_memory
async def test_headers_that_would_inject(value: str) -> None:
    await memory().create_server(Raw)
    with pytest.raises(ValueError, match="header"):
        await connect(URI, additional_headers={"X": value})
    assert not memory().links


@in_memory
async def test_messages_that_come_with_the_response() -> None:
    async def talk(connection: Any) -> None:
        await connection.send("first")
        await connection.close()

    async with serve(talk, ping_interval=None), connect(URI) as client:
        assert await client.recv() == "first"


@in_memory
async def test_a_class_of_the_program() -> None:
    class Mine(ClientConnection):
        pass

    async with pair(client={"create_connection": Mine}) as both:
        assert type(both.client) is Mine


# How it fails


@pytest.mark.parametrize(
    ("answer", "end", "error"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nbody", False, InvalidStatus),
        (b"HTTP/1.1 404 Not Found\r\n\r\nbody", True, InvalidStatus),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", False, InvalidStatus),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", False, InvalidUpgrade),
        (b"SSH-2.0-OpenSSH_9.6\r\n", False, InvalidMessage),
        (b"HTTP/1.1 101 Switching Protocols\r\n", True, InvalidMessage),
        (b"", True, InvalidMessage),
    ],
)
@in_memory
async def test_answers_that_open_nothing(answer: bytes, end: bool, error: type[Exception]) -> None:
    await memory().create_server(scripted(answer, end))
    with pytest.raises(error) as raised:
        await connect(URI)
    assert isinstance(raised.value, InvalidHandshake)
    if isinstance(raised.value, InvalidStatus):
        response: Response = raised.value.response
        assert response.body == (b"body" if b"body" in answer else b"")
    await turns()
    assert memory().links[0][0].lost


@in_memory
async def test_a_server_that_resets() -> None:
    class Reset(Raw):
        def data_received(self, data: bytes) -> None:
            self.transport.abort()

    await memory().create_server(Reset)
    with pytest.raises(InvalidMessage, match="did not receive a valid HTTP response"):
        await connect(URI)


@in_memory
async def test_nobody_listens() -> None:
    with pytest.raises(ConnectionRefusedError):
        await connect(URI)
    with pytest.raises(ConnectionRefusedError):
        async with connect(URI):
            pytest.fail("connected")


@in_memory
async def test_a_timeout_of_the_network_is_not_ours() -> None:
    async def create_connection(*args: Any, **kwargs: Any) -> Any:
        raise TimeoutError(110, "Connection timed out")

    memory().create_connection = create_connection  # type: ignore[method-assign]
    with pytest.raises(TimeoutError, match="Connection timed out"):
        await connect(URI)


@in_memory
async def test_connecting_can_be_cancelled() -> None:
    await memory().create_server(Raw)
    connecting = asyncio.ensure_future(connect(URI).connect())
    await turns(5)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    await turns()
    assert memory().links[0][0].lost


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"uri": "http://localhost/"}, InvalidURI),
        ({"uri": URI, "ssl": True}, ValueError),
        ({"uri": URI, "compression": "zip"}, ValueError),
        ({"uri": URI, "max_queue": -1}, ValueError),
        ({"uri": URI, "write_limit": -1}, ValueError),
        ({"uri": URI, "ping_interval": -1}, ValueError),
        ({"uri": URI, "subprotocols": "chat"}, TypeError),
    ],
)
@in_memory
async def test_settings_that_make_no_sense(settings: Any, error: type[Exception]) -> None:
    """They are noticed before anything is connected."""
    await memory().create_server(Raw)
    with pytest.raises(error):
        await connect(**settings)
    assert not memory().links


# On sockets


@on_sockets
async def test_a_socket_of_the_program() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        sock = socket.create_connection(server.sockets[0].getsockname())
        async with connect("ws://example.com/", sock=sock) as client:
            await client.send("a")
            assert await client.recv() == "a"
            assert client.request is not None
            assert client.request.headers["Host"] == "example.com"


@on_sockets
async def test_another_host_than_the_uri_says() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect("ws://example.com/", host="127.0.0.1", port=port) as client:
            await client.send("a")
            assert await client.recv() == "a"


@on_sockets
async def test_unix_sockets(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "socket")
    async with unix_serve(echo, path):
        for uri, host in ((None, "localhost"), ("ws://example.com/", "example.com")):
            async with unix_connect(path, uri) as client:
                await client.send("a")
                assert await client.recv() == "a"
                assert client.request is not None
                assert client.request.headers["Host"] == host


# TLS


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS contexts of a server and of a client that trusts it."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


@on_sockets
async def test_tls(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server_context, client_context = contexts
    async with serve(echo, "127.0.0.1", 0, ssl=server_context) as server:
        port = server.sockets[0].getsockname()[1]
        for settings in (
            {"uri": f"wss://127.0.0.1:{port}/"},
            {"uri": f"wss://localhost:{port}/", "host": "127.0.0.1"},
            {
                "uri": f"wss://example.com:{port}/",
                "host": "127.0.0.1",
                "server_hostname": "localhost",
            },
        ):
            async with connect(ssl=client_context, **settings) as client:  # type: ignore[arg-type]
                for size in (0, 100, 1_000_000):
                    await client.send(b"x" * size)
                    assert await client.recv() == b"x" * size
                await client.close(4000, "bye")
            assert client.close_code == 4000


@on_sockets
async def test_tls_streams_in_both_directions(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    server_context, client_context = contexts

    async def stream(connection: Any) -> None:
        for _ in range(5):
            await connection.send(MEGABYTE)
        for _ in range(5):
            assert await connection.recv() == MEGABYTE
        await connection.send("done")
        assert await connection.recv() == "done"

    async with serve(stream, "127.0.0.1", 0, ssl=server_context) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"wss://127.0.0.1:{port}/", ssl=client_context) as client:
            await stream(client)


@on_sockets
async def test_tls_with_a_certificate_that_is_not_trusted(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async with serve(echo, "127.0.0.1", 0, ssl=contexts[0]) as server:
        port = server.sockets[0].getsockname()[1]
        for settings in ({}, {"ssl": True}):
            with pytest.raises(ssl.SSLCertVerificationError):
                await connect(f"wss://127.0.0.1:{port}/", **settings)


@on_sockets
async def test_the_server_closes_over_tls(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async def talk(connection: Any) -> None:
        await connection.send(MEGABYTE)

    async with serve(talk, "127.0.0.1", 0, ssl=contexts[0]) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"wss://127.0.0.1:{port}/", ssl=contexts[1]) as client:
            assert [message async for message in client] == [MEGABYTE]
        assert client.close_code == 1000


@on_sockets
async def test_a_client_of_http_at_a_port_of_tls(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async with serve(hold, "127.0.0.1", 0, ssl=contexts[0]) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises((InvalidMessage, ConnectionError)):
            await connect(f"ws://127.0.0.1:{port}/")


def test_one_tls_context_for_all_connections() -> None:
    assert default_ssl() is default_ssl()


@in_memory
async def test_the_default_tls_context_is_made_when_it_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []

    async def create_connection(factory: Any, **settings: Any) -> Any:
        asked.append(settings)
        raise OSError("that will do")

    monkeypatch.setattr(memory(), "create_connection", create_connection)
    for uri in ("wss://example.com:444/", "ws://example.com/"):
        with pytest.raises(OSError, match="that will do"):
            await connect(uri)
    secure, plain = asked
    assert (secure["host"], secure["port"]) == ("example.com", 444)
    assert secure["server_hostname"] == "example.com"
    assert secure["ssl"] is default_ssl()
    assert plain == {"host": "example.com", "port": 80}


@in_memory
async def test_unix_sockets_with_tls_have_a_uri_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []

    async def create_unix_connection(factory: Any, **settings: Any) -> Any:
        asked.append(settings)
        raise OSError("that will do")

    monkeypatch.setattr(memory(), "create_unix_connection", create_unix_connection)
    context = default_ssl()
    with pytest.raises(OSError, match="that will do"):
        await unix_connect("/nowhere", ssl=context)
    assert asked == [{"path": "/nowhere", "ssl": context, "server_hostname": "localhost"}]
