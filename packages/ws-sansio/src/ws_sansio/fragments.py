"""
Messages in pieces, for programs that don't wait until a message is complete.

Text is cut between characters, wherever the peer cuts its frames: what is left of a character at
the end of a frame comes with the next one.
"""

from __future__ import annotations

from codecs import IncrementalDecoder, getincrementaldecoder

from ws_types.codes import Opcode
from ws_types.frames import Frame
from ws_types.typing import Data

__all__ = ["Fragment", "FragmentDecoder"]


class Fragment:
    """
    A piece of a message.

    :param data: :class:`str` of a text message, :class:`bytes` of a binary one. Perhaps empty.
    :param fin: whether it is the last piece.
    """

    __slots__ = ("data", "fin")

    def __init__(self, data: Data, fin: bool) -> None:
        self.data = data
        self.fin = fin

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: {type(self.data).__name__}[{len(self.data)}], fin={self.fin}>"
        )

    def as_frame(self) -> Frame:
        """The frame that such a piece comes in, for a log."""
        if isinstance(self.data, str):
            return Frame(Opcode.TEXT, self.data.encode(), self.fin)
        return Frame(Opcode.BINARY, self.data, self.fin)

    def __sizeof__(self) -> int:
        # It stands for its data where memory is counted.
        return object.__sizeof__(self) + self.data.__sizeof__()


class FragmentDecoder:
    """
    Gives the pieces of one message the type that a program asks for.

    :param decode: :data:`None` gives text as :class:`str` and binary as :class:`bytes`;
        :data:`True` gives both as :class:`str`, :data:`False` both as :class:`bytes`.
    """

    def __init__(self, decode: bool | None) -> None:
        self._decode = decode
        self._decoder: IncrementalDecoder | None = None
        self._size = 0

    def data_of(self, fragment: Fragment) -> Data:
        """
        The data of the next piece.

        :raises UnicodeDecodeError: if it is binary, is to be decoded, and isn't UTF-8. The start is
            that in the message.
        """
        data = fragment.data
        if self._decode is None or isinstance(data, str) is self._decode:
            return data
        if isinstance(data, str):
            return data.encode()
        if self._decoder is None:
            self._decoder = getincrementaldecoder("utf-8")()
        offset = self._size - len(self._decoder.getstate()[0])
        self._size += len(data)
        try:
            return self._decoder.decode(data, fragment.fin)
        except UnicodeDecodeError as exc:
            exc.start += offset
            exc.end += offset
            raise
