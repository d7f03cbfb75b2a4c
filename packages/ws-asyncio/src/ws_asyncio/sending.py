"""
Sending messages: whole, in fragments, prepared, or from another thread.

:meth:`Sender.send` that isn't blocked doesn't suspend. A lone message is written at once. While
messages that have arrived still wait to be handled, what is sent is gathered, and leaves in one
write: when the reader is about to wait, when :data:`~ws_sansio.shells.GATHER_LIMIT` bytes have
gathered, or at the next turn of the loop.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping

from ws_sansio.prepared import PreparedMessage
from ws_sansio.shells import GATHER_LIMIT
from ws_sansio.states import State
from ws_types.codes import CloseCode
from ws_types.errors import ConcurrencyError, InvalidState
from ws_types.exceptions import ConnectionClosed
from ws_types.typing import DataLike

from .deprecated import OldAttributes

__all__ = ["Sender"]

# Quicker to test for than a union of types.
_DATA = (str, bytes, bytearray, memoryview)
_WHOLE = (*_DATA, PreparedMessage)

_OPEN = State.OPEN


class Sender(OldAttributes):
    """The part of a connection that sends messages."""

    async def send(
        self,
        message: DataLike | PreparedMessage | Iterable[DataLike] | AsyncIterable[DataLike],
        *,
        text: bool | None = None,
        compress: bool | None = None,
    ) -> None:
        """
        Send a message.

        An iterable, or an asynchronous one, is sent as a fragmented message, a fragment for each
        item; they must be of one kind. Other messages wait until it is complete.

        Waits while more output is waiting than *write_limit* allows. Can be cancelled: a message
        that isn't fragmented is sent whole or not at all.

        :param message: :class:`str` goes as text, bytes-like as binary; a
            :class:`~ws_sansio.prepared.PreparedMessage` as what it was made as.
        :param text: :data:`True` sends bytes-like as text, :data:`False` :class:`str` as binary.
        :param compress: :data:`True` compresses the message though it is short, :data:`False` sends
            it as it is; :data:`None` compresses what is worth it. Makes no difference where
            compression wasn't negotiated.
        :raises ConnectionClosed: if the connection is closing or closed.
        :raises TypeError: if *message* can't be sent.
        :raises UnicodeError: if what is to go as text isn't UTF-8, or can't be.
        """
        if self._fragmented is not None:
            await self._unfragmented()
        if not isinstance(message, _WHOLE):
            await self._send_items(message, text, compress)
            return
        try:
            if isinstance(message, PreparedMessage):
                if text is not None:
                    raise TypeError("text is for PreparedMessage() to be told, not for send()")
                size = len(message.data)
                self.protocol.send_prepared(message, compress=compress)
            else:
                # The length of a memoryview is a number of items, where it has one.
                size = message.nbytes if type(message) is memoryview else len(message)
                self.protocol.send_message(message, text=text, compress=compress)
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

    def send_threadsafe(
        self,
        message: DataLike | PreparedMessage | Iterable[DataLike] | AsyncIterable[DataLike],
        *,
        text: bool | None = None,
        compress: bool | None = None,
    ) -> concurrent.futures.Future[None]:
        """
        Send a message from a thread other than the event loop's.

        Messages of one thread are sent in the order of the calls.

        :param message: as for :meth:`send`, like the other parameters.
        :returns: a future that is done when :meth:`send` would return, with what it would raise.
            Wait for its ``result()`` to be held back by the peer. Don't in the loop's own thread.
        :raises RuntimeError: if the event loop is closed.
        """
        sending = self.send(message, text=text, compress=compress)
        try:
            return asyncio.run_coroutine_threadsafe(sending, self.loop)
        except RuntimeError:
            sending.close()
            raise

    async def _send_items(
        self,
        message: Iterable[DataLike] | AsyncIterable[DataLike],
        text: bool | None,
        compress: bool | None,
    ) -> None:
        if isinstance(message, Mapping):
            raise TypeError("data is a dict-like object")
        if isinstance(message, AsyncIterable):
            await self._send_fragments(message, text, compress)
        elif isinstance(message, Iterable):
            await self._send_fragments(_each(message), text, compress)
        else:
            raise TypeError("data must be str, bytes, iterable, or async iterable")

    def _queue(self, message: PreparedMessage, compress: bool | None) -> bool:
        """
        Queue a message in the core, whatever waits already.

        :returns: whether :meth:`_flush` has to be called later.
        """
        if self._fragmented is not None:
            raise ConcurrencyError("sending a fragmented message")
        self.protocol.send_prepared(message, compress=compress)
        before = self._gathered
        self._gathered += len(message.data) + 1
        if self._gathered >= GATHER_LIMIT:
            self._flush()
            return False
        # Where something was gathered before, somebody will see to it.
        return before == 0

    async def _unfragmented(self) -> None:
        """Wait until no fragmented message is being sent."""
        while self._fragmented is not None and not self._lost:
            await asyncio.shield(self._fragmented)
        if self.protocol.state is not _OPEN:
            # It wasn't completed.
            raise await self._closed_error()

    async def _send_fragments(
        self, fragments: AsyncIterable[DataLike], text: bool | None, compress: bool | None
    ) -> None:
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
                    protocol.send_text(data, False, compress=compress)
                else:
                    protocol.send_binary(data, False, compress=compress)
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

    async def wait_closed(self) -> None:
        """Wait until the connection is closed."""
        if not self._closed.done():
            await asyncio.shield(self._closed)

    def _check_opened(self) -> None:
        """In *process_request*, to wait for messages or for the end would take for ever."""
        if self.protocol.state is State.CONNECTING and not self._lost:
            raise InvalidState("connection is connecting")


async def _each(items: Iterable[DataLike]) -> AsyncIterator[DataLike]:
    for item in items:
        yield item
