"""Frames (RFC 6455, section 5): small reference code, one frame at a time.

:class:`Frame` is the unit that extensions, logs and tests handle, and this is how it is read and
written where speed doesn't matter. It is as strict as the codec of a connection: lengths in their
shortest form, reserved bits and opcodes refused, and the rules of control frames.
"""

from __future__ import annotations

import codecs
import os
import struct
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol

from .codes import (
    CLOSE_CODE_EXPLANATIONS,
    CTRL_OPCODES,
    DATA_OPCODES,
    EXTERNAL_CLOSE_CODES,
    OK_CLOSE_CODES,
    CloseCode,
    Opcode,
)
from .errors import PayloadTooBig, ProtocolError
from .escaping import printable
from .typing import BytesLike

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from .records import dataclass

__all__ = [
    "BINARY",
    "CLOSE",
    "CLOSE_CODE_EXPLANATIONS",
    "CONT",
    "CTRL_OPCODES",
    "DATA_OPCODES",
    "EXTERNAL_CLOSE_CODES",
    "OK_CLOSE_CODES",
    "PING",
    "PONG",
    "TEXT",
    "BytesLike",
    "Close",
    "CloseCode",
    "Frame",
    "FrameCoder",
    "Opcode",
]

CONT = Opcode.CONT
TEXT = Opcode.TEXT
BINARY = Opcode.BINARY
CLOSE = Opcode.CLOSE
PING = Opcode.PING
PONG = Opcode.PONG

_NAMES: dict[int, str] = {opcode: opcode.name for opcode in Opcode}


class FrameCoder(Protocol):
    """What a frame needs of an extension; :class:`ws_types.extension.Extension` has it."""

    def encode(self, frame: Frame) -> Frame: ...

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame: ...


def _octets(data: BytesLike) -> bytes | bytearray:
    """Return the bytes of any bytes-like object, of whatever items and strides."""
    if isinstance(data, (bytes, bytearray)):
        return data
    if isinstance(data, memoryview):
        return data.tobytes()
    raise TypeError(f"data must be bytes, bytearray or memoryview, not {type(data).__name__}")


def _apply_mask(data: bytes | bytearray, mask: bytes) -> bytes:
    """Mask or unmask (RFC 6455, section 5.3): the same operation."""
    size = len(data)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


# How payloads look in logs


def _is_readable(text: str) -> bool:
    # What repr() escapes as \xNN would make a byte look like text.
    return text.isprintable() or all(
        char.isprintable() or char in "\t\n\r" or char > "\xff" for char in text
    )


def _sample_text(data: bytes | bytearray, size: int) -> str | None:
    """Decode a payload, or only as much of both its ends as is shown; None if it isn't text."""
    try:
        if len(data) <= 5 * size:
            text = data.decode()
        else:
            # A character may be cut at the end of the head, or at the start of the tail.
            head = codecs.utf_8_decode(data[: 3 * size], "strict", False)[0]
            tail = data[-2 * size :]
            skip = next((i for i, byte in enumerate(tail[:4]) if byte & 0xC0 != 0x80), 0)
            text = head + tail[skip:].decode()
    except UnicodeDecodeError:
        return None
    return text if _is_readable(text) else None


def _shorten(text: str, size: int) -> str:
    if len(text) <= size:
        return text
    cut = max(size // 3 - 1, 1)
    return f"{text[: 2 * cut]}...{text[-cut:]}"


def _hexadecimal(data: bytes | bytearray, size: int) -> str:
    if 3 * len(data) - 1 <= size:
        return data.hex(" ")
    cut = max((size // 3 - 1) // 3, 1)
    return f"{data[: 2 * cut].hex(' ')} ... {data[-cut:].hex(' ')}"


# Frames


@dataclass
class Frame:
    """One frame (RFC 6455, section 5.2).

    ``str()`` shows it on one line of a log: the payload is escaped, and cut to about
    ``WEBSOCKETS_MAX_LOG_SIZE`` characters (an environment variable; 75 if it isn't set).

    :param opcode: what the frame carries.
    :param data: the payload, not masked.
    :param fin: whether it is the last fragment of its message.
    :param rsv1: reserved bit 1, which has the meaning that an extension gave it.
    :param rsv2: reserved bit 2.
    :param rsv3: reserved bit 3.
    """

    opcode: Opcode
    data: BytesLike
    fin: bool = True
    rsv1: bool = False
    rsv2: bool = False
    rsv3: bool = False

    MAX_LOG_SIZE: ClassVar[int] = int(os.environ.get("WEBSOCKETS_MAX_LOG_SIZE", "75"))
    """How many characters of a payload ``str()`` shows, about."""

    DEFAULT_IS_TEXT: ClassVar[dict[Opcode, bool]] = {TEXT: True, BINARY: False, CLOSE: True}
    """Whether the payload is expected to be text; ``str()`` says so where it is otherwise."""

    def __init__(
        self,
        opcode: Opcode,
        data: BytesLike,
        fin: bool = True,
        rsv1: bool = False,
        rsv2: bool = False,
        rsv3: bool = False,
    ) -> None:
        self.opcode = opcode
        self.data = data
        self.fin = fin
        self.rsv1 = rsv1
        self.rsv2 = rsv2
        self.rsv3 = rsv3

    def __repr__(self) -> str:
        return (
            f"{type(self).__qualname__}(opcode={self.opcode!r}, data={self.data!r}, "
            f"fin={self.fin!r}, rsv1={self.rsv1!r}, rsv2={self.rsv2!r}, rsv3={self.rsv3!r})"
        )

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        assert isinstance(other, Frame)
        return (self.opcode, self.data, self.fin, self.rsv1, self.rsv2, self.rsv3) == (
            (other.opcode, other.data, other.fin, other.rsv1, other.rsv2, other.rsv3)
        )

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        data = _octets(self.data)
        size = self.MAX_LOG_SIZE
        is_text: bool | None = None
        if not data:
            payload = "''"
        elif self.opcode == CLOSE:
            try:
                payload = _shorten(str(Close.parse(data)), size)
                is_text = True
            except (ProtocolError, UnicodeDecodeError):
                payload = _hexadecimal(data, size)
                is_text = False
        else:
            # Payloads of pings are often random bytes, of which some happen to be UTF-8.
            random = self.opcode in (PING, PONG) and not data.isascii()
            text = None if random else _sample_text(data, size)
            is_text = text is not None
            payload = _hexadecimal(data, size) if text is None else _shorten(repr(text), size)
        notes = []
        if is_text is not None and is_text is not self.DEFAULT_IS_TEXT.get(self.opcode):
            notes.append("text" if is_text else "binary")
        notes.append(f"{len(data)} byte{'' if len(data) == 1 else 's'}")
        if not self.fin:
            notes.append("continued")
        name = _NAMES.get(self.opcode) or f"reserved opcode {self.opcode}"
        return f"{name} {payload} [{', '.join(notes)}]"

    @classmethod
    def parse(
        cls,
        read_exact: Callable[[int], Generator[None, None, bytes | bytearray]],
        *,
        mask: bool,
        max_size: int | None = None,
        extensions: Sequence[FrameCoder] | None = None,
    ) -> Generator[None, None, Frame]:
        """Read one frame. This is a generator, which waits for input where ``read_exact`` does.

        :param read_exact: a generator function that returns exactly that many bytes.
        :param mask: whether the frame must be masked: true where a server reads.
        :param max_size: how many bytes the payload may have; None for no limit. It is applied
            before the payload is read.
        :param extensions: the negotiated extensions, in the order of the negotiation.
        :raises ProtocolError: if the frame breaks the rules of RFC 6455, section 5.
        :raises PayloadTooBig: if the payload is larger than ``max_size``.
        :raises EOFError: if ``read_exact`` does, because the stream ends within the frame.
        """
        head1, head2 = yield from read_exact(2)
        try:
            opcode = Opcode(head1 & 0x0F)
        except ValueError as exc:
            raise ProtocolError("invalid opcode") from exc
        if bool(head2 & 0x80) is not mask:
            raise ProtocolError("incorrect masking")
        frame = cls(
            opcode,
            b"",
            fin=bool(head1 & 0x80),
            rsv1=bool(head1 & 0x40),
            rsv2=bool(head1 & 0x20),
            rsv3=bool(head1 & 0x10),
        )
        if not extensions:
            frame._check_reserved_bits()
        length = head2 & 0x7F
        if opcode in CTRL_OPCODES:
            frame._check_control(length)
        length = yield from _read_length(read_exact, length)
        if max_size is not None and length > max_size:
            raise PayloadTooBig(length, max_size)
        if mask:
            key = bytes((yield from read_exact(4)))
        data = yield from read_exact(length)
        frame.data = _apply_mask(data, key) if mask else data
        for extension in reversed(extensions or ()):
            frame = extension.decode(frame, max_size=max_size)
        frame.check()
        return frame

    def serialize(self, *, mask: bool, extensions: Sequence[FrameCoder] | None = None) -> bytes:
        """Return the frame as it goes on the wire.

        :param mask: whether to mask it, with a fresh key from the system's source of randomness
            (RFC 6455, section 5.3): true where a client writes.
        :param extensions: the negotiated extensions, in the order of the negotiation.
        :raises ProtocolError: if the frame breaks the rules of RFC 6455, section 5.
        :raises TypeError: if the payload isn't bytes-like.
        """
        self.check()
        frame = self
        for extension in extensions or ():
            frame = extension.encode(frame)
        data = _octets(frame.data)
        length = len(data)
        head1 = (
            (0x80 if frame.fin else 0)
            | (0x40 if frame.rsv1 else 0)
            | (0x20 if frame.rsv2 else 0)
            | (0x10 if frame.rsv3 else 0)
            | frame.opcode
        )
        head2 = 0x80 if mask else 0
        if length < 126:
            head = struct.pack("!BB", head1, head2 | length)
        elif length < 65536:
            head = struct.pack("!BBH", head1, head2 | 126, length)
        else:
            head = struct.pack("!BBQ", head1, head2 | 127, length)
        if not mask:
            return head + data
        key = os.urandom(4)
        return head + key + _apply_mask(data, key)

    def check(self) -> None:
        """Check that the frame may be sent or received, extensions apart.

        :raises ProtocolError: if a reserved bit is set (RFC 6455, section 5.2), or a control frame
            is fragmented or carries more than 125 bytes (section 5.5).
        """
        self._check_reserved_bits()
        if self.opcode in CTRL_OPCODES:
            data = self.data
            self._check_control(data.nbytes if isinstance(data, memoryview) else len(data))

    def _check_reserved_bits(self) -> None:
        if self.rsv1 or self.rsv2 or self.rsv3:
            raise ProtocolError("reserved bits must be 0")

    def _check_control(self, length: int) -> None:
        if length > 125:
            raise ProtocolError("control frame too long")
        if not self.fin:
            raise ProtocolError("fragmented control frame")


def _read_length(
    read_exact: Callable[[int], Generator[None, None, bytes | bytearray]], length: int
) -> Generator[None, None, int]:
    """Read what is left of the length of a payload, after its first seven bits."""
    if length < 126:
        return length
    if length == 126:
        (length,) = struct.unpack("!H", (yield from read_exact(2)))
        shortest = length > 125
    else:
        (length,) = struct.unpack("!Q", (yield from read_exact(8)))
        if length >= 2**63:
            raise ProtocolError("payload length exceeds 2**63 - 1")
        shortest = length > 65535
    if not shortest:
        raise ProtocolError("payload length isn't in its shortest form")
    return length


@dataclass
class Close:
    """The payload of a close frame (RFC 6455, section 5.5.1).

    ``str()`` shows it on one line, with what the code means.

    :param code: the close code; see :class:`CloseCode`.
    :param reason: a text for people, at most 123 bytes of UTF-8.
    """

    code: CloseCode | int
    reason: str

    def __init__(self, code: CloseCode | int, reason: str) -> None:
        self.code = code
        self.reason = reason

    def __repr__(self) -> str:
        return f"{type(self).__qualname__}(code={self.code!r}, reason={self.reason!r})"

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        assert isinstance(other, Close)
        return self.code == other.code and self.reason == other.reason

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        code = int(self.code)
        if 3000 <= code < 4000:
            explanation = "registered"
        elif 4000 <= code < 5000:
            explanation = "private use"
        else:
            explanation = CLOSE_CODE_EXPLANATIONS.get(code, "unknown")
        result = f"{code} ({explanation})"
        return f"{result} {printable(str(self.reason))}" if self.reason else result

    @classmethod
    def parse(cls, data: BytesLike) -> Close:
        """Read the payload of a close frame; an empty one has the code 1005 (section 7.1.5).

        :param data: the payload, not masked.
        :raises ProtocolError: if it has one byte, or a code that may not be sent.
        :raises UnicodeDecodeError: if the reason isn't UTF-8.
        """
        data = _octets(data)
        if not data:
            return cls(CloseCode.NO_STATUS_RCVD, "")
        if len(data) == 1:
            raise ProtocolError("close frame too short")
        close = cls(int.from_bytes(data[:2], "big"), data[2:].decode())
        close.check()
        return close

    def serialize(self) -> bytes:
        """Return the payload of a close frame.

        :raises ProtocolError: if the code may not be sent.
        """
        self.check()
        return struct.pack("!H", self.code) + self.reason.encode()

    def check(self) -> None:
        """Check that the code may be sent (RFC 6455, section 7.4).

        :raises ProtocolError: if it may not.
        """
        if not (self.code in EXTERNAL_CLOSE_CODES or 3000 <= self.code < 5000):
            raise ProtocolError("invalid status code")
