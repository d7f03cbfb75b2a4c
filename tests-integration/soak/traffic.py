"""
Messages that tell when they were lost, put out of order, or changed.

A message is ``KIND SEQUENCE CHECKSUM BODY``, as text or as bytes. Everything random comes from a
:class:`random.Random` that is passed in.
"""

from __future__ import annotations

import random
import string
import zlib
from collections.abc import AsyncIterator
from typing import Any

__all__ = ["CorruptError", "Sequence", "compose", "random_body", "random_form", "read"]

# The largest body of a class of sizes, and how often there is one in a hundred.
_SIZES = {100: 50, 1_000: 30, 16_000: 16, 100_000: 3, 500_000: 1}

_POOL = 2**20
_BYTES = random.Random(0).randbytes(_POOL)
_TEXT = "".join(random.Random(0).choices(string.ascii_letters + " éß€", k=_POOL))


class CorruptError(Exception):
    """A message isn't what was sent, or when."""


def compose(kind: str, sequence: int, body: str | bytes) -> str | bytes:
    """Make a message, which is text if *body* is."""
    data = body.encode() if isinstance(body, str) else body
    head = f"{kind} {sequence} {zlib.crc32(data)} "
    return head + body if isinstance(body, str) else head.encode() + body


def read(message: Any) -> tuple[str, int]:
    """
    The kind and the sequence number of a message.

    :raises CorruptError: if its checksum is wrong.
    """
    data: bytes = message.encode() if isinstance(message, str) else message
    try:
        kind, sequence, checksum, body = data.split(b" ", 3)
        intact = zlib.crc32(body) == int(checksum)
    except ValueError:
        intact = False
    if not intact:
        raise CorruptError(f"a message of {len(data)} bytes was changed: {data[:60]!r}")
    return kind.decode(), int(sequence)


class Sequence:
    """Checks that numbers come without a gap, from 0."""

    def __init__(self) -> None:
        self.next = 0

    def check(self, number: int) -> None:
        """
        The next number is here.

        :raises CorruptError: if it isn't the one that is due.
        """
        if number != self.next:
            raise CorruptError(f"message {number} came where {self.next} was due")
        self.next = number + 1


def random_body(rng: random.Random) -> str | bytes:
    """A body: text that compresses, or bytes that don't, of a random size."""
    (limit,) = rng.choices(list(_SIZES), list(_SIZES.values()))
    size = rng.randrange(limit)
    start = rng.randrange(_POOL - size)
    if rng.random() < 0.5:
        return _TEXT[start : start + size]
    return _BYTES[start : start + size]


def random_form(message: str | bytes, rng: random.Random) -> Any:
    """The same message as something that ``send`` takes: whole, or in fragments."""
    choice = rng.randrange(10)
    if choice == 0:
        return _pieces(message, rng)
    if choice == 1:
        return _asynchronous(_pieces(message, rng))
    if isinstance(message, bytes):
        if choice == 2:
            return bytearray(message)
        if choice == 3:
            return memoryview(message)
    return message


def _pieces(message: Any, rng: random.Random) -> list[Any]:
    cuts = sorted(rng.randrange(len(message) + 1) for _ in range(rng.randrange(1, 5)))
    return [
        message[start:end] for start, end in zip([0, *cuts], [*cuts, len(message)], strict=True)
    ]


async def _asynchronous(pieces: list[Any]) -> AsyncIterator[Any]:
    for piece in pieces:
        yield piece
