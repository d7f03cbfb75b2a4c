# cython: boundscheck=False, wraparound=False, cdivision=True, nonecheck=True
# cython: auto_pickle=False
"""
From frames to what a protocol's user sees (RFC 6455, sections 5.4 and 5.6).

An assembler is handed the frames of one connection in order, by the decoder of
:mod:`ws_sansio.codec`: a frame that is all there by :meth:`~Assembler.whole`, any other by
:meth:`~Assembler.begin`, :meth:`~Assembler.append` as its payload arrives, and
:meth:`~Assembler.end`; a control frame by :meth:`~Assembler.control`. What comes out is in
:attr:`~Assembler.events` and :attr:`~Assembler.controls`. There are three:

- :class:`MessageAssembler` makes whole messages, :class:`str` or :class:`bytes`. Fragments are
  gathered in one buffer, so that no limit on their number is needed: only empty ones, which
  cost no bytes, are counted. Where a program wants to stream, it hands out each fragment instead.
- :class:`FrameAssembler` makes :class:`~ws_types.frames.Frame` objects.
- :class:`ExtensionChain` passes each frame through extensions, and the outcome to one of the
  above, where the events are found.

All of them hold the same rules, written once in :class:`Assembler`: fragments come in order,
reserved bits have a meaning or are 0, sizes are judged from the header, before the payload is
there, and text is UTF-8, judged as it arrives.
"""

from __future__ import annotations

import sys
from codecs import getincrementaldecoder
from collections.abc import Sequence
from typing import Any

from ws_types.codes import Opcode
from ws_types.errors import PayloadTooBig, ProtocolError, TooManyFragments
from ws_types.extension import Extension
from ws_types.frames import Close, Frame

from ._kernels import (
    FrameHeader,
    PayloadBuffer,
    Source,
    Utf8Validator,
    payload_bytes,
    payload_text,
)
from .fragments import Fragment

__all__ = [
    "MAX_EMPTY_FRAGMENTS",
    "Assembler",
    "ExtensionChain",
    "FrameAssembler",
    "MessageAssembler",
]

#: How many empty fragments a message may have. Fragments with data are bounded by their bytes;
#: 4,096 is the number of fragments that ``websockets`` admits.
MAX_EMPTY_FRAGMENTS = 4096

# No object is larger: 2**63 - 1, or 2**31 - 1 where pointers have 32 bits.
_NO_LIMIT = sys.maxsize

_OPCODES = tuple(Opcode(code) if code in list(Opcode) else None for code in range(16))


def _limit(value: int | None) -> int:
    return _NO_LIMIT if value is None else min(max(value, 0), _NO_LIMIT)


class Assembler:
    """
    The rules that every assembler holds.

    :param max_message: the largest size of a message in bytes; :data:`None` is no limit.
    :param max_fragment: the largest size of one frame's payload in bytes.
    :param first_rsv: the RSV bits that the first frame of a message may have set.
    :param next_rsv: the RSV bits that its other frames may have set.
    """

    def __init__(
        self,
        max_message: int | None = None,
        max_fragment: int | None = None,
        first_rsv: int = 0,
        next_rsv: int = 0,
    ) -> None:
        self.max_message = _limit(max_message)
        self.max_fragment = _limit(max_fragment)
        self.first_rsv = first_rsv
        self.next_rsv = next_rsv
        #: What has come out since this was last emptied.
        self.events: list[Any] = []
        #: Opcode and payload of each control frame since this was last emptied.
        self.controls: list[tuple[int, bytes]] = []
        #: The opcode of the message in progress; 0 where there is none.
        self.opcode = 0
        #: The RSV bits of the first frame of the message in progress.
        self.rsv = 0
        #: The payload bytes of the message in progress, so far.
        self.size = 0
        self._empty = 0
        # Whether every payload is encoded by an extension, whatever its RSV bits say.
        self._encoded = False
        self._buffer = PayloadBuffer()
        self._validator = Utf8Validator()

    @property
    def text_offset(self) -> int:
        """How many bytes of the text in progress were found to be whole characters."""
        return self._validator.offset

    def whole(self, source: Source, header: FrameHeader, start: int) -> None:
        """Take a data frame whose payload is all there."""
        self.begin(header)
        self.append(source, header, start, header.length, 0)
        self.end(header)

    def begin(self, header: FrameHeader) -> None:
        """Take the header of a data frame, and judge it."""
        first = header.first
        opcode = first & 0x0F
        length = header.length
        if opcode:
            if self.opcode:
                raise ProtocolError("expected a continuation frame")
            if first & 0x70 & ~self.first_rsv:
                raise ProtocolError("reserved bits must be 0")
        else:
            if not self.opcode:
                raise ProtocolError("unexpected continuation frame")
            if first & 0x70 & ~self.next_rsv:
                raise ProtocolError("reserved bits must be 0")
        if opcode:
            self.opcode = opcode
            self.rsv = first & 0x70
        max_message = self.max_message
        max_fragment = self.max_fragment
        if self.rsv or self._encoded:
            max_message = _encoded_limit(max_message)
            max_fragment = _encoded_limit(max_fragment)
        if length > max_fragment:
            raise PayloadTooBig(length, self.max_fragment)
        if length > max_message - self.size:
            error = PayloadTooBig(length, self.max_message - self.size)
            if self.size:
                error.set_current_size(self.size)
            raise error
        if length == 0 and not first & 0x80:
            self._empty += 1
            if self._empty > MAX_EMPTY_FRAGMENTS:
                raise TooManyFragments(MAX_EMPTY_FRAGMENTS)

    def append(
        self, source: Source, header: FrameHeader, start: int, count: int, offset: int
    ) -> None:
        """Take *count* bytes, *offset* bytes into the payload of the frame that has begun."""
        before = self._buffer.size
        self._buffer.append(source, header, start, count, offset)
        self.size += count
        # Text that an extension has still to decode can't be judged yet.
        if self.opcode == 0x1 and not self.rsv:
            self._validator.feed(self._buffer, before)

    def end(self, header: FrameHeader) -> None:
        """The payload of the frame that has begun is complete."""
        raise NotImplementedError

    def control(self, opcode: int, data: bytes) -> None:
        """Take a control frame."""
        if opcode == 0x8:
            # Nothing follows a close frame. What it says is judged here, so that one that says
            # nonsense isn't seen as an event.
            self._finish_message()
            Close.parse(data)
        self.controls.append((opcode, data))

    def take_events(self) -> list[Any]:
        """Empty :attr:`events`."""
        events = self.events
        self.events = []
        return events

    def _finish_message(self) -> None:
        self.opcode = 0
        self.rsv = 0
        self.size = 0
        self._empty = 0
        self._validator.reset()


class MessageAssembler(Assembler):
    """
    Makes messages.

    :param extension: an extension whose message-level hook is used
        (:attr:`ws_types.extension.Extension.message_rsv`).
    """

    def __init__(
        self,
        max_message: int | None = None,
        max_fragment: int | None = None,
        extension: Extension | None = None,
    ) -> None:
        rsv = 0 if extension is None else extension.message_rsv or 0
        super().__init__(max_message, max_fragment, rsv)
        self.extension = extension
        self.max_single = min(self.max_message, self.max_fragment)
        self._streaming = False
        # Whether a piece of the message in progress was handed out.
        self._streamed = False
        # Of a message that an extension transformed: the bytes that came out, all of them and those
        # that are whole characters.
        self._decoded_size = 0
        self._decoded_text = 0
        self._text_decoder: Any = None

    @property
    def text_offset(self) -> int:
        return self._validator.offset + self._decoded_text

    def stream(self) -> None:
        """
        From now on, hand out a :class:`~ws_sansio.fragments.Fragment` for each frame of fragmented
        messages; and at once what there is of a message in progress.
        """
        self._streaming = True
        if self._buffer.size:
            self._hand_out(False)

    def whole(self, source: Source, header: FrameHeader, start: int) -> None:
        if self.opcode == 0 and header.length <= self.max_single:
            if header.first == 0x81:
                self.events.append(payload_text(source, header, start))
                return
            if header.first == 0x82:
                self.events.append(payload_bytes(source, header, start))
                return
        self.begin(header)
        if header.first & 0x80 and self.size == 0 and self.rsv and not self._streamed:
            # A message that an extension transformed, all there: no need to gather it.
            self._emit(payload_bytes(source, header, start), header)
            return
        self.append(source, header, start, header.length, 0)
        self.end(header)

    def begin(self, header: FrameHeader) -> None:
        Assembler.begin(self, header)
        if header.first & 0x0F == 0x1 and not self.rsv:
            self._buffer.expect_text()

    def end(self, header: FrameHeader) -> None:
        fin = header.first & 0x80 != 0
        if self._streaming and (self._streamed or not fin or header.first & 0x0F == 0):
            self._hand_out(fin)
            if fin:
                self._finish_message()
            return
        if not fin:
            return
        if self.rsv:
            self._emit(self._buffer.take_bytes(), header)
            return
        if self.opcode == 0x1:
            self._validator.finish()
            self.events.append(self._buffer.take_text())
        else:
            self.events.append(self._buffer.take_bytes())
        self._finish_message()

    def _emit(self, data: bytes, header: FrameHeader) -> None:
        extension = self.extension
        assert extension is not None  # or the RSV bits would have been refused
        # A message in one frame has to fit in a frame too.
        limit = self.max_single if header.first & 0x0F else self.max_message
        data = extension.decode_message(data, max_size=None if limit == _NO_LIMIT else limit)
        self.events.append(data.decode() if self.opcode == 0x1 else data)
        self._finish_message()

    def _hand_out(self, fin: bool) -> None:
        """Make a fragment of what the buffer holds."""
        data: Any = self._buffer.take_bytes()
        if self.rsv:
            data = self._decode_piece(data, fin)
        elif fin and self.opcode == 0x1:
            self._validator.finish()
        if self.opcode == 0x1:
            if self._text_decoder is None:
                self._text_decoder = getincrementaldecoder("utf-8")()
            decoder = self._text_decoder
            if self.rsv:
                self._decoded_text = self._decoded_size - len(data) - len(decoder.getstate()[0])
            data = decoder.decode(data, fin)
        self._streamed = True
        self.events.append(Fragment(data, fin))

    def _decode_piece(self, data: bytes, fin: bool) -> bytes:
        extension = self.extension
        assert extension is not None  # or the RSV bits would have been refused
        limit = min(self.max_fragment, self.max_message - self._decoded_size)
        frame = Frame(_OPCODES[0 if self._streamed else self.opcode], data, fin)  # type: ignore[arg-type]
        if not self._streamed:
            frame.rsv1, frame.rsv2, frame.rsv3 = (self.rsv & bit != 0 for bit in (0x40, 0x20, 0x10))
        try:
            frame = extension.decode(frame, max_size=None if limit == _NO_LIMIT else limit)
        except PayloadTooBig as exc:
            if self._decoded_size:
                exc.set_current_size(self._decoded_size)
            raise
        self._decoded_size += len(frame.data)
        return bytes(frame.data)

    def _finish_message(self) -> None:
        Assembler._finish_message(self)
        if self._streamed:
            self._streamed = False
            self._decoded_size = 0
            self._decoded_text = 0
            self._text_decoder = None


class FrameAssembler(Assembler):
    """Makes frames, as the API of ``websockets`` has them."""

    def end(self, header: FrameHeader) -> None:
        first = header.first
        fin = first & 0x80 != 0
        if fin and self.opcode == 0x1:
            self._validator.finish()
        data = self._buffer.take_bytes()
        self.events.append(Frame(_OPCODES[first & 0x0F], data, fin))  # type: ignore[arg-type]
        if fin:
            self._finish_message()

    def control(self, opcode: int, data: bytes) -> None:
        Assembler.control(self, opcode, data)
        self.events.append(Frame(_OPCODES[opcode], data))  # type: ignore[arg-type]


class ExtensionChain(Assembler):
    """
    Passes frames through extensions, last one first, as the sender applied them in order.

    Its own :attr:`events` and :attr:`controls` stay empty.

    :param inner: the assembler that gets the outcome, and holds the exact limits.
    :param extensions: at least one extension.
    """

    def __init__(self, inner: Assembler, extensions: Sequence[Extension]) -> None:
        # What RSV bits mean is for the extensions to say; `inner` refuses what they leave.
        super().__init__(inner.max_message, inner.max_fragment, 0x70, 0x70)
        self._encoded = True
        self.inner = inner
        self.extensions = tuple(reversed(extensions))
        self._decoded = Source()
        self._described = FrameHeader()

    def append(
        self, source: Source, header: FrameHeader, start: int, count: int, offset: int
    ) -> None:
        self._buffer.append(source, header, start, count, offset)
        self.size += count

    def end(self, header: FrameHeader) -> None:
        first = header.first
        frame = self._decode(
            Frame(
                _OPCODES[first & 0x0F],  # type: ignore[arg-type]
                self._buffer.take_bytes(),
                first & 0x80 != 0,
                first & 0x40 != 0,
                first & 0x20 != 0,
                first & 0x10 != 0,
            )
        )
        if first & 0x80:
            self._finish_message()
        decoded = self._decoded
        decoded.open(frame.data)
        try:
            self._described.describe(
                frame.opcode
                | (0x80 if frame.fin else 0)
                | (0x40 if frame.rsv1 else 0)
                | (0x20 if frame.rsv2 else 0)
                | (0x10 if frame.rsv3 else 0),
                decoded.size,
            )
            self.inner.whole(decoded, self._described, 0)
        finally:
            decoded.close()

    def control(self, opcode: int, data: bytes) -> None:
        frame = self._decode(Frame(_OPCODES[opcode], data))  # type: ignore[arg-type]
        self.inner.control(frame.opcode, bytes(frame.data))

    def _decode(self, frame: Frame) -> Frame:
        limit = min(self.inner.max_fragment, self.inner.max_message - self.inner.size)
        for extension in self.extensions:
            frame = extension.decode(frame, max_size=None if limit == _NO_LIMIT else limit)
        return frame


def _encoded_limit(limit: int) -> int:
    """
    What an encoded payload may have, where a decoded one may have *limit* bytes.

    The decoded size is for the extension to judge, exactly. Compression that doesn't gain makes
    a payload larger: by an eighth and a little, where deflate has the least memory.
    """
    if limit > _NO_LIMIT // 2:
        return _NO_LIMIT
    return limit + (limit >> 3) + (limit >> 6) + 64
