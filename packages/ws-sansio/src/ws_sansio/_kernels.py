"""
What Python can't express fast: masking, UTF-8 validation, the frame header.

This file is the naive twin of ``_kernels.pyx``: the same names, the same results, the same
exceptions, written to be read. The compiled form replaces it where it could be built; the
tests hold one against the other.

A read is opened as a :class:`Source`, scanned with a :class:`FrameHeader`, and its payloads
are copied out, unmasked, by :func:`payload_bytes`, :func:`payload_text` or, where they come
in pieces, by a :class:`PayloadBuffer`.
"""

from __future__ import annotations

import os
from codecs import utf_8_decode
from functools import cache
from typing import Final

from ws_types.errors import ConcurrencyError

__all__ = [
    "FrameHeader",
    "PayloadBuffer",
    "Source",
    "Utf8Validator",
    "encode_frame",
    "payload_bytes",
    "payload_text",
]


def _raw(data: object) -> bytes:
    """The bytes of a bytes-like object, in C order whatever its item type or strides."""
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    raise TypeError(f"data must be bytes, bytearray, or memoryview, not {type(data).__name__}")


def _xor(data: bytes, key: bytes) -> bytes:
    size = len(data)
    if size < 512:
        mask = key * (size // 4) + key[: size % 4]
        number = int.from_bytes(data, "little") ^ int.from_bytes(mask, "little")
        return number.to_bytes(size, "little")
    # Large numbers take longer to make than every fourth byte to translate, four times.
    masked = bytearray(data)
    for start, byte in enumerate(key):
        masked[start::4] = masked[start::4].translate(_xor_table(byte))
    return bytes(masked)


@cache
def _xor_table(byte: int) -> bytes:
    """What each byte becomes under a byte of the key."""
    return bytes(byte ^ other for other in range(256))


# Pieces of a payload that are smaller than this, in bytes, are put together as they arrive.
_SMALL: Final = 4096


class Source:
    """The bytes of one read, between :meth:`open` and :meth:`close`."""

    __slots__ = ("data", "opened", "size")

    def __init__(self) -> None:
        self.data = b""
        self.opened = False
        self.size = 0

    def open(self, data: object) -> None:
        raw = _raw(data)
        if self.opened:
            raise ConcurrencyError("what was received before is still being decoded")
        self.data = raw
        self.opened = True
        self.size = len(raw)

    def close(self) -> None:
        self.data = b""
        self.opened = False
        self.size = 0


def _check(source: Source, start: int, count: int) -> None:
    if start < 0 or count < 0 or start + count > source.size:
        raise IndexError("beyond the end of what was received")


class FrameHeader:
    """The header of the current frame (RFC 6455, section 5.2)."""

    __slots__ = ("_partial", "complete", "first", "form", "key", "length", "masked")

    def __init__(self) -> None:
        self.complete = False
        #: FIN, RSV1, RSV2, RSV3 and the opcode.
        self.first = 0
        self.masked = False
        #: The 7-bit length: 126 and 127 announce a longer one.
        self.form = 0
        self.length = 0
        self.key = b""
        self._partial = b""

    def scan(self, source: Source, start: int) -> int:
        """
        Read the header that begins at *start*, or goes on there.

        Returns where the payload begins. Where the source ends first, keeps what there is,
        leaves :attr:`complete` false, and returns the source's size.
        """
        _check(source, start, 0)
        kept = len(self._partial)
        data = source.data
        base = start
        if kept:
            # 14 bytes are the longest header.
            data = self._partial + data[start : start + 14 - kept]
            base = 0
        available = len(data) - base
        self.complete = False
        size = 2
        if available >= 2:
            self.first = data[base]
            second = data[base + 1]
            self.masked = second >= 0x80
            self.form = second & 0x7F
            if self.form == 126:
                size = 4
            elif self.form == 127:
                size = 10
            if self.masked:
                size += 4
        if available < size:
            self._partial = data[base:]
            return source.size
        if self.form < 126:
            self.length = self.form
        else:
            self.length = int.from_bytes(
                data[base + 2 : base + (4 if self.form == 126 else 10)], "big"
            )
        self.key = data[base + size - 4 : base + size] if self.masked else b""
        self.complete = True
        self._partial = b""
        return start + size - kept

    def reset(self) -> None:
        """Forget the frame, to scan the next one."""
        self.complete = False

    def partial(self) -> int:
        """The number of bytes kept of a header that isn't complete."""
        return len(self._partial)

    def describe(self, first: int, length: int) -> None:
        """Become the header of an unmasked frame that didn't come from the wire."""
        self.first = first
        self.length = length
        self.masked = False
        self.complete = True


def payload_bytes(source: Source, header: FrameHeader, start: int) -> bytes:
    """A whole payload, unmasked."""
    _check(source, start, header.length)
    data = source.data[start : start + header.length]
    return _xor(data, header.key) if header.masked else data


def payload_text(source: Source, header: FrameHeader, start: int) -> str:
    """A whole payload, unmasked and decoded; raises :exc:`UnicodeDecodeError`."""
    return payload_bytes(source, header, start).decode()


class PayloadBuffer:
    """A payload that arrives in pieces. It never holds room for more than has arrived twice."""

    __slots__ = ("pieces", "size")

    def __init__(self) -> None:
        self.pieces: list[bytes | bytearray] = []
        self.size = 0

    @property
    def data(self) -> bytes:
        """What has arrived."""
        return b"".join(self.pieces)

    def expect_text(self) -> None:
        """What is appended to the empty buffer is text."""

    def append(
        self, source: Source, header: FrameHeader, start: int, count: int, offset: int
    ) -> None:
        """Unmask *count* bytes that are *offset* bytes into the payload of the frame."""
        _check(source, start, count)
        if count == 0:
            return
        data = source.data[start : start + count]
        if header.masked:
            phase = offset % 4
            data = _xor(data, header.key[phase:] + header.key[:phase])
        self.size += count
        if count >= _SMALL:
            self.pieces.append(data)
        elif self.pieces and isinstance(self.pieces[-1], bytearray):
            self.pieces[-1] += data
        else:
            # An object for each of many small pieces would weigh more than they do.
            self.pieces.append(bytearray(data))

    def last(self, count: int) -> bytes:
        """The last *count* bytes, which were appended in one call."""
        return bytes(self.pieces[-1][-count:]) if count else b""

    def take_bytes(self) -> bytes:
        """The payload. The buffer is empty afterwards."""
        data = self.data
        self.clear()
        return data

    def take_text(self) -> str:
        """The payload, decoded. The buffer is empty afterwards."""
        text = self.data.decode()
        self.clear()
        return text

    def clear(self) -> None:
        """Forget the payload."""
        self.pieces = []
        self.size = 0


class Utf8Validator:
    """Finds out whether bytes are UTF-8 as they arrive."""

    __slots__ = ("_pending", "offset")

    def __init__(self) -> None:
        #: How many bytes have been found to be whole characters.
        self.offset = 0
        self._pending = b""

    def reset(self) -> None:
        self.offset = 0
        self._pending = b""

    def feed(self, buffer: PayloadBuffer, start: int) -> None:
        """
        Validate what the last :meth:`PayloadBuffer.append` added, from *start* on.

        Raises :exc:`UnicodeDecodeError`.
        """
        if not 0 <= start <= buffer.size:
            raise IndexError("beyond the end of what was received")
        piece = self._pending + buffer.last(buffer.size - start)
        used = utf_8_decode(piece, "strict", False)[1]
        pending = piece[used:]
        if len(pending) == 2 and pending[0] == 0xED and pending[1] >= 0xA0:
            # A surrogate: Python waits for its third byte, since an error handler may want it.
            utf_8_decode(piece, "strict", True)
        self.offset += used
        self._pending = pending

    def finish(self) -> None:
        """Raise :exc:`UnicodeDecodeError` where the last character isn't whole."""
        utf_8_decode(self._pending, "strict", True)


_POOL_SIZE: Final = 4096
# Taking from a list is atomic: no other thread can take the same key.
_pool: list[bytes] = []

# A child must not go on with the keys that its parent goes on with.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.clear)


def _masking_key() -> bytes:
    """Four bytes of the system's randomness that nobody has used (RFC 6455, section 5.3)."""
    while True:
        try:
            return _pool.pop()
        except IndexError:
            fresh = os.urandom(_POOL_SIZE)
            _pool.extend([fresh[i : i + 4] for i in range(0, _POOL_SIZE, 4)])


def encode_frame(first: int, payload: object, masked: bool) -> bytes:
    """
    A frame as it goes on the wire; a :class:`str` payload is sent as UTF-8.

    *first* is the first byte: FIN, RSV1-3 and the opcode.
    """
    data = payload.encode() if isinstance(payload, str) else _raw(payload)
    size = len(data)
    mask_bit = 0x80 if masked else 0
    if size < 126:
        head = bytes((first, mask_bit | size))
    elif size < 65536:
        head = bytes((first, mask_bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, mask_bit | 127)) + size.to_bytes(8, "big")
    if not masked:
        return head + data
    key = _masking_key()
    return head + key + _xor(data, key)
