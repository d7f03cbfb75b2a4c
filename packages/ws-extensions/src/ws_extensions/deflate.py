# cython: auto_pickle=False
"""
Compressed messages, and the state that compressing them takes (RFC 7692, section 7.2).

A :class:`Deflater` compresses what one side of one connection sends, an :class:`Inflater`
decompresses what it receives. Both take a message whole or in fragments, by one method, so that
it doesn't matter which of the two a caller does, or that it changes.

State costs far more memory than the rest of a connection (a deflater 4 to 256 KiB, an inflater 7
to 40 KiB), so it is made when there is something to compress:

- With context takeover, each object keeps a state of its own, from the first message on.
- Without, a message starts from nothing. Compressors are then shared by all connections that have
  the same parameters: ``Z_FULL_FLUSH`` at the end of a message makes a compressor forget it, for
  less than making another costs. Whoever takes a compressor out of the list has it alone, so
  threads don't meet in one; and one that is in an unknown state, because an exception was raised,
  isn't put back.

A peer can ask for **a window of 256 bytes** (8 bits), but zlib can't be asked for one: it takes 9
bits in place of 8, or refuses. So what is sent is cut into pieces of 256 bytes, and each is
forgotten at its end. No distance is then larger than 255, whatever the backend does with its
window. It compresses less well: 9 bits are better, wherever there is a choice.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ws_types.errors import PayloadTooBig, ProtocolError
from ws_types.typing import BytesLike

from .backends import Backend, load

__all__ = ["MAX_FINAL_BLOCKS", "Deflater", "Inflater"]

#: How many final blocks a message may have. Each costs a new state, in exchange for two bytes.
MAX_FINAL_BLOCKS = 1024

# What ends a flush; it isn't sent, and the receiver puts it back (sections 7.2.1 and 7.2.2).
_TAIL = b"\x00\x00\xff\xff"
# The same, and a last, empty block: with it, a message that isn't whole can be told.
_TAIL_AND_END = b"\x00\x00\xff\xff\x01\x00\x00\xff\xff"
# The payload of an empty message or last fragment: a block without data, less its tail.
_EMPTY = b"\x00"
# What is passed on at once after a final block: what is left over gets copied.
_PIECE = 4096
# Compressors that are kept for each set of parameters.
_KEPT = 2
_SMALLEST_WINDOW = 256


_idle: dict[Any, list[Any]] = {}


class Deflater:
    """
    Compresses the messages that one side of a connection sends.

    :param window_bits: the window, from 8 to 15: the base-2 logarithm of how many bytes back the
        compressed data may refer.
    :param takeover: whether a message may refer to earlier ones.
    :param settings: more arguments for ``compressobj`` of the backend.
    :param backend: the library; None for zlib.
    """

    def __init__(
        self,
        window_bits: int,
        takeover: bool = True,
        settings: Mapping[str, Any] | None = None,
        backend: Backend | None = None,
    ) -> None:
        self._window_bits = window_bits
        self._takeover = takeover
        self._settings = settings
        self._backend = backend
        self._module: Any = None
        self._compressor: Any = None
        self._stale = False
        self._idle: list[Any] | None = None

    def feed(self, data: BytesLike, fin: bool) -> bytes:
        """
        Compress a message or a fragment of one.

        :param data: the payload.
        :param fin: whether the message ends with it.
        :returns: the payload to send; empty if *data* is, and more is to follow.
        """
        if not data:
            return self._feed_nothing(fin)
        if isinstance(data, memoryview) and not data.c_contiguous:
            # Backends refuse it, and it can be sent uncompressed.
            data = data.tobytes()
        compressor = self._compressor
        if compressor is None:
            compressor = self._open()
        module = self._module
        if self._stale:
            # An empty block comes of it, which needn't be sent.
            compressor.flush(module.Z_FULL_FLUSH)
            self._stale = False
        stays = self._takeover or not fin
        flush = module.Z_SYNC_FLUSH if stays else module.Z_FULL_FLUSH
        # Where it fails, or is interrupted, nobody has it any more: it holds half a message.
        self._compressor = None
        if self._window_bits == 8:
            result = self._deflate_pieces(compressor, data)
        else:
            result = compressor.compress(data) + compressor.flush(flush)
        if not result.endswith(_TAIL):
            raise RuntimeError(f"{module.__name__} didn't flush")
        if stays:
            self._compressor = compressor
        else:
            self._close(compressor)
        return result[:-4] if fin else result

    def forget(self) -> None:
        """
        Have what follows refer to nothing that came before: another compressor's message was sent.

        To be called between messages. Costs nothing before there is something to compress.
        """
        self._stale = self._compressor is not None

    def _feed_nothing(self, fin: bool) -> bytes:
        if not fin:
            return b""
        if not self._takeover and self._compressor is not None:
            compressor, self._compressor = self._compressor, None
            # An empty block comes of it, the one that is returned.
            compressor.flush(self._module.Z_FULL_FLUSH)
            self._close(compressor)
        return _EMPTY

    def _deflate_pieces(self, compressor: Any, data: BytesLike) -> bytes:
        flush = self._module.Z_FULL_FLUSH
        view = memoryview(data).cast("B")
        parts = []
        for start in range(0, len(view), _SMALLEST_WINDOW):
            parts.append(compressor.compress(view[start : start + _SMALLEST_WINDOW]))
            parts.append(compressor.flush(flush))
        return b"".join(parts)

    def _open(self) -> Any:
        settings = dict(self._settings or {})
        if self._module is None:
            self._module = load(self._backend)
            if not self._takeover:
                key = (self._module.__name__, self._window_bits, *sorted(settings.items()))
                self._idle = _idle.setdefault(key, [])
        if self._idle is not None:
            try:
                return self._idle.pop()
            except IndexError:
                pass
        return self._module.compressobj(wbits=-max(self._window_bits, 9), **settings)

    def _close(self, compressor: Any) -> None:
        idle = self._idle
        assert idle is not None
        if len(idle) < _KEPT:
            idle.append(compressor)


class Inflater:
    """
    Decompresses the messages that one side of a connection receives.

    :param window_bits: the window, from 8 to 15, as for :class:`Deflater`.
    :param takeover: whether a message may refer to earlier ones.
    :param backend: the library; None for zlib.
    """

    def __init__(
        self, window_bits: int, takeover: bool = True, backend: Backend | None = None
    ) -> None:
        self._window_bits = window_bits
        self._takeover = takeover
        self._backend = backend
        self._module: Any = None
        self._decompressor: Any = None
        # Whether there was a fragment with data, and more are to follow.
        self._started = False
        # The end of what was decompressed, once there was a final block: the decompressor that
        # follows it has to be told.
        self._history: bytes | None = None

    def feed(self, data: BytesLike, fin: bool, max_size: int | None) -> bytes:
        """
        Decompress a message or a fragment of one.

        After an exception, nothing more can be decompressed: the connection fails.

        :param data: the payload.
        :param fin: whether the message ends with it.
        :param max_size: how many bytes may come of it; None for no limit. No more than one byte
            beyond is decompressed.
        :raises PayloadTooBig: if it would be more.
        :raises ProtocolError: if it isn't compressed as it should be, or has more than
            :data:`MAX_FINAL_BLOCKS` final blocks.
        """
        if not data and not (fin and self._started):
            # The payload of an empty message is 1 byte (section 7.2.3.6). There are peers that
            # send none, and it can't mean anything else.
            return b""
        self._started = not fin
        decompressor = self._decompressor
        if decompressor is None:
            if self._history is not None:
                return self._feed_after_final(bytes(data), fin, max_size, [], 0)
            decompressor = self._open()
        if not fin:
            payload = data
        elif self._takeover:
            payload = b"".join((data, _TAIL))
        else:
            payload = b"".join((data, _TAIL_AND_END))
        result = self._inflate(decompressor, payload, 0, max_size)
        if decompressor.eof:
            rest = decompressor.unused_data
            self._decompressor = None
            if not fin or self._takeover or rest:
                if fin:
                    rest = self._cut_tail(rest)
                self._remember(result)
                return self._feed_after_final(rest, fin, max_size, [result], len(result))
        elif fin and not self._takeover:
            # The last block wasn't reached: it was taken for data.
            raise ProtocolError("decompression failed: the message isn't whole")
        else:
            self._decompressor = decompressor
            if self._history is not None:
                self._remember(result)
        return result

    def _feed_after_final(
        self, rest: bytes, fin: bool, max_size: int | None, parts: list[bytes], size: int
    ) -> bytes:
        """
        Go on after a final block (section 7.2.3.4), after which zlib doesn't.

        What follows may refer to what came before, so a new decompressor gets to know that. If
        messages without a final block came before the first that has one, they are forgotten: a
        reference to them is an error.
        """
        decompressor: Any = None
        finals = 0
        start = 0
        if fin and rest:
            # Only a message that goes on after the final block has had its tail removed.
            rest += _TAIL
        while start < len(rest):
            if decompressor is None:
                if fin and finals and len(rest) - start == len(_TAIL):
                    break
                finals += 1
                if finals > MAX_FINAL_BLOCKS:
                    raise ProtocolError("too many final blocks in a compressed message")
                decompressor = self._open()
            piece = rest[start : start + _PIECE]
            result = self._inflate(decompressor, piece, size, max_size)
            self._remember(result)
            parts.append(result)
            size += len(result)
            start += len(piece)
            if decompressor.eof:
                start -= len(decompressor.unused_data)
                decompressor = None
        if self._takeover or not fin:
            self._decompressor = decompressor
        else:
            self._decompressor = None
            self._history = None
        return b"".join(parts)

    def _cut_tail(self, rest: bytes) -> bytes:
        """Remove what was added to the payload from what is left of it after a final block."""
        if not self._takeover:
            if len(rest) < 5:
                raise ProtocolError("decompression failed: the message isn't whole")
            rest = rest[:-5]
        if not rest:
            # The final block had no data, and the tail was its own.
            return rest
        if len(rest) < 4:
            raise ProtocolError("decompression failed: the message isn't whole")
        return rest[:-4]

    def _inflate(
        self, decompressor: Any, payload: BytesLike, size: int, max_size: int | None
    ) -> bytes:
        limited = max_size is not None and max_size < sys.maxsize
        # One more than may come of it, which must not: 0 would be no limit, and a result that is
        # exactly as large as allowed doesn't say whether it is all.
        limit = max_size - size + 1 if limited else 0  # type: ignore[operator]
        try:
            result: bytes = decompressor.decompress(payload, limit)
        except self._module.error as exc:
            raise ProtocolError("decompression failed") from exc
        if limited and len(result) >= limit:
            assert max_size is not None
            raise PayloadTooBig(None, max_size)
        return result

    def _remember(self, result: bytes) -> None:
        self._history = ((self._history or b"") + result)[-(1 << self._window_bits) :]

    def _open(self) -> Any:
        if self._module is None:
            self._module = load(self._backend)
        if self._history:
            return self._module.decompressobj(wbits=-max(self._window_bits, 9), zdict=self._history)
        return self._module.decompressobj(wbits=-max(self._window_bits, 9))
