"""The command line and servers of each kind: how they end, refuse, and ask for credentials."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest
import trustme

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from .conftest import COMMAND


async def run(*arguments: str, given: bytes = b"") -> tuple[int, str, str]:
    """Return the exit code, and what was written to standard output and error."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, stdin=pipe, stdout=pipe, stderr=pipe
    )
    out, errors = await asyncio.wait_for(process.communicate(given), 30)
    assert process.returncode is not None
    return process.returncode, out.decode(), errors.decode()


def serving(handler: Any, **settings: Any) -> Any:
    return serve(handler, "127.0.0.1", 0, **settings)


def uri_of(server: Any, scheme: str = "ws") -> str:
    return f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("code", "exit_code", "text"),
    [(1000, 0, "1000 (OK) \\x1b[2J"), (4000, 3, "4000 (private use) \\x1b[2J")],
)
async def test_end_by_the_server(code: int, exit_code: int, text: str) -> None:
    async def close(connection: ServerConnection) -> None:
        await connection.send("last words")
        await connection.close(code, "\x1b[2J")

    async with serving(close) as server:
        found = await run("--count", "5", uri_of(server))
    assert found[:2] == (exit_code, "last words\n")
    assert f"Connection closed: {text}.\n" in found[2]


@pytest.mark.asyncio
async def test_connection_that_is_lost() -> None:
    async def lose(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with serving(lose) as server:
        found = await run("--count", "1", uri_of(server))
    assert found[0] == 3
    assert "Connection closed: 1006" in found[2]


@pytest.mark.asyncio
async def test_a_message_over_the_limit_is_named_as_the_reason() -> None:
    async with serving(echo) as server:
        found = await run(
            "--max-size", "10", "--count", "1", uri_of(server), given=b"x" * 11 + b"\n"
        )
    assert found[:2] == (3, "")
    assert "Connection closed: sent 1009 (message too big)" in found[2]


@pytest.mark.asyncio
async def test_refusal() -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(403, "\x1b[2J")

    async with serving(echo, process_request=refuse) as server:
        found = await run(uri_of(server))
    assert found[:2] == (1, "")
    assert "HTTP 403 Forbidden: it refuses" in found[2]
    assert "\x1b" not in found[2]


@pytest.mark.asyncio
async def test_what_the_request_has() -> None:
    seen: list[Request] = []

    async def note(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request)
        await connection.send(connection.subprotocol or "none")

    options = ["--user", "me:secret", "--header", "X-A: 1", "--origin", "http://a", "--count", "1"]
    options += ["--subprotocol", "chat", "--no-compression"]
    async with serving(note, subprotocols=["chat"]) as server:
        found = await run(*options, uri_of(server))
    assert found[:2] == (0, "chat\n")
    headers = seen[0].headers
    assert headers["Authorization"] == "Basic bWU6c2VjcmV0"
    assert (headers["X-A"], headers["Origin"]) == ("1", "http://a")
    assert "Sec-WebSocket-Extensions" not in headers
    assert "secret" not in found[2]


@pytest.mark.asyncio
async def test_certificate_that_is_not_trusted() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with serving(echo, ssl=context) as server:
        found = await run(uri_of(server, "wss"))
        assert found[0] == 1
        assert "its certificate isn't valid" in found[2]
        assert "--insecure" in found[2]
        found = await run("--insecure", "--count", "1", uri_of(server, "wss"), given=b"a\n")
        assert found[:2] == (0, "a\n")


@pytest.mark.asyncio
async def test_measurement_of_what_is_no_echo() -> None:
    async def upper(connection: ServerConnection) -> None:
        async for message in connection:
            assert isinstance(message, str)
            await connection.send(message.upper())

    async with serving(upper) as server:
        found = await run("bench", "--seconds", "0.1", uri_of(server))
    assert found[:2] == (3, "")
    assert "doesn't send back what it gets" in found[2]
    assert "Traceback" not in found[2]
