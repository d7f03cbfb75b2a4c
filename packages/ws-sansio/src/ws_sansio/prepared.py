"""
A message that is made once and sent to many connections.

To send a message costs, beside the system call, copying it into a frame and compressing it. For
the frames of a server, which aren't masked, both have the same outcome on all connections that
negotiated the same; so it is kept here. A client masks each frame anew (RFC 6455, section 5.3), and
shares what was compressed.
"""

from __future__ import annotations

from codecs import utf_8_decode
from collections.abc import Hashable
from typing import Final

from ws_types.codes import Opcode
from ws_types.extension import Extension
from ws_types.typing import DataLike

from .codec import encode_frame

__all__ = ["MAX_ENCODINGS", "PreparedMessage"]

#: How many encodings a message keeps. A server negotiates a few sets of parameters, whatever the
#: number of its clients; what goes beyond is encoded for each connection.
MAX_ENCODINGS: Final = 16


class PreparedMessage:
    """
    A message to send to many connections, encoded once.

    It keeps what it was encoded to, and can be shared by threads.

    :param message: :class:`str` goes as text, bytes-like as binary. It is copied.
    :param text: :data:`True` sends bytes-like as text: it has to be UTF-8. :data:`False` sends
        :class:`str` as binary, in UTF-8.
    :raises TypeError: if *message* is of neither type.
    :raises UnicodeError: if what is to go as text isn't UTF-8, or can't be.
    """

    __slots__ = ("_encodings", "_frame", "data", "opcode")

    def __init__(self, message: DataLike, *, text: bool | None = None) -> None:
        if isinstance(message, str):
            data = message.encode()
            text = text is not False
        elif isinstance(message, (bytes, bytearray, memoryview)):
            data = bytes(message)
            if text:
                utf_8_decode(data, "strict", True)
        else:
            raise TypeError(f"message must be str or bytes-like, not {type(message).__name__}")
        #: The payload.
        self.data: bytes = data
        #: ``TEXT`` or ``BINARY``.
        self.opcode: Opcode = Opcode.TEXT if text else Opcode.BINARY
        self._frame: bytes | None = None
        self._encodings: dict[Hashable, bytes | None] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.opcode.name}, {len(self.data)} bytes>"

    @property
    def frame(self) -> bytes:
        """The frame that a server sends where no extension has a say."""
        if self._frame is None:
            self._frame = encode_frame(0x80 | self.opcode, self.data, False)
        return self._frame

    def encoded(
        self, extension: Extension, key: Hashable, force: bool, masked: bool
    ) -> bytes | None:
        """
        What an extension makes of the message, for all connections where it has the same key.

        :param extension: any of these extensions.
        :param key: its :attr:`~ws_types.extension.Extension.shared_key`.
        :param force: whether to transform the message, however little there is to gain.
        :param masked: whether frames are to be masked.
        :returns: the payload if *masked*, the frame if not; :data:`None` where the extension leaves
            the message as it is.
        """
        place = key, force, masked
        if place in self._encodings:
            return self._encodings[place]
        options = {"force": True} if force else {}
        text = self.opcode is Opcode.TEXT
        encoded = extension.encode_shared(self.data, text=text, **options)
        if encoded is not None and not masked:
            first = 0x80 | (extension.message_rsv or 0) | self.opcode
            encoded = encode_frame(first, encoded, False)
        if len(self._encodings) < MAX_ENCODINGS:
            self._encodings[place] = encoded
        return encoded
