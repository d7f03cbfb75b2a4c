"""WebSocket clients and servers: the names of the PyPI package ``websockets``, at their places.

Each of them has its home in one of the packages that do the work: ``ws_types``, ``ws_sansio``,
``ws_extensions``, ``ws_asyncio``, ``ws_sync``. Nothing is imported before it is asked for. The
names are those of ``__init__.pyi``, which type checkers read.
"""

from __future__ import annotations

import importlib

# First: it checks that no other package has taken the place of some of our files.
from . import version as _version
from ._old import old_names

__version__ = _version.version

_MODULES = (
    "asyncio",
    "auth",
    "cli",
    "client",
    "connection",
    "datastructures",
    "exceptions",
    "extensions",
    "frames",
    "headers",
    "http",
    "http11",
    "legacy",
    "protocol",
    "server",
    "sync",
    "typing",
    "uri",
    "version",
)

_NAMES = {
    "asyncio.client": (
        "ClientConnection",
        "connect",
        "unix_connect",
    ),
    "asyncio.router": (
        "Router",
        "route",
        "unix_route",
    ),
    "asyncio.server": (
        "Server",
        "ServerConnection",
        "basic_auth",
        "broadcast",
        "serve",
        "unix_serve",
    ),
    "client": ("ClientProtocol",),
    "datastructures": (
        "Headers",
        "HeadersLike",
        "MultipleValuesError",
    ),
    "exceptions": (
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
    ),
    "frames": (
        "Close",
        "CloseCode",
        "Frame",
        "Opcode",
    ),
    "http11": (
        "Request",
        "Response",
    ),
    "protocol": (
        "Protocol",
        "Side",
        "State",
    ),
    "server": ("ServerProtocol",),
    "typing": (
        "Data",
        "ExtensionName",
        "ExtensionParameter",
        "LoggerLike",
        "Origin",
        "StatusLike",
        "Subprotocol",
    ),
}

_HOMES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = sorted(_HOMES)

_old_name = old_names(
    __name__,
    "AbortHandshake",
    "BasicAuthWebSocketServerProtocol",
    "InvalidStatusCode",
    "RedirectHandshake",
    "WebSocketClientProtocol",
    "WebSocketCommonProtocol",
    "WebSocketProtocolError",
    "WebSocketServer",
    "WebSocketServerProtocol",
    "basic_auth_protocol_factory",
    stacklevel=3,
)


def __getattr__(name: str) -> object:
    # Not kept in this module: what is replaced in its own module is replaced here too.
    if name in _HOMES:
        found: object = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
        return found
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    return _old_name(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_MODULES})
