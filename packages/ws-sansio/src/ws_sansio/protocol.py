"""
One side of a WebSocket connection, without I/O (RFC 6455).

Bytes go in (:meth:`Protocol.receive_data`, :meth:`Protocol.receive_eof`), and so do commands
(:meth:`Protocol.send_text` and the like). Bytes come out (:meth:`Protocol.data_to_send`), and
so do events (:meth:`Protocol.events_received`). Whoever uses it moves the bytes.

**Time is data.** The protocol reads no clock. Methods take *now*, in seconds of any monotonic
clock; :attr:`Protocol.next_deadline` says when :meth:`Protocol.handle_deadline` wants to be
called. Where *now* is never given, nothing is ever due.

**Errors of the peer aren't raised.** They fail the connection with the right close code, and
:attr:`Protocol.close_exc` tells them. What is raised is the caller's own mistake.

**Two views.** ``view="frames"`` gives each frame as a :class:`~ws_types.frames.Frame`.
``view="messages"`` gives whole messages as :class:`str` and :class:`bytes`; it is what fast
programs want. Limits and the validation of UTF-8 hold in both.
"""

from __future__ import annotations

import logging
from codecs import utf_8_decode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from ws_types.codes import OK_CLOSE_CODES, CloseCode, Opcode
from ws_types.errors import InvalidState, PayloadTooBig, ProtocolError, TooManyFragments
from ws_types.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from ws_types.extension import Extension
from ws_types.frames import Close, Frame
from ws_types.http11 import Request, Response
from ws_types.typing import BytesLike, DataLike, LoggerLike

from .assembler import Assembler, ExtensionChain, FrameAssembler, MessageAssembler
from .codec import FrameDecoder, FrameEncoder
from .deadlines import Deadlines
from .keepalive import PingRegistry
from .logs import escape
from .states import TRANSITIONS, Side, State, Step, next_state

if TYPE_CHECKING:
    import uuid

__all__ = ["SEND_EOF", "Event", "Protocol", "View", "forget_frames"]

#: What :meth:`Protocol.events_received` gives, in the view of frames.
Event = Request | Response | Frame

View = Literal["frames", "messages"]

#: What :meth:`Protocol.data_to_send` gives where the stream has to be ended.
SEND_EOF: Final = b""

# Attributes of an enum cost a look-up each time.
_OPEN = State.OPEN
_CLOSING = State.CLOSING
_CONT, _TEXT, _BINARY = 0x0, 0x1, 0x2


class Protocol:
    """
    The part of a connection that follows the opening handshake, for either side.

    :param side: which side this is.
    :param state: where to start. ``OPEN``, the default, is for connections whose handshake took
        place elsewhere.
    :param max_size: the largest message in bytes, or a tuple of the largest message and the
        largest fragment; :data:`None` is no limit. A message over it is refused from the header
        of the frame that exceeds it, with close code 1009.
    :param logger: where to log; ``websockets.client`` or ``websockets.server`` by default.
    :param view: what :meth:`events_received` gives: ``"frames"`` or ``"messages"``.
    :param open_timeout: seconds for the opening handshake.
    :param close_timeout: seconds for the closing handshake, with the end of the stream.
    :param ping_interval: seconds between keepalive pings.
    :param ping_timeout: seconds of silence after a keepalive ping that mean a dead peer.
    :param write_limit: bytes of output that the network hasn't taken, above which pongs are held
        back, and replaced by newer ones.

    The timeouts are :data:`None` by default: nothing is ever due. They count only where the
    protocol is told the time.
    """

    def __init__(
        self,
        side: Side,
        *,
        state: State = State.OPEN,
        max_size: tuple[int | None, int | None] | int | None = 2**20,
        logger: LoggerLike | None = None,
        view: View = "frames",
        open_timeout: float | None = None,
        close_timeout: float | None = None,
        ping_interval: float | None = None,
        ping_timeout: float | None = None,
        write_limit: int = 32768,
    ) -> None:
        self.side = side
        #: Where log lines go.
        self.logger: LoggerLike
        if logger is None:
            logger = logging.getLogger(f"websockets.{side.name.lower()}")
        self.logger = logger
        self.debug = logger.isEnabledFor(logging.DEBUG)
        if isinstance(max_size, tuple):
            self.max_message_size, self.max_fragment_size = max_size
        else:
            self.max_message_size, self.max_fragment_size = max_size, None
        for limit in (self.max_message_size, self.max_fragment_size):
            if limit is not None and limit < 0:
                raise ValueError(f"max_size must be None or at least 0 bytes, not {limit}")
        self.write_limit = write_limit

        #: What the opening handshake failed with; :data:`None` where it didn't.
        self.handshake_exc: Exception | None = None
        #: What was wrong with the peer's input; :data:`None` where nothing was.
        self.parser_exc: Exception | None = None
        #: The close frames received and sent, and whether they came in that order.
        self.close_rcvd: Close | None = None
        self.close_sent: Close | None = None
        self.close_rcvd_then_sent: bool | None = None
        #: The extensions that were negotiated.
        self.extensions: Sequence[Extension] = []
        #: The subprotocol that was negotiated.
        self.subprotocol: Any = None
        #: Whether a deadline has passed, so that the transport is to be dropped at once.
        self.timed_out = False
        #: The round-trip time of the last ping that was answered, in seconds; 0 before any was.
        self.latency = 0.0

        self._state = state
        self._view: View = view
        self._deadlines = Deadlines(open_timeout, close_timeout, ping_interval, ping_timeout)
        self._pings = PingRegistry()
        self._answered: list[tuple[bytes, float]] = []
        self._held_pong: bytes | None = None
        self._uuid: uuid.UUID | None = None

        self._encoder = FrameEncoder(side is Side.CLIENT)
        # Events of the opening handshake that nobody has fetched.
        self._events: list[Any] = []
        self._eof_sent = False
        self._eof_received = False
        # Where frames go in, and where events and control frames come out.
        self._decoder: FrameDecoder | None = None
        self._outcome: Assembler | None = None
        # Whether each frame passes through extensions one by one, and the hook that spares it.
        self._chain: tuple[Extension, ...] = ()
        self._hook: Extension | None = None
        # Whether data frames go out as they are: no extension, no log line.
        self._plain = False
        if state is not State.CONNECTING:
            self._start_frames()

    def set_timeouts(
        self,
        *,
        open_timeout: float | None = None,
        close_timeout: float | None = None,
        ping_interval: float | None = None,
        ping_timeout: float | None = None,
    ) -> None:
        """
        Set all timeouts, as the constructor does, before the time is first told.

        :raises InvalidState: if a deadline is running already.
        """
        if self._deadlines.now is not None:
            raise InvalidState("timeouts can't change once the protocol was told the time")
        self._deadlines = Deadlines(open_timeout, close_timeout, ping_interval, ping_timeout)

    # What is known

    @property
    def id(self) -> uuid.UUID:
        """A number for this connection, unique in the world. Made when first asked for."""
        if self._uuid is None:
            import uuid

            self._uuid = uuid.uuid4()
        return self._uuid

    @id.setter
    def id(self, value: uuid.UUID) -> None:
        self._uuid = value

    @property
    def state(self) -> State:
        """The state of the connection."""
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        if self.debug:
            self.logger.debug("= connection is %s", state.name)
        self._state = state
        if state is _OPEN and self._decoder is None:
            self._start_frames()
        now = self._deadlines.now
        if now is not None:
            self._deadlines.tell(now, state)

    @property
    def view(self) -> View:
        """What :meth:`events_received` gives. Can be set while nothing has been received."""
        return self._view

    @view.setter
    def view(self, view: View) -> None:
        if self._decoder is not None:
            assert self._outcome is not None
            if (
                self.last_received is not None
                # Where the time isn't told, what can't be dropped is known nevertheless.
                or self._decoder.finished
                or not self._decoder.at_boundary()
                or self._outcome.opcode
                or self._outcome.events
            ):
                raise InvalidState("the view can't change once data has been received")
        self._view = view
        if self._decoder is not None:
            self._start_frames()

    @property
    def close_code(self) -> int | None:
        """
        The code that the connection was closed with (section 7.1.5).

        :data:`None` while it isn't closed; 1006 where no close frame was received.
        """
        if self._state is not State.CLOSED:
            return None
        return CloseCode.ABNORMAL_CLOSURE if self.close_rcvd is None else self.close_rcvd.code

    @property
    def close_reason(self) -> str | None:
        """The reason that the connection was closed with (section 7.1.6)."""
        if self._state is not State.CLOSED:
            return None
        return "" if self.close_rcvd is None else self.close_rcvd.reason

    @property
    def close_exc(self) -> ConnectionClosed:
        """
        The exception to raise where something can't be done on the closed connection.

        Its cause is what was wrong with the peer's input, if anything was.

        :raises AssertionError: if the connection isn't closed yet.
        """
        assert self._state is State.CLOSED, "connection isn't closed yet"
        received, sent = self.close_rcvd, self.close_sent
        cls: type[ConnectionClosed] = ConnectionClosedError
        if received is not None and sent is not None:
            if received.code in OK_CLOSE_CODES and sent.code in OK_CLOSE_CODES:
                cls = ConnectionClosedOK
        exc = cls(received, sent, self.close_rcvd_then_sent)
        exc.__cause__ = self.parser_exc
        return exc

    def close_expected(self) -> bool:
        """
        Whether the stream is expected to end soon, so that a timer for that makes sense.

        True from the moment when there is no more data to come: after a close frame was sent or
        received, after the connection was failed, and after a handshake that did.
        """
        return self._state is _CLOSING or (
            self._state is State.CONNECTING
            # A server that rejects by its own decision has no error to tell.
            and (self._eof_sent or self.handshake_exc is not None)
        )

    @property
    def last_received(self) -> float | None:
        """When something was last received, by the clock that *now* is read from."""
        return self._deadlines.keepalive.last_received

    # Bytes in

    def receive_data(self, data: BytesLike, *, now: float | None = None) -> None:
        """
        Take bytes from the network.

        :param data: bytes that arrived; they aren't kept, so the buffer can be used again.
        :param now: the time, in seconds.
        :raises EOFError: after :meth:`receive_eof`.
        :raises TypeError: if *data* isn't bytes-like.
        """
        if self._eof_received:
            raise EOFError("stream ended")
        if now is not None:
            self._deadlines.tell(now, self._state)
            self._deadlines.keepalive.last_received = now
        if self._decoder is None:
            self._receive_handshake(data)
            return
        outcome = self._outcome
        assert outcome is not None
        known = len(outcome.events)
        error: Exception | None = None
        try:
            self._decoder.receive(data)
        except Exception as exc:
            if not self._decoder.finished:
                raise  # data of a wrong type, which wasn't looked at
            error = exc
        if self.debug:
            self._log_received(outcome.events[known:])
        if outcome.controls:
            self._handle_controls(now)
        if error is not None:
            self._fail_with(error)

    def receive_eof(self, *, now: float | None = None) -> None:
        """
        Take the end of the stream from the network.

        :param now: the time, in seconds.
        """
        if self._eof_received:
            return
        self._eof_received = True
        if self.debug:
            self.logger.debug("< EOF")
        if now is not None:
            self._deadlines.tell(now, self._state)
        if self._decoder is None:
            self._receive_handshake_eof()
        elif self._state is _OPEN or (self._state is _CLOSING and self.close_rcvd is None):
            # A connection that was failed isn't expected to end in any other way.
            if self.parser_exc is None and not self._decoder.finished:
                whole = self._decoder.at_boundary()
                self.parser_exc = EOFError(
                    "unexpected end of stream" if whole else "stream ends in the middle of a frame"
                )
        self._step(Step.END)
        self._send_eof()

    def _receive_handshake(self, data: BytesLike) -> None:
        raise NotImplementedError  # only the sides know the opening handshake

    def _receive_handshake_eof(self) -> None:
        raise NotImplementedError

    # Commands

    def send_continuation(self, data: BytesLike, fin: bool, *, now: float | None = None) -> None:
        """
        Send a continuation frame (section 5.4).

        :param data: the payload of the fragment.
        :param fin: whether it is the last one of the message.
        :raises ProtocolError: if no fragmented message is being sent.
        """
        if self._plain and self._state is _OPEN:
            self._encoder.data(_CONT, data, fin)
        else:
            self._send_data(_CONT, data, fin)

    def send_text(self, data: BytesLike, fin: bool = True, *, now: float | None = None) -> None:
        """
        Send a text frame (section 5.6).

        :param data: the payload: text in UTF-8.
        :param fin: whether it is the whole message, rather than its first fragment.
        :raises ProtocolError: if a fragmented message is being sent.
        """
        if self._plain and self._state is _OPEN:
            self._encoder.data(_TEXT, data, fin)
        else:
            self._send_data(_TEXT, data, fin)

    def send_binary(self, data: BytesLike, fin: bool = True, *, now: float | None = None) -> None:
        """
        Send a binary frame (section 5.6).

        :param data: the payload.
        :param fin: whether it is the whole message, rather than its first fragment.
        :raises ProtocolError: if a fragmented message is being sent.
        """
        if self._plain and self._state is _OPEN:
            self._encoder.data(_BINARY, data, fin)
        else:
            self._send_data(_BINARY, data, fin)

    def send_message(
        self, message: DataLike, *, text: bool | None = None, now: float | None = None
    ) -> None:
        """
        Send a whole message.

        :param message: :class:`str` goes as text, bytes-like as binary.
        :param text: :data:`True` sends bytes-like as text: it has to be UTF-8. :data:`False` sends
            :class:`str` as binary, in UTF-8.
        :raises ProtocolError: if a fragmented message is being sent.
        :raises TypeError: if *message* is of neither type.
        :raises UnicodeError: if what is to go as text isn't UTF-8, or can't be.
        """
        if text is None:
            text = isinstance(message, str)
        elif text and not isinstance(message, str):
            utf_8_decode(message, "strict", True)
        opcode = _TEXT if text else _BINARY
        if self._plain and self._state is _OPEN:
            self._encoder.data(opcode, message, True)
        else:
            self._send_data(opcode, message, True)

    def send_ping(self, data: BytesLike, *, now: float | None = None) -> None:
        """
        Send a ping (section 5.5.2).

        In the view of messages, :meth:`pings_answered` tells of its pong.

        :param data: the payload, 125 bytes at most.
        :raises ProtocolError: if *data* is too long.
        :raises ConcurrencyError: in the view of messages, if another ping with this payload
            waits for its pong.
        """
        self._check_control(data)
        if self._view == "messages":
            self._pings.add(bytes(data), now)
        self._send_frame(Opcode.PING, data)

    def send_pong(self, data: BytesLike, *, now: float | None = None) -> None:
        """
        Send a pong that no ping asked for (section 5.5.3). Pings are answered without help.

        :param data: the payload, 125 bytes at most.
        :raises ProtocolError: if *data* is too long.
        """
        self._check_control(data)
        self._send_frame(Opcode.PONG, data)

    def send_close(
        self,
        code: CloseCode | int | None = None,
        reason: str = "",
        *,
        now: float | None = None,
    ) -> None:
        """
        Start the closing handshake (section 7.1.2).

        :param code: a close code that may be sent; :data:`None` sends an empty frame.
        :param reason: text; 123 bytes in UTF-8 at most.
        :param now: the time, in seconds.
        :raises ProtocolError: if code or reason can't be sent.
        """
        next_state(self._state, Step.SEND_CLOSE)
        if code is None:
            if reason:
                raise ProtocolError("cannot send a reason without a code")
            close, data = Close(CloseCode.NO_STATUS_RCVD, ""), b""
        else:
            close = Close(code, reason)
            data = close.serialize()
        self._check_size(data)
        if now is not None:
            self._deadlines.tell(now, self._state)
        self._send_close(close, data, Step.SEND_CLOSE)

    def fail(self, code: CloseCode | int, reason: str = "", *, now: float | None = None) -> None:
        """
        Fail the connection (section 7.1.7): say why, and expect nothing more.

        :param code: a close code. 1006 sends no close frame.
        :param reason: text. What doesn't fit into a close frame is cut off.
        :param now: the time, in seconds.
        """
        if now is not None:
            self._deadlines.tell(now, self._state)
        next_state(self._state, Step.FAIL)
        if self._state is _OPEN and code != CloseCode.ABNORMAL_CLOSURE:
            close = Close(code, _cut(reason, 123))
            self._send_close(close, close.serialize(), Step.FAIL)
        else:
            self._step(Step.FAIL)
        # A server ends the stream; a client lets it (section 7.1.1).
        if self.side is Side.SERVER and self._state is not State.CLOSED:
            self._send_eof()
        self._stop_decoding()

    # Bytes and events out

    def data_to_send(self) -> list[bytes]:
        """
        Take what has to go to the network: one chunk for each frame.

        ``b""`` (:data:`SEND_EOF`) stands for the end of the stream, and is the last one.
        """
        chunks = self._encoder.take()
        if chunks and self._deadlines.tracking:
            self._deadlines.handed_out(sum(map(len, chunks)))
        return chunks

    def events_received(self) -> list[Any]:
        """
        Take what came of the bytes received.

        First the :class:`~ws_types.http11.Request` or :class:`~ws_types.http11.Response` of the
        opening handshake. Then, in the view of frames, each :class:`~ws_types.frames.Frame`; in
        the view of messages, each message.
        """
        events = self._events
        if self._outcome is None:
            self._events = []
            return events
        if not events:
            return self._outcome.take_events()
        self._events = []
        return events + self._outcome.take_events()

    def unused_ping(self) -> bytes:
        """A random payload for :meth:`send_ping` that no ping waiting for its pong has."""
        return self._pings.unused_payload()

    def pings_answered(self) -> list[tuple[bytes, float]]:
        """
        Take which pings were answered: payload and round-trip time in seconds.

        A pong answers the pings before its own, too. The time is not a number (nan) where
        *now* wasn't given.
        """
        answered = self._answered
        if answered:
            self._answered = []
        return answered

    # Time

    @property
    def next_deadline(self) -> float | None:
        """When :meth:`handle_deadline` wants to be called; :data:`None` for never."""
        return self._deadlines.next()

    def handle_deadline(self, now: float) -> None:
        """
        Tell the time.

        Call it when :attr:`next_deadline` has come (earlier does no harm), and once before
        anything else, so that the first deadline can start.

        :param now: the time, in seconds.
        """
        deadlines = self._deadlines
        deadlines.tell(now, self._state)
        if deadlines.handshake_expired(now):
            self._expire()
            return
        keepalive = deadlines.keepalive
        if keepalive.due(now):
            self._send_keepalive_ping(now)
            return
        reason = keepalive.give_up(now)
        if reason is not None:
            self.parser_exc = TimeoutError(reason)
            self.fail(CloseCode.INTERNAL_ERROR, reason)

    def output_pending(self, size: int, *, now: float | None = None) -> None:
        """
        Report how much output still waits.

        :param size: the bytes taken from :meth:`data_to_send` that the network hasn't taken.
        :param now: the time, in seconds.

        Worth calling after each write that couldn't be made at once, when the transport has
        drained, and before :meth:`handle_deadline`. The wait for a pong starts when its ping
        has left, and pongs are held back while too much output waits.
        """
        self._deadlines.output_pending(size, now)
        if self._held_pong is not None and size <= self.write_limit:
            payload, self._held_pong = self._held_pong, None
            if not self._eof_sent and (self._state, Step.SEND_CONTROL) in TRANSITIONS:
                self._send_frame(Opcode.PONG, payload)

    def input_paused(self) -> None:
        """Report that reading has stopped, so that a peer who can't be heard isn't missed."""
        self._deadlines.keepalive.pause()

    def input_resumed(self, *, now: float) -> None:
        """Report that reading goes on."""
        self._deadlines.keepalive.resume(now)

    # The inside

    def _step(self, step: Step) -> None:
        state = next_state(self._state, step)
        if state is not self._state:
            self.state = state
        elif step is Step.REFUSE:
            self._deadlines.refused()

    def _send_keepalive_ping(self, now: float) -> None:
        keepalive = self._deadlines.keepalive
        # One without an answer, where there is no timeout, isn't waited for any longer.
        self._pings.forget(keepalive.payload)
        payload = self._pings.unused_payload()
        self._pings.add(payload, now)
        self._send_frame(Opcode.PING, payload)
        if keepalive.timeout is not None:
            # The ping leaves behind what nobody has taken yet.
            chunks = self._encoder.take()
            for chunk in chunks:
                self._encoder.append(chunk)
            self._deadlines.ping_queued(sum(map(len, chunks)))
        keepalive.sent(payload, now)

    def _start_frames(self) -> None:
        """Frames follow: put together what decodes them, and what encodes them."""
        limits = self.max_message_size, self.max_fragment_size
        extensions = self.extensions
        messages = self._view == "messages"
        self._hook = None
        self._chain = ()
        if messages and len(extensions) == 1 and extensions[0].message_rsv is not None:
            self._hook = extensions[0]
            self._outcome = MessageAssembler(*limits, self._hook)
        else:
            self._chain = tuple(extensions)
            self._outcome = MessageAssembler(*limits) if messages else FrameAssembler(*limits)
        self._plain = not (extensions or self.debug)
        assembler = ExtensionChain(self._outcome, self._chain) if self._chain else self._outcome
        self._decoder = FrameDecoder(assembler, self.side is Side.SERVER)

    def _handle_controls(self, now: float | None) -> None:
        """Answer pings, match pongs, answer a close frame."""
        assert self._outcome is not None
        controls = self._outcome.controls
        self._outcome.controls = []
        for opcode, data in controls:
            if self.debug and self._view == "messages":
                self._log_received([Frame(Opcode(opcode), data)])
            if opcode == Opcode.PING:
                if self._eof_sent or (self._state, Step.SEND_CONTROL) not in TRANSITIONS:
                    continue
                if self._deadlines.pending > self.write_limit:
                    # Section 5.5.3: only the latest ping needs an answer.
                    self._held_pong = data
                else:
                    self._send_frame(Opcode.PONG, data)
            elif opcode == Opcode.PONG:
                if len(self._pings):
                    self._handle_pong(data, now)
            else:
                self._handle_close(data)

    def _handle_pong(self, data: bytes, now: float | None) -> None:
        answered = self._pings.acknowledge(data, now)
        if answered and now is not None:
            self.latency = answered[-1][1]
        keepalive = self._deadlines.keepalive
        for ping in answered:
            if ping[0] == keepalive.payload:
                told = self._deadlines.now
                assert told is not None  # or there would be no keepalive ping
                keepalive.pong(ping[0], told)
            else:
                self._answered.append(ping)

    def _handle_close(self, data: bytes) -> None:
        close = self.close_rcvd = Close.parse(data)
        if self._state is _OPEN:
            # Section 5.5.1: echo the code. The reason is sent back too, as `websockets` does.
            self.close_rcvd_then_sent = True
            self._send_close(close, data, Step.RECEIVE_CLOSE)
        else:
            self.close_rcvd_then_sent = False
            self._step(Step.RECEIVE_CLOSE)
        # Section 7.1.1: the server closes the stream first.
        if self.side is Side.SERVER:
            self._send_eof()

    def _fail_with(self, error: Exception) -> None:
        """Input can't be decoded: fail the connection (section 7.1.7)."""
        known = ProtocolError, PayloadTooBig, TooManyFragments, UnicodeDecodeError
        if not isinstance(error, known):
            self.logger.error("parser failed", exc_info=error)
        self.parser_exc = forget_frames(error)
        if isinstance(error, ProtocolError):
            self.fail(CloseCode.PROTOCOL_ERROR, str(error))
        elif isinstance(error, UnicodeDecodeError):
            assert self._outcome is not None
            position = self._outcome.text_offset + error.start
            self.fail(CloseCode.INVALID_DATA, f"{error.reason} at position {position}")
        elif isinstance(error, (PayloadTooBig, TooManyFragments)):
            self.fail(CloseCode.MESSAGE_TOO_BIG, str(error))
        else:
            # An extension is at fault, not the peer.
            self.fail(CloseCode.INTERNAL_ERROR)

    def _stop_decoding(self) -> None:
        if self._decoder is not None:
            self._decoder.stop()

    def _expire(self) -> None:
        """The opening or closing handshake has taken too long: give the stream up."""
        self.timed_out = True
        if self._state is State.CONNECTING:
            # Where it was rejected, that took place in time.
            if self.handshake_exc is None and not self._eof_sent:
                self.handshake_exc = TimeoutError("timed out during opening handshake")
        elif self.parser_exc is None:
            self.parser_exc = TimeoutError("timed out during closing handshake")
        self._stop_decoding()
        self._eof_received = True
        self._step(Step.END)
        self._send_eof()

    def _send_data(self, opcode: int, data: DataLike, fin: bool) -> None:
        """Send a data frame that has to be refused, logged, or passed through extensions."""
        self._encoder.check_order(opcode)
        next_state(self._state, Step.SEND_DATA)
        if isinstance(data, str):
            data = data.encode()
        hook = self._hook
        encoded: bytes | None = None
        if hook is not None and fin and opcode != _CONT:
            encoded = hook.encode_message(data, text=opcode == _TEXT)
        if hook is None or encoded is None:
            self._send_frame(Opcode(opcode), data, fin)
        else:
            if self.debug:
                self._log_sent(Frame(Opcode(opcode), data))
            self._encoder.frame(0x80 | (hook.message_rsv or 0) | opcode, encoded)
        self._encoder.fragmenting = not fin

    def _check_control(self, data: BytesLike) -> None:
        next_state(self._state, Step.SEND_CONTROL)
        if self._eof_sent:
            # Frames can't follow the end of the stream.
            next_state(State.CLOSED, Step.SEND_CONTROL)
        self._check_size(data)

    @staticmethod
    def _check_size(data: BytesLike) -> None:
        if isinstance(data, str):
            raise TypeError("data must be bytes, bytearray, or memoryview, not str")
        size = data.nbytes if isinstance(data, memoryview) else len(data)
        if size > 125:
            raise ProtocolError("control frame too long")

    def _send_frame(self, opcode: Opcode, data: BytesLike, fin: bool = True) -> int:
        """Send a frame; returns its size on the wire."""
        if self.debug:
            self._log_sent(Frame(opcode, data, fin))
        first = opcode | 0x80 if fin else int(opcode)
        if self._chain:
            frame = Frame(opcode, data, fin)
            for extension in self._chain:
                frame = extension.encode(frame)
            data = frame.data
            first = (
                frame.opcode
                | (0x80 if frame.fin else 0)
                | (0x40 if frame.rsv1 else 0)
                | (0x20 if frame.rsv2 else 0)
                | (0x10 if frame.rsv3 else 0)
            )
        return self._encoder.frame(first, data)

    def _send_close(self, close: Close, data: BytesLike, step: Step) -> None:
        self._send_frame(Opcode.CLOSE, data)
        self.close_sent = close
        self._step(step)

    def _send_eof(self) -> None:
        if not self._eof_sent:
            self._eof_sent = True
            if self.debug:
                self.logger.debug("> EOF")
            self._encoder.append(SEND_EOF)

    def _log_sent(self, frame: Frame) -> None:
        self.logger.debug("> %s", frame)

    def _log_received(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, str):
                event = Frame(Opcode.TEXT, event.encode())
            elif isinstance(event, bytes):
                event = Frame(Opcode.BINARY, event)
            self.logger.debug("< %s", event)


def forget_frames(exc: Exception) -> Exception:
    """
    Drop the traceback of an exception that is kept, and of what caused it.

    It would hold the frames, and these the protocol, which holds the exception: a cycle.
    """
    links: list[BaseException | None] = [exc]
    seen: set[int] = set()
    while links:
        link = links.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            link.__traceback__ = None
            links += [link.__cause__, link.__context__]
    return exc


def _cut(text: str, size: int) -> str:
    """As many characters of *text* as have room in *size* bytes of UTF-8, all of them printable."""
    return escape(text).encode()[:size].decode(errors="ignore")
