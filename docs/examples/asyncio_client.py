"""A client that greets, and measures."""

import asyncio

from ws_asyncio import connect


async def main(uri: str = "ws://localhost:8765") -> None:
    async with connect(uri) as connection:
        await connection.send("world")
        print(await connection.recv())
        pong = await connection.ping()
        print(f"{await pong * 1000:.2f} ms")


if __name__ == "__main__":
    asyncio.run(main())
