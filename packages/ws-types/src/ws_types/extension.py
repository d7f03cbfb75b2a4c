"""The interface of extensions (RFC 6455, section 9): all that the author of one needs.

An :class:`Extension` transforms the frames of one connection. A factory negotiates it during the
opening handshake, and makes one for each connection: :class:`ClientExtensionFactory` on the side
that offers it, :class:`ServerExtensionFactory` on the side that accepts it. Any object with the
same members will do; these classes are there to inherit from, and to say what the members mean.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from .frames import Frame
from .typing import BytesLike, ExtensionName, ExtensionParameter

__all__ = ["ClientExtensionFactory", "Extension", "ServerExtensionFactory"]


class Extension:
    """An extension, as negotiated for one connection.

    There are two ways to transform messages. The classic one works on frames: override
    :meth:`decode` and :meth:`encode`. The other works on whole messages, and is faster, because no
    :class:`~ws_types.frames.Frame` is made for each of them: set :attr:`message_rsv`, and override
    :meth:`encode_message` and :meth:`decode_message` too. An implementation of the protocol uses
    whichever fits how it is read, so both must give the same bytes. Control frames pass through
    :meth:`decode` and :meth:`encode` only, and so do messages that are sent in fragments.

    A message that goes to many connections can be encoded once for all of them: override
    :attr:`shared_key`, :meth:`encode_shared` and :meth:`shared_sent` for that.
    """

    name: ExtensionName
    """The name of the extension, as it stands in the ``Sec-WebSocket-Extensions`` header."""

    message_rsv: int | None = None
    """The reserved bits of the first frame of a message that the extension transformed, as a mask:
    0x40 for RSV1, 0x20 for RSV2, 0x10 for RSV3. None: there is no hook for messages."""

    @property
    def shared_key(self) -> Hashable:
        """What the outcome of :meth:`encode_shared` depends on, apart from the message.

        It is the same for the life of the connection. Extensions with equal keys share encoded
        messages, so let it begin with the name of the extension. None: messages are encoded for
        each connection. Whoever inherits from an extension that has a key, and encodes in another
        way, changes it.
        """
        return None

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Transform a frame that was received.

        The frame that is returned has the reserved bits that are left for other extensions; clear
        those that belong to this one.

        :param frame: the frame, not masked.
        :param max_size: how many bytes the payload of the result may have; None for no limit. It
            must be applied while decoding, not after it: a few bytes can become gigabytes.
        :raises PayloadTooBig: if the result would be larger than ``max_size``.
        :raises ProtocolError: if the frame breaks the rules of the extension.
        """
        raise NotImplementedError(_override(self, "decode"))

    def encode(self, frame: Frame) -> Frame:
        """Transform a frame that is about to be sent.

        :param frame: the frame, not masked. Don't change it: return another.
        """
        raise NotImplementedError(_override(self, "encode"))

    def encode_message(self, data: BytesLike, *, text: bool, force: bool = False) -> bytes | None:
        """Transform a message that is about to be sent in one frame.

        Called only if :attr:`message_rsv` isn't None.

        :param data: the payload of the message; UTF-8 if ``text`` is true.
        :param text: whether it is a text message.
        :param force: whether the program asked for this message to be transformed, however little
            there is to gain. Passed only if it did.
        :returns: the payload to send, in a frame with the bits of :attr:`message_rsv` set; or None
            to send the message as it is, without them.
        """
        raise NotImplementedError(_override(self, "encode_message"))

    def encode_shared(self, data: BytesLike, *, text: bool, force: bool = False) -> bytes | None:
        """Transform a message for all connections whose extension has the same :attr:`shared_key`.

        Called only if :attr:`message_rsv` and :attr:`shared_key` aren't None, perhaps by several
        threads at once. The outcome must not depend on what this connection has sent.

        Parameters and result are those of :meth:`encode_message`.
        """
        raise NotImplementedError(_override(self, "encode_shared"))

    def shared_sent(self) -> None:
        """A message from :meth:`encode_shared`, not necessarily this one's, is sent here.

        The peer has to make sense of what follows it: compression can't refer to what came before,
        for instance.
        """
        raise NotImplementedError(_override(self, "shared_sent"))

    def decode_message(self, data: BytesLike, *, max_size: int | None) -> bytes:
        """Transform a message that was received with all the bits of :attr:`message_rsv`.

        Called only if :attr:`message_rsv` isn't None, and not for messages that were sent without
        the bits.

        :param data: the payloads of all its fragments, joined.
        :param max_size: how many bytes the result may have; None for no limit. It must be applied
            while decoding, not after it.
        :raises PayloadTooBig: if the result would be larger than ``max_size``.
        :raises ProtocolError: if the message breaks the rules of the extension.
        """
        raise NotImplementedError(_override(self, "decode_message"))


class ClientExtensionFactory:
    """Offers an extension, and makes it when the server accepts (RFC 6455, section 9.1)."""

    name: ExtensionName
    """The name of the extension, as it stands in the ``Sec-WebSocket-Extensions`` header."""

    def get_request_params(self) -> Sequence[ExtensionParameter]:
        """Return the parameters to offer.

        :returns: pairs of name and value; None for a parameter without one.
        """
        raise NotImplementedError(_override(self, "get_request_params"))

    def process_response_params(
        self,
        params: Sequence[ExtensionParameter],
        accepted_extensions: Sequence[Extension],
    ) -> Extension:
        """Make the extension that the server accepted.

        :param params: the parameters of the response.
        :param accepted_extensions: the extensions that were accepted before this one.
        :raises NegotiationError: if the parameters aren't acceptable; the connection fails.
        """
        raise NotImplementedError(_override(self, "process_response_params"))


class ServerExtensionFactory:
    """Accepts an extension that the client offers (RFC 6455, section 9.1)."""

    name: ExtensionName
    """The name of the extension, as it stands in the ``Sec-WebSocket-Extensions`` header."""

    def process_request_params(
        self,
        params: Sequence[ExtensionParameter],
        accepted_extensions: Sequence[Extension],
    ) -> tuple[list[ExtensionParameter], Extension]:
        """Accept an offer.

        :param params: the parameters of the offer.
        :param accepted_extensions: the extensions that were accepted before this one.
        :returns: the parameters of the response, and the extension.
        :raises NegotiationError: if the offer isn't acceptable; the next one is tried.
        """
        raise NotImplementedError(_override(self, "process_request_params"))


def _override(instance: object, method: str) -> str:
    return f"{type(instance).__name__} must override {method}()"
