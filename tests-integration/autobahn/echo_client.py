"""A client for the suite: ``echo_client.py URL AGENT`` runs every case and asks for the report."""

from __future__ import annotations

import asyncio
import sys

from ws_asyncio import connect
from ws_types import ConnectionClosed


async def main(url: str, agent: str) -> None:
    async with connect(f"{url}/getCaseCount") as connection:
        count = int(await connection.recv())
    for case in range(1, count + 1):
        try:
            async with connect(
                f"{url}/runCase?case={case}&agent={agent}", max_size=None
            ) as connection:
                async for message in connection:
                    await connection.send(message)
        except ConnectionClosed:
            pass  # the suite's peer misbehaves on purpose
    async with connect(f"{url}/updateReports?agent={agent}"):
        pass


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
