"""An echo server: ``python -m benchmarks.echo_server NAME on|off`` prints its port."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any


async def echo(websocket: Any) -> None:
    async for message in websocket:
        await websocket.send(message)


async def run(name: str, compressed: bool) -> None:
    # Clients that are done leave without a word; that isn't worth a traceback.
    logging.getLogger("websockets.server").setLevel(logging.CRITICAL)
    forever = asyncio.get_running_loop().create_future()
    if name == "picows":
        import picows

        class Listener(picows.WSListener):  # type: ignore[misc]
            def on_ws_frame(self, transport: Any, frame: Any) -> None:
                if frame.msg_type == picows.WSMsgType.CLOSE:
                    transport.disconnect()
                else:
                    transport.send(frame.msg_type, frame.get_payload_as_bytes())

        server = await picows.ws_create_server(lambda request: Listener(), "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await forever
    serve: Any
    if name == "ws-asyncio":
        from ws_asyncio import serve
    elif name == "websockets":
        from websockets.asyncio.server import serve
    else:
        from picows.websockets.asyncio.server import serve
    compression = "deflate" if compressed else None
    async with serve(echo, "127.0.0.1", 0, compression=compression) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await forever


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2] == "on"))
