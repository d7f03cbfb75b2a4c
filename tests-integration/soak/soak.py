"""
A soak: many connections, random traffic, random disconnections, and nothing may be left of them.

``python soak.py --connections 2000 --seconds 60``. The server and the clients are processes of
their own. First all clients run for a while, and end: what both processes hold then is what
they may hold at the end. Prints a line each second, and a report; exits with 1 if something
was lost, put out of order, changed, taken for dead, or left behind.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import pathlib
import random
import sys
import time
from typing import Any

import clients
import health

import ws_asyncio

HERE = pathlib.Path(__file__).resolve().parent

#: How many of Python's memory blocks a process may hold more after the soak than before: caches
#: that were warm before may have grown, messages mustn't have stayed.
BLOCKS = 20_000

#: How many bytes of memory, what C libraries allocated included.
MEMORY = 2**24


class Server:
    """The server's process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.port = 0

    @classmethod
    async def start(cls, seed: int, descriptors: int) -> Server:
        """Start it, and wait until it listens."""
        command = [sys.executable, str(HERE / "server.py"), str(seed), str(descriptors)]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        server = cls(process)
        server.port = (await server.read())["port"]
        return server

    async def read(self) -> dict[str, Any]:
        """The next line that it prints."""
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError("the server's process has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def ask(self, order: str) -> dict[str, Any]:
        """Give an order, and return its answer."""
        self.write(order)
        return await self.read()

    def write(self, order: str) -> None:
        """Give an order that isn't answered."""
        assert self.process.stdin is not None
        self.process.stdin.write(order.encode() + b"\n")


class Soak:
    """
    A run.

    :param options: what was asked for on the command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.seed: int = options.seed
        #: Samples of the server and of the clients, with the second that each was taken in.
        self.samples: list[tuple[float, dict[str, int], dict[str, int]]] = []
        self.problems: list[str] = []

    async def run(self) -> dict[str, Any]:
        """Run it, and return the report."""
        options = self.options
        descriptors = options.connections * 2 + 200
        health.raise_limit(descriptors)
        server = await Server.start(self.seed, descriptors)
        uri = f"ws://127.0.0.1:{server.port}"
        crowd = clients.Clients(uri, options.connections, self.seed, options.pace)
        # What everything holds that has been used before.
        await self.talk(crowd, server, options.seconds / 5)
        before = (await server.ask("settle"), await crowd.census.settle())
        self.samples.clear()
        await self.talk(crowd, server, options.seconds)
        after = (await server.ask("settle"), await crowd.census.settle())
        server.write("quit")
        if await server.process.wait() != 0:
            self.problems.append(f"the server's process ended with {server.process.returncode}")
        self.problems += crowd.errors[:10] + after[0]["errors"]
        for name, was, now in zip(("server", "clients"), before, after, strict=True):
            self.compare(name, was, now)
        return self.report(crowd, before, after)

    async def talk(self, crowd: clients.Clients, server: Server, seconds: float) -> None:
        """Let the clients talk for a time; then they end what they have begun."""
        start = time.monotonic()
        crowd.start()
        while (passed := time.monotonic() - start) < seconds and not crowd.errors:
            await asyncio.sleep(1)
            theirs = await server.ask("sample")
            ours = crowd.census.sample()
            self.samples.append((passed, theirs, ours))
            print(
                f"\r{passed:4.0f} s  {crowd.open} open, {crowd.endings.total()} ended, "
                f"{crowd.messages} + {crowd.pushed} messages, "
                f"{theirs['rss'] >> 20} + {ours['rss'] >> 20} MiB  ",
                end="",
                flush=True,
            )
        await crowd.stop()
        print()

    def compare(self, name: str, before: dict[str, int], after: dict[str, int]) -> None:
        """Say what was left behind."""
        if after["connections"]:
            self.problems.append(f"{name}: {after['connections']} connections weren't freed")
        for what in ("tasks", "descriptors"):
            if after[what] > before[what]:
                self.problems.append(f"{name}: {after[what]} {what}, {before[what]} before")
        for what, limit in (("blocks", BLOCKS), ("rss", MEMORY)):
            grown = after[what] - before[what]
            if grown > limit:
                self.problems.append(f"{name}: {what} grew by {grown}")

    def report(self, crowd: clients.Clients, before: Any, after: Any) -> dict[str, Any]:
        """The figures."""
        figures: dict[str, Any] = {
            "seed": self.seed,
            "implementation": ws_asyncio.implementation,
            "messages": crowd.messages,
            "bytes": crowd.bytes,
            "pushed": crowd.pushed,
            "broadcasts": crowd.broadcasts,
            "endings": dict(crowd.endings),
            "problems": self.problems,
        }
        for index, name in enumerate(("server", "clients")):
            taken = [(sample[0], sample[1 + index]) for sample in self.samples]
            figures[name] = {
                f"slope of {what}, 1/s": round(
                    health.slope([(when, counts[what]) for when, counts in taken]), 1
                )
                for what in ("rss", "blocks")
            } | {
                f"{what} before and after": (before[index][what], after[index][what])
                for what in ("rss", "blocks", "tasks", "descriptors", "connections")
            }
        return figures


def main() -> int:
    """Parse the command line, and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pace", type=float, default=0.5, help="seconds between messages")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    report = asyncio.run(Soak(options).run())
    for name, value in report.items():
        print(f"{name}: {json.dumps(value)}")
    return 1 if report["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
