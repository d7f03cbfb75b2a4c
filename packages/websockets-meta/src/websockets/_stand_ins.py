"""What stands where the legacy API had classes and functions of another kind.

Connections of today are instances of its classes, so that annotations, ``isinstance`` and
``issubclass`` mean what they did. To subclass one is harmless; to make an instance is an error that
says what to write.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any, NoReturn

from ws_asyncio.client import ClientConnection
from ws_asyncio.connection import Connection
from ws_asyncio.server import Server, ServerConnection
from ws_asyncio.server import serve as modern_serve
from ws_types import frames
from ws_types.errors import InvalidHandshake
from ws_types.headers import Headers
from ws_types.http11 import Request, Response

__all__ = [
    "AbortHandshake",
    "BasicAuthWebSocketServerProtocol",
    "Frame",
    "RedirectHandshake",
    "Serve",
    "WebSocketClientProtocol",
    "WebSocketCommonProtocol",
    "WebSocketServerProtocol",
    "basic_auth_protocol_factory",
    "serve",
    "unix_serve",
]


def _refuse(what: str, instead: str) -> NoReturn:
    raise NotImplementedError(f"{what} was part of the legacy API of websockets; {instead}")


class StandIn(type):
    """The class of classes that stand for one of today, ``modern``."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return type.__instancecheck__(cls.__dict__.get("modern", cls), instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return type.__subclasscheck__(cls.__dict__.get("modern", cls), subclass)


class WebSocketCommonProtocol(Connection, metaclass=StandIn):
    """Stands for :class:`~ws_asyncio.connection.Connection`."""

    modern = Connection

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse(type(self).__name__, "get connections from connect() and serve()")


class WebSocketClientProtocol(ClientConnection, metaclass=StandIn):
    """Stands for :class:`~ws_asyncio.client.ClientConnection`."""

    modern = ClientConnection

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse(
            type(self).__name__,
            "get connections from connect(); for a class of your own, subclass "
            "websockets.asyncio.client.ClientConnection and pass it as create_connection=",
        )


class WebSocketServerProtocol(ServerConnection, metaclass=StandIn):
    """Stands for :class:`~ws_asyncio.server.ServerConnection`."""

    modern = ServerConnection

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse(
            type(self).__name__,
            "get connections from serve(), which takes process_request=; for a class of your own, "
            "subclass websockets.asyncio.server.ServerConnection and pass it as "
            "create_connection=; without I/O of the library's own (uvicorn: --ws "
            "websockets-sansio), use websockets.server.ServerProtocol",
        )


class BasicAuthWebSocketServerProtocol(WebSocketServerProtocol):
    """Stands for a connection of a server with basic authentication."""

    modern = ServerConnection

    def __init__(
        self,
        *args: Any,
        realm: str | None = None,
        check_credentials: Callable[[str, str], Awaitable[bool]] | None = None,
        **kwargs: Any,
    ) -> None:
        _refuse(type(self).__name__, _BASIC_AUTH)


_BASIC_AUTH = (
    "write serve(..., process_request=websockets.basic_auth(realm=..., credentials=..., "
    "check_credentials=...))"
)


def basic_auth_protocol_factory(
    realm: str | None = None,
    credentials: tuple[str, str] | Iterable[tuple[str, str]] | None = None,
    check_credentials: Callable[[str, str], Awaitable[bool]] | None = None,
    create_protocol: Callable[..., BasicAuthWebSocketServerProtocol] | None = None,
) -> Callable[..., BasicAuthWebSocketServerProtocol]:
    """Say what to write.

    :raises NotImplementedError: always.
    """
    _refuse("basic_auth_protocol_factory()", _BASIC_AUTH)


class AbortHandshake(InvalidHandshake):
    """What the legacy API raised to refuse a handshake: it is never raised now."""

    def __init__(self, status: HTTPStatus, headers: Any, body: bytes = b"") -> None:
        _refuse(
            "AbortHandshake",
            "return connection.respond(status, text) from process_request",
        )


class RedirectHandshake(InvalidHandshake):
    """What the legacy API raised inside when it was redirected: it is never raised now."""

    def __init__(self, uri: str) -> None:
        _refuse(
            "RedirectHandshake",
            "connect() follows redirects, and raises InvalidStatus for those that it doesn't",
        )


class Frame(frames.Frame, metaclass=StandIn):
    """Stands for :class:`~ws_types.frames.Frame`, whose arguments have another order."""

    modern = frames.Frame

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse("websockets.legacy.framing.Frame", "write websockets.frames.Frame(opcode, data)")


# Servers


def serve(
    ws_handler: Callable[..., Awaitable[Any]],
    host: str | None = None,
    port: int | None = None,
    *,
    process_request: Callable[..., Any] | None = None,
    select_subprotocol: Callable[..., Any] | None = None,
    **kwargs: Any,
) -> Server:
    """Make a server of today from the arguments of the legacy one.

    :param ws_handler: handles a connection; called with it, and with the path if it takes two
        arguments.
    :param host: the address to listen on.
    :param port: the TCP port.
    :param process_request: called with the path and the headers of the request; may return a tuple
        of status, headers and body, in place of opening a connection.
    :param select_subprotocol: called with the subprotocols of the client and those of the server.
    :param kwargs: what :func:`ws_asyncio.server.serve` takes.
    """
    if process_request is not None:
        kwargs["process_request"] = _with_path_and_headers(process_request)
    if select_subprotocol is not None:
        supported = kwargs.get("subprotocols") or ()
        old_select = select_subprotocol
        kwargs["select_subprotocol"] = lambda connection, offered: old_select(offered, supported)
    return modern_serve(_without_path(ws_handler), host, port, **kwargs)


Serve = serve


def unix_serve(
    ws_handler: Callable[..., Awaitable[Any]], path: str | None = None, **kwargs: Any
) -> Server:
    """Make a server on a Unix socket from the arguments of the legacy one.

    :param ws_handler: handles a connection.
    :param path: the path of the socket.
    :param kwargs: what :func:`serve` takes.
    """
    return serve(ws_handler, unix=True, path=path, **kwargs)


def _without_path(handler: Callable[..., Awaitable[Any]]) -> Callable[[Any], Awaitable[None]]:
    try:
        inspect.signature(handler).bind(None, None)
    except TypeError:
        return handler

    @functools.wraps(handler)
    async def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        await handler(connection, connection.request.path)

    return handle


def _with_path_and_headers(
    process_request: Callable[..., Any],
) -> Callable[[ServerConnection, Request], Awaitable[Response | None]]:
    async def process(connection: ServerConnection, request: Request) -> Response | None:
        answer = process_request(request.path, request.headers)
        if inspect.isawaitable(answer):
            answer = await answer
        if answer is None or isinstance(answer, Response):
            return answer
        status, headers, body = answer
        response = connection.respond(status, "")
        given = Headers(headers)
        given.setdefault("Content-Length", str(len(body)))
        for name, value in response.headers.raw_items():
            given.setdefault(name, value)
        response.headers, response.body = given, body
        return response

    return process
