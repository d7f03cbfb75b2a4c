"""
The transport's side of a connection: bytes in, bytes out, and the core's deadlines.

**In.** The transport reads into one buffer that all connections of an event loop share; the
core decodes it in place; messages wait in the :class:`~ws_sansio.inbox.Inbox`. A whole read is
one wake-up. Reading stops while the inbox is full: not at once, but a turn of the loop later,
because the reader that was just woken is likely to empty it.

**Out.** What the core wants to send leaves in one write (:meth:`Link._flush`). The transport
buffers it, and says when that is too much. Over TLS it can't, so that a
:class:`~ws_asyncio.backlog.Backlog` does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, cast
from weakref import WeakKeyDictionary

from ws_sansio.inbox import Inbox, queue_limits
from ws_sansio.protocol import Protocol
from ws_sansio.shells import READ_SIZE, patience, read_size
from ws_sansio.states import State
from ws_types.http11 import Request, Response
from ws_types.typing import LoggerLike

from .backlog import Backlog

__all__ = ["Link"]

_OPEN = State.OPEN
_CLOSED = State.CLOSED

_read_buffers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, memoryview]]
_read_buffers = WeakKeyDictionary()


def _read_buffer(loop: asyncio.AbstractEventLoop, size: int) -> memoryview:
    """
    The buffer of an event loop: what is read is decoded before the next read.

    :param size: how much of it to read into, in bytes.
    """
    views = _read_buffers.setdefault(loop, {})
    if not views:
        views[READ_SIZE] = memoryview(bytearray(READ_SIZE))
    if size not in views:
        views[size] = views[READ_SIZE][:size]
    return views[size]


class Link(asyncio.BufferedProtocol):
    """
    What moves the bytes of a connection, sleeps until its next deadline, and wakes who waits.

    :param protocol: the core of the connection.
    :param ping_interval: seconds between keepalive pings; :data:`None` sends none.
    :param ping_timeout: seconds of silence after a keepalive ping that mean a dead peer;
        :data:`None` never gives up.
    :param close_timeout: seconds for the closing handshake; :data:`None` is no limit.
    :param max_queue: the number of received messages that may wait, above which reading stops; or
        a tuple of that and the number at which it goes on; :data:`None` is no limit.
    :param write_limit: the number of bytes waiting to be sent above which :meth:`send` waits; or
        a tuple of that and the number at which it goes on.
    :param max_queue_size: the size of the received messages that may wait, in bytes, above which
        reading stops; :data:`None` is no limit.
    """

    def __init__(
        self,
        protocol: Protocol,
        *,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        max_queue: int | None | tuple[int | None, int | None] = 16,
        write_limit: int | tuple[int, int | None] = 32768,
        max_queue_size: int | None = None,
        open_timeout: float | None = None,
    ) -> None:
        self.protocol = protocol
        protocol.view = "messages"
        protocol.set_timeouts(
            open_timeout=open_timeout,
            close_timeout=close_timeout,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
        )
        self.ping_interval = ping_interval
        self.ping_timeout = ping_timeout
        self.close_timeout = close_timeout
        self.max_queue = queue_limits(max_queue)
        self.write_limit = write_limits(write_limit)
        protocol.write_limit = self.write_limit[0]

        #: Where log lines go.
        self.logger: LoggerLike = protocol.logger
        #: The request and the response of the opening handshake.
        self.request: Request | None = None
        self.response: Response | None = None
        #: The event loop, and the transport; set when the connection is made.
        self.loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport

        self._buffer = _read_buffer(self.loop, READ_SIZE)
        self._inbox = Inbox(*self.max_queue, max_queue_size)
        self._receiving = False
        self._receiver: asyncio.Future[None] | None = None
        self._reading_paused = False
        self._pause_check: asyncio.Handle | None = None
        # Set when the connection is being closed and its full inbox isn't read. Never reset, lest
        # there be gaps in what is received.
        self._discarding = False
        self._impatience: asyncio.TimerHandle | None = None

        self._gathered = 0
        self._gather_flush: asyncio.Handle | None = None
        self._writing_paused = False
        self._backlog: Backlog | None = None
        # Whether the core believes that output waits, and has to be told when it doesn't.
        self._output_waits = False
        self._drainers: deque[asyncio.Future[None]] = deque()
        # Set while a fragmented message is being sent: others have to wait.
        self._fragmented: asyncio.Future[None] | None = None

        self._pongs: dict[bytes, asyncio.Future[float]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._lost = False
        self._closed: asyncio.Future[None] = self.loop.create_future()

    # The transport calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is there."""
        # Not to be asserted: uvloop's transports don't inherit from it.
        self.transport = cast(asyncio.Transport, transport)
        if transport.get_extra_info("sslcontext") is None:
            self.transport.set_write_buffer_limits(*self.write_limit)
        else:
            self._backlog = Backlog(self.transport)
        self.protocol.handle_deadline(self.loop.time())
        self._schedule()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the transport reads into."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """The transport has read."""
        protocol = self.protocol
        now = self.loop.time()
        if self._output_waits:
            self._report_output(now)
        protocol.receive_data(self._buffer[:nbytes], now=now)
        self._received(protocol.events_received())

    def eof_received(self) -> None:
        """The peer has ended its stream."""
        self.protocol.receive_eof(now=self.loop.time())
        self._received(self.protocol.events_received())

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is closed."""
        protocol = self.protocol
        if protocol.state is not _CLOSED:
            if exc is not None and protocol.parser_exc is None:
                # Its traceback leads through the write that failed, back here.
                protocol.parser_exc = exc.with_traceback(None)
            protocol.receive_eof(now=self.loop.time())
        protocol.data_to_send()
        self._lost = True
        for handle in (self._timer, self._gather_flush, self._pause_check, self._impatience):
            if handle is not None:
                handle.cancel()
        self._timer = self._gather_flush = self._pause_check = self._impatience = None
        self._wake()
        if self._fragmented is not None and not self._fragmented.done():
            # What provides the fragments may never end.
            self._fragmented.set_result(None)
        for drainer in self._drainers:
            if not drainer.done():
                drainer.set_result(None)
        for pong in self._pongs.values():
            if not pong.done():
                pong.set_exception(protocol.close_exc)
                # Who pings need not wait for the pong: silence "exception was never retrieved".
                pong.exception()
        self._pongs.clear()
        self._connection_lost()
        if not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        """More output waits than *write_limit* allows; over TLS, any at all."""
        if self._backlog is None:
            self._writing_paused = True
            self._report_output(self.loop.time())
        else:
            self._backlog.paused = True

    def resume_writing(self) -> None:
        """Output has drained."""
        if self._backlog is not None:
            self._backlog.paused = False
            self._backlog.go_on()
            high, low = self.write_limit
            if self._unsent() > (high // 4 if low is None else low):
                self._report_output(self.loop.time())
                return
        self._writing_paused = False
        self._report_output(self.loop.time())
        self._flush()
        for drainer in self._drainers:
            if not drainer.done():
                drainer.set_result(None)

    # The inside

    def _received(self, events: list[Any]) -> None:
        """Deal with what came of a read."""
        protocol = self.protocol
        if events:
            if self.response is None:
                events = self._handshake_events(events)
            inbox = self._inbox
            if not self._discarding:
                inbox.put(events)
            self._wake()
            if self._pause_check is None and inbox.is_full() and not self._reading_paused:
                self._pause_check = self.loop.call_soon(self._pause_reading)
        answered = protocol.pings_answered()
        for payload, latency in answered:
            pong = self._pongs.pop(payload, None)
            if pong is not None and not pong.done():
                pong.set_result(latency)
        self._flush()
        if protocol.state is not _OPEN:
            self._schedule()

    def _handshake_events(self, events: list[Any]) -> list[Any]:
        """Take the event of the opening handshake; returns those that follow it."""
        raise NotImplementedError

    def _limit_reads(self) -> None:
        """The opening handshake is done: what is read from now on may have to be decompressed."""
        self._buffer = _read_buffer(self.loop, read_size(self.protocol))

    def _connection_lost(self) -> None:
        """The connection is lost."""

    def _wake(self) -> None:
        if self._receiver is not None and not self._receiver.done():
            self._receiver.set_result(None)

    def _pause_reading(self) -> None:
        self._pause_check = None
        if (
            self._inbox.is_full()
            # Behind a close frame there is nothing but the end of the stream.
            and self.protocol.close_rcvd is None
            and not self._reading_paused
            and not self._discarding
            and not self.transport.is_closing()
        ):
            self._reading_paused = True
            self.transport.pause_reading()
            self.protocol.input_paused()
            if self.protocol.state is not _OPEN:
                self._expect_reader()

    def _expect_reader(self) -> None:
        """The connection is being closed, but reading is paused: it can't stay so."""
        if self._reading_paused and self._impatience is None:
            self._impatience = self.loop.call_later(
                patience(self.close_timeout), self._lose_patience, self._inbox.count
            )

    def _lose_patience(self, count: int) -> None:
        self._impatience = None
        if self._inbox.count < count:
            self._expect_reader()
        else:
            self._discard()

    def _discard(self) -> None:
        """Drop what arrives from now on. What is in the inbox can still be received."""
        self._discarding = True
        if self._reading_paused:
            self._resume_reading()

    def _resume_reading(self) -> None:
        self._reading_paused = False
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None
        if not self._lost and not self.transport.is_closing():
            self.transport.resume_reading()
            self.protocol.input_resumed(now=self.loop.time())
            self._schedule()

    def _flush(self) -> None:
        """Write what the core wants to send."""
        self._gathered = 0
        if self._gather_flush is not None:
            self._gather_flush.cancel()
            self._gather_flush = None
        chunks = self.protocol.data_to_send()
        if not chunks:
            return
        transport = self.transport
        if transport.is_closing():
            return
        end = not chunks[-1]
        if end:
            chunks.pop()
        if chunks:
            data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            if self._backlog is None:
                transport.write(data)
            else:
                self._write_backlog(self._backlog, data)
        if end:
            self._end_output()

    def _write_backlog(self, backlog: Backlog, data: bytes) -> None:
        backlog.write(data)
        if not self._writing_paused and self._unsent() > self.write_limit[0]:
            self._writing_paused = True
            self._report_output(self.loop.time())

    def _end_output(self) -> None:
        transport = self.transport
        if self._backlog is not None:
            # TLS has no half-close: what is written still leaves.
            self._backlog.close()
        elif transport.can_write_eof():
            try:
                transport.write_eof()
            except OSError:
                # The peer has reset the connection, and the event loop doesn't know it yet.
                transport.abort()
        else:
            transport.close()

    def _after_command(self) -> None:
        """A command may have changed the state."""
        self._flush()
        self._schedule()

    def _schedule(self) -> None:
        """See to it that the core is called at its next deadline."""
        if self._lost:
            return
        protocol = self.protocol
        if protocol.timed_out:
            self.transport.abort()
            return
        deadline = protocol.next_deadline
        if deadline is not None and self.ping_interval is not None:
            # A pong may bring the next ping forward, and doesn't come through here.
            deadline = min(deadline, self.loop.time() + self.ping_interval)
        timer = self._timer
        if timer is not None:
            if deadline is not None and timer.when() <= deadline:
                # It fires early, finds nothing due, and comes back here.
                return
            timer.cancel()
            self._timer = None
        if deadline is not None:
            self._timer = self.loop.call_at(deadline, self._on_deadline)

    def _on_deadline(self) -> None:
        self._timer = None
        now = self.loop.time()
        protocol = self.protocol
        self._report_output(now)
        was_open = protocol.state is _OPEN
        protocol.handle_deadline(now)
        self._flush()
        # A ping may have left.
        self._report_output(now)
        if was_open and protocol.state is not _OPEN:
            # It failed: the end of the stream is all that is still to come.
            self._discard()
        self._schedule()

    def _unsent(self) -> int:
        """The bytes that wait to be taken by the network."""
        size = self.transport.get_write_buffer_size()
        return size if self._backlog is None else size + self._backlog.size

    def _report_output(self, now: float) -> None:
        size = self._unsent()
        self._output_waits = size > 0
        self.protocol.output_pending(size, now=now)


def write_limits(write_limit: int | tuple[int, int | None]) -> tuple[int, int | None]:
    """
    The high-water mark of output and the low one, in bytes, if that was given.

    :raises ValueError: if a transport won't take them.
    """
    high, low = write_limit if isinstance(write_limit, tuple) else (write_limit, None)
    if high < 0:
        raise ValueError(f"write_limit must be at least 0 bytes, not {high}")
    if low is not None and not 0 <= low <= high:
        raise ValueError(f"write_limit's low-water mark must be between 0 and {high}, not {low}")
    return high, low
