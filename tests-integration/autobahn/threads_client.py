"""A client on threads for the suite: ``threads_client.py URL AGENT`` runs every case."""

from __future__ import annotations

import contextlib
import sys

from ws_sync import connect
from ws_types import ConnectionClosed


def main(url: str, agent: str) -> None:
    with connect(f"{url}/getCaseCount") as connection:
        count = int(connection.recv())
    for case in range(1, count + 1):
        # The suite's peer misbehaves on purpose.
        with (
            contextlib.suppress(ConnectionClosed),
            connect(f"{url}/runCase?case={case}&agent={agent}", max_size=None) as connection,
        ):
            for message in connection:
                connection.send(message)
    with connect(f"{url}/updateReports?agent={agent}"):
        pass


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
