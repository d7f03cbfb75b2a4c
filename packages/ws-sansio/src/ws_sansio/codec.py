# cython: boundscheck=False, wraparound=False, cdivision=True, nonecheck=True
# cython: auto_pickle=False
"""
Frames on the wire (RFC 6455, section 5.2).

A :class:`FrameEncoder` turns what is sent into bytes, one chunk for each frame, and sees to it
that fragments come in order.

A :class:`FrameDecoder` is told of every byte that arrives and passes it once, in place:

- it scans the header of a frame, and judges what can be judged from the header alone;
- it hands the payload to an assembler (:mod:`ws_sansio.assembler`), which unmasks while it
  copies: in one call where the payload is all there, in pieces where it isn't;
- it stops at a close frame, for nothing counts after one (section 5.5.1).

It keeps no input but a header that isn't complete (13 bytes at most) and the payload of a
control frame that isn't (125 at most).

What breaks the protocol raises :exc:`~ws_types.errors.ProtocolError`, what is too large
:exc:`~ws_types.errors.PayloadTooBig`, what isn't UTF-8 :exc:`UnicodeDecodeError`. After any
of these the decoder is finished: further input is dropped, since framing is lost.
"""

from __future__ import annotations

from ws_types.errors import ProtocolError

from ._kernels import FrameHeader, PayloadBuffer, Source, encode_frame
from .assembler import Assembler

__all__ = ["FrameDecoder", "FrameEncoder", "encode_frame"]


class FrameEncoder:
    """
    Encodes the frames that one side sends.

    :param masked: whether frames have to be masked (those of a client).
    """

    def __init__(self, masked: bool) -> None:
        self.masked = masked
        #: Whether a fragmented message has begun and not ended.
        self.fragmenting = False
        self._chunks: list[bytes] = []

    def data(self, opcode: int, payload: object, fin: bool) -> None:
        """
        Encode a data frame.

        :param payload: bytes-like, or :class:`str` to go in UTF-8.
        :raises ProtocolError: if it is a fragment out of order.
        :raises TypeError: if *payload* is of another type.
        :raises UnicodeEncodeError: if *payload* has surrogates.
        """
        self.check_order(opcode)
        first = opcode | 0x80 if fin else opcode
        self._chunks.append(encode_frame(first, payload, self.masked))
        self.fragmenting = not fin

    def check_order(self, opcode: int) -> None:
        """Raise :exc:`~ws_types.errors.ProtocolError` where *opcode* can't be next."""
        if self.fragmenting:
            if opcode:
                raise ProtocolError("expected a continuation frame")
        elif not opcode:
            raise ProtocolError("unexpected continuation frame")

    def frame(self, first: int, payload: object) -> int:
        """Encode any frame, given its first byte; returns the size of the chunk in bytes."""
        chunk = encode_frame(first, payload, self.masked)
        self._chunks.append(chunk)
        return len(chunk)

    def append(self, chunk: bytes) -> None:
        """Have a chunk sent that is encoded already."""
        self._chunks.append(chunk)

    def take(self) -> list[bytes]:
        """The chunks to send. There are none afterwards."""
        chunks = self._chunks
        self._chunks = []
        return chunks


class FrameDecoder:
    """
    Decodes the frames that one side sends.

    :param assembler: where payloads go.
    :param masked: whether frames must be masked (those of a client) or must not be.
    """

    def __init__(self, assembler: Assembler, masked: bool) -> None:
        self.assembler = assembler
        self.masked = masked
        self.finished = False
        self._source = Source()
        self._header = FrameHeader()
        self._control = PayloadBuffer()
        # Bytes of the current frame's payload that have been handed on.
        self._received = 0

    def receive(self, data: bytes | bytearray | memoryview) -> None:
        """
        Decode *data*; what comes of it is found in the assembler.

        :raises TypeError: if *data* isn't bytes-like.
        :raises ConcurrencyError: if an extension, or another thread, calls this while it runs.
        """
        source = self._source
        source.open(data)
        try:
            self._decode(source)
        except BaseException:
            self.finished = True
            raise
        finally:
            source.close()

    def stop(self) -> None:
        """Drop what is received from now on."""
        self.finished = True

    def at_boundary(self) -> bool:
        """Whether the last byte received was the last byte of a frame."""
        return not self._header.complete and self._header.partial() == 0

    def _decode(self, source: Source) -> None:
        header = self._header
        assembler = self.assembler
        start = 0
        while not self.finished:
            if not header.complete:
                start = header.scan(source, start)
                if not header.complete:
                    return
                self._check(header)
                self._received = 0
                if header.first & 0x08:
                    self._control.clear()
                else:
                    length = header.length
                    if length <= source.size - start:
                        header.reset()
                        assembler.whole(source, header, start)
                        start += length
                        continue
                    assembler.begin(header)
            count = header.length - self._received
            if count > source.size - start:
                count = source.size - start
            if header.first & 0x08:
                self._control.append(source, header, start, count, self._received)
            else:
                assembler.append(source, header, start, count, self._received)
            self._received += count
            start += count
            if self._received < header.length:
                return
            header.reset()
            if header.first & 0x08:
                opcode = header.first & 0x0F
                self.finished = opcode == 0x8
                assembler.control(opcode, self._control.take_bytes())
            else:
                assembler.end(header)

    def _check(self, header: FrameHeader) -> None:
        opcode = header.first & 0x0F
        if opcode > 0xA or 0x2 < opcode < 0x8:
            raise ProtocolError("invalid opcode")
        if opcode & 0x08:
            if header.first & 0x70:
                raise ProtocolError("reserved bits must be 0")
            if header.form > 125:
                raise ProtocolError("control frame too long")
            if not header.first & 0x80:
                raise ProtocolError("fragmented control frame")
        if header.masked != self.masked:
            raise ProtocolError("incorrect masking")
        if header.form > 125:
            # Section 5.2: the minimal number of bytes, and the most significant bit is 0.
            if header.length < (126 if header.form == 126 else 65536):
                raise ProtocolError("payload length isn't in its shortest form")
            if header.length > 0x7FFFFFFFFFFFFFFF:
                raise ProtocolError("payload length exceeds 2**63 - 1")
