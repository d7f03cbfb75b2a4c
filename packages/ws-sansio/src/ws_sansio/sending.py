"""
What a program has a connection send, and the bytes that come of it.

:class:`Sender` knows what may be sent in which state, and sees to pings and pongs. It changes no
state: commands that do are those of :class:`~ws_sansio.protocol.Protocol`, which is built on it.
"""

from __future__ import annotations

from codecs import utf_8_decode
from typing import Final, Literal

from ws_types.codes import Opcode
from ws_types.typing import BytesLike, DataLike, LoggerLike

from .deadlines import Deadlines
from .output import Output, check_control
from .pings import Pings
from .prepared import PreparedMessage
from .states import TRANSITIONS, Side, State, Step, next_state
from .status import Status

__all__ = ["SEND_EOF", "Sender", "View"]

View = Literal["frames", "messages"]

#: What :meth:`Sender.data_to_send` gives where the stream has to be ended.
SEND_EOF: Final = b""

# Attributes of an enum cost a look-up each time.
_OPEN = State.OPEN
_CONT, _TEXT, _BINARY = 0x0, 0x1, 0x2


class Sender(Status):
    """
    The part of a protocol that sends.

    :param side: which side this is.
    :param state: where to start.
    :param logger: where to log; :data:`None` for the logger of the side.
    :param view: the view that the protocol is read through.
    :param deadlines: the clock of the connection.
    """

    #: Bytes of output that the network hasn't taken, above which pongs are held back.
    write_limit: int

    def __init__(
        self,
        side: Side,
        state: State,
        logger: LoggerLike | None,
        view: View,
        deadlines: Deadlines,
    ) -> None:
        super().__init__(side, state, logger)
        self._view: View = view
        self._deadlines = deadlines
        self._output = Output(side is Side.CLIENT)
        self._encoder = self._output.encoder
        # Whether data frames go out by way of the encoder: see Output.
        self._plain = False
        self._pings = Pings(self._output, deadlines)
        self._eof_sent = False

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
            self._send_data(_CONT, data, fin, None)

    def send_text(
        self,
        data: BytesLike,
        fin: bool = True,
        *,
        now: float | None = None,
        compress: bool | None = None,
    ) -> None:
        """
        Send a text frame (section 5.6).

        :param data: the payload: text in UTF-8.
        :param fin: whether it is the whole message, rather than its first fragment.
        :param compress: as for :meth:`send_message`. Fragments are compressed unless it is
            :data:`False`.
        :raises ProtocolError: if a fragmented message is being sent.
        """
        if self._plain and self._state is _OPEN:
            self._encoder.data(_TEXT, data, fin)
        else:
            self._send_data(_TEXT, data, fin, compress)

    def send_binary(
        self,
        data: BytesLike,
        fin: bool = True,
        *,
        now: float | None = None,
        compress: bool | None = None,
    ) -> None:
        """
        Send a binary frame (section 5.6).

        :param data: the payload.
        :param fin: whether it is the whole message, rather than its first fragment.
        :param compress: as for :meth:`send_text`.
        :raises ProtocolError: if a fragmented message is being sent.
        """
        if self._plain and self._state is _OPEN:
            self._encoder.data(_BINARY, data, fin)
        else:
            self._send_data(_BINARY, data, fin, compress)

    def send_message(
        self,
        message: DataLike,
        *,
        text: bool | None = None,
        compress: bool | None = None,
        now: float | None = None,
    ) -> None:
        """
        Send a whole message.

        :param message: :class:`str` goes as text, bytes-like as binary.
        :param text: :data:`True` sends bytes-like as text: it has to be UTF-8. :data:`False` sends
            :class:`str` as binary, in UTF-8.
        :param compress: whether the message is to be compressed. :data:`None` leaves it to the
            extension, which may have a threshold; :data:`True` compresses what is shorter, too;
            :data:`False` sends the message as it is. Makes no difference where no extension was
            negotiated, or one without a hook for messages, or several.
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
            self._send_data(opcode, message, True, compress)

    def send_prepared(
        self,
        message: PreparedMessage,
        *,
        compress: bool | None = None,
        now: float | None = None,
    ) -> None:
        """
        Send a message that is encoded once for many connections.

        :param message: the message.
        :param compress: as for :meth:`send_message`.
        :raises ProtocolError: if a fragmented message is being sent.
        """
        self._encoder.check_order(message.opcode)
        if self._state is not _OPEN:
            next_state(self._state, Step.SEND_DATA)
        self._output.prepared(message, compress)

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
            self._pings.registry.add(bytes(data), now)
        self._output.frame(Opcode.PING, data)

    def send_pong(self, data: BytesLike, *, now: float | None = None) -> None:
        """
        Send a pong that no ping asked for (section 5.5.3). Pings are answered without help.

        :param data: the payload, 125 bytes at most.
        :raises ProtocolError: if *data* is too long.
        """
        self._check_control(data)
        self._output.frame(Opcode.PONG, data)

    # Bytes out

    def data_to_send(self) -> list[bytes]:
        """
        Take what has to go to the network: one chunk for each frame.

        ``b""`` (:data:`SEND_EOF`) stands for the end of the stream, and is the last one.
        """
        chunks = self._encoder.take()
        if chunks and self._deadlines.tracking:
            self._deadlines.handed_out(sum(map(len, chunks)))
        return chunks

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
        if size <= self.write_limit:
            self._pings.release(self._may_answer())

    # Pings

    @property
    def latency(self) -> float:
        """The round-trip time of the last ping that was answered, in seconds; 0 before any was."""
        return self._pings.latency

    def unused_ping(self) -> bytes:
        """A random payload for :meth:`send_ping` that no ping waiting for its pong has."""
        return self._pings.registry.unused_payload()

    def pings_answered(self) -> list[tuple[bytes, float]]:
        """
        Take which pings were answered: payload and round-trip time in seconds.

        A pong answers the pings before its own, too. The time is not a number (nan) where
        *now* wasn't given.
        """
        return self._pings.take_answered()

    # The inside

    def _check_control(self, data: BytesLike) -> None:
        next_state(self._state, Step.SEND_CONTROL)
        if self._eof_sent:
            # Frames can't follow the end of the stream.
            next_state(State.CLOSED, Step.SEND_CONTROL)
        check_control(data)

    def _may_answer(self) -> bool:
        return not self._eof_sent and (self._state, Step.SEND_CONTROL) in TRANSITIONS

    def _send_data(self, opcode: int, data: DataLike, fin: bool, compress: bool | None) -> None:
        """Send a data frame that has to be refused, logged, or passed through extensions."""
        self._encoder.check_order(opcode)
        if self._state is not _OPEN:
            next_state(self._state, Step.SEND_DATA)
        self._output.data(opcode, data, fin, compress)

    def _send_eof(self) -> None:
        if not self._eof_sent:
            self._eof_sent = True
            if self.debug:
                self.logger.debug("> EOF")
            self._encoder.append(SEND_EOF)
