"""
What leaves: data and control frames, through the extensions, into chunks.

:class:`Output` doesn't know whether a frame may be sent now: that is the protocol's to say.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from ws_types.codes import Opcode
from ws_types.errors import ProtocolError
from ws_types.extension import Extension
from ws_types.frames import Frame
from ws_types.typing import BytesLike, DataLike, LoggerLike

from .codec import FrameEncoder
from .prepared import PreparedMessage

__all__ = ["Output", "check_control"]

# Attributes of an enum, and its members from numbers, cost a look-up each time.
_TEXT = int(Opcode.TEXT)


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
        # Extensions that frames pass through one by one.
        self._chain: Sequence[Extension] = ()
        # The only one of them, if it has the hook for messages; and whether it gets frames even so.
        self._hook: Extension | None = None
        self._classic = True
        self._shared_key: Hashable = None
        # Whether the fragmented message that is being sent bypasses the hook's extension.
        self._bypassing = False

    def start(
        self, extensions: Sequence[Extension], classic: bool, logger: LoggerLike | None
    ) -> None:
        """
        Frames follow.

        :param extensions: what was negotiated.
        :param classic: whether every frame passes through them, though there is a hook for
            messages.
        :param logger: where to log each frame; :data:`None` doesn't.
        """
        self._chain = extensions
        hooked = len(extensions) == 1 and extensions[0].message_rsv is not None
        self._hook = extensions[0] if hooked else None
        self._classic = classic or not hooked
        self._logger = logger
        self.plain = not (extensions or logger)

    def data(self, opcode: int, data: DataLike, fin: bool, compress: bool | None) -> None:
        """
        Encode a data frame that is in order.

        :param compress: whether to have an extension that has the hook for messages transform the
            message that begins; :data:`None` leaves it to that.
        """
        if isinstance(data, str):
            data = data.encode()
        hook = self._hook
        if opcode:
            self._bypassing = hook is not None and compress is False
        if self._bypassing:
            self._as_is(opcode, data, fin)
        elif hook is None or not (opcode and fin) or (self._classic and not compress):
            self.frame(opcode, data, fin)
        else:
            if compress:
                encoded = hook.encode_message(data, text=opcode == _TEXT, force=True)
            else:
                # Extensions needn't know of *force* where nobody asks for it.
                encoded = hook.encode_message(data, text=opcode == _TEXT)
            if encoded is None:
                self._as_is(opcode, data, True)
            else:
                self._log(opcode, data, True)
                self.encoder.frame(0x80 | (hook.message_rsv or 0) | opcode, encoded)
        self.encoder.fragmenting = not fin

    def prepared(self, message: PreparedMessage, compress: bool | None) -> None:
        """Encode a message that is in order, or use what was encoded for another connection."""
        opcode = message.opcode
        hook = self._hook
        if hook is not None and compress is not False:
            key = self._shared_key
            if key is None:
                # Extensions don't have to inherit from ours.
                key = self._shared_key = getattr(hook, "shared_key", None)
            if key is None:
                self.data(opcode, message.data, True, compress)
                return
            encoded = message.encoded(hook, key, bool(compress), self.encoder.masked)
            if encoded is not None:
                self._log(opcode, message.data, True)
                if self.encoder.masked:
                    self.encoder.frame(0x80 | (hook.message_rsv or 0) | opcode, encoded)
                else:
                    self.encoder.append(encoded)
                hook.shared_sent()
                return
        elif self._chain and hook is None:
            self.frame(opcode, message.data)
            return
        self._log(opcode, message.data, True)
        if self.encoder.masked:
            self.encoder.frame(0x80 | opcode, message.data)
        else:
            self.encoder.append(message.frame)

    def frame(self, opcode: int, data: BytesLike, fin: bool = True) -> None:
        """Encode any frame, through the extensions."""
        if not self._chain or (opcode & 0x08 and not self._classic):
            self._as_is(opcode, data, fin)
            return
        self._log(opcode, data, fin)
        frame = Frame(Opcode(opcode), data, fin)
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

    def _as_is(self, opcode: int, data: BytesLike, fin: bool) -> None:
        self._log(opcode, data, fin)
        self.encoder.frame(opcode | 0x80 if fin else opcode, data)

    def _log(self, opcode: int, data: BytesLike, fin: bool) -> None:
        if self._logger is not None:
            self._logger.debug("> %s", Frame(Opcode(opcode), data, fin))


def check_control(data: BytesLike) -> None:
    """
    Check the payload of a control frame (section 5.5).

    :raises ProtocolError: if it is longer than 125 bytes.
    :raises TypeError: if it isn't bytes-like.
    """
    if not isinstance(data, (bytes, bytearray, memoryview)):
        kind = type(data).__name__
        raise TypeError(f"data must be bytes, bytearray, or memoryview, not {kind}")
    size = data.nbytes if isinstance(data, memoryview) else len(data)
    if size > 125:
        raise ProtocolError("control frame too long")
