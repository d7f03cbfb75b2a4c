"""A WebSocket route on Sanic: prints its port."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from sanic import Sanic

app = Sanic("echo")
app.config.WEBSOCKET_MAX_SIZE = 2**26
app.config.ACCESS_LOG = False


@app.websocket("/")
async def echo(request: Any, websocket: Any) -> None:
    async for message in websocket:
        await websocket.send(message)


@app.websocket("/close/<code:int>")
async def close(request: Any, websocket: Any, code: int) -> None:
    await websocket.close(code, "as asked")


async def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = await app.create_server(
            sock=listener, return_asyncio_server=True, access_log=False
        )
        await server.startup()
        print("port", listener.getsockname()[1], flush=True)
        await server.serve_forever()


asyncio.run(main())
