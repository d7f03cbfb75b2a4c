"""Raw deflate (RFC 1951), as the tests need it: what zlib makes and takes, and what it hides."""

from __future__ import annotations

import zlib

TAIL = b"\x00\x00\xff\xff"

LENGTH_EXTRA = [*[0] * 8, *(extra for extra in range(1, 6) for _ in range(4)), 0]
DISTANCE_EXTRA = [max(0, code // 2 - 1) for code in range(30)]
DISTANCE_BASE = [1]
for extra in DISTANCE_EXTRA[:-1]:
    DISTANCE_BASE.append(DISTANCE_BASE[-1] + (1 << extra))
ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]


def compress(data: bytes, window_bits: int = 15, *, level: int = 6) -> bytes:
    """Compress a message on its own, as a peer would (RFC 7692, section 7.2.1)."""
    compressor = zlib.compressobj(level=level, wbits=-max(window_bits, 9))
    result = compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return result.removesuffix(TAIL)


def compress_final(data: bytes) -> bytes:
    """Compress with a final block, less the zero byte that follows it in a message."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush(zlib.Z_FINISH)


def decompress(data: bytes, window_bits: int = 15) -> bytes:
    """Decompress a message on its own, as a peer would (section 7.2.2)."""
    return zlib.decompressobj(wbits=-window_bits).decompress(data + TAIL)


class Bits:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, count: int) -> int:
        value = 0
        for shift in range(count):
            byte = self.data[self.position >> 3]
            value |= (byte >> (self.position & 7) & 1) << shift
            self.position += 1
        return value

    def symbol(self, codes: dict[tuple[int, int], int]) -> int:
        code = length = 0
        while True:
            code = code << 1 | self.take(1)
            length += 1
            if (length, code) in codes:
                return codes[length, code]
            assert length < 16


def _codes(lengths: list[int]) -> dict[tuple[int, int], int]:
    codes = {}
    code = 0
    for length in range(1, 16):
        for symbol, own in enumerate(lengths):
            if own == length:
                codes[length, code] = symbol
                code += 1
        code <<= 1
    return codes


def max_distance(data: bytes) -> int:
    """Return how far back raw deflate data, flushed, refers at most; 0 if it never does."""
    bits = Bits(data)
    largest = 0
    final = 0
    while not final and bits.position < len(data) * 8:
        final = bits.take(1)
        kind = bits.take(2)
        if kind == 0:
            bits.position = (bits.position + 7) & ~7
            length = bits.take(16)
            assert bits.take(16) == length ^ 0xFFFF
            bits.position += length * 8
            continue
        if kind == 1:
            literals = _codes([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8)
            distances = _codes([5] * 30)
        else:
            assert kind == 2
            literals, distances = _dynamic(bits)
        while (symbol := bits.symbol(literals)) != 256:
            if symbol > 256:
                bits.take(LENGTH_EXTRA[symbol - 257])
                code = bits.symbol(distances)
                largest = max(largest, DISTANCE_BASE[code] + bits.take(DISTANCE_EXTRA[code]))
    return largest


def _dynamic(bits: Bits) -> tuple[dict[tuple[int, int], int], dict[tuple[int, int], int]]:
    n_literals, n_distances, n_lengths = bits.take(5) + 257, bits.take(5) + 1, bits.take(4) + 4
    own = [0] * 19
    for position in ORDER[:n_lengths]:
        own[position] = bits.take(3)
    codes = _codes(own)
    lengths: list[int] = []
    while len(lengths) < n_literals + n_distances:
        symbol = bits.symbol(codes)
        if symbol < 16:
            lengths.append(symbol)
        elif symbol == 16:
            lengths += [lengths[-1]] * (bits.take(2) + 3)
        elif symbol == 17:
            lengths += [0] * (bits.take(3) + 3)
        else:
            lengths += [0] * (bits.take(7) + 11)
    return _codes(lengths[:n_literals]), _codes(lengths[n_literals:])
