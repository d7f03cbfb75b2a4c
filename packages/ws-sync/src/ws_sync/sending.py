"""
The sending half of a connection: messages, pings and pongs.

A lone message is written at once. While messages that have arrived still wait to be received,
what is sent is gathered, and leaves in one write: when the receiver is about to wait, when
:data:`~ws_sansio.shells.GATHER_LIMIT` bytes have gathered, or when the watchman comes by, which is
within :data:`~ws_sync.watchman.FLUSH_DELAY`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping

from ws_sansio.prepared import PreparedMessage
from ws_sansio.shells import GATHER_LIMIT
from ws_sansio.states import State
from ws_types.codes import CloseCode
from ws_types.errors import ConcurrencyError, InvalidState
from ws_types.exceptions import ConnectionClosed
from ws_types.typing import DataLike

from .transport import Link

__all__ = ["Sender"]

# Quicker to test for than a union of types.
_DATA = (str, bytes, bytearray, memoryview)

_OPEN = State.OPEN


class Sender(Link):
    """
    A connection that can send.

    :param sock: the socket.
    :param protocol: the core of the connection.
    :param settings: everything else that :class:`~ws_sync.transport.Link` takes.
    """

    # Whether a thread is sending a fragmented message.
    _fragmenting = False

    @property
    def buffered_output(self) -> int:
        """The bytes that were sent, and that the socket hasn't taken yet."""
        return len(self._outbox) + self._gathered

    def send(
        self,
        message: DataLike | PreparedMessage | Iterable[DataLike],
        *,
        text: bool | None = None,
        compress: bool | None = None,
    ) -> None:
        """
        Send a message.

        An iterable is sent as a fragmented message, a fragment for each item; they must be of one
        kind.

        Waits until the operating system has taken the message. Meanwhile what arrives is read, so
        that two peers which send at once don't wait for each other.

        :param message: :class:`str` goes as text, bytes-like as binary, a
            :class:`~ws_sansio.prepared.PreparedMessage` as it was made.
        :param text: :data:`True` sends bytes-like as text, :data:`False` :class:`str` as binary.
        :param compress: :data:`True` compresses the message however short it is, :data:`False`
            sends it as it is, where compression was negotiated; :data:`None` leaves it to that.
        :raises ConnectionClosed: if the connection is closing or closed.
        :raises ConcurrencyError: if a fragmented message is being sent.
        :raises TypeError: if *message* can't be sent.
        :raises UnicodeError: if what is to go as text isn't UTF-8, or can't be.
        """
        if isinstance(message, _DATA):
            # The length of a memoryview is a number of items, where it has one.
            size = message.nbytes if type(message) is memoryview else len(message)
            with self._lock:
                self._wait_for_turn()
                try:
                    self.protocol.send_message(message, text=text, compress=compress)
                except InvalidState:
                    pass
                else:
                    self._send_or_gather(size)
                    return
                raise self._closed_error()
        if isinstance(message, PreparedMessage):
            self._send_prepared(message, text, compress)
            return
        if isinstance(message, Mapping):
            raise TypeError("data is a dict-like object")
        if not isinstance(message, Iterable):
            raise TypeError("data must be str, bytes, or iterable")
        self._send_fragments(message, text, compress)

    def _send_prepared(
        self, message: PreparedMessage, text: bool | None, compress: bool | None
    ) -> None:
        if text is not None:
            raise TypeError("text is decided when a PreparedMessage is made")
        with self._lock:
            self._wait_for_turn()
            try:
                self.protocol.send_prepared(message, compress=compress)
            except InvalidState:
                pass
            else:
                self._send_or_gather(len(message.data))
                return
            raise self._closed_error()

    def _wait_for_turn(self) -> None:
        """What is sent by several threads waits in those, not in memory."""
        if self._outbox and not self._fragmenting:
            self._wait(self._output_gone)
        # Only now: while this one waited, another may have begun.
        if self._fragmenting:
            raise ConcurrencyError("cannot call send while another thread is already running send")

    def _output_gone(self) -> bool:
        return self._lost or not self._outbox

    def _send_or_gather(self, size: int) -> None:
        """Send what was queued, unless the receiver is about to send more."""
        if self._inbox.count and self._gathered + size < GATHER_LIMIT:
            self._gathered += size + 1
            if not self._flushed_soon:
                self._flushed_soon = True
                self._watchman.flush_soon(self)
            return
        self._send_all()

    def _send_soon(self, message: PreparedMessage, compress: bool | None) -> None:
        """Send a message without waiting: what the socket doesn't take, the watchman writes."""
        with self._lock:
            if self._fragmenting:
                raise ConcurrencyError("sending a fragmented message")
            self.protocol.send_prepared(message, compress=compress)
            self._flush()
            if self._outbox:
                self._attend_soon()

    def _send_all(self) -> None:
        self._flush()
        if self._outbox or self._lost:
            self._wait(self._output_gone)
            if self._lost:
                raise self.protocol.close_exc

    def _send_fragments(
        self, fragments: Iterable[DataLike], text: bool | None, compress: bool | None
    ) -> None:
        with self._lock:
            self._wait_for_turn()
            self._fragmenting = True
        kind: type[str] | type[bytes] | None = None
        try:
            for fragment in fragments:
                if not isinstance(fragment, _DATA):
                    raise TypeError("iterable must contain bytes or str")
                fragment_kind = str if isinstance(fragment, str) else bytes
                if kind is None:
                    as_text = fragment_kind is str if text is None else text
                    self._start_fragments(fragment, as_text, compress)
                    kind = fragment_kind
                elif kind is fragment_kind:
                    self._send_fragment(fragment, False)
                else:
                    raise TypeError("iterable must contain uniform types")
            if kind is not None:
                self._send_fragment(b"", True)
        except ConnectionClosed:
            raise
        except BaseException:
            # A message that has begun can't be taken back.
            if kind is not None:
                self._fail_fragments()
            raise
        finally:
            self._fragmenting = False

    def _start_fragments(self, fragment: DataLike, text: bool, compress: bool | None) -> None:
        data = fragment.encode() if isinstance(fragment, str) else fragment
        with self._lock:
            send = self.protocol.send_text if text else self.protocol.send_binary
            self._send_frame(lambda: send(data, False, compress=compress))

    def _send_fragment(self, fragment: DataLike, fin: bool) -> None:
        data = fragment.encode() if isinstance(fragment, str) else fragment
        with self._lock:
            self._send_frame(lambda: self.protocol.send_continuation(data, fin))

    def _send_frame(self, command: Callable[[], None]) -> None:
        try:
            command()
        except InvalidState:
            pass
        else:
            self._send_all()
            return
        raise self._closed_error()

    def _fail_fragments(self) -> None:
        with self._lock:
            if self.protocol.state is _OPEN:
                self.protocol.fail(
                    CloseCode.INTERNAL_ERROR, "error in fragmented message", now=self._clock()
                )
                self._discarding = True
                self._flush()
                self._attend_soon()

    def _closed_error(self) -> ConnectionClosed:
        """What to raise where the connection is closing or closed, once it is closed."""
        self._check_opened()
        self._wait(self._is_lost)
        return self.protocol.close_exc

    def _is_lost(self) -> bool:
        return self._lost

    def _check_opened(self) -> None:
        """In *process_request*, to wait for messages or for the end would take for ever."""
        if self.protocol.state is State.CONNECTING and not self._lost:
            raise InvalidState("connection is connecting")

    def ping(self, data: DataLike | None = None, *, ack_on_close: bool = False) -> threading.Event:
        """
        Send a ping.

        :param data: the payload, 125 bytes at most; random by default.
        :param ack_on_close: whether the event is set when the connection is closed, too.
        :returns: an event that is set when the pong is received. It needn't be waited for.
        :raises ConnectionClosed: if the connection is closing or closed.
        :raises ConcurrencyError: if another ping with this payload waits for its pong.
        :raises ProtocolError: if *data* is too long.
        """
        if isinstance(data, str):
            data = data.encode()
        received = threading.Event()
        with self._lock:
            if data is None:
                data = self.protocol.unused_ping()
            if self.protocol.state is not _OPEN:
                raise self._closed_error()
            self.protocol.send_ping(data, now=self._clock())
            self._pongs[bytes(data)] = received, ack_on_close
            self._flush()
            # Who waits for the event doesn't read.
            self._attend_soon()
        return received

    def pong(self, data: DataLike = b"") -> None:
        """
        Send a pong that no ping asked for. Pings are answered without help.

        :param data: the payload, 125 bytes at most.
        :raises ConnectionClosed: if the connection is closing or closed.
        :raises ProtocolError: if *data* is too long.
        """
        if isinstance(data, str):
            data = data.encode()
        with self._lock:
            if self.protocol.state is not _OPEN:
                raise self._closed_error()
            self.protocol.send_pong(data, now=self._clock())
            self._flush()
            if self._outbox:
                self._attend_soon()
