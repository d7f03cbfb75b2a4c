"""What a process holds: memory, descriptors, tasks, connections; and how that changes."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
import resource
import statistics
import sys
import weakref
from collections.abc import Sequence
from typing import Any

__all__ = ["Census", "raise_limit", "slope"]

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Census:
    """Counts what a process holds. Connections are counted from when :meth:`add` knows them."""

    def __init__(self) -> None:
        self._connections: weakref.WeakSet[Any] = weakref.WeakSet()

    def add(self, connection: Any) -> None:
        """A connection was made."""
        self._connections.add(connection)

    def sample(self) -> dict[str, int]:
        """What can be counted without disturbing anything."""
        with open("/proc/self/statm") as statm:
            pages = int(statm.read().split()[1])
        return {
            "rss": pages * _PAGE,
            # Of Python's own allocator: exact, where RSS depends on fragmentation.
            "blocks": sys.getallocatedblocks(),
            "descriptors": len(os.listdir("/proc/self/fd")),
            "tasks": len(asyncio.all_tasks()),
            "connections": len(self._connections),
        }

    async def settle(self) -> dict[str, int]:
        """
        Count when everything is closed.

        Connections that only the garbage collector would free are counted: there mustn't be any.
        """
        for _ in range(100):
            if not self._connections:
                break
            await asyncio.sleep(0.02)
        left = len(self._connections)
        gc.collect()
        _trim()
        return self.sample() | {"connections": left}


def _trim() -> None:
    """Give free memory back, so that RSS is what is in use, that of C libraries included."""
    with contextlib.suppress(OSError, AttributeError):
        # Not every C library has it.
        ctypes.CDLL(None).malloc_trim(0)


def slope(samples: Sequence[tuple[float, int]]) -> float:
    """How fast a number grows over the second half of samples (time, number), per second."""
    half = samples[len(samples) // 2 :]
    if len(half) < 2:
        return 0.0
    times, numbers = zip(*half, strict=True)
    return statistics.linear_regression(times, numbers).slope


def raise_limit(needed: int) -> None:
    """
    Allow a process so many descriptors.

    :raises OSError: if it can't have them.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            raise OSError(f"{needed} descriptors are needed, {hard} allowed: raise `ulimit -n`")
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
