"""A FastAPI program with a server of ours on a port of its own, in the same event loop."""

import contextlib
import os
from collections.abc import AsyncIterator

from fastapi import FastAPI

from ws_asyncio import ServerConnection, broadcast, serve

PORT = int(os.environ.get("CHAT_PORT", "8765"))


async def talk(connection: ServerConnection) -> None:
    async for message in connection:
        broadcast(connection.server.connections, message)


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with serve(talk, "localhost", PORT, origins=["https://example.com"]) as server:
        app.state.chat = server
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/announce")
async def announce(text: str) -> dict[str, int]:
    return {"sent": broadcast(app.state.chat.connections, text).sent}
