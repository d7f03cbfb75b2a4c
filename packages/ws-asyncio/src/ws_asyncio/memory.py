"""
A network in memory, for tests: transports that behave as asyncio's do over sockets.

What one end writes goes into a *wire*, which holds a number of bytes as the buffers of operating
systems do, and arrives at the other end at a later turn of the event loop, a chunk a turn. What
the wire has no room for waits in the transport, which asks its protocol to pause when that is too
much. An end that pauses reading leaves the wire full. So backpressure is what it is in earnest.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

__all__ = ["MemoryListener", "MemoryNetwork", "MemoryTransport"]


class MemoryTransport(asyncio.Transport):
    """
    One end of a connection in memory.

    :param network: the network that it is part of.
    :param protocol: the protocol at this end.
    :param context: the context in which the protocol is called.
    """

    def __init__(self, network: MemoryNetwork, protocol: Any, context: contextvars.Context) -> None:
        super().__init__()
        self.network = network
        self.protocol = protocol
        self.context = context
        self.loop = asyncio.get_running_loop()
        #: The transport at the other end.
        self.other: MemoryTransport
        #: Whether reading is paused, whether the end was abrupt, and whether it has come.
        self.reading_paused = False
        self.aborted = False
        self.lost = False
        self._capacity = network.capacity
        self._out = bytearray()
        self._wire = bytearray()
        self._eof = False
        self._eof_delivered = False
        self._closing = False
        self._writing_paused = False
        self._high, self._low = 2**16, 2**14
        self._scheduled = False

    # What protocols call

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """The addresses are made up."""
        return {"peername": ("memory", 1), "sockname": ("memory", 2)}.get(name, default)

    def get_protocol(self) -> Any:
        """The protocol at this end; :data:`None` once the connection is lost."""
        return self.protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Put another protocol in its place."""
        self.protocol = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set how many bytes may wait before the protocol is asked to pause."""
        if high is None:
            high = 2**16 if low is None else 4 * low
        self._high, self._low = high, high // 4 if low is None else low

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """The low-water mark and the high one, in bytes."""
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        """The bytes that the wire had no room for."""
        return len(self._out)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send *data*; what is written after :meth:`close` is dropped."""
        if self._eof:
            raise RuntimeError("cannot write after write_eof")
        if self._closing:
            return
        self._out += data
        self._fill_wire()
        if len(self._out) > self._high and not self._writing_paused:
            self._writing_paused = True
            self.protocol.pause_writing()

    def can_write_eof(self) -> bool:
        """The two directions end apart from each other."""
        return True

    def write_eof(self) -> None:
        """End the stream, behind what was written."""
        self._eof = True
        self._fill_wire()

    def is_closing(self) -> bool:
        """Whether the connection is lost or about to be."""
        return self._closing

    def close(self) -> None:
        """End the connection, once what was written has left."""
        if not self._closing:
            self._closing = True
            self._fill_wire()

    def abort(self) -> None:
        """End the connection at once; the other end is reset."""
        if not self.lost:
            self.aborted = True
            self._out.clear()
            self.lose(None)
            self.schedule()

    def is_reading(self) -> bool:
        """Whether what arrives is read."""
        return not self.reading_paused and not self._closing

    def pause_reading(self) -> None:
        """Leave in the wire what arrives."""
        self.reading_paused = True

    def resume_reading(self) -> None:
        """Read again."""
        self.reading_paused = False
        self.other.schedule()

    # The network's part

    def lose(self, exc: Exception | None) -> None:
        """The connection is gone; its protocol is told at the next turn of the loop."""
        if not self.lost:
            self.lost = self._closing = True
            self.loop.call_soon(self._lose, exc, context=self.context)

    def _lose(self, exc: Exception | None) -> None:
        self.protocol.connection_lost(exc)
        # As asyncio's transports do: nothing is left that holds the protocol.
        self.protocol = None

    def _fill_wire(self) -> None:
        room = self._capacity - len(self._wire)
        self._wire += self._out[:room]
        del self._out[:room]
        if self._closing and not self._out:
            # What is in the wire arrives nevertheless.
            self.lose(None)
        self.schedule()

    def schedule(self) -> None:
        """See to it that what is in the wire arrives."""
        if not self._scheduled and not self.network.held:
            self._scheduled = True
            self.loop.call_soon(self._deliver, context=self.other.context)

    def _deliver(self) -> None:
        """Let the next chunk arrive, or the end of the stream."""
        self._scheduled = False
        other = self.other
        if self.network.held:
            return
        if self.aborted:
            other.lose(ConnectionResetError("connection reset by peer"))
        elif other.lost:
            if self._wire:
                self._out.clear()
                self.lose(ConnectionResetError("connection reset by peer"))
        elif other.reading_paused:
            return
        elif self._wire:
            self._hand_over(other.protocol)
            self._fill_wire()
            self._drained()
        elif (self._eof or self._closing) and not self._out and not self._eof_delivered:
            self._eof_delivered = True
            if not other.protocol.eof_received():
                other.close()

    def _hand_over(self, protocol: asyncio.BufferedProtocol | asyncio.Protocol) -> None:
        if isinstance(protocol, asyncio.BufferedProtocol):
            buffer: Any = protocol.get_buffer(-1)
            size = min(len(self._wire), len(buffer))
            buffer[:size] = self._wire[:size]
            del self._wire[:size]
            protocol.buffer_updated(size)
        else:
            data = bytes(self._wire)
            self._wire.clear()
            protocol.data_received(data)

    def _drained(self) -> None:
        if self._writing_paused and len(self._out) <= self._low and not self.lost:
            self._writing_paused = False
            self.protocol.resume_writing()


class MemoryListener:
    """
    Stands for the server of an event loop.

    :param network: the network that it listens on.
    :param factory: makes the protocol of a connection.
    """

    def __init__(self, network: MemoryNetwork, factory: Callable[[], Any]) -> None:
        self.network = network
        self.factory = factory
        self.context = contextvars.copy_context()
        #: There are none.
        self.sockets: tuple[Any, ...] = ()
        self._loop = asyncio.get_running_loop()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that it belongs to."""
        return self._loop

    def is_serving(self) -> bool:
        """Whether it accepts connections."""
        return self.network.server is self

    async def start_serving(self) -> None:
        """Accept connections."""
        self.network.server = self

    def close(self) -> None:
        """Accept none any more."""
        if self.is_serving():
            self.network.server = None

    async def wait_closed(self) -> None:
        """Nothing is left to wait for."""


class MemoryNetwork:
    """
    A network that one server listens on, whatever the address.

    It has the methods of an event loop that open transports, and stands in for it.
    """

    def __init__(self) -> None:
        #: What listens, if anything does.
        self.server: MemoryListener | None = None
        #: The transports of each connection, the client's first.
        self.links: list[tuple[MemoryTransport, MemoryTransport]] = []
        #: Bytes that connections made from now on hold in each direction.
        self.capacity = 2**16
        #: Whether nothing arrives.
        self.held = False

    async def create_server(
        self, factory: Callable[[], Any], host: Any = None, port: Any = None, **settings: Any
    ) -> Any:
        """Listen."""
        self.server = MemoryListener(self, factory)
        return self.server

    async def create_connection(
        self, factory: Callable[[], Any], host: Any = None, port: Any = None, **settings: Any
    ) -> Any:
        """
        Connect to what listens.

        :raises ConnectionRefusedError: if nothing does.
        """
        if self.server is None:
            raise ConnectionRefusedError("nobody listens")
        client = self.make_transport(factory(), contextvars.copy_context())
        context = self.server.context.copy()
        server = self.make_transport(context.run(self.server.factory), context)
        client.other, server.other = server, client
        self.links.append((client, server))
        for transport in (server, client):
            transport.context.run(transport.protocol.connection_made, transport)
        return client, client.protocol

    def make_transport(self, protocol: Any, context: contextvars.Context) -> MemoryTransport:
        """Make one end of a connection."""
        return MemoryTransport(self, protocol, context)

    def hold(self) -> None:
        """Let nothing arrive, until :meth:`release`: neither data nor the ends of streams."""
        self.held = True

    def release(self) -> None:
        """Let arrive what was held, and what follows."""
        self.held = False
        for link in self.links:
            for transport in link:
                transport.schedule()

    def abort(self) -> None:
        """Cut all connections: both ends are reset."""
        for link in self.links:
            for transport in link:
                transport.lose(ConnectionResetError("connection reset by peer"))
