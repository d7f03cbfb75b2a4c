# The names of ``websockets`` and of its modules: the one table that type checkers read.
#
# What runs is in ``__init__.py``, which imports each of them when it is first asked for.
# What is imported from another module "as" itself is deprecated, and not in __all__.

from . import asyncio as asyncio
from . import auth as auth
from . import cli as cli
from . import client as client
from . import connection as connection
from . import datastructures as datastructures
from . import exceptions as exceptions
from . import extensions as extensions
from . import frames as frames
from . import headers as headers
from . import http as http
from . import http11 as http11
from . import legacy as legacy
from . import protocol as protocol
from . import server as server
from . import sync as sync
from . import typing as typing
from . import uri as uri
from . import version as version
from .asyncio.client import ClientConnection, connect, unix_connect
from .asyncio.router import Router, route, unix_route
from .asyncio.server import (
    Server,
    ServerConnection,
    basic_auth,
    broadcast,
    serve,
    unix_serve,
)
from .client import ClientProtocol
from .datastructures import Headers, HeadersLike, MultipleValuesError
from .exceptions import AbortHandshake as AbortHandshake
from .exceptions import (
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
from .exceptions import InvalidStatusCode as InvalidStatusCode
from .exceptions import RedirectHandshake as RedirectHandshake
from .exceptions import WebSocketProtocolError as WebSocketProtocolError
from .frames import Close, CloseCode, Frame, Opcode
from .http11 import Request, Response
from .legacy.auth import BasicAuthWebSocketServerProtocol as BasicAuthWebSocketServerProtocol
from .legacy.auth import basic_auth_protocol_factory as basic_auth_protocol_factory
from .legacy.client import WebSocketClientProtocol as WebSocketClientProtocol
from .legacy.protocol import WebSocketCommonProtocol as WebSocketCommonProtocol
from .legacy.server import WebSocketServer as WebSocketServer
from .legacy.server import WebSocketServerProtocol as WebSocketServerProtocol
from .protocol import Protocol, Side, State
from .server import ServerProtocol
from .typing import (
    Data,
    ExtensionName,
    ExtensionParameter,
    LoggerLike,
    Origin,
    StatusLike,
    Subprotocol,
)

__version__: str

__all__ = [
    "ClientConnection",
    "ClientProtocol",
    "Close",
    "CloseCode",
    "ConcurrencyError",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "Data",
    "DuplicateParameter",
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
    "Protocol",
    "ProtocolError",
    "ProxyError",
    "Request",
    "RequestLineTooLong",
    "Response",
    "Router",
    "SecurityError",
    "Server",
    "ServerConnection",
    "ServerProtocol",
    "Side",
    "State",
    "StatusLike",
    "StatusLineTooLong",
    "Subprotocol",
    "TooManyFragments",
    "TooManyHeaders",
    "WebSocketException",
    "basic_auth",
    "broadcast",
    "connect",
    "route",
    "serve",
    "unix_connect",
    "unix_route",
    "unix_serve",
]
