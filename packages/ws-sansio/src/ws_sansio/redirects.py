"""
What a client does about a redirect (RFC 6455, section 4.1; RFC 9110, section 15.4).

It follows one to another ``ws`` or ``wss`` URI, :data:`MAX_REDIRECTS` requests in all, and never
from ``wss`` to ``ws``. What says who the user is goes to the origin that it was meant for, and to
no other: an origin is the scheme, the host and the port (RFC 6454).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from ws_types.errors import InvalidURI, SecurityError
from ws_types.escaping import SECRET_HEADERS
from ws_types.exceptions import InvalidStatus
from ws_types.headers import Headers, HeadersLike
from ws_types.uri import WebSocketURI, parse_uri

from .logs import redact_url

__all__ = ["MAX_REDIRECTS", "Destination"]

MAX_REDIRECTS: Final = int(os.environ.get("WEBSOCKETS_MAX_REDIRECTS", "10"))
"""How many requests a client makes at most, one after another, before one opens a connection."""

# Others either aren't redirects, or leave the choice to a person.
_STATUSES = frozenset({300, 301, 302, 303, 307, 308})


class Destination:
    """
    Where a client connects to, and what it tells there. Redirects change both.

    :param uri: where it starts.
    :param headers: headers that the program adds to the request.
    :param socket: whether it goes through a socket of the program's, which redirects can't change.
    :param unix: whether it goes through a Unix socket, which only redirects to the same origin can
        keep.
    :param address: whether it goes to a host or port of the program's choice in place of the URI's,
        for which the same holds.
    :raises InvalidURI: if *uri* isn't valid.
    """

    def __init__(
        self,
        uri: str,
        headers: HeadersLike | None = None,
        *,
        socket: bool = False,
        unix: bool = False,
        address: bool = False,
    ) -> None:
        #: The URI, as it was given, and parsed.
        self.uri = uri
        self.parsed: WebSocketURI = parse_uri(uri)
        #: The headers that the program adds to the request.
        self.headers = Headers() if headers is None else Headers(headers)
        self._socket = socket
        self._unix = unix
        self._address = address
        self._requests = 1

    def judge(self, exc: Exception) -> Exception | str:
        """
        Find out what to do about a failure to connect.

        :param exc: the failure.
        :returns: the URI to connect to instead, if it was a redirect that can be followed; the
            exception to raise otherwise.
        :raises InvalidURI: if it was a redirect to what isn't a WebSocket URI.
        """
        if not isinstance(exc, InvalidStatus) or exc.response.status_code not in _STATUSES:
            return exc
        locations = exc.response.headers.get_all("Location")
        if len(locations) != 1 or not locations[0]:
            return exc
        # Imported late because most connections aren't redirected.
        from urllib.parse import urljoin

        try:
            uri = urljoin(self.uri, locations[0])
        except ValueError as exc:
            # Brackets without an IPv6 address, for instance.
            raise InvalidURI(locations[0], str(exc)) from None
        parsed = parse_uri(uri)
        shown = redact_url(uri)
        if self.parsed.secure and not parsed.secure:
            return SecurityError(f"cannot follow redirect to non-secure URI {shown}")
        if self._socket:
            return ValueError(f"cannot follow redirect to {shown} with a preexisting socket")
        if _origin(parsed) != _origin(self.parsed):
            refusal = f"cannot follow cross-origin redirect to {shown} with"
            if self._unix:
                return ValueError(f"{refusal} a Unix socket")
            if self._address:
                return ValueError(f"{refusal} an explicit host or port")
        return uri

    def follow(self, uri: str) -> None:
        """
        Go to another URI, without the credentials unless it is of the same origin.

        :param uri: what :meth:`judge` returned, or what a program prefers.
        :raises SecurityError: if there have been too many redirects.
        :raises InvalidURI: if *uri* isn't valid.
        """
        if self._requests >= MAX_REDIRECTS:
            raise SecurityError(f"more than {MAX_REDIRECTS} redirects")
        self._requests += 1
        before, self.parsed = self.parsed, parse_uri(uri)
        self.uri = uri
        if _origin(before) != _origin(self.parsed):
            for name in SECRET_HEADERS:
                if name in self.headers:
                    del self.headers[name]
        elif self.parsed.user_info is None:
            # An absolute URI has lost them.
            self.parsed.username, self.parsed.password = before.username, before.password

    def redirect(
        self, exc: Exception, process_redirect: Callable[[Exception], Exception | str]
    ) -> None:
        """
        Go where a failure to connect leads, or raise it.

        :param exc: the failure.
        :param process_redirect: decides, as :meth:`judge` does.
        :raises Exception: what *process_redirect* returns, or what :meth:`follow` raises.
        """
        target: Exception | str | None = None
        try:
            target = process_redirect(exc)
            if isinstance(target, str):
                self.follow(target)
                return
            if target is exc:
                raise exc
            raise target from exc
        finally:
            # The traceback of what is raised leads here: it mustn't lead back.
            del exc, target


def _origin(uri: WebSocketURI) -> tuple[bool, str, int]:
    return uri.secure, uri.host, uri.port
