"""Connections on asyncio, over loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from common import record, show

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.http11 import Request, Response


async def asyncio_cases() -> None:
    async def handle(connection: Any) -> None:
        async for message in connection:
            if message == "close":
                await connection.close(4000, "asked for")
            elif message == "fail":
                raise RuntimeError("oops")
            else:
                await connection.send(message)

    def process(connection: Any, received: Request) -> Response | None:
        if received.path != "/":
            return connection.respond(404, "not here\n")
        return None

    async def attempt(name: str, function: Callable[..., Any], *arguments: Any) -> None:
        try:
            result: object = await function(*arguments)
        except Exception as exc:
            result = show(exc)
        record(f"asyncio {name}", lambda: result)

    async with serve(handle, "127.0.0.1", 0, process_request=process) as server:
        uri = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await attempt("status", connect, f"{uri}/elsewhere")
        await attempt("uri", connect, "http://localhost/")
        async with connect(uri) as client:
            for value in (1, None, {"a": 1}):
                await attempt(f"send {value}", client.send, value)
            await attempt("ping type", client.ping, 1)
            await attempt("long ping", client.ping, bytes(126))
            first = asyncio.ensure_future(client.recv())
            await asyncio.sleep(0)
            await attempt("recv twice", client.recv)
            await client.send("done")
            await first
            await client.ping(b"same")
            await attempt("ping twice", client.ping, b"same")
            await attempt("close code", client.close, 1006)
            await client.send("close")
            await attempt("recv", client.recv)
            await attempt("send after", client.send, "x")
            await attempt("ping after", client.ping)
            record("asyncio closed", lambda: f"{client.close_code} {client.close_reason}")
        for fragments in ([1], ["a", b"b"], [b"a", "b"]):
            async with connect(uri) as client:
                await attempt(f"send {fragments}", client.send, fragments)
                record(f"asyncio state after {fragments}", lambda: client.state.name)
        async with connect(uri) as client:
            await client.send("fail")
            await attempt("recv after error", client.recv)
        async with connect(uri) as client:
            await client.close(1000, "enough")
            await attempt("recv after close", client.recv)
