"""
A connection for threads, for either side: what programs call.

Every decision is the core's (:mod:`ws_sansio`), and bytes move in :mod:`ws_sync.transport`.
Any thread may call any method, at any time.

A lone message is written at once. While messages that have arrived still wait to be received,
what is sent is gathered, and leaves in one write: when the receiver is about to wait, when
:data:`GATHER_LIMIT` bytes have gathered, or when the watchman comes by, which is within
:data:`~ws_sync.watchman.FLUSH_DELAY`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from ws_sansio.prepared import PreparedMessage
from ws_sansio.states import State
from ws_types.codes import CloseCode
from ws_types.errors import ConcurrencyError, InvalidState
from ws_types.exceptions import ConnectionClosed, ConnectionClosedOK
from ws_types.typing import Data, DataLike, Subprotocol

from .transport import PATIENCE, Link

if TYPE_CHECKING:
    import uuid

__all__ = ["Connection"]

#: The most bytes that are gathered before they are written.
GATHER_LIMIT: Final = 2**16

# Quicker to test for than a union of types.
_DATA = (str, bytes, bytearray, memoryview)

_OPEN = State.OPEN


class Connection(Link):
    """
    What client and server connections have in common.

    :param sock: a connected socket, with TLS if there is to be TLS. It belongs to the connection,
        and doesn't block from now on.
    :param protocol: the core of the connection.
    :param ping_interval: seconds between keepalive pings; :data:`None` sends none.
    :param ping_timeout: seconds of silence after a keepalive ping that mean a dead peer;
        :data:`None` never gives up.
    :param close_timeout: seconds for the closing handshake; :data:`None` is no limit.
    :param max_queue: the number of received messages that may wait, above which reading stops; or
        a tuple of that and the number at which it goes on; :data:`None` is no limit.
    :param max_queue_size: the size of the received messages that may wait, in bytes, above which
        reading stops; :data:`None` is no limit.
    :param open_timeout: seconds for the opening handshake; :data:`None` is no limit.
    """

    def __init__(self, sock: Any, protocol: Any, **settings: Any) -> None:
        super().__init__(sock, protocol, **settings)
        self._receiving = False
        self._fragmenting = False

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
        """When something was last received, by :func:`time.monotonic`, in seconds."""
        return self.protocol.last_received

    @property
    def local_address(self) -> Any:
        """
        The address of this end; for TCP, a tuple that starts with host and port.

        :raises OSError: if the socket is closed.
        """
        return self.socket.getsockname()

    @property
    def remote_address(self) -> Any:
        """
        The address of the other end; for TCP, a tuple that starts with host and port.

        :raises OSError: if the socket is closed.
        """
        return self.socket.getpeername()

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

    @property
    def buffered_input(self) -> int:
        """The size of the received messages that wait, in bytes of memory."""
        return self._inbox.size

    @property
    def buffered_output(self) -> int:
        """The bytes that were sent, and that the socket hasn't taken yet."""
        return len(self._outbox) + self._gathered

    # Receiving

    def recv(self, timeout: float | None = None, decode: bool | None = None) -> Data:
        """
        Receive a message.

        :param timeout: seconds to wait for it; :data:`None` is no limit. 0 takes what has arrived.
        :param decode: :data:`None` gives text as :class:`str` and binary as :class:`bytes`;
            :data:`True` gives both as :class:`str`, :data:`False` both as :class:`bytes`.
        :raises ConnectionClosed: if the connection is closed, and all messages are received.
        :raises TimeoutError: if no message arrives in time. None is lost.
        :raises InvalidState: if the connection isn't open yet.
        :raises ConcurrencyError: if another thread is receiving.
        :raises UnicodeDecodeError: if a binary message that is to be decoded isn't UTF-8.
        """
        message: Data
        with self._lock:
            if self._inbox.count and not self._receiving:
                message = self._inbox.get()
                if self._input_paused:
                    self._make_room()
            else:
                message = self._wait_for_message(timeout)
        if decode is None:
            return message
        if decode:
            return message if isinstance(message, str) else message.decode()
        return message.encode() if isinstance(message, str) else message

    def __iter__(self) -> Iterator[Data]:
        """
        Iterate over messages, until the connection is closed normally.

        :raises ConnectionClosedError: if it is closed in another way.
        """
        try:
            while True:
                yield self.recv()
        except ConnectionClosedOK:
            return

    def recv_streaming(self, decode: bool | None = None) -> Iterator[Data]:
        """
        Receive a message in pieces.

        As yet it comes in one piece, when it is complete.

        :param decode: as for :meth:`recv`.
        :raises ConnectionClosed: if the connection is closed, and all messages are received.
        :raises ConcurrencyError: if another thread is receiving.
        """
        yield self.recv(decode=decode)

    def _wait_for_message(self, timeout: float | None) -> Any:
        """Wait for a message: there is none, or another thread is waiting for it."""
        if self._receiving:
            raise ConcurrencyError(
                "cannot call recv while another thread is already running recv or recv_streaming"
            )
        self._check_opened()
        if self._gathered:
            # Nobody handles messages now: what was sent meanwhile has to leave.
            self._flush()
        until = None if timeout is None else self._clock() + timeout
        self._receiving = True
        try:
            if not self._wait(self._can_receive, until):
                raise TimeoutError(f"timed out in {timeout:.1f}s")
        finally:
            self._receiving = False
        if self._inbox.count:
            return self._inbox.get()
        raise self.protocol.close_exc

    def _can_receive(self) -> bool:
        return self._inbox.count > 0 or self._lost

    # Sending

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
        if self._fragmenting:
            raise ConcurrencyError("cannot call send while another thread is already running send")
        if self._outbox:
            self._wait(self._output_gone)

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

    # Closing

    def close(self, code: CloseCode | int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """
        Close the connection: perform the closing handshake, and wait for the end of the stream.

        Takes *close_timeout* at most; then the connection is dropped. Does nothing where the
        connection is closed. Where another thread waits in :meth:`recv`, that raises.

        Messages that wait can still be received. Where too many do, and nobody receives them, those
        that follow are dropped.

        :param code: the close code.
        :param reason: the close reason, 123 bytes in UTF-8 at most.
        :raises ProtocolError: if code or reason can't be sent.
        """
        with self._lock:
            self._start_closing(code, reason)
            patience = PATIENCE
            if self.close_timeout is not None:
                patience = min(patience, self.close_timeout / 2)
            count = self._inbox.count
            while not self._wait(self._is_lost, self._clock() + patience):
                if self._input_paused and self._inbox.count >= count:
                    self._discarding = True
                count = self._inbox.count

    def wait_closed(self, timeout: float | None = None) -> None:
        """
        Wait until the connection is closed.

        :param timeout: seconds to wait; :data:`None` is no limit.
        :raises TimeoutError: if it isn't closed in time.
        """
        with self._lock:
            until = None if timeout is None else self._clock() + timeout
            if not self._wait(self._is_lost, until):
                raise TimeoutError(f"timed out in {timeout:.1f}s")

    def _begin_closing(self, code: CloseCode | int, reason: str = "") -> None:
        """Start the closing handshake, and don't wait for it: somebody else will, in time."""
        with self._lock:
            self._start_closing(code, reason)
            self._attend_soon()

    def _drop(self) -> None:
        """Drop the connection at once, whatever others are doing with it."""
        with self._lock:
            self._break(None)

    def _start_closing(self, code: CloseCode | int, reason: str = "") -> None:
        protocol = self.protocol
        if protocol.state is _OPEN:
            now = self._clock()
            if self._fragmenting:
                protocol.fail(CloseCode.INTERNAL_ERROR, "close during fragmented message", now=now)
                self._discarding = True
            else:
                protocol.send_close(code, reason, now=now)
            self._flush()
        elif protocol.state is State.CONNECTING:
            self._break(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection: with code 1000, or 1011 where an exception came out."""
        if exc_type is None:
            self.close()
        else:
            self.close(CloseCode.INTERNAL_ERROR)
