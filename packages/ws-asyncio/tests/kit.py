"""
What the tests share: event loops, and a network in memory on a clock of its own.

:class:`MemoryLoop` is an event loop whose clock stands still while something can be done, and jumps
to the next timer when nothing can: an hour passes at once, and two runs are alike. Servers and
connections that are made on it are joined in memory, by transports that behave as those of
asyncio do (:mod:`ws_asyncio.memory`), can be looked into, and lose packets when told to.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import inspect
import logging
import random
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import pytest
from loops import LOOPS, new_loop

import ws_asyncio
from ws_asyncio import ClientConnection, Server, ServerConnection, connect, serve
from ws_asyncio.memory import MemoryNetwork, MemoryTransport
from ws_types.exceptions import ConnectionClosed

URI = "ws://localhost/"

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


# A network in memory


class SpyTransport(MemoryTransport):
    """One end of a connection, that takes notes, and insists on what a transport may be told."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        #: What each call of write() was given.
        self.writes: list[bytes] = []
        #: How often reading was paused.
        self.pauses = 0

    def write(self, data: Any) -> None:
        assert not self._eof, "write after write_eof"
        assert not self._closing, "write after close"
        self.writes.append(bytes(data))
        super().write(data)

    def pause_reading(self) -> None:
        assert not self.reading_paused and not self._closing
        self.pauses += 1
        super().pause_reading()

    def resume_reading(self) -> None:
        assert self.reading_paused
        super().resume_reading()

    def _hand_over(self, protocol: Any) -> None:
        super()._hand_over(protocol)
        if isinstance(protocol, asyncio.BufferedProtocol):
            # Whoever keeps the buffer keeps rubbish.
            buffer = protocol.get_buffer(-1)
            buffer[:] = b"\xff" * len(buffer)


class _SkippingSelector(selectors.DefaultSelector):
    """Where a loop would sleep, moves its clock."""

    loop: MemoryLoop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout is None or timeout > 0:
            if not ready and timeout is None:
                raise RuntimeError("nothing will ever happen")
            if not ready:
                assert timeout is not None
                self.loop.now += timeout
        return ready


class MemoryLoop(MemoryNetwork, asyncio.SelectorEventLoop):
    """An event loop with a network in memory, and a clock that doesn't make anybody wait."""

    def __init__(self) -> None:
        MemoryNetwork.__init__(self)
        self.now = 1000.0
        selector = _SkippingSelector()
        selector.loop = self
        asyncio.SelectorEventLoop.__init__(self, selector)

    def time(self) -> float:
        return self.now

    def make_transport(self, protocol: Any, context: Any) -> SpyTransport:
        return SpyTransport(self, protocol, context)

    def cut(self) -> None:
        """Lose all packets from now on."""
        self.hold()


def memory() -> MemoryLoop:
    """The loop that runs, which has to be one in memory."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, MemoryLoop)
    return loop


class Raw(asyncio.Protocol):
    """A peer that does what a test tells it, and nothing of its own."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.received = bytearray()
        self.eof = False
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data

    def eof_received(self) -> bool:
        self.eof = True
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(exc)


# Running tests


def _run(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, Any]) -> None:
    """Run a test; what ends in the loop's exception handler, or is left behind, fails it."""
    trouble: list[Any] = []

    def report(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        # In debug mode, asyncio reports each TLS handshake that fails; aiofastnet always does.
        message = context["message"]
        if "_abort() takes 1 positional argument" in str(context.get("exception")):
            return  # how asyncio ends TLS in TLS before 3.13
        if "transport creation" not in message and message != "SSL handshake failed":
            trouble.append(context)

    loop.set_exception_handler(report)
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(
            asyncio.wait_for(main, 3600 if isinstance(loop, MemoryLoop) else 20)
        )
        # Transports that were aborted come to rest.
        for _ in range(3):
            loop.run_until_complete(asyncio.sleep(0))
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    assert not trouble, trouble
    assert not left, left


def in_memory(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an asynchronous test on a :class:`MemoryLoop`."""

    @functools.wraps(test)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        _run(MemoryLoop(), test(*args, **kwargs))

    return wrapper


def on_sockets(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an asynchronous test on each kind of event loop, over loopback sockets."""

    @pytest.mark.parametrize("loop", LOOPS)
    def wrapper(loop: str, **kwargs: Any) -> None:
        _run(new_loop(loop), test(**kwargs))

    signature = inspect.signature(test)
    loop = inspect.Parameter("loop", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = [loop, *signature.parameters.values()]
    wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapper.__name__, wrapper.__doc__ = test.__name__, test.__doc__
    wrapper.pytestmark += getattr(test, "pytestmark", [])  # type: ignore[attr-defined]
    return wrapper


async def turns(count: int = 20) -> None:
    """Let the loop turn some times; its clock doesn't move."""
    for _ in range(count):
        await asyncio.sleep(0)


# Connections


async def hold(connection: ServerConnection) -> None:
    """A handler that does nothing until the connection is closed."""
    await connection.wait_closed()


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


class Pair:
    """A client and the server's end of its connection, with the transports of both."""

    def __init__(self, server: Server, client: ClientConnection, other: ServerConnection) -> None:
        self.server, self.client, self.other = server, client, other
        loop = asyncio.get_running_loop()
        if isinstance(loop, MemoryLoop):
            self.wire, self.other_wire = loop.links[-1]


@contextlib.asynccontextmanager
async def pair(
    handler: Callable[[ServerConnection], Any] = hold,
    client: dict[str, Any] | None = None,
    server: dict[str, Any] | None = None,
) -> AsyncIterator[Pair]:
    """
    A client and a server that are connected, in memory.

    There is no keepalive and no compression, unless asked for: sizes are what they seem.
    """
    accepted: list[ServerConnection] = []

    async def handle(connection: ServerConnection) -> None:
        accepted.append(connection)
        await handler(connection)

    quiet: dict[str, Any] = {"ping_interval": None, "compression": None}
    async with (
        serve(handle, **quiet | (server or {})) as running,
        connect(URI, **quiet | (client or {})) as connection,
    ):
        while not accepted:
            await asyncio.sleep(0)
        yield Pair(running, connection, accepted[0])
        accepted.clear()


async def raw_client() -> Raw:
    """Connect to the server in memory without a word."""
    return (await memory().create_connection(Raw))[1]


async def raw_open() -> Raw:
    """Connect to the server in memory, and open a WebSocket connection by hand."""
    raw = await raw_client()
    raw.transport.write(REQUEST)
    while b"\r\n\r\n" not in raw.received:
        await asyncio.sleep(0)
    del raw.received[: raw.received.index(b"\r\n\r\n") + 4]
    return raw


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True) -> bytes:
    """A frame on the wire; the masking key is zero."""
    size = len(payload)
    mask = 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | opcode])
    if size < 126:
        head += bytes([mask | size])
    elif size < 65536:
        head += bytes([mask | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([mask | 127]) + size.to_bytes(8, "big")
    return head + (bytes(4) if masked else b"") + payload


#: A megabyte that doesn't get shorter when it is compressed.
MEGABYTE = random.Random(1).randbytes(1_000_000)

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


@contextlib.contextmanager
def no_collector() -> Iterator[None]:
    """Without the garbage collector: what is freed is freed because nothing holds it."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def receive_all(connection: ws_asyncio.Connection) -> list[Any]:
    """The messages that are left on a connection that is closing."""
    messages = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            messages.append(await connection.recv())
    return messages


def lines(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    """What was logged, without what the event loop says of itself."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= level and record.name != "asyncio"
    ]
