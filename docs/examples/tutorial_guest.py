"""A guest: says hello, and prints what is said for a while."""

import asyncio

from ws_asyncio import connect


async def main(uri: str = "ws://localhost:8765", seconds: float = 60) -> None:
    async with connect(uri) as room:
        await room.send("hello")
        try:
            async with asyncio.timeout(seconds):
                async for message in room:
                    print(message)
        except TimeoutError:
            print("bye")


if __name__ == "__main__":
    asyncio.run(main())
