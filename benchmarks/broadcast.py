"""
Broadcasts to many clients: ``python -m benchmarks.broadcast IMPLEMENTATION CLIENTS`` prints JSON.

A server in this process broadcasts messages of 1 KB, with and without compression; clients in a
process of their own read and forget. Microseconds of the server's CPU time for each client.
"""

from __future__ import annotations

import asyncio
import json
import resource
import selectors
import socket
import subprocess
import sys
import time
from typing import Any

from .echo import REQUEST

EXTENSION = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
ROUNDS = 60


def load(implementation: str) -> tuple[Any, Any]:
    """Return ``serve`` and ``broadcast``."""
    if implementation == "ws-asyncio":
        from ws_asyncio import broadcast, serve

        return serve, broadcast
    from websockets.asyncio.server import broadcast as reference_broadcast
    from websockets.asyncio.server import serve as reference_serve

    return reference_serve, reference_broadcast


def raise_file_limit(connections: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, connections * 2 + 100), hard))


def drain(port: int, clients: int, compressed: bool) -> None:
    """Connect clients that read and forget, until the server is gone."""
    raise_file_limit(clients)
    selector = selectors.DefaultSelector()
    request = REQUEST + (EXTENSION if compressed else b"") + b"\r\n"
    for _ in range(clients):
        sock = socket.create_connection(("127.0.0.1", port))
        sock.sendall(request)
        selector.register(sock, selectors.EVENT_READ, sock)
    buffer = bytearray(2**18)
    while selector.get_map():
        for key, _ in selector.select():
            if not key.data.recv_into(buffer):
                selector.unregister(key.data)
                key.data.close()


def message(number: int) -> str:
    """JSON of about 1 KB, different each time."""
    rows = [
        {"id": number * 31 + i, "name": f"user {i}", "price": number * i % 997} for i in range(21)
    ]
    return json.dumps(rows)


async def measure(implementation: str, clients: int, compressed: bool) -> float:
    """Microseconds of CPU time for each client of a broadcast."""
    serve, broadcast = load(implementation)
    raise_file_limit(clients)
    connections = []

    async def handle(connection: Any) -> None:
        connections.append(connection)
        await connection.wait_closed()

    compression = "deflate" if compressed else None
    async with serve(handle, "127.0.0.1", 0, compression=compression, ping_interval=None) as server:
        port = server.sockets[0].getsockname()[1]
        command = [sys.executable, "-m", "benchmarks.broadcast", "drain", str(port), str(clients)]
        process = subprocess.Popen([*command, str(int(compressed))])
        while len(connections) < clients:
            await asyncio.sleep(0.01)
        used = 0.0
        for number in range(ROUNDS):
            text = message(number)
            start = time.process_time()
            broadcast(connections, text)
            await asyncio.sleep(0)
            used += time.process_time() - start
            # Nobody is to be slow.
            while any(one.transport.get_write_buffer_size() for one in connections):
                await asyncio.sleep(0.001)
        for connection in connections:
            connection.transport.abort()
    process.wait()
    return used / ROUNDS / clients * 1e6


def main(arguments: list[str]) -> None:
    if arguments[0] == "drain":
        drain(int(arguments[1]), int(arguments[2]), arguments[3] == "1")
        return
    implementation, clients = arguments[0], int(arguments[1])
    results = {
        f"{clients} clients, {'compressed' if compressed else 'as is'}": asyncio.run(
            measure(implementation, clients, compressed)
        )
        for compressed in (False, True)
    }
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1:])
