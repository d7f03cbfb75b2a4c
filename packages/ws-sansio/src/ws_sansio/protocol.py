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

from typing import Any

from ws_types.codes import CloseCode, Opcode
from ws_types.errors import InvalidState, ProtocolError
from ws_types.frames import Close, Frame
from ws_types.http11 import Request, Response
from ws_types.typing import BytesLike, LoggerLike

from .assembler import Assembler, ExtensionChain, FrameAssembler, MessageAssembler
from .codec import FrameDecoder
from .deadlines import Deadlines
from .failures import blames_peer, close_for, cut, forget_frames
from .fragments import Fragment
from .output import check_control
from .sending import SEND_EOF, Sender, View
from .states import Side, State, Step, next_state

__all__ = ["SEND_EOF", "Event", "Protocol", "View"]

#: What :meth:`Protocol.events_received` gives, in the view of frames.
Event = Request | Response | Frame

# Attributes of an enum cost a look-up each time.
_OPEN = State.OPEN
_CLOSING = State.CLOSING


class Protocol(Sender):
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
        deadlines = Deadlines(open_timeout, close_timeout, ping_interval, ping_timeout)
        super().__init__(side, state, logger, view, deadlines)
        if isinstance(max_size, tuple):
            self.max_message_size, self.max_fragment_size = max_size
        else:
            self.max_message_size, self.max_fragment_size = max_size, None
        for limit in (self.max_message_size, self.max_fragment_size):
            if limit is not None and limit < 0:
                raise ValueError(f"max_size must be None or at least 0 bytes, not {limit}")
        self.write_limit = write_limit
        # Events of the opening handshake that nobody has fetched.
        self._events: list[Any] = []
        self._eof_received = False
        self._streaming = False
        # Where frames go in, and where events and control frames come out.
        self._decoder: FrameDecoder | None = None
        self._outcome: Assembler | None = None
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
        self._pings.deadlines = self._deadlines

    # What is known

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

    @property
    def timed_out(self) -> bool:
        """Whether a deadline has passed, so that the transport is to be dropped at once."""
        return self._deadlines.passed

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
        check_control(data)
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
            close = Close(code, cut(reason, 123))
            self._send_close(close, close.serialize(), Step.FAIL)
        else:
            self._step(Step.FAIL)
        # A server ends the stream; a client lets it (section 7.1.1).
        if self.side is Side.SERVER and self._state is not State.CLOSED:
            self._send_eof()
        self._stop_decoding()

    # Events out

    def events_received(self) -> list[Any]:
        """
        Take what came of the bytes received.

        First the :class:`~ws_types.http11.Request` or :class:`~ws_types.http11.Response` of the
        opening handshake. Then, in the view of frames, each :class:`~ws_types.frames.Frame`; in
        the view of messages, each message, or its pieces after :meth:`stream_fragments`.
        """
        events = self._events
        if self._outcome is None:
            self._events = []
            return events
        if not events:
            return self._outcome.take_events()
        self._events = []
        return events + self._outcome.take_events()

    def stream_fragments(self) -> None:
        """
        Give the fragments of messages as they arrive, in the view of messages, from now on.

        :meth:`events_received` then gives a :class:`~ws_sansio.fragments.Fragment` for each frame
        of a fragmented message, and at once one for what there is of a message in progress.
        Messages in one frame come out as before. The limits are those of *max_size*.

        :raises InvalidState: in the view of frames, which has no need of it.
        """
        if self._view != "messages":
            raise InvalidState("fragments are streamed in the view of messages")
        if self._streaming:
            return
        self._streaming = True
        if isinstance(self._outcome, MessageAssembler):
            try:
                self._outcome.stream()
            except Exception as exc:
                self._fail_with(exc)

    # Time

    @property
    def next_deadline(self) -> float | None:
        """
        When :meth:`handle_deadline` wants to be called; :data:`None` for never.

        Once the connection is closed, this is when the transport must be gone, whatever output
        still waits: ask no longer than there is one.
        """
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
        if deadlines.expired(now):
            self._expire()
            return
        keepalive = deadlines.keepalive
        if keepalive.due(now):
            self._pings.send_keepalive(now)
            return
        reason = keepalive.give_up(now)
        if reason is not None:
            self.parser_exc = TimeoutError(reason)
            self.fail(CloseCode.INTERNAL_ERROR, reason)

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

    def _start_frames(self) -> None:
        """Frames follow: put together what decodes them, and what encodes them."""
        limits = self.max_message_size, self.max_fragment_size
        messages = self._view == "messages"
        hook, chain = None, tuple(self.extensions)
        self._output.start(chain, not messages, self.logger if self.debug else None)
        if messages and len(chain) == 1 and chain[0].message_rsv is not None:
            hook, chain = chain[0], ()
        if messages:
            self._outcome = MessageAssembler(*limits, hook)
            if self._streaming:
                self._outcome.stream()
        else:
            self._outcome = FrameAssembler(*limits)
        assembler = ExtensionChain(self._outcome, chain) if chain else self._outcome
        self._plain = self._output.plain
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
                if self._may_answer():
                    self._pings.answer(data, self.write_limit)
            elif opcode == Opcode.PONG:
                self._pings.received_pong(data, now)
            else:
                self._handle_close(data)

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

    def refuse_message(self, error: UnicodeDecodeError, *, now: float | None = None) -> None:
        """
        Fail the connection because what was received isn't the text that it has to be.

        For messages that were received as binary, which nobody has decoded yet. Does nothing where
        the connection isn't open any more.

        :param error: what decoding it raised.
        :param now: the time, in seconds.
        """
        if self._state is _OPEN:
            self.parser_exc = forget_frames(error)
            self.fail(*close_for(error, 0), now=now)

    def _fail_with(self, error: Exception) -> None:
        """Input can't be decoded: fail the connection (section 7.1.7)."""
        assert self._outcome is not None
        if not blames_peer(error):
            self.logger.error("parser failed", exc_info=error)
        self.parser_exc = forget_frames(error)
        self.fail(*close_for(error, self._outcome.text_offset))

    def _stop_decoding(self) -> None:
        if self._decoder is not None:
            self._decoder.stop()

    def _expire(self) -> None:
        """The opening or closing handshake has taken too long: give the stream up."""
        if self._state is State.CONNECTING:
            # Where it was rejected, that took place in time.
            if self.handshake_exc is None and not self._eof_sent:
                self.handshake_exc = TimeoutError("timed out during opening handshake")
        elif self._state is _CLOSING and self.parser_exc is None:
            self.parser_exc = TimeoutError("timed out during closing handshake")
        self._stop_decoding()
        self._eof_received = True
        self._step(Step.END)
        self._send_eof()

    def _send_close(self, close: Close, data: BytesLike, step: Step) -> None:
        self._output.frame(Opcode.CLOSE, data)
        self.close_sent = close
        self._step(step)

    def _log_received(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, str):
                event = Frame(Opcode.TEXT, event.encode())
            elif isinstance(event, bytes):
                event = Frame(Opcode.BINARY, event)
            elif isinstance(event, Fragment):
                event = event.as_frame()
            self.logger.debug("< %s", event)
