"""Names of the legacy API, and what they are now.

Programs import them for annotations, for ``isinstance`` and ``except``, and to call them. Looking
one up warns, wherever it is found. Most are other names of objects of today; for the rest there are
stand-ins, which say what to write when they are used.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

__all__ = ["old_names"]

RENAMED = {
    "ClientConnection": "websockets.client.ClientProtocol",
    "Connect": "websockets.asyncio.client.connect",
    "Connection": "websockets.protocol.Protocol",
    "HTTPResponse": "websockets.http11.Response",
    "Headers": "websockets.datastructures.Headers",
    "InvalidStatusCode": "websockets.exceptions.InvalidStatus",
    "MultipleValuesError": "websockets.datastructures.MultipleValuesError",
    "ServerConnection": "websockets.server.ServerProtocol",
    "USER_AGENT": "websockets.http11.USER_AGENT",
    "WebSocketProtocolError": "websockets.exceptions.ProtocolError",
    "WebSocketServer": "websockets.asyncio.server.Server",
    "broadcast": "websockets.asyncio.server.broadcast",
    "connect": "websockets.asyncio.client.connect",
    "unix_connect": "websockets.asyncio.client.unix_connect",
}
"""Old names, and where their objects are now."""

STAND_INS = {
    "AbortHandshake": "websockets.asyncio.server.ServerConnection.respond",
    "BasicAuthWebSocketServerProtocol": "websockets.asyncio.server.basic_auth",
    "Frame": "websockets.frames.Frame",
    "RedirectHandshake": "websockets.exceptions.InvalidStatus",
    "Serve": "websockets.asyncio.server.serve",
    "WebSocketClientProtocol": "websockets.asyncio.client.ClientConnection",
    "WebSocketCommonProtocol": "websockets.asyncio.connection.Connection",
    "WebSocketServerProtocol": "websockets.asyncio.server.ServerConnection",
    "basic_auth_protocol_factory": "websockets.asyncio.server.basic_auth",
    "serve": "websockets.asyncio.server.serve",
    "unix_serve": "websockets.asyncio.server.unix_serve",
}
"""Names that have an object in :mod:`websockets._stand_ins`, and what to use in their place."""

GONE = {
    "build_request": "websockets.client.ClientProtocol.connect",
    "build_response": "websockets.server.ServerProtocol.accept",
    "check_close": "websockets.frames.Close.check",
    "check_request": "websockets.server.ServerProtocol.accept",
    "check_response": "websockets.client.ClientProtocol.process_response",
    "encode_data": "websockets.frames.Frame",
    "parse_close": "websockets.frames.Close.parse",
    "prepare_ctrl": "websockets.frames.Frame",
    "prepare_data": "websockets.frames.Frame",
    "read_request": "websockets.http11.Request.parse",
    "read_response": "websockets.http11.Response.parse",
    "serialize_close": "websockets.frames.Close.serialize",
}
"""Functions that can only be imported, and what does their work now."""


def old_names(module: str, *names: str, stacklevel: int = 2) -> Callable[[str], Any]:
    """Make the ``__getattr__`` of a module that has names of the legacy API.

    :param module: the name of the module.
    :param names: the old names that are found in it.
    :param stacklevel: how far above the function the one is that asked for the name.
    :returns: the function, which raises :exc:`AttributeError` for other names.
    """

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        instead = RENAMED.get(name) or STAND_INS.get(name) or GONE[name]
        warnings.warn(
            f"{module}.{name} is deprecated; use {instead}",
            DeprecationWarning,
            stacklevel=stacklevel,
        )
        if name in GONE:
            return _gone(f"{module}.{name}", instead)
        if name in STAND_INS:
            return getattr(importlib.import_module("websockets._stand_ins"), name)
        home, _, found = instead.rpartition(".")
        return getattr(importlib.import_module(home), found)

    return find


def _gone(path: str, instead: str) -> Callable[..., NoReturn]:
    def gone(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"{path}() was part of the legacy API; use {instead}")

    gone.__name__ = gone.__qualname__ = path.rpartition(".")[2]
    return gone
