"""
What an idle connection costs: ``python -m benchmarks.memory NAME SIDE on|off traced|resident``.

One side of many connections lives in the process that is measured, the other side in another one.
Prints the KiB that each connection takes: what Python allocates for it, or what the process grows
by (Linux). Nothing is sent on them, so that compression, where it was agreed on, wasn't used yet.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any

from . import echo

COUNT = 500
# These come first, and aren't counted: everything that is made once is made by them.
WARM_UP = 20

Grow = Callable[[int], Awaitable[None]]


def load(name: str) -> tuple[Any, Any]:
    """The functions ``serve`` and ``connect`` of a library."""
    if name == "ws-asyncio":
        import ws_asyncio

        return ws_asyncio.serve, ws_asyncio.connect
    from websockets.asyncio.client import connect
    from websockets.asyncio.server import serve

    return serve, connect


def resident() -> int:
    """The memory of this process, in bytes (Linux)."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def traced() -> int:
    """What Python has allocated since it is being traced, in bytes."""
    return tracemalloc.get_traced_memory()[0]


async def growth(grow: Grow, measure: Callable[[], int]) -> float:
    """KiB for each connection."""
    await grow(WARM_UP)
    gc.collect()
    if measure is traced:
        tracemalloc.start()
    before = measure()
    await grow(COUNT)
    gc.collect()
    return (measure() - before) / COUNT / 1024


async def server_side(name: str, compressed: bool, measure: Callable[[], int]) -> float:
    """Measure a server, whose clients are sockets of another process."""

    async def idle(websocket: Any) -> None:
        await websocket.wait_closed()

    compression = "deflate" if compressed else None
    async with load(name)[0](idle, "127.0.0.1", 0, compression=compression) as server:
        port = server.sockets[0].getsockname()[1]
        switch = "on" if compressed else "off"
        with subprocess.Popen(
            [sys.executable, "-m", "benchmarks.memory", "links", str(port), switch],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        ) as links:
            try:

                async def grow(count: int) -> None:
                    assert links.stdin is not None and links.stdout is not None
                    links.stdin.write(f"{count}\n")
                    await asyncio.to_thread(links.stdout.readline)

                return await growth(grow, measure)
            finally:
                links.kill()


def open_links(port: int, compressed: bool) -> None:
    """Open as many connections as each line of the standard input says."""
    links = []
    for line in sys.stdin:
        links += [echo.open_link(port, [], compressed) for _ in range(int(line))]
        print("open", flush=True)


async def client_side(name: str, compressed: bool, measure: Callable[[], int]) -> float:
    """Measure clients, whose server is the same library in another process."""
    connect = load(name)[1]
    compression = "deflate" if compressed else None
    connections = []

    async def grow(count: int) -> None:
        for _ in range(count):
            connections.append(await connect(uri, compression=compression))

    with echo.server(name, compressed, {}) as (port, _):
        uri = f"ws://127.0.0.1:{port}/"
        try:
            return await growth(grow, measure)
        finally:
            for connection in connections:
                connection.transport.abort()


def main(name: str, side: str, switch: str, what: str) -> None:
    compressed = switch == "on"
    measure = traced if what == "traced" else resident
    run = server_side if side == "server" else client_side
    print(json.dumps({"KiB": asyncio.run(run(name, compressed, measure))}))


if __name__ == "__main__":
    if sys.argv[1] == "links":
        open_links(int(sys.argv[2]), sys.argv[3] == "on")
    else:
        main(*sys.argv[1:])
