"""
Who a client says it is, by HTTP Basic authentication (RFC 7617).

:class:`BasicAuth` decides; a shell asks it in *process_request*. Basic authentication sends the
password in clear with each request: it is for connections over TLS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from ws_types.errors import InvalidHeader
from ws_types.headers import Headers, MultipleValuesError
from ws_types.http11 import Response

from .grammar import (
    build_authorization_basic,
    build_www_authenticate_basic,
    parse_authorization_basic,
)
from .server import ServerProtocol

__all__ = ["BasicAuth", "Unauthorized"]


class Unauthorized(Exception):
    """A request has no credentials, or none that are valid: answer with 401."""


class BasicAuth:
    """
    What protects a realm: the credentials that are valid, or what checks them.

    :param realm: the name of what is protected, which browsers show.
    :param credentials: a user name with its password, or several of these pairs.
    :param check_credentials: called with user name and password, says whether they are valid; what
        it returns is left to the shell, which may have to await it.
    :raises TypeError: if an argument is of a wrong type.
    :raises ValueError: if both or none of the last two are given; if a realm or a credential has a
        character that can't be sent, such as a colon in a user name.
    """

    def __init__(
        self,
        realm: str = "",
        credentials: tuple[str, str] | Iterable[tuple[str, str]] | None = None,
        check_credentials: Callable[[str, str], Any] | None = None,
    ) -> None:
        if (credentials is None) is (check_credentials is None):
            raise ValueError("provide either credentials or check_credentials")
        self._challenge = build_www_authenticate_basic(realm)
        if credentials is not None:
            pairs = _list_credentials(credentials)
            self._valid = [build_authorization_basic(*pair).encode() for pair in pairs]
            check_credentials = self._is_valid
        if not callable(check_credentials):
            raise TypeError("invalid check_credentials argument: it must be callable")
        #: Says whether a user name and a password are valid.
        self.check: Callable[[str, str], Any] = check_credentials

    def read(self, headers: Headers) -> tuple[str, str]:
        """
        Read the credentials of a request.

        :param headers: the headers of the request.
        :returns: user name and password, for :attr:`check`.
        :raises Unauthorized: if there are none that can be read.
        """
        try:
            header = headers["Authorization"]
        except KeyError:
            raise Unauthorized("Missing credentials") from None
        except MultipleValuesError:
            raise Unauthorized("Unsupported credentials") from None
        try:
            username, password = parse_authorization_basic(header)
        except InvalidHeader:
            raise Unauthorized("Unsupported credentials") from None
        try:
            (username + password).encode()
        except UnicodeEncodeError:
            # Not UTF-8, as we ask for; it isn't what check_credentials should have to cope with.
            raise Unauthorized("Invalid credentials") from None
        return username, password

    @staticmethod
    def require(valid: object) -> None:
        """
        Take the answer of :attr:`check`.

        :raises Unauthorized: if it isn't true.
        """
        if not valid:
            raise Unauthorized("Invalid credentials")

    def refuse(self, protocol: ServerProtocol, reason: Unauthorized) -> Response:
        """Make the response that asks for credentials."""
        response = protocol.reject(HTTPStatus.UNAUTHORIZED, f"{reason}\n")
        response.headers["WWW-Authenticate"] = self._challenge
        return response

    def _is_valid(self, username: str, password: str) -> bool:
        # Imported late because it loads OpenSSL.
        import hmac

        given = build_authorization_basic(username, password).encode()
        # All are compared, and each in constant time: what takes how long tells nothing.
        return sum([hmac.compare_digest(given, one) for one in self._valid]) > 0


def _list_credentials(credentials: Any) -> list[tuple[str, str]]:
    if _is_pair(credentials):
        return [tuple(credentials)]
    if isinstance(credentials, Iterable) and not isinstance(credentials, (str, bytes)):
        pairs = list(credentials)
        if all(map(_is_pair, pairs)):
            return pairs
    # They aren't shown: one of them may be a password.
    raise TypeError(
        "invalid credentials argument: expected a tuple of user name and password, "
        "or an iterable of them"
    )


def _is_pair(value: object) -> bool:
    if not isinstance(value, (tuple, list)):
        return False
    return len(value) == 2 and all(isinstance(item, str) for item in value)
