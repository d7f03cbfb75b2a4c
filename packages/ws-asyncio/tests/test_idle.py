"""What an idle connection costs in memory, once with compression agreed on and once without."""

from __future__ import annotations

import contextlib
import gc
import tracemalloc

from kit import in_memory

from ws_asyncio.testing import connected_pair

PAIRS = 100
WARM_UP = 20


async def allocated_by_each_pair(compression: str | None) -> float:
    """Bytes that the two ends of a connection take; the network in between is in memory."""
    settings = {"compression": compression, "ping_interval": None}
    async with contextlib.AsyncExitStack() as stack:
        pairs = []

        async def open_pair() -> None:
            opening = connected_pair(client=settings, server=settings)
            pairs.append(await stack.enter_async_context(opening))

        # What is made once isn't counted.
        for _ in range(WARM_UP):
            await open_pair()
        gc.collect()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(PAIRS):
                await open_pair()
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        for pair in pairs:
            assert bool(pair.client.protocol.extensions) is (compression is not None)
            pair.abort()
        return grown / PAIRS


@in_memory
async def test_compression_that_is_not_used_costs_less_than_a_kibibyte_at_each_end() -> None:
    # Both once for nothing: the first of all pays for what later ones find.
    await allocated_by_each_pair("deflate")
    without = await allocated_by_each_pair(None)
    assert await allocated_by_each_pair("deflate") - without < 2 * 1024
