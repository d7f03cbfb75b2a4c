"""Programs that are built on ``websockets`` run on our packages: uvicorn and Sanic.

They are installed in an environment of their own, with our wheels and the empty wheel
``websockets`` that requires them. Here our client drives them from outside; ``test_drivers.py``
and ``test_chromium.py`` have others do it.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator

import pytest
from running import PYTHON, needs_programs

from ws_asyncio import connect
from ws_types import ConnectionClosed, InvalidStatus, Subprotocol

pytestmark = needs_programs

MESSAGES = ["text", b"binary", "", b"", "é" * 1000, b"x" * 2**20, "long " * 2**20]


@contextlib.asynccontextmanager
async def patience() -> AsyncIterator[None]:
    """What takes longer than this is broken, however busy the machine."""
    async with asyncio.timeout(60):
        yield


def test_the_programs_run_on_our_packages() -> None:
    assert PYTHON is not None
    code = "import websockets.server; print(websockets.server.ServerProtocol.__module__)"
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "ws_sansio.server\n"


@pytest.mark.parametrize("compression", ["deflate", None])
def test_echo(uri: str, compression: str | None) -> None:
    async def talk() -> None:
        async with (
            patience(),
            connect(uri, compression=compression, max_size=None) as connection,
        ):
            # Sanic doesn't offer compression.
            server = connection.response.headers.get("Server", "")
            compressed = compression is not None and server == "uvicorn"
            assert bool(connection.protocol.extensions) is compressed
            for message in MESSAGES:
                await connection.send(message)
                assert await connection.recv() == message
            await connection.send(["in ", "two"])
            assert await connection.recv() == "in two"
            assert await (await connection.ping()) > 0

    asyncio.run(talk())


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 3000, 4999])
def test_close_codes(uri: str, code: int) -> None:
    async def talk() -> None:
        async with patience(), connect(f"{uri}/close/{code}") as connection:
            with pytest.raises(ConnectionClosed):
                await connection.recv()
            assert (connection.close_code, connection.close_reason) == (code, "as asked")

    asyncio.run(talk())


@pytest.mark.parametrize(
    ("path", "status", "body"), [("/deny", 418, b"no coffee"), ("/refuse", 403, b"")]
)
def test_denial_responses(uvicorn: str, path: str, status: int, body: bytes) -> None:
    async def talk() -> None:
        async with patience():
            with pytest.raises(InvalidStatus) as denied:
                await connect(f"{uvicorn}{path}")
        assert denied.value.response.status_code == status
        assert denied.value.response.body == body

    asyncio.run(talk())


def test_subprotocols(uvicorn: str) -> None:
    async def talk() -> None:
        names = [Subprotocol("chat"), Subprotocol("superchat")]
        async with patience(), connect(uvicorn, subprotocols=names) as connection:
            assert connection.subprotocol == "chat"

    asyncio.run(talk())
