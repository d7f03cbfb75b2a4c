"""
Which handler a connection goes to, by the URL map of `werkzeug`_.

.. _werkzeug: https://werkzeug.palletsprojects.com/en/stable/routing/

:class:`RouterBase` decides; the router of a shell adds the call of the handler. werkzeug is an
optional dependency, imported when a router is made.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ws_types.errors import InvalidHeader
from ws_types.http11 import Request, Response

from .handshake import single_header

if TYPE_CHECKING:
    from werkzeug.routing import Map

__all__ = ["RouterBase"]


class RouterBase:
    """
    Finds handlers by the paths, and where the map says so the hosts, of requests.

    :param url_map: the rules, whose endpoints are handlers. All of them become rules for
        WebSocket.
    :param server_name: the host, with the port if it isn't the default one, in redirects and for
        matching hosts and subdomains; None takes that of the request.
    :param url_scheme: ``"ws"`` or ``"wss"``, in redirects.
    :raises ImportError: if werkzeug isn't installed.
    :raises TypeError: if *url_map* isn't a map.
    """

    def __init__(
        self, url_map: Map, server_name: str | None = None, url_scheme: str = "ws"
    ) -> None:
        try:
            from werkzeug.routing import Map
        except ImportError as exc:
            raise ImportError(
                "routing needs werkzeug; install it, or ws-asyncio[router] or ws-sync[router]"
            ) from exc
        if not isinstance(url_map, Map):
            raise TypeError(f"url_map must be a werkzeug Map, not {type(url_map).__name__}")
        self.url_map = url_map
        self.server_name = server_name
        self.url_scheme = url_scheme
        for rule in url_map.iter_rules():
            rule.websocket = True

    def get_server_name(self, connection: Any, request: Request) -> str:
        """
        The host that rules are matched against.

        :raises InvalidHeader: if it is to come from the request, which hasn't exactly one.
        """
        if self.server_name is not None:
            return self.server_name
        return single_header(request.headers, "Host")

    def redirect(self, connection: Any, url: str) -> Response:
        """The response that sends a client to another URL."""
        response: Response = connection.respond(HTTPStatus.FOUND, f"Found at {url}")
        response.headers["Location"] = url
        return response

    def not_found(self, connection: Any) -> Response:
        """The response where no rule matches."""
        response: Response = connection.respond(HTTPStatus.NOT_FOUND, "Not Found")
        return response

    def route_request(self, connection: Any, request: Request) -> Response | None:
        """
        Find the handler of a connection, and what the rule gives it from the URL.

        They become its attributes ``handler`` and ``handler_kwargs``. This is a *process_request*.

        :returns: the response where there is none; None where there is one.
        """
        from werkzeug.exceptions import HTTPException
        from werkzeug.routing import RequestRedirect

        path, _, query = request.path.partition("?")
        try:
            adapter = self.url_map.bind(
                self.get_server_name(connection, request), url_scheme=self.url_scheme
            )
            handler, kwargs = adapter.match(_origin_form(path), query_args=query, websocket=True)
        except InvalidHeader:
            # The core refuses it: a request without a host is invalid, whatever it asks for.
            return None
        except RequestRedirect as exc:
            return self.redirect(connection, exc.new_url)
        except HTTPException as exc:
            if exc.code == HTTPStatus.BAD_REQUEST:
                response: Response = connection.respond(exc.code, "invalid Host header\n")
                return response
            # Also where a rule is for other methods than a handshake's.
            return self.not_found(connection)
        connection.handler, connection.handler_kwargs = handler, kwargs
        return None


def _origin_form(target: str) -> str:
    """The path of a request target, which may be an absolute URL (RFC 9112, section 3.2.2)."""
    scheme, separator, rest = target.partition("://")
    if not separator or "/" in scheme:
        return target
    return "/" + rest.partition("/")[2]
