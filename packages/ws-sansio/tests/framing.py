"""Frames as they go on the wire, made without the code under test, and ways to cut them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from forms import INSTALLED

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
KEY = bytes.fromhex("a5b6c7d8")

#: Sizes around which something changes: the three forms of the length, and words of 8 bytes.
SIZES = (0, 1, 2, 3, 7, 8, 9, 124, 125, 126, 127, 128, 129, 65534, 65535, 65536, 65537)

#: The same for kernels: each that is less than a few words, and those around their own bounds.
LENGTHS = [*range(70), 125, 126, 127, 128, 511, 512, 513, 4095, 4096, 4097, 65535, 65536]


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    key: bytes | None = KEY,
    form: int | None = None,
) -> bytes:
    """
    A frame.

    :param key: the masking key; None for no mask.
    :param form: bytes of the extended length (0, 2 or 8), where it isn't to be the shortest.
    """
    size = len(payload)
    if form is None:
        form = 0 if size < 126 else 2 if size < 65536 else 8
    short = {0: size, 2: 126, 8: 127}[form]
    head = bytes([fin << 7 | rsv | opcode, (key is not None) << 7 | short])
    head += size.to_bytes(form, "big") if form else b""
    if key is None:
        return head + payload
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def header(opcode: int, length: int, *, fin: bool = True, rsv: int = 0) -> bytes:
    """The header of a masked frame whose payload doesn't follow."""
    head = bytes([fin << 7 | rsv | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 65536:
        head += bytes([0x80 | 126]) + length.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + length.to_bytes(8, "big")
    return head + KEY


def payload(size: int, opcode: int = BINARY) -> bytes:
    """Bytes that differ from their neighbours; for text, UTF-8 with characters of each length."""
    if opcode == TEXT:
        text = ("a\u00e9\u20ac\U0001f600" * (size // 10 + 1)).encode()[:size]
        return text.decode(errors="ignore").encode().ljust(size, b"z")
    return bytes((i * 167 + 13) % 256 for i in range(size))


def cuts(data: bytes) -> Iterator[list[bytes]]:
    """Ways in which data may arrive: whole, in halves, around the header, byte by byte."""
    yield [data]
    yield [data[: len(data) // 2], data[len(data) // 2 :]]
    yield [data[:1], data[1:5], data[5:15], data[15:]]
    if len(data) < 1000:
        yield [data[i : i + 1] for i in range(len(data))]
    else:
        yield [data[i : i + 997] for i in range(0, len(data), 997)]


def decode(
    forms: Any,
    chunks: list[bytes],
    *,
    view: str = "messages",
    masked: bool = True,
    max_message: int | None = None,
    max_fragment: int | None = None,
) -> tuple[list[Any], list[tuple[int, bytes]], Any]:
    """Decode chunks; returns events, control frames, and the error as type, text and position."""
    assembler = forms.MessageAssembler if view == "messages" else forms.FrameAssembler
    outcome = assembler(max_message, max_fragment)
    decoder = forms.FrameDecoder(outcome, masked)
    error = None
    for chunk in chunks:
        try:
            decoder.receive(chunk)
        except Exception as exc:
            position = outcome.text_offset + getattr(exc, "start", 0)
            error = type(exc).__name__, getattr(exc, "reason", str(exc)), position
            break
    return outcome.take_events(), outcome.controls, error


def opened(data: object, forms: Any = INSTALLED) -> Any:
    source = forms.Source()
    source.open(data)
    return source


def scanned(data: object, forms: Any = INSTALLED) -> tuple[Any, Any, int]:
    source = opened(data, forms)
    header = forms.FrameHeader()
    return source, header, header.scan(source, 0)


def validate(
    pieces: list[bytes], forms: Any = INSTALLED, text: bool = False, final: bool = True
) -> object:
    """Feed pieces, and maybe the end; returns the offset, or where and why it failed."""
    validator = forms.Utf8Validator()
    buffer = forms.PayloadBuffer()
    if text:
        buffer.expect_text()
    try:
        for piece in pieces:
            before = buffer.size
            source, header, start = scanned(frame(TEXT, piece), forms)
            buffer.append(source, header, start, len(piece), 0)
            validator.feed(buffer, before)
        if final:
            validator.finish()
    except UnicodeDecodeError as exc:
        return validator.offset + exc.start, exc.reason
    return validator.offset
