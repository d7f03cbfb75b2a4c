"""
A proxy to test with: HTTP CONNECT or SOCKS, with or without TLS, on a free port.

It runs in a thread with an event loop of its own, so that clients of any kind can use it. It takes
every host for this machine, and keeps what it was asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
import threading
from typing import Any, Self

__all__ = ["OPEN", "TestProxy"]

OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"


class TestProxy:
    """
    Runs within a ``with`` block.

    :param scheme: what it speaks.
    :param context: TLS of the proxy itself.
    :param answer: what to answer to CONNECT.
    :param tunnel: whether a tunnel follows; otherwise the connection is closed after the answer.
    :param hold: whether to keep the connection open after the answer, without a tunnel.
    """

    __test__ = False

    def __init__(
        self,
        scheme: str = "http",
        *,
        context: ssl.SSLContext | None = None,
        answer: bytes = OPEN,
        tunnel: bool = True,
        hold: bool = False,
    ) -> None:
        self.scheme = scheme
        self.context = context
        self.answer = answer
        self.tunnel = tunnel
        self.hold = hold
        #: What it was asked for: lines of a CONNECT request, or host, port and credentials.
        self.requests: list[Any] = []
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def url(self, userinfo: str = "") -> str:
        return f"{self.scheme}://{userinfo}localhost:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        # A client that gives up is no news.
        self._loop.set_exception_handler(lambda loop, context: None)
        server = await asyncio.start_server(self._serve, "localhost", 0, ssl=self.context)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            try:
                if self.scheme.startswith("http"):
                    port = await self._connect(reader)
                elif self.scheme.startswith("socks5"):
                    port = await self._socks5(reader, writer)
                else:
                    port = await self._socks4(reader)
                writer.write(self.answer)
                if self.hold:
                    await self._stop.wait()
                if self.tunnel:
                    await self._relay(reader, writer, port)
                await writer.drain()
            finally:
                writer.close()

    async def _connect(self, reader: asyncio.StreamReader) -> int:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        self.requests.append(lines)
        return int(lines[0].split()[1].rpartition(":")[2])

    async def _socks5(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        """RFC 1928 and RFC 1929."""
        _, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        credentials = None
        writer.write(b"\x05\x02" if 2 in methods else b"\x05\x00")
        if 2 in methods:
            await reader.readexactly(1)
            credentials = (await self._string(reader), await self._string(reader))
            writer.write(b"\x01\x00")
        _, _, _, kind = await reader.readexactly(4)
        size = {1: 4, 4: 16}.get(kind)
        host = (await reader.readexactly(size)).hex() if size else await self._string(reader)
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        self.requests.append((host, port, credentials))
        self.answer = b"\x05\x00\x00\x01" + bytes(6) if self.answer == OPEN else self.answer
        return int(port)

    async def _string(self, reader: asyncio.StreamReader) -> str:
        (size,) = await reader.readexactly(1)
        return (await reader.readexactly(size)).decode()

    async def _socks4(self, reader: asyncio.StreamReader) -> int:
        _, _, port, address = struct.unpack("!BBH4s", await reader.readexactly(8))
        await reader.readuntil(b"\0")
        host = address.hex()
        if host.startswith("000000"):
            host = (await reader.readuntil(b"\0"))[:-1].decode()
        self.requests.append((host, port, None))
        self.answer = b"\x00\x5a" + bytes(6) if self.answer == OPEN else self.answer
        return int(port)

    async def _relay(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int
    ) -> None:
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(_copy(reader, other_writer), _copy(other_reader, writer))
        finally:
            other_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(2**16):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
    else:
        writer.close()
