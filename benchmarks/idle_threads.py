"""
What idle connections cost a server on threads: ``python -m benchmarks.idle_threads NAME [COUNT]``.

NAME is ``ws-sync`` or ``websockets.sync``. Prints, for each connection, the KiB that the process
grows by (Linux) and the threads; and how long it takes to shut down.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from typing import Any

from .memory import WARM_UP, resident


def load(name: str) -> Any:
    """The function ``serve`` of a library."""
    if name == "ws-sync":
        from ws_sync.server import serve
    else:
        from websockets.sync.server import serve
    return serve


def idle(connection: Any) -> None:
    for _ in connection:
        pass


def main(name: str, count: str = "1000") -> None:
    # When the clients are gone, each handler would say so.
    logging.disable()
    with load(name)(idle, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.socket.getsockname()[1]
        with subprocess.Popen(
            [sys.executable, "-m", "benchmarks.memory", "links", str(port), "on"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        ) as links:
            assert links.stdin is not None and links.stdout is not None
            figures = []
            for wanted in (WARM_UP, int(count)):
                links.stdin.write(f"{wanted}\n")
                links.stdout.readline()
                figures.append((resident(), threading.active_count()))
            (memory, threads), (more_memory, more_threads) = figures
            links.kill()
        start = time.monotonic()
        server.shutdown()
    result = {
        "KiB": (more_memory - memory) / int(count) / 1024,
        "threads": (more_threads - threads) / int(count),
        "seconds to shut down": time.monotonic() - start,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
