"""The exceptions that carry no type of this library; :mod:`ws_types.exceptions` has the others, and
all of them.

::

    WebSocketException
    ├── InvalidURI
    ├── InvalidProxy
    ├── InvalidHandshake
    │   ├── SecurityError
    │   │   ├── RequestLineTooLong
    │   │   ├── StatusLineTooLong
    │   │   ├── HeaderLineTooLong
    │   │   ├── TooManyHeaders
    │   │   └── BodyTooLarge
    │   ├── ProxyError
    │   │   └── InvalidProxyMessage
    │   ├── InvalidMessage
    │   ├── InvalidMethod
    │   ├── InvalidProtocol
    │   ├── InvalidHeader
    │   │   ├── InvalidHeaderFormat
    │   │   ├── InvalidHeaderValue
    │   │   ├── InvalidOrigin
    │   │   └── InvalidUpgrade
    │   └── NegotiationError
    │       ├── DuplicateParameter
    │       ├── InvalidParameterName
    │       └── InvalidParameterValue
    ├── ProtocolError
    ├── PayloadTooBig
    ├── TooManyFragments
    ├── InvalidState (an AssertionError too)
    └── ConcurrencyError (a RuntimeError too)

What ``str()`` gives is safe to log: what a peer sent is escaped and cut, and no password is shown.
Attributes hold the values as they are.
"""

from __future__ import annotations

import warnings
from typing import Any

from .escaping import printable, redact_userinfo

__all__ = [
    "BodyTooLarge",
    "ConcurrencyError",
    "DuplicateParameter",
    "HeaderLineTooLong",
    "InvalidHandshake",
    "InvalidHeader",
    "InvalidHeaderFormat",
    "InvalidHeaderValue",
    "InvalidMessage",
    "InvalidMethod",
    "InvalidOrigin",
    "InvalidParameterName",
    "InvalidParameterValue",
    "InvalidProtocol",
    "InvalidProxy",
    "InvalidProxyMessage",
    "InvalidState",
    "InvalidURI",
    "InvalidUpgrade",
    "NegotiationError",
    "PayloadTooBig",
    "ProtocolError",
    "ProxyError",
    "RequestLineTooLong",
    "SecurityError",
    "StatusLineTooLong",
    "TooManyFragments",
    "TooManyHeaders",
    "WebSocketException",
]

#: How much of each thing that a peer sent is shown, in characters.
_SHOWN = 1000


def _show(text: str) -> str:
    return printable(text, _SHOWN)


def _rebuild(cls: type[WebSocketException], args: tuple[Any, ...]) -> WebSocketException:
    return cls.__new__(cls, *args)


class WebSocketException(Exception):
    """Base of all exceptions of this library.

    Catch it where every failure of a connection is handled in the same way.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        # What BaseException does calls __init__ again, which fails for keyword arguments and for
        # computed texts.
        return _rebuild, (type(self), self.args), self.__dict__ or None


class InvalidURI(WebSocketException):
    """A URI isn't a WebSocket URI (RFC 6455, section 3).

    Correct the address: nothing was sent.

    :param uri: the URI as it was given. Its userinfo isn't shown in the text of the exception.
    :param msg: what is wrong with it.
    """

    def __init__(self, uri: str, msg: str) -> None:
        self.uri = uri
        self.msg = msg

    def __str__(self) -> str:
        shown = _show(redact_userinfo(self.uri))
        return f"{shown} isn't a valid URI: {_show(self.msg)}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({redact_userinfo(self.uri)!r}, {self.msg!r})"


class InvalidProxy(WebSocketException):
    """The address of a proxy isn't one that can be used.

    Correct the ``proxy`` argument or the environment variable from which it came.

    :param proxy: the address as it was given. Its userinfo isn't shown in the text of the
        exception.
    :param msg: what is wrong with it.
    """

    def __init__(self, proxy: str, msg: str) -> None:
        self.proxy = proxy
        self.msg = msg

    def __str__(self) -> str:
        shown = _show(redact_userinfo(self.proxy))
        return f"{shown} isn't a valid proxy: {_show(self.msg)}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({redact_userinfo(self.proxy)!r}, {self.msg!r})"


class InvalidHandshake(WebSocketException):
    """The opening handshake failed (RFC 6455, section 4).

    There is no connection. A client may try again when the cause is one that passes; a server has
    answered already.
    """


class SecurityError(InvalidHandshake):
    """The peer went past a limit that protects this side, or did what a security rule forbids.

    Don't try again as it is. If the peer can be trusted and needs more, raise the limit that the
    text names.
    """


class RequestLineTooLong(SecurityError):
    """The request line is longer than ``WEBSOCKETS_MAX_LINE_LENGTH``.

    A server answers 414. Shorten the path or the query, or raise the limit.
    """


class StatusLineTooLong(SecurityError):
    """The status line is longer than ``WEBSOCKETS_MAX_LINE_LENGTH``.

    The server is broken or hostile: don't try again.
    """


class HeaderLineTooLong(SecurityError):
    """A header is longer than ``WEBSOCKETS_MAX_LINE_LENGTH``.

    A server answers 431. Send less (cookies are the usual cause), or raise the limit.
    """


class TooManyHeaders(SecurityError):
    """There are more headers than ``WEBSOCKETS_MAX_NUM_HEADERS``.

    A server answers 431. Send fewer, or raise the limit.
    """


class BodyTooLarge(SecurityError):
    """The body of a request or a response is larger than the limit.

    On a server, raise *max_body* if such requests are expected.
    """


class ProxyError(InvalidHandshake):
    """The proxy didn't open a tunnel.

    Check the proxy's address and credentials, or connect with ``proxy=None``.
    """


class InvalidProxyMessage(ProxyError):
    """What the proxy answered isn't an HTTP response.

    Check that the address is that of an HTTP proxy; the cause (``__cause__``) has the details.
    """


class InvalidMessage(InvalidHandshake):
    """What the peer sent isn't an HTTP request or response.

    Check that the peer speaks HTTP on that port, and that both sides or neither use TLS. The cause
    (``__cause__``) has the details.
    """


class InvalidMethod(InvalidHandshake):
    """The request isn't a GET request (RFC 6455, section 4.1). A server answers 405.

    :param method: the method of the request.
    """

    def __init__(self, method: str) -> None:
        self.method = method

    def __str__(self) -> str:
        return f"unsupported HTTP method: {_show(self.method)}"


class InvalidProtocol(InvalidHandshake):
    """The request isn't an HTTP/1.1 request (RFC 6455, section 4.1). A server answers 505.

    A reverse proxy that speaks HTTP/1.0 to the server is the usual cause: configure it to use
    HTTP/1.1.

    :param protocol: the version in the request line, such as ``HTTP/1.0``.
    """

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol

    def __str__(self) -> str:
        return f"unsupported HTTP version: {_show(self.protocol)}"


class InvalidHeader(InvalidHandshake):
    """A header of the handshake is missing, empty or wrong.

    The peer, or a proxy on the way, doesn't follow RFC 6455: correct it there.

    :param name: the name of the header.
    :param value: its value; None when the header is missing.
    """

    def __init__(self, name: str, value: str | None = None) -> None:
        self.name = name
        self.value = value

    def __str__(self) -> str:
        name = _show(self.name)
        if self.value is None:
            return f"missing {name} header"
        if self.value == "":
            return f"empty {name} header"
        return f"invalid {name} header: {_show(self.value)}"


class InvalidHeaderFormat(InvalidHeader):
    """A header doesn't follow its grammar.

    :param name: the name of the header.
    :param error: what was found wrong, or what was expected.
    :param header: the value of the header.
    :param pos: where in the value, in characters from its start.
    """

    def __init__(self, name: str, error: str, header: str, pos: int) -> None:
        super().__init__(name, f"{error} at {pos} in {header}")


class InvalidHeaderValue(InvalidHeader):
    """A header follows its grammar, and has a value that the handshake doesn't admit.

    For ``Sec-WebSocket-Version`` and its like the peer speaks another version of the protocol.
    """


class InvalidOrigin(InvalidHeader):
    """The request comes from an origin that the server doesn't admit. A server answers 403.

    Add the origin to ``origins`` if pages from there may connect; None in that list admits programs
    that send no origin.

    :param origin: the value of the ``Origin`` header; None when it is missing.
    """

    def __init__(self, origin: str | None) -> None:
        super().__init__("Origin", origin)


class InvalidUpgrade(InvalidHeader):
    """The ``Upgrade`` or ``Connection`` header doesn't ask for a WebSocket connection. A server
    answers 426.

    It was an ordinary HTTP request, or a reverse proxy dropped these headers: configure it to
    forward them.
    """


class NegotiationError(InvalidHandshake):
    """Both sides found no common ground on extensions or subprotocols (RFC 6455, sections 4.1,
    9.1).

    Offer what the other side supports.
    """


class DuplicateParameter(NegotiationError):
    """A parameter of an extension is there twice.

    :param name: the name of the parameter.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return f"duplicate parameter: {_show(self.name)}"


class InvalidParameterName(NegotiationError):
    """An extension has no parameter of that name, or may not have it on that side.

    :param name: the name of the parameter.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return f"invalid parameter name: {_show(self.name)}"


class InvalidParameterValue(NegotiationError):
    """A parameter of an extension has a value that it may not have.

    :param name: the name of the parameter.
    :param value: its value; None when it has none.
    """

    def __init__(self, name: str, value: str | None) -> None:
        self.name = name
        self.value = value

    def __str__(self) -> str:
        name = _show(self.name)
        if self.value is None:
            return f"missing value for parameter {name}"
        if self.value == "":
            return f"empty value for parameter {name}"
        return f"invalid value for parameter {name}: {_show(self.value)}"


class ProtocolError(WebSocketException):
    """The framing rules were broken (RFC 6455, section 5); the connection fails with code 1002.

    When a method that sends raises it, the call was wrong: correct the caller. Otherwise the peer
    was.
    """


class PayloadTooBig(WebSocketException):
    """A frame or a message is larger than this side accepts; the connection fails with code 1009.

    Raise ``max_size`` if the peer may send that much, or have it send less.

    :param size_or_message: the size of the frame in bytes; None when it isn't known, as while
        decompressing. A text here is deprecated.
    :param max_size: how many bytes the frame may have.
    :param current_size: how many bytes of the same message were read before, in earlier fragments.
    """

    def __init__(
        self,
        size_or_message: int | str | None,
        max_size: int | None = None,
        current_size: int | None = None,
    ) -> None:
        self.message: str | None = None
        self.size: int | None = None
        self.max_size = max_size
        self.current_size: int | None = None
        if isinstance(size_or_message, str):
            if max_size is not None or current_size is not None:
                raise TypeError("PayloadTooBig takes either a message, or a size and a limit")
            warnings.warn(
                "PayloadTooBig(message) is deprecated; change to PayloadTooBig(size, max_size)",
                DeprecationWarning,
                stacklevel=2,
            )
            self.message = size_or_message
            return
        if max_size is None:
            raise TypeError("PayloadTooBig needs max_size, the limit that was exceeded")
        self.size = size_or_message
        self.set_current_size(current_size)

    def __str__(self) -> str:
        if self.message is not None:
            return _show(self.message)
        parts = ["frame"]
        if self.size is not None:
            parts.append(f"with {self.size} bytes")
        if self.current_size is not None:
            parts.append(f"after reading {self.current_size} bytes")
        parts.append(f"exceeds limit of {self.max_size} bytes")
        return " ".join(parts)

    def set_current_size(self, current_size: int | None) -> None:
        """Say how much of the message came before this frame.

        ``max_size`` then becomes the limit of the whole message rather than of what was left of it.

        :param current_size: bytes read in earlier fragments; None changes nothing.
        :raises ValueError: if it was said before.
        """
        if current_size is None:
            return
        if self.current_size is not None:
            raise ValueError("the current size is known already")
        if self.max_size is not None:
            self.max_size += current_size
        self.current_size = current_size


class TooManyFragments(WebSocketException):
    """A message has more fragments than this side accepts; the connection fails with code 1009.

    Many tiny fragments cost memory out of proportion to what they carry: have the peer send larger
    ones.

    :param max_fragments: how many a message may have.
    """

    def __init__(self, max_fragments: int) -> None:
        super().__init__(f"fragmented message exceeds limit of {max_fragments} frames")


class InvalidState(WebSocketException, AssertionError):
    """That can't be done in the state in which the connection is.

    Check the state first, or handle the end of the connection.
    """


class ConcurrencyError(WebSocketException, RuntimeError):
    """Two tasks or threads receive from the same connection at the same time.

    Let one of them receive, and hand messages on.
    """
