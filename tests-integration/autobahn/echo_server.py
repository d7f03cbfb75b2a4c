"""An echo server for the suite: prints its port, and runs until it is killed."""

from __future__ import annotations

import asyncio

from ws_asyncio import ServerConnection, serve
from ws_types import ConnectionClosed


async def echo(connection: ServerConnection) -> None:
    try:
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed:
        pass  # the suite's peer misbehaves on purpose


async def main() -> None:
    async with serve(echo, "127.0.0.1", 0, max_size=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
