"""Servers that choose a handler by the path; needs werkzeug (``ws-sync[router]``)."""

from __future__ import annotations

import ssl as ssl_module
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

from ws_sansio.routing import RouterBase
from ws_types.http11 import Request, Response

from .server import serve
from .serving import Server, ServerConnection

if TYPE_CHECKING:
    from werkzeug.routing import Map

__all__ = ["Router", "route", "unix_route"]


class Router(RouterBase):
    """
    Chooses a handler by the path of a request. Made by :func:`route`.

    See :class:`~ws_sansio.routing.RouterBase` for its parameters, and for what can be overridden.
    """

    def handler(self, connection: ServerConnection) -> None:
        """Call the handler that was found, with what the rule gives it from the URL."""
        connection.handler(connection, **connection.handler_kwargs)


def route(
    url_map: Map,
    *args: Any,
    server_name: str | None = None,
    ssl: ssl_module.SSLContext | Literal[True] | None = None,
    create_router: type[Router] | None = None,
    **kwargs: Any,
) -> Server:
    """
    Make a server whose connections are handled by path::

        from werkzeug.routing import Map, Rule

        url_map = Map([
            Rule("/", endpoint=default_handler),
            Rule("/channel/<channel>", endpoint=channel_handler),
        ])
        with route(url_map, "localhost", 8765) as server:
            server.serve_forever()

    ``channel_handler`` is called with the connection and ``channel="..."``; what is
    percent-encoded stays so. A path without a rule is answered with 404, and one that only lacks a
    slash with a redirect.

    :param url_map: the rules, whose endpoints are handlers.
    :param args: goes to :func:`~ws_sync.server.serve`, after the handler.
    :param server_name: the host in redirects, and for matching hosts and subdomains; None takes
        that of the request.
    :param ssl: the TLS context; :data:`True` where a proxy does TLS, so that redirects lead to
        ``wss://``.
    :param create_router: the class of the router.
    :param kwargs: goes to :func:`~ws_sync.server.serve`. What *process_request* decides on a
        request comes before the rules.
    :raises ImportError: if werkzeug isn't installed.
    """
    if ssl is not None and ssl is not True:
        kwargs["ssl"] = ssl
    router = (create_router or Router)(url_map, server_name, "ws" if ssl is None else "wss")
    first = kwargs.pop("process_request", None)
    if first is None:
        return serve(router.handler, *args, process_request=router.route_request, **kwargs)

    def process_request(connection: ServerConnection, request: Request) -> Response | None:
        return first(connection, request) or router.route_request(connection, request)

    return serve(router.handler, *args, process_request=process_request, **kwargs)


def unix_route(url_map: Map, path: PathLike[str] | str | None = None, **kwargs: Any) -> Server:
    """
    Make a server on a Unix socket whose connections are handled by path.

    :param url_map: the rules.
    :param path: the path of the socket.
    :param kwargs: everything that :func:`route` takes.
    """
    return route(url_map, unix=True, path=path, **kwargs)
