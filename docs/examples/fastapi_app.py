"""A FastAPI program that has an endpoint for WebSocket, and follows another server meanwhile."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

from fastapi import FastAPI, WebSocket

from ws_asyncio import connect
from ws_types import ConnectionClosed

FEED = os.environ.get("FEED", "ws://localhost:8765")


async def follow(app: FastAPI) -> None:
    async for feed in connect(FEED):
        try:
            async for message in feed:
                app.state.latest = message
        except ConnectionClosed:
            continue
        except asyncio.CancelledError:
            await feed.close()  # with 1000; 1011 would say that something went wrong
            raise


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.latest = None
    following = asyncio.create_task(follow(app))
    yield
    following.cancel()
    await asyncio.wait([following])


app = FastAPI(lifespan=lifespan)


@app.get("/latest")
async def latest() -> dict[str, str | None]:
    return {"latest": app.state.latest}


@app.get("/now")
async def now() -> dict[str, str]:
    async with connect(FEED, open_timeout=3) as feed:
        return {"now": await feed.recv(decode=True)}


@app.websocket("/rooms/{name}")
async def room(websocket: WebSocket, name: str) -> None:
    await websocket.accept()
    async for message in websocket.iter_text():
        await websocket.send_text(f"{name}: {message}")
