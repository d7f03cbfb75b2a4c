"""What may be written to a log line: no secrets, no raw text from the peer.

The peer chooses paths, headers, reasons and messages. In a log, a line break forges an entry, a
terminal escape drives the reader's terminal, and a bidirectional override shows a line in another
order than it has (CVE-2020-7694, CVE-2021-42574). Whatever comes from the peer goes through
:func:`escape`, headers through :func:`redact`, and URLs through :func:`redact_url`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ws_types.escaping import printable, redact_value
from ws_types.headers import Headers

__all__ = ["address_text", "escape", "redact", "redact_url"]

_ELLIPSIS = "..."
_END_OF_AUTHORITY = re.compile(r"[/?#\\]")
_SCHEME = re.compile(r"[A-Za-z][-+.0-9A-Za-z]*+://")
_HOST_PORT = re.compile(r"(?:\[[^\]]*+\]|[^:]*+)(?::[0-9]*+)?+")


def address_text(address: object) -> str:
    """Write the address of a socket as in a URL: ``127.0.0.1:80``, ``[::1]:80``, or a path.

    :param address: what :meth:`socket.socket.getsockname` returns.
    """
    if not isinstance(address, tuple):
        return str(address)
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def escape(text: str, *, max: int | None = 1024) -> str:  # noqa: A002
    """Make text safe to print on one line.

    It is :func:`ws_types.escaping.printable` with a bound on what comes out, whatever goes in.

    :param text: text of any length, from anyone.
    :param max: length of the result, in characters, at which it is cut and ends with ``...``; at
        least 3; None for no limit.
    :raises ValueError: if ``max`` is less than 3.
    """
    if max is None:
        return printable(text)
    if max < len(_ELLIPSIS):
        raise ValueError("max must be at least 3 characters")
    # An escape is never shorter than its character: more than this can't show.
    escaped = printable(text[: max + 1])
    if len(escaped) <= max:
        return escaped
    return escaped[: max - len(_ELLIPSIS)] + _ELLIPSIS


def redact(headers: Headers | Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the names and values of headers as a log line may show them.

    :param headers: headers, or pairs of names and values.
    :returns: escaped names and values, in order; the value of each of
        :data:`~ws_types.escaping.SECRET_HEADERS` is replaced by its length in characters.
    """
    items = headers.raw_items() if isinstance(headers, Headers) else headers
    for name, value in items:
        yield escape(name), escape(redact_value(name, value))


def redact_url(url: str) -> str:
    """Return a URL as a log line may show it, without user name and password.

    It also covers a URL that would not parse: one without a scheme, as proxies are given, and one
    with a raw slash in its password.

    :param url: URL of any kind.
    """
    scheme = _SCHEME.match(url)
    start = 0 if scheme is None else scheme.end()
    match = _END_OF_AUTHORITY.search(url, start)
    end = len(url) if match is None else match.start()
    at = url.rfind("@", start, end)
    if at < 0 and _HOST_PORT.fullmatch(url, start, end) is None:
        # What looks like a port isn't one: it may be the first part of a password.
        at = url.rfind("@", end)
    if at >= 0:
        url = url[:start] + "***" + url[at:]
    return escape(url)
