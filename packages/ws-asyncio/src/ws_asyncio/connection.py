"""
A connection on asyncio, for either side: what programs call.

Every decision is the core's (:mod:`ws_sansio`), and bytes move in :mod:`ws_asyncio.transport`.
:meth:`Connection.recv` that finds a message doesn't suspend; nor does :meth:`Connection.send`
that isn't blocked.

A lone message is written at once. While messages that have arrived still wait to be handled,
what is sent is gathered, and leaves in one write: when the reader is about to wait, when
:data:`GATHER_LIMIT` bytes have gathered, or at the next turn of the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from ws_sansio.states import State
from ws_types.codes import CloseCode
from ws_types.errors import ConcurrencyError, InvalidState
from ws_types.exceptions import ConnectionClosed, ConnectionClosedOK
from ws_types.typing import Data, DataLike, Subprotocol

from .deprecated import OldAttributes

if TYPE_CHECKING:
    import uuid

__all__ = ["Connection"]

#: The most bytes that are gathered before they are written.
GATHER_LIMIT: Final = 2**16

#: With ``compression="deflate"``, messages of fewer bytes are sent as they are: one packet of the
#: network carries them in either form, and compressing costs more than all else.
COMPRESSION_THRESHOLD: Final = 64

# Quicker to test for than a union of types.
_DATA = (str, bytes, bytearray, memoryview)

_OPEN = State.OPEN


class Connection(OldAttributes):
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
    def id(self) -> uuid.UUID:
        """A number for this connection, unique in the world."""
        return self.protocol.id

    @property
    def latency(self) -> float:
        """
        The round-trip time of the last ping that was answered, in seconds; 0 before any was.
        """
        return self.protocol.latency

    @property
    def last_received(self) -> float | None:
        """When something was last received, by the event loop's clock, in seconds."""
        return self.protocol.last_received

    @property
    def local_address(self) -> Any:
        """The address of this end; for TCP, a tuple that starts with host and port."""
        return self.transport.get_extra_info("sockname")

    @property
    def remote_address(self) -> Any:
        """The address of the other end; for TCP, a tuple that starts with host and port."""
        return self.transport.get_extra_info("peername")

    @property
    def state(self) -> State:
        """The state of the connection."""
        return self.protocol.state

    @property
    def subprotocol(self) -> Subprotocol | None:
        """The subprotocol that was negotiated."""
        subprotocol: Subprotocol | None = self.protocol.subprotocol
        return subprotocol

    @property
    def close_code(self) -> int | None:
        """The close code of the connection; :data:`None` while it isn't closed."""
        return self.protocol.close_code

    @property
    def close_reason(self) -> str | None:
        """The close reason of the connection; :data:`None` while it isn't closed."""
        return self.protocol.close_reason

    # Receiving

    async def recv(self, decode: bool | None = None) -> Data:
        """
        Receive the next message.

        Can be cancelled: no message is lost.

        :param decode: :data:`None` gives text as :class:`str` and binary as :class:`bytes`;
            :data:`True` gives both as :class:`str`, :data:`False` both as :class:`bytes`.
        :raises ConnectionClosed: if the connection is closed, and all messages are received.
        :raises InvalidState: if the connection isn't open yet.
        :raises ConcurrencyError: if another task is receiving.
        :raises UnicodeDecodeError: if a binary message that is to be decoded isn't UTF-8.
        """
        message: Data
        message = self._take() if self._inbox and not self._receiving else await self._wait()
        if decode is None:
            return message
        if decode:
            return message if isinstance(message, str) else message.decode()
        return message.encode() if isinstance(message, str) else message

    async def __aiter__(self) -> AsyncIterator[Data]:
        """
        Iterate over messages, until the connection is closed normally.

        :raises ConnectionClosedError: if it is closed in another way.
        """
        inbox = self._inbox
        try:
            while True:
                yield self._take() if inbox and not self._receiving else await self._wait()
        except ConnectionClosedOK:
            return

    def _take(self) -> Any:
        message = self._inbox.get()
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
            while not self._inbox:
                if self._lost:
                    raise self.protocol.close_exc
                if self._gathered:
                    # Nobody handles messages now: what was sent meanwhile has to leave.
                    self._flush()
                self._receiver = self.loop.create_future()
                await self._receiver
        finally:
            self._receiving = False
            self._receiver = None
        return self._take()

    # Sending

    async def send(
        self,
        message: DataLike | Iterable[DataLike] | AsyncIterable[DataLike],
        *,
        text: bool | None = None,
    ) -> None:
        """
        Send a message.

        An iterable, or an asynchronous one, is sent as a fragmented message, a fragment for each
        item; they must be of one kind. Other messages wait until it is complete.

        Waits while more output is waiting than *write_limit* allows. Can be cancelled: a message
        that isn't fragmented is sent whole or not at all.

        :param message: :class:`str` goes as text, bytes-like as binary.
        :param text: :data:`True` sends bytes-like as text, :data:`False` :class:`str` as binary.
        :raises ConnectionClosed: if the connection is closing or closed.
        :raises TypeError: if *message* can't be sent.
        :raises UnicodeError: if what is to go as text isn't UTF-8, or can't be.
        """
        if self._fragmented is not None:
            await self._unfragmented()
        if isinstance(message, _DATA):
            # The length of a memoryview is a number of items, where it has one.
            size = message.nbytes if type(message) is memoryview else len(message)
            try:
                self.protocol.send_message(message, text=text)
            except InvalidState:
                pass
            else:
                self._gathered += size + 1
                if self._inbox.count == 0 or self._gathered >= GATHER_LIMIT:
                    self._flush()
                elif self._gather_flush is None:
                    self._gather_flush = self.loop.call_soon(self._flush)
                if self._writing_paused:
                    await self._drain()
                return
            raise await self._closed_error()
        if isinstance(message, Mapping):
            raise TypeError("data is a dict-like object")
        if isinstance(message, AsyncIterable):
            await self._send_fragments(message, text)
        elif isinstance(message, Iterable):
            await self._send_fragments(_each(message), text)
        else:
            raise TypeError("data must be str, bytes, iterable, or async iterable")

    async def _unfragmented(self) -> None:
        """Wait until no fragmented message is being sent."""
        while self._fragmented is not None and not self._lost:
            await asyncio.shield(self._fragmented)
        if self.protocol.state is not _OPEN:
            # It wasn't completed.
            raise await self._closed_error()

    async def _send_fragments(self, fragments: AsyncIterable[DataLike], text: bool | None) -> None:
        protocol = self.protocol
        kind: type[str] | type[bytes] | None = None
        begun = False
        self._fragmented = self.loop.create_future()
        try:
            async for fragment in fragments:
                if not isinstance(fragment, _DATA):
                    raise TypeError("iterable must contain bytes or str")
                if kind is None:
                    kind = str if isinstance(fragment, str) else bytes
                elif (kind is str) is not isinstance(fragment, str):
                    raise TypeError("iterable must contain uniform types")
                data = fragment.encode() if isinstance(fragment, str) else fragment
                if begun:
                    protocol.send_continuation(data, False)
                elif (kind is str) if text is None else text:
                    protocol.send_text(data, False)
                else:
                    protocol.send_binary(data, False)
                begun = True
                self._flush()
                if self._writing_paused:
                    await self._drain()
            if begun:
                protocol.send_continuation(b"", True)
                self._flush()
            return
        except InvalidState:
            pass
        except BaseException:
            # A message that has begun can't be taken back.
            if begun and protocol.state is _OPEN:
                protocol.fail(
                    CloseCode.INTERNAL_ERROR, "error in fragmented message", now=self.loop.time()
                )
                self._discard()
                self._after_command()
            raise
        finally:
            if not self._fragmented.done():
                self._fragmented.set_result(None)
            self._fragmented = None
        raise await self._closed_error()

    async def _drain(self) -> None:
        """Wait until the transport has room."""
        drainer = self.loop.create_future()
        self._drainers.append(drainer)
        try:
            await drainer
        finally:
            self._drainers.remove(drainer)
        if self._lost:
            raise self.protocol.close_exc

    async def _closed_error(self) -> ConnectionClosed:
        self._check_opened()
        await self.wait_closed()
        return self.protocol.close_exc

    def _check_opened(self) -> None:
        """In *process_request*, to wait for messages or for the end would take for ever."""
        if self.protocol.state is State.CONNECTING and not self._lost:
            raise InvalidState("connection is connecting")

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

    async def wait_closed(self) -> None:
        """Wait until the connection is closed."""
        if not self._closed.done():
            await asyncio.shield(self._closed)

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


async def _each(items: Iterable[DataLike]) -> AsyncIterator[DataLike]:
    for item in items:
        yield item
