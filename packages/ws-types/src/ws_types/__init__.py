"""The shared vocabulary of a WebSocket stack (RFC 6455).

Frames and their codes, HTTP headers, requests and responses of the opening handshake, URIs, every
exception, and the interface of extensions. There is no I/O here and no protocol logic: this is what
packages that do have them hand to each other, and to you.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .__about__ import __version__
from .builds import choose_build

# Before anything else is imported: it decides where modules come from.
implementation = choose_build(__name__, __path__)
"""``"c"`` where compiled modules run, ``"python"`` where their Python form does."""

from .codes import (  # noqa: E402
    CLOSE_CODE_EXPLANATIONS,
    CTRL_OPCODES,
    DATA_OPCODES,
    EXTERNAL_CLOSE_CODES,
    OK_CLOSE_CODES,
    CloseCode,
    Opcode,
)
from .exceptions import (  # noqa: E402
    BodyTooLarge,
    ConcurrencyError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
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
    InvalidProxyStatus,
    InvalidState,
    InvalidStatus,
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
from .extension import (  # noqa: E402
    ClientExtensionFactory,
    Extension,
    ServerExtensionFactory,
)
from .frames import Close, Frame  # noqa: E402
from .headers import Headers, HeadersLike, MultipleValuesError  # noqa: E402
from .http11 import Request, Response  # noqa: E402
from .typing import (  # noqa: E402
    BytesLike,
    Data,
    DataLike,
    ExtensionName,
    ExtensionParameter,
    Origin,
    Subprotocol,
)
from .uri import WebSocketURI, parse_uri  # noqa: E402

if TYPE_CHECKING:
    from .typing import LoggerLike, StatusLike

__all__ = [
    "CLOSE_CODE_EXPLANATIONS",
    "CTRL_OPCODES",
    "DATA_OPCODES",
    "EXTERNAL_CLOSE_CODES",
    "OK_CLOSE_CODES",
    "BodyTooLarge",
    "BytesLike",
    "ClientExtensionFactory",
    "Close",
    "CloseCode",
    "ConcurrencyError",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "Data",
    "DataLike",
    "DuplicateParameter",
    "Extension",
    "ExtensionName",
    "ExtensionParameter",
    "Frame",
    "HeaderLineTooLong",
    "Headers",
    "HeadersLike",
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
    "LoggerLike",
    "MultipleValuesError",
    "NegotiationError",
    "Opcode",
    "Origin",
    "PayloadTooBig",
    "ProtocolError",
    "ProxyError",
    "Request",
    "RequestLineTooLong",
    "Response",
    "SecurityError",
    "ServerExtensionFactory",
    "StatusLike",
    "StatusLineTooLong",
    "Subprotocol",
    "TooManyFragments",
    "TooManyHeaders",
    "WebSocketException",
    "WebSocketURI",
    "__version__",
    "implementation",
    "parse_uri",
]


def __getattr__(name: str) -> Any:
    # These cost the import of logging and http: see ws_types.typing.
    if name in ("LoggerLike", "StatusLike"):
        from . import typing

        return getattr(typing, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
