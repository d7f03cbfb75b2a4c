"""
The sans-I/O core alone: ``python -m benchmarks.codec IMPLEMENTATION`` prints JSON.

Decoding: masked frames in reads of 64 KiB, to messages, as a server sees them. Encoding: binary
messages, as a server and as a client sends them. Microseconds for each message.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from typing import Any

IMPLEMENTATIONS = ("ws-sansio", "websockets", "websockets without speedups")
READ = 65536


def load(implementation: str) -> Any:
    """Return a function that makes a protocol, given whether it is a server's."""
    if implementation == "ws-sansio":
        from ws_sansio import Protocol, Side

        return lambda server: Protocol(
            Side.SERVER if server else Side.CLIENT, max_size=None, view="messages"
        )
    if implementation == "websockets without speedups":
        sys.modules["websockets.speedups"] = None  # type: ignore[assignment]
    from websockets.protocol import Protocol as Reference
    from websockets.protocol import Side as ReferenceSide

    return lambda server: Reference(
        ReferenceSide.SERVER if server else ReferenceSide.CLIENT, max_size=None
    )


def masked_frame(opcode: int, size: int) -> bytes:
    """A frame as a client sends it, with a payload of printable ASCII."""
    payload = bytes(32 + i * 7 % 90 for i in range(size))
    key = os.urandom(4)
    if size < 126:
        head = bytes([0x80 | opcode, 0x80 | size])
    elif size < 65536:
        head = bytes([0x80 | opcode, 0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([0x80 | opcode, 0x80 | 127]) + size.to_bytes(8, "big")
    return head + key + bytes(byte ^ key[i & 3] for i, byte in enumerate(payload))


def decode(make: Any, opcode: int, size: int) -> float:
    """Seconds to decode a message."""
    count = max(1, min(2000, 2**21 // (size + 8)))
    data = masked_frame(opcode, size) * count
    reads = [data[i : i + READ] for i in range(0, len(data), READ)]
    times = []
    for _ in range(15):
        protocol = make(True)
        received = 0
        start = time.perf_counter()
        for read in reads:
            protocol.receive_data(read)
            received += len(protocol.events_received())
        times.append((time.perf_counter() - start) / count)
        assert received == count, (received, count)
    return statistics.median(times)


def encode(make: Any, server: bool, size: int) -> float:
    """Seconds to encode a message."""
    count = max(1, min(2000, 2**21 // (size + 8)))
    payload = bytes(size)
    times = []
    for _ in range(15):
        protocol = make(server)
        start = time.perf_counter()
        for _ in range(count):
            protocol.send_binary(payload)
        sent = protocol.data_to_send()
        times.append((time.perf_counter() - start) / count)
        assert len(sent) == count
    return statistics.median(times)


def main(implementation: str) -> None:
    make = load(implementation)
    results = {}
    for size, label in ((16, "16 B"), (256, "256 B"), (2**20, "1 MiB")):
        results[f"decode {label}, text"] = decode(make, 1, size) * 1e6
        results[f"decode {label}, binary"] = decode(make, 2, size) * 1e6
        results[f"encode {label}, server"] = encode(make, True, size) * 1e6
        results[f"encode {label}, client"] = encode(make, False, size) * 1e6
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1])
