"""All exceptions of the library: those of :mod:`ws_types.errors`, and those that carry frames or
responses.

What is here::

    WebSocketException
    ├── ConnectionClosed
    │   ├── ConnectionClosedOK
    │   └── ConnectionClosedError
    └── InvalidHandshake
        ├── InvalidStatus
        └── ProxyError
            └── InvalidProxyStatus
"""

from __future__ import annotations

from .codes import CloseCode
from .deprecation import deprecated
from .errors import (
    BodyTooLarge,
    ConcurrencyError,
    DuplicateParameter,
    HeaderLineTooLong,
    InvalidHandshake,
    InvalidHeader,
    InvalidHeaderFormat,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidMethod,
    InvalidOrigin,
    InvalidParameterName,
    InvalidParameterValue,
    InvalidProtocol,
    InvalidProxy,
    InvalidProxyMessage,
    InvalidState,
    InvalidUpgrade,
    InvalidURI,
    NegotiationError,
    PayloadTooBig,
    ProtocolError,
    ProxyError,
    RequestLineTooLong,
    SecurityError,
    StatusLineTooLong,
    TooManyFragments,
    TooManyHeaders,
    WebSocketException,
)
from .frames import Close
from .headers import Headers
from .http11 import Response

__all__ = [
    "BodyTooLarge",
    "ConcurrencyError",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
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
    "InvalidProxyStatus",
    "InvalidState",
    "InvalidStatus",
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


class ConnectionClosed(WebSocketException):
    """The connection ended, or is ending.

    Leave the loop that sends and receives. To go on, open a new connection. The subclasses tell an
    end that was meant from one that wasn't; ``__cause__`` has the error behind it, if there is one.

    :param rcvd: the close frame that was received; None if none was.
    :param sent: the close frame that was sent; None if none was.
    :param rcvd_then_sent: when there are both, whether the peer's came first; None otherwise.
    :raises ValueError: if ``rcvd_then_sent`` is given without both frames, or both without it.
    """

    def __init__(
        self,
        rcvd: Close | None,
        sent: Close | None,
        rcvd_then_sent: bool | None = None,
    ) -> None:
        if (rcvd is None or sent is None) is not (rcvd_then_sent is None):
            raise ValueError("rcvd_then_sent belongs to two close frames, and two frames to it")
        self.rcvd = rcvd
        self.sent = sent
        self.rcvd_then_sent = rcvd_then_sent

    def __str__(self) -> str:
        if self.rcvd is None:
            if self.sent is None:
                return "no close frame received or sent"
            return f"sent {self.sent}; no close frame received"
        if self.sent is None:
            return f"received {self.rcvd}; no close frame sent"
        if self.rcvd_then_sent:
            return f"received {self.rcvd}; then sent {self.sent}"
        return f"sent {self.sent}; then received {self.rcvd}"

    @property
    @deprecated(
        "ConnectionClosed.code is deprecated; use Protocol.close_code or ConnectionClosed.rcvd.code"
    )
    def code(self) -> int:
        """The close code that was received, or 1006. Deprecated."""
        return CloseCode.ABNORMAL_CLOSURE if self.rcvd is None else self.rcvd.code

    @property
    @deprecated(
        "ConnectionClosed.reason is deprecated; "
        "use Protocol.close_reason or ConnectionClosed.rcvd.reason"
    )
    def reason(self) -> str:
        """The reason that was received, or an empty text. Deprecated."""
        return "" if self.rcvd is None else self.rcvd.reason


class ConnectionClosedOK(ConnectionClosed):
    """The connection ended as it should: both sides sent 1000, 1001 or no code.

    Nothing needs to be done.
    """


class ConnectionClosedError(ConnectionClosed):
    """The connection ended with an error, or without a close frame.

    What was on its way may be lost. A client opens a new connection, after a pause.
    """


class InvalidStatus(InvalidHandshake):
    """The server answered the opening handshake with another status than 101.

    Look at the response: 401 and 403 ask for credentials or refuse them, 3xx point elsewhere, after
    5xx a later attempt may succeed.

    :param response: the response of the server, with the start of its body.
    """

    def __init__(self, response: Response) -> None:
        self.response = response

    def __str__(self) -> str:
        return f"server rejected WebSocket connection: HTTP {self.response.status_code:d}"

    @property
    @deprecated("InvalidStatus.status_code is deprecated; use InvalidStatus.response.status_code")
    def status_code(self) -> int:
        """The status of the response, as ``InvalidStatusCode`` had it. Deprecated."""
        return self.response.status_code

    @property
    @deprecated("InvalidStatus.headers is deprecated; use InvalidStatus.response.headers")
    def headers(self) -> Headers:
        """The headers of the response, as ``InvalidStatusCode`` had them. Deprecated."""
        return self.response.headers


class InvalidProxyStatus(ProxyError):
    """The proxy refused to open a tunnel.

    Look at the response: 407 asks for credentials, which go into the proxy's address.

    :param response: the response of the proxy.
    """

    def __init__(self, response: Response) -> None:
        self.response = response

    def __str__(self) -> str:
        return f"proxy rejected connection: HTTP {self.response.status_code:d}"
