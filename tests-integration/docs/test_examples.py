"""The examples that the documentation includes do what it says."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest
from doc_examples import load

from ws_asyncio import connect, serve
from ws_types import InvalidStatus


def test_server_on_the_bare_core() -> None:
    example = load("sansio_server")

    async def talk(port: int) -> list[str | bytes]:
        async with connect(f"ws://127.0.0.1:{port}") as connection:
            for message in ("text", b"binary"):
                await connection.send(message)
            return [await connection.recv(), await connection.recv()]

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=example.serve_one, args=[listener])
        thread.start()
        assert asyncio.run(talk(listener.getsockname()[1])) == ["text", b"binary"]
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_asyncio_client_and_server(capsys: pytest.CaptureFixture[str]) -> None:
    server, client = load("asyncio_server"), load("asyncio_client")

    async def talk() -> None:
        async with serve(server.greet, "127.0.0.1", 0, process_request=server.page) as running:
            uri = f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}"
            await client.main(uri)
            with pytest.raises(InvalidStatus) as health:
                await connect(f"{uri}/health")
            assert health.value.response.status_code == 200
            assert health.value.response.body == b"OK\n"

    asyncio.run(talk())
    greeting, latency = capsys.readouterr().out.splitlines()
    assert greeting == "Hello world!"
    assert latency.endswith(" ms")
