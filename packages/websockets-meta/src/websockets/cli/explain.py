"""Why a connection failed, in words that say what to do about it."""

from __future__ import annotations

import errno
import http
import socket
import ssl

from ws_types.errors import InvalidMessage, InvalidURI
from ws_types.escaping import printable
from ws_types.exceptions import InvalidStatus
from ws_types.http11 import Response

__all__ = ["explain"]

HINTS = {
    400: "the server didn't like the request: is this its WebSocket endpoint?",
    401: "credentials are missing or wrong: --user, or --header 'Authorization: ...'",
    403: "it refuses: it may want another --origin, or credentials (--user, --header)",
    404: "there is nothing at this path of the server",
    407: "the proxy needs credentials, in its address",
    426: "it doesn't speak this version of the protocol, or not here",
    429: "too many requests: wait before the next one",
    503: "it is overloaded, or being restarted: try again later",
}


def explain(exc: BaseException, timeout: float | None = None) -> str:
    """Say why a connection couldn't be opened.

    :param exc: what was raised.
    :param timeout: seconds that it could take.
    :returns: text without a control character.
    """
    return printable(_explain(exc, timeout), limit=1000)


def _explain(exc: BaseException, timeout: float | None) -> str:
    if isinstance(exc, InvalidURI):
        return f"{exc} (write ws://host:port/path, or wss:// for TLS)"
    if isinstance(exc, InvalidStatus):
        return _status(exc.response)
    if isinstance(exc, InvalidMessage):
        return f"{exc}: does it speak HTTP? if it expects TLS, write wss://"
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"its certificate isn't valid: {exc.verify_message} (--insecure doesn't check it)"
    if isinstance(exc, ssl.SSLError):
        return f"no TLS connection: {exc}: without TLS, write ws://"
    if isinstance(exc, socket.gaierror):
        return f"there is no such host: {exc.strerror}"
    if isinstance(exc, TimeoutError) and timeout is not None:
        return f"{exc or 'timed out'}: no answer within {timeout:g} seconds (--timeout)"
    # Where a name has several addresses, their errors are one text.
    if isinstance(exc, OSError) and f"[Errno {errno.ECONNREFUSED}]" in str(exc):
        return f"nobody listens there: {exc}"
    return str(exc) or type(exc).__name__


def _status(response: Response) -> str:
    status = response.status_code
    try:
        phrase = f" {http.HTTPStatus(status).phrase}"
    except ValueError:
        phrase = ""
    text = f"the server answered HTTP {status}{phrase}"
    locations = response.headers.get_all("Location")
    if locations and 300 <= status < 400:
        return f"{text}, which points to {' and to '.join(locations)}"
    hint = HINTS.get(status)
    return text if hint is None else f"{text}: {hint}"
