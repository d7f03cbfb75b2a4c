"""
Echo clients on threads: ``python -m benchmarks.echo_client NAME PORT`` prints JSON.

CPU time of the client for each message, in microseconds, with 256-byte binary messages.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

LOADS = {"256 B, 1 in flight": (1, 5_000), "256 B, 64 in flight": (64, 20_000)}
MESSAGE = bytes(range(256))


def open_client(name: str, uri: str) -> tuple[Callable[[bytes], Any], Callable[[], Any]]:
    """Connect; returns what sends a message and what receives one."""
    connection: Any
    if name == "websocket-client":
        import websocket

        connection = websocket.create_connection(uri)
        return connection.send_binary, connection.recv
    if name == "ws-sync":
        from ws_sync import connect

        connection = connect(uri, compression=None)
    else:
        from websockets.sync.client import connect as connect_reference

        connection = connect_reference(uri, compression=None)
    return connection.send, connection.recv


def measure(
    send: Callable[[bytes], Any], receive: Callable[[], Any], load: tuple[int, int]
) -> float:
    """Microseconds of CPU time for each message, all threads together."""
    in_flight, count = load
    used = time.process_time()
    for _ in range(in_flight):
        send(MESSAGE)
    for _ in range(count - in_flight):
        receive()
        send(MESSAGE)
    for _ in range(in_flight):
        receive()
    return (time.process_time() - used) / count * 1e6


def main(name: str, port: str) -> None:
    # websockets wants its connections used as context managers.
    warnings.simplefilter("ignore", DeprecationWarning)
    send, receive = open_client(name, f"ws://127.0.0.1:{port}/")
    measure(send, receive, (8, 1000))
    print(json.dumps({label: measure(send, receive, load) for label, load in LOADS.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
