"""An ASGI application on uvicorn, with ``--ws websockets-sansio``: prints its port."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Echo; some paths do something else."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a page"})
        return
    if scope["type"] != "websocket":
        return
    assert (await receive())["type"] == "websocket.connect"
    path = scope["path"]
    if path == "/deny":
        start = {"type": "websocket.http.response.start", "status": 418, "headers": []}
        await send(start)
        await send({"type": "websocket.http.response.body", "body": b"no coffee"})
        return
    if path == "/refuse":
        await send({"type": "websocket.close"})
        return
    subprotocols = scope["subprotocols"]
    await send(
        {"type": "websocket.accept", "subprotocol": subprotocols[0] if subprotocols else None}
    )
    if path.startswith("/close/"):
        await send({"type": "websocket.close", "code": int(path[7:]), "reason": "as asked"})
        return
    while (event := await receive())["type"] == "websocket.receive":
        if event.get("text") is not None:
            await send({"type": "websocket.send", "text": event["text"]})
        else:
            await send({"type": "websocket.send", "bytes": event["bytes"]})


async def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            application,
            ws="websockets-sansio",
            ws_max_size=2**26,
            lifespan="off",
            log_level="warning",
        )
        server = uvicorn.Server(config)
        print("port", listener.getsockname()[1], flush=True)
        await server.serve(sockets=[listener])


asyncio.run(main())
