"""
The server's process: echoes what it gets, checks that nothing is missing, pushes and broadcasts.

It prints its port, as JSON, and obeys lines of standard input: ``sample`` and ``settle`` print what
:mod:`health` counts and what it has seen itself; ``quit`` ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import random
import sys
from typing import Any

import health
import traffic

import ws_asyncio
from ws_types.exceptions import ConnectionClosed

#: Seconds between the messages that are pushed over a connection, on average.
PUSH_INTERVAL = 2

#: Seconds between broadcasts.
BROADCAST_INTERVAL = 1


class SoakServer:
    """
    Serves a soak.

    :param seed: of everything random.
    """

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.census = health.Census()
        self.messages = 0
        self.errors: list[str] = []

    async def handle(self, connection: ws_asyncio.ServerConnection) -> None:
        """Echo. What one connection sends is numbered from 0."""
        self.census.add(connection)
        due = traffic.Sequence()
        pushing = asyncio.create_task(self.push(connection))
        try:
            async for message in connection:
                kind, number = traffic.read(message)
                due.check(number)
                self.messages += 1
                if kind == "close":
                    await connection.close(4000, "as you wish")
                elif kind == "abort":
                    connection.transport.abort()
                else:
                    await connection.send(traffic.random_form(message, self.rng))
        except ConnectionClosed as exc:
            # Clients disappear; but nobody may be taken for dead, or break the protocol.
            if exc.sent is not None and exc.sent.code not in (1000, 4000):
                self.errors.append(f"server: {exc}")
        except traffic.CorruptError as exc:
            self.errors.append(f"server: {exc}")
        finally:
            pushing.cancel()

    async def push(self, connection: ws_asyncio.ServerConnection) -> None:
        """Send what nobody asked for, numbered from 0, until the connection is closed."""
        with contextlib.suppress(ConnectionClosed):
            for number in itertools.count():
                message = traffic.compose("push", number, traffic.random_body(self.rng))
                await connection.send(traffic.random_form(message, self.rng))
                await asyncio.sleep(self.rng.expovariate(1 / PUSH_INTERVAL))

    async def broadcast(self, server: ws_asyncio.Server) -> None:
        """Send the same to everybody, again and again; who is slow is left out."""
        for number in itertools.count():
            await asyncio.sleep(BROADCAST_INTERVAL)
            message = traffic.compose("broadcast", number, traffic.random_body(self.rng))
            ws_asyncio.broadcast(server.connections, message)

    def report(self, counts: dict[str, int]) -> None:
        """Print what is known."""
        seen = {"messages": self.messages, "errors": self.errors[:10]}
        print(json.dumps(counts | seen), flush=True)

    async def run(self) -> None:
        """Serve until told to quit."""
        orders = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
        )
        settings: dict[str, Any] = {"max_size": 2**20, "backlog": 2**12, "open_timeout": 60}
        async with ws_asyncio.serve(self.handle, "127.0.0.1", 0, **settings) as server:
            print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
            broadcasting = asyncio.create_task(self.broadcast(server))
            async for order in orders:
                if order == b"quit\n":
                    broadcasting.cancel()
                    break
                if order == b"settle\n":
                    self.report(await self.census.settle())
                else:
                    self.report(self.census.sample())


if __name__ == "__main__":
    # Who is slow isn't to be listed here.
    logging.getLogger("websockets.server").setLevel(logging.ERROR)
    health.raise_limit(int(sys.argv[2]))
    asyncio.run(SoakServer(int(sys.argv[1])).run())
