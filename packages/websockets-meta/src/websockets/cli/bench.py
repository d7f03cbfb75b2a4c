"""Latency and throughput of a server that sends messages back."""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence

from ws_asyncio.client import ClientConnection
from ws_types.exceptions import ConnectionClosed
from ws_types.typing import Data

from .figures import Sample
from .opening import opening
from .progress import NoProgress, make_progress

__all__ = ["NotAnEcho", "bench", "exchange"]

INTERVAL = 0.1
"""Seconds between updates of the display."""


class NotAnEcho(Exception):
    """The server doesn't send messages back."""


def bench(options: argparse.Namespace) -> int:
    """Measure, and print what was found; on Ctrl-C, what was found so far.

    :param options: the options of the command line.
    :returns: the exit code.
    """
    run = Bench(options)
    try:
        finished = asyncio.run(run.run())
    except (NotAnEcho, ConnectionClosed) as exc:
        print(f"websockets bench: {exc}", file=sys.stderr)
        return 3
    run.report()
    return 0 if finished else 130


class Bench:
    """A measurement: of the opening handshake, of latency, of throughput.

    :param options: the options of the command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.opened: list[float] = []
        self.samples: dict[str, Sample] = {}

    async def run(self) -> bool:
        """Measure.

        :returns: whether it wasn't interrupted.
        :raises NotAnEcho: if messages don't come back.
        :raises ConnectionClosed: if a connection is closed meanwhile.
        """
        try:
            async with contextlib.AsyncExitStack() as stack:
                connections = []
                for _ in range(self.options.connections):
                    started = time.perf_counter()
                    connections.append(await stack.enter_async_context(opening(self.options)))
                    self.opened.append(time.perf_counter() - started)
                with make_progress() as progress:
                    await self._measure("Latency", 1, connections, progress)
                    await self._measure("Throughput", self.options.in_flight, connections, progress)
        except asyncio.CancelledError:
            return False
        return True

    async def _measure(
        self,
        what: str,
        in_flight: int,
        connections: Sequence[ClientConnection],
        progress: NoProgress,
    ) -> None:
        options = self.options
        message: Data = bytes(options.size) if options.binary else "x" * options.size
        sample = self.samples[what] = Sample(in_flight, options.size)
        started = time.perf_counter()
        tasks = [
            asyncio.create_task(
                exchange(
                    connection,
                    message,
                    sample,
                    until=started + options.seconds,
                    patience=options.timeout,
                )
            )
            for connection in connections
        ]
        waiting = set(tasks)
        try:
            while waiting:
                _, waiting = await asyncio.wait(
                    waiting, timeout=INTERVAL, return_when=asyncio.FIRST_EXCEPTION
                )
                sample.seconds = time.perf_counter() - started
                progress.update(what, sample.seconds, options.seconds, sample.rate)
                for task in tasks:
                    if task.done():
                        task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            sample.seconds = time.perf_counter() - started

    def report(self) -> None:
        """Print what was found."""
        opened = sum(self.opened) / len(self.opened) if self.opened else 0.0
        if self.options.json:
            found = {name.lower(): sample.as_json() for name, sample in self.samples.items()}
            head = {
                "uri": self.options.shown_uri,
                "connections": len(self.opened),
                "opening_ms": round(opened * 1000, 3),
            }
            print(json.dumps({**head, **found}))
            return
        plural = "" if len(self.opened) == 1 else "s, on average"
        print(f"{self.options.shown_uri}: {len(self.opened)} connection{plural}")
        print(f"  opened in   {opened * 1000:.1f} ms")
        for sample in self.samples.values():
            messages = "message" if sample.in_flight == 1 else "messages"
            print(f"With {sample.in_flight} {messages} of {sample.size} bytes on their way:")
            print(sample.as_text())


async def exchange(
    connection: ClientConnection,
    message: Data,
    sample: Sample,
    *,
    until: float,
    patience: float,
    clock: Callable[[], float] = time.perf_counter,
) -> None:
    """Send a message again and again, with as many on their way as the sample says.

    :param connection: the connection.
    :param message: the message.
    :param sample: where latencies go.
    :param until: when to send no more, by the clock; those on their way are still awaited.
    :param patience: how many seconds a message may take to come back.
    :param clock: the clock.
    :raises NotAnEcho: if something else comes back, or nothing.
    :raises ConnectionClosed: if the connection is closed.
    """
    sent: collections.deque[float] = collections.deque()
    try:
        for _ in range(sample.in_flight):
            sent.append(clock())
            await connection.send(message)
        while sent:
            async with asyncio.timeout(patience):
                if await connection.recv() != message:
                    raise NotAnEcho("the server doesn't send back what it gets: nothing to measure")
            now = clock()
            sample.latencies.append(now - sent.popleft())
            if now < until:
                sent.append(now)
                await connection.send(message)
    except TimeoutError:
        raise NotAnEcho(
            f"no message came back within {patience:g} seconds (--timeout): "
            "the server has to send back what it gets"
        ) from None
