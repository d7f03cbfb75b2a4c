"""The tutorial's room and guest do what it says, and errors read as the how-to has them."""

from __future__ import annotations

import asyncio
import pathlib

import pytest
from doc_examples import load

from ws_asyncio import ServerConnection, connect, serve
from ws_types import ConnectionClosedError, InvalidStatus

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
ERRORS = (DOCS / "how-to" / "errors.rst").read_text()


def test_guests_hear_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    room, guest = load("tutorial_room"), load("tutorial_guest")

    async def talk() -> None:
        async with serve(room.enter, "127.0.0.1", 0) as server:
            uri = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with connect(uri) as other:
                running = asyncio.create_task(guest.main(uri))
                assert await other.recv() == "hello"
                await other.send("welcome")
                assert await other.recv() == "welcome"
                server.close()
                await running
        assert room.guests == set()

    asyncio.run(talk())
    assert capsys.readouterr().out.splitlines() == ["hello", "welcome"]


def test_a_guest_leaves(capsys: pytest.CaptureFixture[str]) -> None:
    room, guest = load("tutorial_room"), load("tutorial_guest")

    async def talk() -> None:
        async with serve(room.enter, "127.0.0.1", 0) as server:
            await guest.main(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", seconds=0.05)

    asyncio.run(talk())
    assert capsys.readouterr().out.splitlines()[-1] == "bye"


def test_errors_read_as_the_page_has_them() -> None:
    async def wait(connection: ServerConnection) -> None:
        if await connection.recv() == "drop":
            connection.transport.abort()

    async def talk() -> list[str]:
        messages = []
        async with serve(wait, "127.0.0.1", 0, max_size=10) as server:
            uri = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            for sent in ("drop", "too big for it"):
                async with connect(uri) as connection:
                    await connection.send(sent)
                    with pytest.raises(ConnectionClosedError) as closed:
                        await connection.recv()
                messages.append(str(closed.value))
        async with serve(wait, "127.0.0.1", 0, origins=["https://example.com"]) as server:
            uri = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            with pytest.raises(InvalidStatus) as refused:
                await connect(uri, origin="https://evil.example")
            messages.append(str(refused.value))
        return messages

    dropped, big, refused = asyncio.run(talk())
    assert dropped == "no close frame received or sent"
    assert "received 1009 (message too big)" in big
    assert refused == "server rejected WebSocket connection: HTTP 403"
    for heading in (dropped, "message too big", refused):
        assert f"``{heading}``" in ERRORS
