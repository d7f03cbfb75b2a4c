"""The permessage-deflate extension (RFC 7692): compressed messages.

A client offers it with :class:`ClientPerMessageDeflateFactory`, a server accepts it with
:class:`ServerPerMessageDeflateFactory`; either makes a :class:`PerMessageDeflate` for each
connection.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Sequence
from typing import Any, Literal

from ws_types.codes import Opcode
from ws_types.errors import NegotiationError, ProtocolError
from ws_types.extension import ClientExtensionFactory, Extension, ServerExtensionFactory
from ws_types.frames import Frame
from ws_types.typing import BytesLike, ExtensionName, ExtensionParameter

from .backends import Backend, check_settings
from .deflate import Deflater, Inflater
from .negotiation import (
    MAX_WINDOW_BITS,
    MIN_WINDOW_BITS,
    Parameters,
    accept_offer,
    accept_response,
    build_parameters,
    check_window_bits,
    parse_offer,
    parse_response,
)

__all__ = [
    "ClientPerMessageDeflateFactory",
    "PerMessageDeflate",
    "ServerPerMessageDeflateFactory",
    "enable_client_permessage_deflate",
    "enable_server_permessage_deflate",
]

_NAME = ExtensionName("permessage-deflate")


class PerMessageDeflate(Extension):
    """Permessage-deflate, as negotiated for one connection.

    Nothing is allocated for compression before there is a message to compress or to decompress.

    :param remote_no_context_takeover: whether the peer compresses each message on its own.
    :param local_no_context_takeover: whether this side does. That costs compression, and saves
        memory: compressors are then shared by connections.
    :param remote_max_window_bits: the window of the peer, from 8 to 15: the base-2 logarithm of
        how many bytes back it refers.
    :param local_max_window_bits: the window of this side. With 8, each 256 bytes are compressed on
        their own.
    :param compress_settings: more arguments for :func:`zlib.compressobj`, except ``wbits``:
        ``level``, ``memLevel``, ``strategy``.
    :param threshold: messages of fewer bytes are sent as they are. It doesn't hold for those that
        are sent in fragments.
    :param backend: the library that compresses: ``"zlib"``, ``"zlib-ng"`` or ``"isal"``; None for
        zlib.
    :raises ValueError: if a parameter is out of range, a setting is one that the backend doesn't
        take, or there is no backend of that name.
    :raises ImportError: if the backend isn't installed.
    """

    name = _NAME
    message_rsv = 0x40

    def __init__(
        self,
        remote_no_context_takeover: bool,
        local_no_context_takeover: bool,
        remote_max_window_bits: int,
        local_max_window_bits: int,
        compress_settings: dict[Any, Any] | None = None,
        *,
        threshold: int = 0,
        backend: Backend | None = None,
    ) -> None:
        if not MIN_WINDOW_BITS <= remote_max_window_bits <= MAX_WINDOW_BITS:
            raise ValueError("remote_max_window_bits must be between 8 and 15")
        if not MIN_WINDOW_BITS <= local_max_window_bits <= MAX_WINDOW_BITS:
            raise ValueError("local_max_window_bits must be between 8 and 15")
        _check_settings(compress_settings, "local_max_window_bits", threshold, backend)
        self.remote_no_context_takeover = remote_no_context_takeover
        self.local_no_context_takeover = local_no_context_takeover
        self.remote_max_window_bits = remote_max_window_bits
        self.local_max_window_bits = local_max_window_bits
        self.compress_settings = compress_settings
        self.threshold = threshold
        self._backend: Backend | None = backend
        # Made when first needed: an idle connection doesn't pay for what it doesn't use.
        self._deflater: Deflater | None = None
        self._inflater: Inflater | None = None
        # Whether the fragmented message that is being sent or received is compressed.
        self._encoding = False
        self._decoding = False

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}("
            f"remote_no_context_takeover={self.remote_no_context_takeover}, "
            f"local_no_context_takeover={self.local_no_context_takeover}, "
            f"remote_max_window_bits={self.remote_max_window_bits}, "
            f"local_max_window_bits={self.local_max_window_bits})"
        )

    def _make_deflater(self) -> Deflater:
        self._deflater = Deflater(
            self.local_max_window_bits,
            not self.local_no_context_takeover,
            self.compress_settings,
            self._backend,
        )
        return self._deflater

    def _make_inflater(self) -> Inflater:
        self._inflater = Inflater(
            self.remote_max_window_bits, not self.remote_no_context_takeover, self._backend
        )
        return self._inflater

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Decompress a frame that was received (RFC 7692, sections 6.2 and 7.2.2).

        :param frame: the frame, not masked.
        :param max_size: how many bytes the payload of the result may have; None for no limit. Of a
            compressed payload that has more, no more than one byte beyond is decompressed.
        :raises PayloadTooBig: if the result would be larger than ``max_size``.
        :raises ProtocolError: if the payload can't be decompressed, or RSV1 is set in a
            continuation frame.
        """
        opcode = frame.opcode
        if opcode is Opcode.CONT:
            if frame.rsv1:
                # It belongs to the message, and is set in the first frame only (section 6.1).
                raise ProtocolError("RSV1 is set in a continuation frame")
            if not self._decoding:
                return frame
            if frame.fin:
                self._decoding = False
        elif opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            if not frame.rsv1:
                return frame
            self._decoding = not frame.fin
        else:
            # Control frames aren't compressed. What RSV1 would mean in one is undefined, and for
            # whoever checks the frame to refuse.
            return frame
        data = (self._inflater or self._make_inflater()).feed(frame.data, frame.fin, max_size)
        return Frame(opcode, data, frame.fin, False, frame.rsv2, frame.rsv3)

    def encode(self, frame: Frame) -> Frame:
        """Compress a frame that is about to be sent (RFC 7692, sections 6.1 and 7.2.1).

        :param frame: the frame, not masked.
        """
        opcode = frame.opcode
        if opcode is Opcode.CONT:
            if not self._encoding:
                return frame
            if frame.fin:
                self._encoding = False
            rsv1 = frame.rsv1
        elif opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            if frame.fin and self._is_short(frame.data):
                return frame
            self._encoding = not frame.fin
            rsv1 = True
        else:
            return frame
        data = (self._deflater or self._make_deflater()).feed(frame.data, frame.fin)
        return Frame(opcode, data, frame.fin, rsv1, frame.rsv2, frame.rsv3)

    def encode_message(self, data: BytesLike, *, text: bool, force: bool = False) -> bytes | None:
        """Compress a message that is about to be sent in one frame.

        :param data: the payload of the message.
        :param text: whether it is a text message, which makes no difference.
        :param force: whether to compress it though it is shorter than ``threshold``.
        :returns: the payload to send with RSV1 set; or None, if the message is shorter than
            ``threshold``, to send it as it is.
        """
        if self.threshold and not force and self._is_short(data):
            return None
        return (self._deflater or self._make_deflater()).feed(data, True)

    @property
    def shared_key(self) -> Hashable:
        """What a shared message depends on: the window of this side, the threshold, and the
        settings and library of the compressor. Context takeover makes no difference.
        """
        return (
            self.name,
            self._backend or "zlib",
            self.local_max_window_bits,
            self.threshold,
            *sorted((self.compress_settings or {}).items()),
        )

    def encode_shared(self, data: BytesLike, *, text: bool, force: bool = False) -> bytes | None:
        """Compress a message on its own, for all connections with the same :attr:`shared_key`.

        Any peer whose window is large enough can read it, with context takeover or without: it
        refers to nothing that came before. Parameters and result are those of
        :meth:`encode_message`.
        """
        if self.threshold and not force and self._is_short(data):
            return None
        deflater = Deflater(
            self.local_max_window_bits, False, self.compress_settings, self._backend
        )
        return deflater.feed(data, True)

    def shared_sent(self) -> None:
        """A shared message moves the window of the peer on: refer to nothing before it."""
        if self._deflater is not None:
            self._deflater.forget()

    def decode_message(self, data: BytesLike, *, max_size: int | None) -> bytes:
        """Decompress a message that was received with RSV1 set.

        :param data: the payloads of all its fragments, joined.
        :param max_size: how many bytes the result may have; None for no limit. No more than one
            byte beyond is decompressed.
        :raises PayloadTooBig: if the result would be larger than ``max_size``.
        :raises ProtocolError: if the message can't be decompressed.
        """
        return (self._inflater or self._make_inflater()).feed(data, True, max_size)

    def _is_short(self, data: BytesLike) -> bool:
        size = data.nbytes if isinstance(data, memoryview) else len(data)
        return size < self.threshold


class ClientPerMessageDeflateFactory(ClientExtensionFactory):
    """Offers permessage-deflate, on the side of the client (RFC 7692, section 7.1).

    :param server_no_context_takeover: whether to have the server compress each message on its own.
    :param client_no_context_takeover: whether this side will.
    :param server_max_window_bits: the window to limit the server to, from 8 to 15: the base-2
        logarithm of how many bytes back it refers. None for no limit.
    :param client_max_window_bits: the window of this side, as above. True lets the server choose;
        None lets neither, and makes it 15.
    :param compress_settings: more arguments for :func:`zlib.compressobj`, except ``wbits``:
        ``level``, ``memLevel``, ``strategy``.
    :param threshold: messages of fewer bytes are sent as they are.
    :param backend: the library that compresses: ``"zlib"``, ``"zlib-ng"`` or ``"isal"``; None for
        zlib.
    :raises ValueError: if a parameter is out of range, a setting is one that the backend doesn't
        take, or there is no backend of that name.
    :raises ImportError: if the backend isn't installed.
    """

    name = _NAME

    def __init__(
        self,
        server_no_context_takeover: bool = False,
        client_no_context_takeover: bool = False,
        server_max_window_bits: int | None = None,
        client_max_window_bits: int | Literal[True] | None = True,
        compress_settings: dict[str, Any] | None = None,
        *,
        threshold: int = 0,
        backend: Backend | None = None,
    ) -> None:
        check_window_bits("server_max_window_bits", server_max_window_bits)
        if client_max_window_bits is not True:
            check_window_bits("client_max_window_bits", client_max_window_bits)
        _check_settings(compress_settings, "client_max_window_bits", threshold, backend)
        self.server_no_context_takeover = server_no_context_takeover
        self.client_no_context_takeover = client_no_context_takeover
        self.server_max_window_bits = server_max_window_bits
        self.client_max_window_bits = client_max_window_bits
        self.compress_settings = compress_settings
        self.threshold = threshold
        self.backend = backend

    def _parameters(self) -> Parameters:
        return Parameters(
            self.server_no_context_takeover,
            self.client_no_context_takeover,
            self.server_max_window_bits,
            self.client_max_window_bits,
        )

    def get_request_params(self) -> Sequence[ExtensionParameter]:
        """Return the parameters to offer."""
        return build_parameters(self._parameters())

    def process_response_params(
        self,
        params: Sequence[ExtensionParameter],
        accepted_extensions: Sequence[Extension],
    ) -> PerMessageDeflate:
        """Make the extension that the server accepted.

        :param params: the parameters of the response.
        :param accepted_extensions: the extensions that were accepted before this one.
        :raises NegotiationError: if the parameters don't follow from the offer.
        """
        if any(extension.name == self.name for extension in accepted_extensions):
            raise NegotiationError(f"received duplicate {self.name}")
        agreed = accept_response(self._parameters(), parse_response(params))
        return PerMessageDeflate(
            agreed.server_no_context_takeover,
            agreed.client_no_context_takeover,
            agreed.server_max_window_bits or MAX_WINDOW_BITS,
            agreed.client_max_window_bits or MAX_WINDOW_BITS,
            self.compress_settings,
            threshold=self.threshold,
            backend=self.backend,
        )


class ServerPerMessageDeflateFactory(ServerExtensionFactory):
    """Accepts permessage-deflate, on the side of the server (RFC 7692, section 7.1).

    :param server_no_context_takeover: whether this side will compress each message on its own.
    :param client_no_context_takeover: whether to have the client do so.
    :param server_max_window_bits: the window to limit this side to, from 8 to 15: the base-2
        logarithm of how many bytes back it refers. None for no limit.
    :param client_max_window_bits: the window to limit the client to, as above, if it lets itself
        be limited.
    :param compress_settings: more arguments for :func:`zlib.compressobj`, except ``wbits``:
        ``level``, ``memLevel``, ``strategy``.
    :param require_client_max_window_bits: whether to decline the offers of clients that don't let
        themselves be limited.
    :param threshold: messages of fewer bytes are sent as they are.
    :param backend: the library that compresses: ``"zlib"``, ``"zlib-ng"`` or ``"isal"``; None for
        zlib.
    :raises ValueError: if a parameter is out of range, a setting is one that the backend doesn't
        take, there is no backend of that name, or ``require_client_max_window_bits`` is set without
        ``client_max_window_bits``.
    :raises ImportError: if the backend isn't installed.
    """

    name = _NAME

    def __init__(
        self,
        server_no_context_takeover: bool = False,
        client_no_context_takeover: bool = False,
        server_max_window_bits: int | None = None,
        client_max_window_bits: int | None = None,
        compress_settings: dict[str, Any] | None = None,
        require_client_max_window_bits: bool = False,
        *,
        threshold: int = 0,
        backend: Backend | None = None,
    ) -> None:
        check_window_bits("server_max_window_bits", server_max_window_bits)
        check_window_bits("client_max_window_bits", client_max_window_bits)
        if require_client_max_window_bits and client_max_window_bits is None:
            raise ValueError(
                "require_client_max_window_bits is enabled, "
                "but client_max_window_bits isn't configured"
            )
        _check_settings(compress_settings, "server_max_window_bits", threshold, backend)
        self.server_no_context_takeover = server_no_context_takeover
        self.client_no_context_takeover = client_no_context_takeover
        self.server_max_window_bits = server_max_window_bits
        self.client_max_window_bits = client_max_window_bits
        self.compress_settings = compress_settings
        self.require_client_max_window_bits = require_client_max_window_bits
        self.threshold = threshold
        self.backend = backend

    def process_request_params(
        self,
        params: Sequence[ExtensionParameter],
        accepted_extensions: Sequence[Extension],
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        """Accept an offer.

        :param params: the parameters of the offer.
        :param accepted_extensions: the extensions that were accepted before this one.
        :returns: the parameters of the response, and the extension.
        :raises NegotiationError: if the offer isn't acceptable; the next one is tried.
        """
        if any(extension.name == self.name for extension in accepted_extensions):
            raise NegotiationError(f"skipped duplicate {self.name}")
        agreed = accept_offer(
            Parameters(
                self.server_no_context_takeover,
                self.client_no_context_takeover,
                self.server_max_window_bits,
                self.client_max_window_bits,
            ),
            parse_offer(params),
            require_client_max_window_bits=self.require_client_max_window_bits,
        )
        extension = PerMessageDeflate(
            agreed.client_no_context_takeover,
            agreed.server_no_context_takeover,
            agreed.client_max_window_bits or MAX_WINDOW_BITS,
            agreed.server_max_window_bits or MAX_WINDOW_BITS,
            self.compress_settings,
            threshold=self.threshold,
            backend=self.backend,
        )
        return build_parameters(agreed), extension


def enable_client_permessage_deflate(
    extensions: Sequence[ClientExtensionFactory] | None, *, threshold: int = 0
) -> Sequence[ClientExtensionFactory]:
    """Add permessage-deflate to the extensions that a client offers, unless it is there.

    The server chooses the window; ``memLevel`` is 5, which saves memory.

    :param extensions: the extensions; None for none.
    :param threshold: messages of fewer bytes are sent as they are.
    """
    if extensions is None:
        extensions = []
    if any(factory.name == _NAME for factory in extensions):
        return extensions
    return [*extensions, _default_client_factory(threshold)]


@functools.lru_cache
def _default_client_factory(threshold: int) -> ClientPerMessageDeflateFactory:
    # Each connection of a client enables the extension anew, and holds the factory.
    return ClientPerMessageDeflateFactory(compress_settings={"memLevel": 5}, threshold=threshold)


def enable_server_permessage_deflate(
    extensions: Sequence[ServerExtensionFactory] | None, *, threshold: int = 0
) -> Sequence[ServerExtensionFactory]:
    """Add permessage-deflate to the extensions that a server accepts, unless it is there.

    The window is 4 KiB (12 bits) in both directions and ``memLevel`` is 5, which saves memory.

    :param extensions: the extensions; None for none.
    :param threshold: messages of fewer bytes are sent as they are.
    """
    if extensions is None:
        extensions = []
    if any(factory.name == _NAME for factory in extensions):
        return extensions
    return [*extensions, _default_server_factory(threshold)]


@functools.lru_cache
def _default_server_factory(threshold: int) -> ServerPerMessageDeflateFactory:
    return ServerPerMessageDeflateFactory(
        server_max_window_bits=12,
        client_max_window_bits=12,
        compress_settings={"memLevel": 5},
        threshold=threshold,
    )


def _check_settings(
    settings: dict[str, Any] | None, window: str, threshold: int, backend: Backend | None
) -> None:
    if settings is not None and "wbits" in settings:
        raise ValueError(f"compress_settings must not include wbits, set {window} instead")
    if threshold < 0:
        raise ValueError("threshold must not be negative")
    check_settings(settings, backend)
