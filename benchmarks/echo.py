"""
Echo servers on asyncio, each in a process of its own, driven by a client that costs little.

The client keeps a number of messages in flight on each of its connections. It sends frames that
were made beforehand, and doesn't look at what comes back beyond counting it.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .codec import masked_frame

SERVERS = ("ws-asyncio", "websockets", "picows.websockets", "picows")
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


@dataclass
class Link:
    """A connection of the client."""

    sock: socket.socket
    frames: list[bytes]
    next: int = 0
    received: bytearray = field(default_factory=bytearray)

    def send(self, count: int) -> None:
        """Send the next *count* messages."""
        frames = self.frames
        batch = b"".join(frames[(self.next + i) % len(frames)] for i in range(count))
        self.next += count
        self.sock.setblocking(True)
        self.sock.sendall(batch)
        self.sock.setblocking(False)

    def receive(self) -> int:
        """Read what there is; return how many messages it completes."""
        self.received += self.sock.recv(2**18)
        data, position, count = self.received, 0, 0
        while len(data) - position >= 2:
            size = data[position + 1]
            start = position + 2
            if size == 126:
                size = int.from_bytes(data[start : start + 2], "big")
                start += 2
            elif size == 127:
                size = int.from_bytes(data[start : start + 8], "big")
                start += 8
            if len(data) < start + size:
                break
            position = start + size
            count += 1
        del data[:position]
        return count


@contextmanager
def server(name: str, compressed: bool, env: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Run a server in a process; gives its port and its process number."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.echo_server", name, "on" if compressed else "off"],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def cpu_seconds(pid: int) -> float:
    """What a process has used, in user and system mode (Linux)."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def open_link(port: int, frames: list[bytes], compressed: bool) -> Link:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    extension = b""
    if compressed:
        extension = b"Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n"
    sock.sendall(REQUEST + extension + b"\r\n")
    response = b""
    while b"\r\n\r\n" not in response:
        response += sock.recv(4096)
    assert response.startswith(b"HTTP/1.1 101"), response
    assert compressed == (b"permessage-deflate" in response), response
    sock.setblocking(False)
    return Link(sock, frames)


def json_frames(count: int) -> list[bytes]:
    """Compressed text frames: JSON documents of about 1 KB, no two alike."""
    frames = []
    for i in range(count):
        document = json.dumps(
            {
                "id": i,
                "type": "trade",
                "orders": [
                    {"price": (i * 7919 + j * 104729) % 1000003 / 100, "size": (i + j * 31) % 977}
                    for j in range(24)
                ],
                "note": os.urandom(24).hex(),
            }
        ).encode()
        compressor = zlib.compressobj(wbits=-12)
        data = compressor.compress(document) + compressor.flush(zlib.Z_SYNC_FLUSH)
        frames.append(_mask(0xC1, data[:-4]))
    return frames


def _mask(first: int, payload: bytes) -> bytes:
    # A key of zeros is as good as any for a benchmark, and costs the server the same.
    size = len(payload)
    if size < 126:
        return bytes([first, 0x80 | size, 0, 0, 0, 0]) + payload
    return bytes([first, 0x80 | 126]) + size.to_bytes(2, "big") + bytes(4) + payload


def measure(
    name: str,
    frames: list[bytes],
    *,
    connections: int = 1,
    in_flight: int = 64,
    compressed: bool = False,
    seconds: float = 1.0,
    env: dict[str, str] | None = None,
) -> tuple[float, float]:
    """Messages a second, and the server's CPU time for each in microseconds."""
    with (
        server(name, compressed, env or {}) as (port, pid),
        selectors.DefaultSelector() as selector,
    ):
        links = [open_link(port, frames, compressed) for _ in range(connections)]
        for link in links:
            selector.register(link.sock, selectors.EVENT_READ, link)
            link.send(in_flight)
        done = 0
        # Not counted: the first tenth, while everything warms up.
        begin = time.perf_counter() + seconds / 10
        end = begin + seconds
        started = used = 0.0
        while (now := time.perf_counter()) < end:
            if not started and now >= begin:
                started, used, done = now, cpu_seconds(pid), 0
            for key, _ in selector.select():
                count = key.data.receive()
                if count:
                    done += count
                    key.data.send(count)
        used = cpu_seconds(pid) - used
        for link in links:
            link.sock.close()
    return done / (now - started), used / done * 1e6


def plain_frames(size: int) -> list[bytes]:
    """A text frame of *size* bytes."""
    return [masked_frame(1, size)]
