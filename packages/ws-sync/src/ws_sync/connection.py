"""
A connection for threads, for either side: what programs call.

Every decision is the core's (:mod:`ws_sansio`), and bytes move in :mod:`ws_sync.transport`.
Any thread may call any method, at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

from ws_sansio.fragments import Fragment, FragmentDecoder
from ws_sansio.shells import ConnectionStatus, patience
from ws_sansio.states import State
from ws_types.codes import CloseCode
from ws_types.errors import ConcurrencyError
from ws_types.exceptions import ConnectionClosed, ConnectionClosedOK
from ws_types.typing import Data

from .sending import Sender

__all__ = ["Connection"]

_OPEN = State.OPEN


class Connection(Sender, ConnectionStatus):
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

    # Whether a thread is receiving.
    _receiving = False

    # What is known

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

    # Receiving

    def recv(self, timeout: float | None = None, decode: bool | None = None) -> Data:
        """
        Receive a message.

        :param timeout: seconds to wait for it; :data:`None` is no limit. 0 takes what has arrived.
        :param decode: :data:`None` gives text as :class:`str` and binary as :class:`bytes`;
            :data:`True` gives both as :class:`str`, :data:`False` both as :class:`bytes`.
        :raises ConnectionClosed: if the connection is closed, and all messages are received; also
            if a binary message that is to be decoded isn't UTF-8, which fails the connection with
            1007.
        :raises TimeoutError: if no message arrives in time. None is lost.
        :raises InvalidState: if the connection isn't open yet.
        :raises ConcurrencyError: if another thread is receiving.
        """
        message: Data
        with self._lock:
            if self._receiving:
                raise self._already("recv")
            message = self._inbox.take_message()
            if message is None:
                message = self._wait_for_message(timeout)
            elif self._input_paused:
                self._make_room()
        if decode is None:
            return message
        if isinstance(message, str):
            return message if decode else message.encode()
        if not decode:
            return message
        try:
            return message.decode()
        except UnicodeDecodeError as exc:
            raise self._undecodable(exc) from exc

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
        Receive the next message in pieces, as they arrive.

        There is a piece for each frame of a fragmented message, perhaps an empty one; what arrived
        before the first call is one piece. From then on, fragments are handed over rather than
        gathered: where *max_size* is a tuple, its first item may be :data:`None`.

        Iterate to the end: a message that was begun has to be finished before another can be
        received.

        :param decode: as for :meth:`recv`. Pieces of text end between characters.
        :raises ConnectionClosed: if the connection is closed, perhaps within the message; also if
            a message that is to be decoded isn't UTF-8, which fails the connection with 1007.
        :raises InvalidState: if the connection isn't open yet.
        :raises ConcurrencyError: if another thread is receiving, or a message was begun.
        """
        with self._lock:
            if self._receiving:
                raise self._already("recv_streaming")
            self._check_opened()
            self._receiving = True
        begun = done = False
        try:
            with self._lock:
                self.protocol.stream_fragments()
                self._received(self.protocol.events_received())
            decoder = FragmentDecoder(decode)
            while True:
                with self._lock:
                    fragment: Fragment = self._next(self._inbox.take_fragment, None)
                try:
                    data = decoder.data_of(fragment)
                except UnicodeDecodeError as exc:
                    raise self._undecodable(exc) from exc
                if fragment.fin:
                    done = True
                    break
                begun = True
                yield data
        except ConnectionClosed:
            done = True
            raise
        finally:
            self._receiving = begun and not done
        yield data

    def _wait_for_message(self, timeout: float | None) -> Any:
        """Wait for a message: there is none."""
        if self.response is None:
            self._check_opened()
        self._receiving = True
        try:
            return self._next(self._inbox.take_message, timeout)
        finally:
            self._receiving = False

    def _next(self, take: Callable[[], Any], timeout: float | None) -> Any:
        """Wait until the inbox gives something."""
        until = None if timeout is None else self._clock() + timeout
        while (item := take()) is None:
            if self._lost:
                raise self.protocol.close_exc
            if self._gathered:
                # Nobody handles messages now: what was sent meanwhile has to leave.
                self._flush()
            if not self._wait(self._can_receive, until):
                raise TimeoutError(f"timed out in {timeout:.1f}s")
        if self._input_paused:
            self._make_room()
        return item

    def _can_receive(self) -> bool:
        return self._inbox.count > 0 or self._lost

    @staticmethod
    def _already(method: str) -> ConcurrencyError:
        return ConcurrencyError(
            f"cannot call {method} while another thread is already running recv or recv_streaming"
        )

    def _undecodable(self, exc: UnicodeDecodeError) -> ConnectionClosed:
        """A message that isn't text can't be received as text: fail the connection."""
        with self._lock:
            # The rest of a message that was handed over in part isn't a message.
            self._inbox.clear()
            self._discarding = True
            self.protocol.refuse_message(exc, now=self._clock())
            self._flush()
            return self._closed_error()

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
            pause = patience(self.close_timeout)
            count = self._inbox.count
            while not self._wait(self._is_lost, self._clock() + pause):
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
            try:
                self._break(None)
            finally:
                # Also where the program's log raises.
                self._lose()

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
