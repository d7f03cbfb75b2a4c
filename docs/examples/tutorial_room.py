"""A room: what a guest says, all guests hear."""

import asyncio

from ws_asyncio import ServerConnection, broadcast, serve

guests: set[ServerConnection] = set()


async def enter(guest: ServerConnection) -> None:
    guests.add(guest)
    try:
        async for message in guest:
            broadcast(guests, message)
    finally:
        guests.remove(guest)


async def main() -> None:
    async with serve(enter, "localhost", 8765) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
