"""
A connection on asyncio, for either side: what programs call.

Every decision is the core's (:mod:`ws_sansio`), bytes move in :mod:`ws_asyncio.transport`, and
messages are sent by :mod:`ws_asyncio.sending`. :meth:`Connection.recv` that finds a message doesn't
suspend.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from ws_sansio.fragments import Fragment, FragmentDecoder
from ws_sansio.shells import ConnectionStatus
from ws_sansio.states import State
from ws_types.codes import CloseCode
from ws_types.errors import ConcurrencyError
from ws_types.exceptions import ConnectionClosed, ConnectionClosedOK
from ws_types.typing import Data, DataLike

from .sending import Sender

__all__ = ["Connection"]

_OPEN = State.OPEN


class Connection(Sender, ConnectionStatus):
    """
    What client and server connections have in common.

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

    # What is known

    @property
    def buffered_output(self) -> int:
        """
        How many bytes wait to be taken by the network.

        With TLS, the transport beneath may hold some more, 64 KiB by default, that asyncio doesn't
        report.
        """
        return self._unsent() + self._gathered

    @property
    def local_address(self) -> Any:
        """The address of this end; for TCP, a tuple that starts with host and port."""
        return self.transport.get_extra_info("sockname")

    @property
    def remote_address(self) -> Any:
        """The address of the other end; for TCP, a tuple that starts with host and port."""
        return self.transport.get_extra_info("peername")

    # Receiving

    async def recv(self, decode: bool | None = None) -> Data:
        """
        Receive the next message.

        Can be cancelled: no message is lost.

        :param decode: :data:`None` gives text as :class:`str` and binary as :class:`bytes`;
            :data:`True` gives both as :class:`str`, :data:`False` both as :class:`bytes`.
        :raises ConnectionClosed: if the connection is closed, and all messages are received; also
            if a binary message that is to be decoded isn't UTF-8, which fails the connection with
            1007.
        :raises InvalidState: if the connection isn't open yet.
        :raises ConcurrencyError: if another task is receiving.
        """
        message: Data | None = None
        if self._inbox and not self._receiving:
            message = self._take()
        if message is None:
            message = await self._wait()
        if decode is None:
            return message
        if isinstance(message, str):
            return message if decode else message.encode()
        if not decode:
            return message
        try:
            return message.decode()
        except UnicodeDecodeError as exc:
            raise await self._undecodable(exc) from exc

    async def __aiter__(self) -> AsyncIterator[Data]:
        """
        Iterate over messages, until the connection is closed normally.

        :raises ConnectionClosedError: if it is closed in another way.
        """
        inbox = self._inbox
        try:
            while True:
                message = self._take() if inbox and not self._receiving else None
                yield await self._wait() if message is None else message
        except ConnectionClosedOK:
            return

    async def recv_streaming(self, decode: bool | None = None) -> AsyncIterator[Data]:
        """
        Receive the next message in pieces, as they arrive.

        There is a piece for each frame of a fragmented message, perhaps an empty one; what arrived
        before the first call is one piece. From then on, fragments are handed over rather than
        gathered: where *max_size* is a tuple, its first item may be :data:`None`.

        Iterate to the end: a message that was begun has to be finished before another can be
        received. Can be cancelled without loss before the first piece only.

        :param decode: as for :meth:`recv`. Pieces of text end between characters.
        :raises ConnectionClosed: if the connection is closed, perhaps within the message; also if
            a message that is to be decoded isn't UTF-8, which fails the connection with 1007.
        :raises InvalidState: if the connection isn't open yet.
        :raises ConcurrencyError: if another task is receiving, or a message was begun.
        """
        if self._receiving:
            raise ConcurrencyError(
                "cannot call recv_streaming while another coroutine "
                "is already running recv or recv_streaming"
            )
        self._check_opened()
        self._receiving = True
        begun = done = False
        try:
            self.protocol.stream_fragments()
            self._received(self.protocol.events_received())
            decoder = FragmentDecoder(decode)
            while True:
                fragment: Fragment = await self._next(self._inbox.take_fragment)
                try:
                    data = decoder.data_of(fragment)
                except UnicodeDecodeError as exc:
                    raise await self._undecodable(exc) from exc
                if fragment.fin:
                    done = True
                    break
                begun = True
                yield data
        except ConnectionClosed:
            done = True
            raise
        finally:
            self._receiver = None
            self._receiving = begun and not done
        yield data

    def _take(self) -> Any:
        message = self._inbox.take_message()
        if self._reading_paused and self._inbox.has_room():
            self._resume_reading()
        return message

    async def _wait(self) -> Any:
        """Wait for a message: there is none, or somebody else is waiting for it."""
        if self._receiving:
            raise ConcurrencyError(
                "cannot call recv while another coroutine is already running recv or recv_streaming"
            )
        self._check_opened()
        self._receiving = True
        try:
            return await self._next(self._inbox.take_message)
        finally:
            self._receiving = False
            self._receiver = None

    async def _next(self, take: Callable[[], Any]) -> Any:
        """Wait until the inbox gives something."""
        while True:
            item = take()
            if self._reading_paused and self._inbox.has_room():
                self._resume_reading()
            if item is not None:
                return item
            if self._lost:
                raise self.protocol.close_exc
            if self._gathered:
                # Nobody handles messages now: what was sent meanwhile has to leave.
                self._flush()
            self._receiver = self.loop.create_future()
            await self._receiver

    async def _undecodable(self, exc: UnicodeDecodeError) -> ConnectionClosed:
        """A message that isn't text can't be received as text: fail the connection."""
        # The rest of a message that was handed over in part isn't a message.
        self._inbox.clear()
        self._discard()
        self.protocol.refuse_message(exc, now=self.loop.time())
        self._after_command()
        return await self._closed_error()

    async def ping(self, data: DataLike | None = None) -> Awaitable[float]:
        """
        Send a ping.

        :param data: the payload, 125 bytes at most; random by default.
        :returns: an awaitable of the round-trip time in seconds, which needn't be awaited.
        :raises ConnectionClosed: if the connection is closing or closed.
        :raises ConcurrencyError: if another ping with this payload waits for its pong.
        :raises ProtocolError: if *data* is too long.
        """
        if isinstance(data, str):
            data = data.encode()
        elif data is None:
            data = self.protocol.unused_ping()
        if self.protocol.state is not _OPEN:
            raise await self._closed_error()
        self.protocol.send_ping(data, now=self.loop.time())
        pong = self._pongs[bytes(data)] = self.loop.create_future()
        self._flush()
        return pong

    async def pong(self, data: DataLike = b"") -> None:
        """
        Send a pong that no ping asked for. Pings are answered without help.

        :param data: the payload, 125 bytes at most.
        :raises ConnectionClosed: if the connection is closing or closed.
        :raises ProtocolError: if *data* is too long.
        """
        if isinstance(data, str):
            data = data.encode()
        if self.protocol.state is not _OPEN:
            raise await self._closed_error()
        self.protocol.send_pong(data, now=self.loop.time())
        self._flush()

    # Closing

    async def close(
        self, code: CloseCode | int = CloseCode.NORMAL_CLOSURE, reason: str = ""
    ) -> None:
        """
        Close the connection: perform the closing handshake, and wait for the end of the stream.

        Takes *close_timeout* at most; then the connection is dropped. Does nothing where the
        connection is closed. Can be cancelled: closing goes on.

        Messages that wait can still be received. Where too many do, and nobody receives them, those
        that follow are dropped.

        :param code: the close code.
        :param reason: the close reason, 123 bytes in UTF-8 at most.
        :raises ProtocolError: if code or reason can't be sent.
        """
        self._start_closing(code, reason)
        self._expect_reader()
        await self.wait_closed()

    def _start_closing(self, code: CloseCode | int, reason: str = "") -> None:
        protocol = self.protocol
        if protocol.state is _OPEN:
            now = self.loop.time()
            if self._fragmented is not None:
                protocol.fail(CloseCode.INTERNAL_ERROR, "close during fragmented message", now=now)
                self._discard()
            else:
                protocol.send_close(code, reason, now=now)
            self._after_command()
        elif protocol.state is State.CONNECTING and not self._lost:
            self.transport.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection: with code 1000, or 1011 where an exception came out."""
        if exc_type is None:
            await self.close()
        else:
            await self.close(CloseCode.INTERNAL_ERROR)
