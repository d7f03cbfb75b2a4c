"""Basic authentication of clients."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ws_sansio.credentials import BasicAuth, Unauthorized
from ws_types.http11 import Request, Response

from .serving import ServerConnection

__all__ = ["basic_auth"]


def basic_auth(
    realm: str = "",
    credentials: tuple[str, str] | Iterable[tuple[str, str]] | None = None,
    check_credentials: Callable[[str, str], bool] | None = None,
) -> Callable[[ServerConnection, Request], Response | None]:
    """
    Make a *process_request* that asks for HTTP Basic authentication (:rfc:`7617`)::

        serve(handler, process_request=basic_auth("chat", credentials=("user", "password")))

    The user name is the attribute *username* of the connection then. Others are answered with 401.
    The password is sent in clear: use it over TLS only.

    :param realm: the name of what is protected, which browsers show.
    :param credentials: a user name with its password, or several of these pairs. They are compared
        in constant time.
    :param check_credentials: called with user name and password, returns whether they are valid.
    :raises TypeError: if an argument is of a wrong type.
    :raises ValueError: if both or none of the last two are given, or something can't be sent.
    """
    auth = BasicAuth(realm, credentials, check_credentials)

    def process_request(connection: ServerConnection, request: Request) -> Response | None:
        try:
            username, password = auth.read(request.headers)
            auth.require(auth.check(username, password))
        except Unauthorized as exc:
            return auth.refuse(connection.protocol, exc)
        connection.username = username
        return None

    return process_request
