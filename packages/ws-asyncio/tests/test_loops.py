"""Each kind of event loop brings transports of its own, and they are what is used."""

from __future__ import annotations

import pytest
from kit import echo, on_sockets
from loops import LOOPS, new_loop

from ws_asyncio import connect
from ws_asyncio.testing import serving

TRANSPORTS = {
    "asyncio": "asyncio.",
    "eager": "asyncio.",
    "uvloop": "uvloop.",
    "aiofastnet": "aiofastnet.",
}


@pytest.mark.parametrize("name", LOOPS)
def test_the_transports_are_those_of_the_loop(name: str) -> None:
    async def main() -> None:
        async with serving(echo) as server, connect(server.uri) as client:
            (connection,) = server.server.connections
            for end in (client, connection):
                assert type(end.transport).__module__.startswith(TRANSPORTS[name])

    loop = new_loop(name)
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()


@on_sockets
async def test_messages_of_many_sizes_come_back() -> None:
    sizes = [0, 1, 125, 126, 65_535, 65_536, 1_000_000]
    async with serving(echo) as server, connect(server.uri) as client:
        for size in sizes:
            await client.send("a" * size)
            await client.send(b"b" * size)
            assert await client.recv() == "a" * size
            assert await client.recv() == b"b" * size
        assert await (await client.ping()) >= 0
    assert client.close_code == 1000
