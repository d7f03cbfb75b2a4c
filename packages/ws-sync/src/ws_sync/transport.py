"""
The socket's side of a connection: bytes in, bytes out, and the core's deadlines.

Who calls what is here, and when, is decided in :mod:`ws_sync.waiting`. All of it happens under the
lock of the connection. The socket doesn't block, so nothing takes long but what the core does with
a large message; and TLS needs no lock of its own.

Names with an underscore are for the modules of this package: see ``docs/design/threads.rst``.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

from ws_sansio.inbox import Inbox, queue_limits
from ws_sansio.protocol import Protocol
from ws_sansio.shells import READ_SIZE, read_size
from ws_sansio.states import State
from ws_types.http11 import Request, Response
from ws_types.typing import LoggerLike

from .readiness import READ
from .waiting import COURTESY, Waiting

__all__ = ["Link"]

_OPEN = State.OPEN
_CLOSED = State.CLOSED

#: Buffers that nobody reads into now: one is used for as long as it takes to decode what was read,
#: so that there are no more of them than threads that do so at once.
_buffers: list[memoryview] = []


class Link(Waiting):
    """
    What moves the bytes of a connection, sees to its deadlines, and wakes who waits.

    Its arguments are those of :class:`~ws_sync.connection.Connection`.
    """

    def __init__(
        self,
        sock: Any,
        protocol: Protocol,
        *,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        max_queue: int | None | tuple[int | None, int | None] = 16,
        max_queue_size: int | None = None,
        open_timeout: float | None = None,
    ) -> None:
        protocol.view = "messages"
        protocol.set_timeouts(
            open_timeout=open_timeout,
            close_timeout=close_timeout,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
        )
        self._inbox = Inbox(*queue_limits(max_queue), max_queue_size)
        self.ping_interval = ping_interval
        self.ping_timeout = ping_timeout
        self.close_timeout = close_timeout
        #: Where log lines go.
        self.logger: LoggerLike = protocol.logger
        #: The request and the response of the opening handshake.
        self.request: Request | None = None
        self.response: Response | None = None

        super().__init__(sock, protocol)

        self._read_size = READ_SIZE
        self._input_paused = False
        # Set when the connection is being closed and its full inbox isn't read. Never reset, lest
        # there be gaps in what is received.
        self._discarding = False

        # Whether the stream of the peer has ended.
        self._ended = False
        self._end_waits = False
        # The bytes gathered, and whether the watchman sends them if nobody else does.
        self._gathered = 0
        self._flushed_soon = False

        self._pongs: dict[bytes, tuple[threading.Event, bool]] = {}
        protocol.handle_deadline(self._clock())

    def _flush_gathered(self) -> bool:
        """For the watchman: send what has been gathered; returns whether anything was."""
        if not self._lock.acquire(timeout=COURTESY):
            return True
        try:
            self._flushed_soon = self._gathered > 0
            self._flush()
            if self._outbox:
                self._attend_soon()
            return self._flushed_soon
        finally:
            self._lock.release()

    # The inside: the lock is held

    def _stream_broken(self) -> None:
        # What is left to read has an end.
        self._discarding = True

    def _make_room(self) -> None:
        """Messages were taken from a full inbox: reading may go on."""
        if self._reads():
            self._attend_soon()

    def _reads(self) -> bool:
        """Whether there is room for what the peer sends."""
        if self._ended:
            return False
        # The quick answer, and nearly always the right one.
        if not (self._inbox.count or self._input_paused):
            return True
        if self._discarding or self.protocol.close_rcvd is not None:
            # Behind a close frame there is nothing but the end of the stream.
            paused = False
        elif self._input_paused:
            paused = not self._inbox.has_room()
        else:
            paused = self._inbox.is_full()
        if paused != self._input_paused:
            self._input_paused = paused
            if paused:
                self.protocol.input_paused()
            else:
                self.protocol.input_resumed(now=self._clock())
        return not paused

    def _move_bytes(self, ready: bool) -> None:
        """
        Write and read what can be.

        :param ready: whether the socket is ready. One that isn't may have room for a little even
            so, but then a ping would seem to have left that is stuck in a buffer.
        """
        if self._lost:
            return
        if self._outbox and ready:
            self._write()
        # What a driver waits for is the driver's: it wouldn't wake up.
        if not self._driver_events & READ:
            pending = self._stream.pending
            while self._read() and pending is not None and pending():
                pass  # what TLS has decrypted, the socket isn't ready for

    def _read(self) -> bool:
        """Read once, if there is room; returns whether there was anything."""
        if self._lost or not self._reads():
            return False
        protocol = self.protocol
        try:
            buffer = _buffers.pop()
        except IndexError:
            buffer = memoryview(bytearray(READ_SIZE))
        view = buffer if self._read_size == READ_SIZE else buffer[: self._read_size]
        try:
            size = self._stream.recv_into(view)
            if size:
                protocol.receive_data(view[:size], now=self._clock())
            else:
                self._ended = True
                protocol.receive_eof(now=self._clock())
            self._received(protocol.events_received())
        except BlockingIOError:
            return False
        except OSError as exc:
            self._break(exc)
            return False
        except BaseException:
            # Ctrl-C within the core: what it was at is lost.
            self._break(None)
            raise
        finally:
            _buffers.append(buffer)
        return size > 0

    def _received(self, events: list[Any]) -> None:
        """Deal with what came of a read."""
        protocol = self.protocol
        if events:
            if self.response is None:
                events = self._handshake_events(events)
            if not self._discarding:
                self._inbox.put(events)
        for payload, _ in protocol.pings_answered():
            if payload in self._pongs:
                self._pongs.pop(payload)[0].set()
        self._flush()
        if self._waiting:
            self._notify()
        if protocol.state is not _OPEN:
            self._settle()

    def _handshake_events(self, events: list[Any]) -> list[Any]:
        """Take the event of the opening handshake; returns those that follow it."""
        raise NotImplementedError

    def _limit_reads(self) -> None:
        """The opening handshake is done: what is read from now on may have to be decompressed."""
        self._read_size = read_size(self.protocol)

    def _connection_lost(self) -> None:
        """The connection is lost."""

    def _flush(self) -> None:
        """Write what the core wants to send, as far as the socket takes it."""
        self._gathered = 0
        try:
            chunks = self.protocol.data_to_send()
            if not chunks or self._lost:
                return
            interrupt = self._send_chunks(chunks)
        except BaseException:
            # Ctrl-C: what was to be sent is lost.
            self._break(None)
            raise
        if interrupt is not None:
            try:
                raise interrupt
            finally:
                del interrupt

    def _send_chunks(self, chunks: list[bytes]) -> BaseException | None:
        """Returns what interrupted it, where nothing is lost by that."""
        if not chunks[-1]:
            chunks.pop()
            self._end_waits = True
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        size = 0
        interrupt: BaseException | None = None
        if data and not self._outbox:
            try:
                # Not a call, after which an interrupt would come before the size is noted.
                (size,) = map(self._stream.send, (data,))
            except BlockingIOError:
                pass
            except OSError as exc:
                self._break_output(exc)
                return None
            except BaseException as exc:
                if not self._stream.sends_at_once:
                    raise
                interrupt = exc
        if size == len(data) and not self._outbox:
            if self._end_waits:
                self._end_output()
            return interrupt
        self._outbox += memoryview(data)[size:]
        self._report_output()
        return interrupt

    def _write(self) -> None:
        """Write what waits, as far as the socket takes it."""
        outbox = self._outbox
        try:
            while outbox:
                with memoryview(outbox) as view:
                    size = self._stream.send(view)
                del outbox[:size]
        except BlockingIOError:
            pass
        except OSError as exc:
            self._break_output(exc)
            return
        except BaseException:
            self._break(None)
            raise
        self._report_output()
        # What was held back while the output waited, pongs for instance.
        self._flush()
        if not outbox:
            if self._end_waits:
                self._end_output()
            if self._waiting:
                self._notify()
            self._settle()

    def _report_output(self) -> None:
        self.protocol.output_pending(len(self._outbox), now=self._clock())

    def _end_output(self) -> None:
        self._end_waits = False
        # Where the peer has reset the connection, what it sent before is still to be read.
        with contextlib.suppress(OSError):
            self._stream.end()

    def _handle_deadline(self) -> None:
        """Do what is due."""
        protocol = self.protocol
        deadline = protocol.next_deadline
        if self._lost or deadline is None or (now := self._clock()) < deadline:
            return
        was_open = protocol.state is _OPEN
        self._report_output()
        protocol.handle_deadline(now)
        self._flush()
        # A ping may have left.
        self._report_output()
        if was_open and protocol.state is not _OPEN:
            # It failed: the end of the stream is all that is still to come.
            self._discarding = True
        self._settle()

    def _settle(self) -> None:
        """Give the socket up where it isn't needed any more."""
        protocol = self.protocol
        if protocol.timed_out or (protocol.state is _CLOSED and not self._outbox):
            self._lose()

    def _break_output(self, exc: OSError) -> None:
        """Nothing can be sent any more. What the peer has sent before, it may have said why."""
        self._outbox.clear()
        self._end_waits = False
        while self._read():
            pass
        # Its close frame may be behind more than the inbox has room for.
        self._discarding = True
        while self._read():
            pass
        self._break(exc)

    def _break(self, exc: Exception | None) -> None:
        """The stream is lost."""
        protocol = self.protocol
        if protocol.state is not _CLOSED:
            if exc is not None and protocol.parser_exc is None:
                # Its traceback would hold this frame.
                protocol.parser_exc = exc.with_traceback(None)
            protocol.receive_eof(now=self._clock())
        self._lose()

    def _lose(self) -> None:
        """The connection is over: let go of the socket, and wake who waits."""
        if self._lost:
            return
        self._lost = True
        self.protocol.data_to_send()
        self._gathered = 0
        self._outbox.clear()
        for pong, ack_on_close in self._pongs.values():
            if ack_on_close:
                pong.set()
        self._pongs.clear()
        if self._polling:
            # Whoever waits for the socket wakes up, and closes it. So they do where it isn't
            # connected any more, which is an error here.
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
        else:
            self._close_socket()
        if self._waiting:
            self._notify()
        self._connection_lost()
