"""
What leaves: data and control frames, through the extensions, into chunks.

:class:`Output` doesn't know whether a frame may be sent now: that is the protocol's to say.
"""

from __future__ import annotations

from collections.abc import Sequence

from ws_types.codes import Opcode
from ws_types.errors import ProtocolError
from ws_types.extension import Extension
from ws_types.frames import Frame
from ws_types.typing import BytesLike, DataLike, LoggerLike

from .codec import FrameEncoder

__all__ = ["Output", "check_control"]


class Output:
    """
    Encodes the frames that one side sends.

    :param masked: whether frames have to be masked (those of a client).
    """

    def __init__(self, masked: bool) -> None:
        self.encoder = FrameEncoder(masked)
        #: Whether data frames go out as they are, by way of the encoder: no extension, no log line.
        self.plain = False
        self._logger: LoggerLike | None = None
        # Extensions that each frame passes through one by one, or the one whose hook spares that.
        self._chain: Sequence[Extension] = ()
        self._hook: Extension | None = None

    def start(
        self,
        chain: Sequence[Extension],
        hook: Extension | None,
        logger: LoggerLike | None,
    ) -> None:
        """
        Frames follow.

        :param chain: extensions that each frame passes through.
        :param hook: an extension whose message-level hook is used instead.
        :param logger: where to log each frame; :data:`None` doesn't.
        """
        self._chain = chain
        self._hook = hook
        self._logger = logger
        self.plain = not (chain or hook or logger)

    def data(self, opcode: int, data: DataLike, fin: bool) -> None:
        """Encode a data frame that is in order."""
        if isinstance(data, str):
            data = data.encode()
        hook = self._hook
        encoded: bytes | None = None
        if hook is not None and fin and opcode:
            encoded = hook.encode_message(data, text=opcode == Opcode.TEXT)
        if hook is None or encoded is None:
            self.frame(Opcode(opcode), data, fin)
        else:
            self._log(Opcode(opcode), data, True)
            self.encoder.frame(0x80 | (hook.message_rsv or 0) | opcode, encoded)
        self.encoder.fragmenting = not fin

    def frame(self, opcode: Opcode, data: BytesLike, fin: bool = True) -> None:
        """Encode any frame."""
        self._log(opcode, data, fin)
        if not self._chain:
            self.encoder.frame(opcode | 0x80 if fin else opcode, data)
            return
        frame = Frame(opcode, data, fin)
        for extension in self._chain:
            frame = extension.encode(frame)
        self.encoder.frame(
            frame.opcode
            | (0x80 if frame.fin else 0)
            | (0x40 if frame.rsv1 else 0)
            | (0x20 if frame.rsv2 else 0)
            | (0x10 if frame.rsv3 else 0),
            frame.data,
        )

    def size(self) -> int:
        """How many bytes wait to be taken."""
        chunks = self.encoder.take()
        for chunk in chunks:
            self.encoder.append(chunk)
        return sum(map(len, chunks))

    def _log(self, opcode: Opcode, data: BytesLike, fin: bool) -> None:
        if self._logger is not None:
            self._logger.debug("> %s", Frame(opcode, data, fin))


def check_control(data: BytesLike) -> None:
    """
    Check the payload of a control frame (section 5.5).

    :raises ProtocolError: if it is longer than 125 bytes.
    :raises TypeError: if it is text.
    """
    if isinstance(data, str):
        raise TypeError("data must be bytes, bytearray, or memoryview, not str")
    size = data.nbytes if isinstance(data, memoryview) else len(data)
    if size > 125:
        raise ProtocolError("control frame too long")
