"""A server that greets, with a page on the same port."""

import asyncio

from ws_asyncio import ServerConnection, serve
from ws_types import Request, Response


async def greet(connection: ServerConnection) -> None:
    async for name in connection:
        await connection.send(f"Hello {name}!")


def page(connection: ServerConnection, request: Request) -> Response | None:
    if request.path == "/health":
        return connection.respond(200, "OK\n")
    return None


async def main() -> None:
    async with serve(
        greet, "localhost", 8765, process_request=page, origins=["same-origin", None]
    ) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
