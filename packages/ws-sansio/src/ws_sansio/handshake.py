"""What both sides of the opening handshake compute and check in the same way."""

from __future__ import annotations

import binascii
import os
import re
import time

from ws_types.errors import InvalidHeader, InvalidUpgrade
from ws_types.headers import Headers, MultipleValuesError

from .grammar import parse_connection, parse_upgrade

__all__ = [
    "accept_key",
    "check_upgrade",
    "generate_key",
    "http_date",
    "parse_http_date",
    "single_header",
]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

# Dates are in English whatever the locale: strftime() wouldn't do.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_DATE = (
    r"[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([1-9][0-9]{3}) "
    r"([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)


def generate_key() -> str:
    """Make a value for ``Sec-WebSocket-Key``: 16 random bytes in Base64 (RFC 6455 4.1)."""
    return binascii.b2a_base64(os.urandom(16), newline=False).decode("ascii")


def accept_key(key: str) -> str:
    """Compute the ``Sec-WebSocket-Accept`` that answers a ``Sec-WebSocket-Key`` (RFC 6455 4.2.2).

    :param key: the key as it was sent, not decoded.
    :raises UnicodeEncodeError: if the key isn't ASCII; a key that was checked always is.
    """
    # Imported late because it loads OpenSSL, a tenth of what importing this distribution takes.
    import hashlib

    # RFC 6455 10.8: the security of the handshake doesn't rest on SHA-1.
    digest = hashlib.sha1(key.encode("ascii") + _GUID, usedforsecurity=False).digest()
    return binascii.b2a_base64(digest, newline=False).decode("ascii")


def http_date(timestamp: float) -> str:
    """Format a ``Date`` header (IMF-fixdate, RFC 9110 5.6.7).

    :param timestamp: seconds since the epoch, as :func:`time.time` returns them.
    """
    year, month, day, hour, minute, second, weekday, *_ = time.gmtime(timestamp)
    return (
        f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04} "
        f"{hour:02}:{minute:02}:{second:02} GMT"
    )


def parse_http_date(text: str) -> float | None:
    """Read a date of the preferred format (IMF-fixdate, RFC 9110 5.6.7).

    The two obsolete formats, which nobody sends any more, aren't read.

    :param text: value of a header.
    :returns: seconds since the epoch; None if it isn't such a date.
    """
    # Imported late because few connections need it.
    from calendar import timegm

    match = re.fullmatch(_DATE, text)
    if match is None or match[2] not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(match[group]) for group in (1, 3, 4, 5, 6))
    return float(timegm((year, _MONTHS.index(match[2]) + 1, day, hour, minute, second)))


def single_header(headers: Headers, name: str) -> str:
    """Return the value of a header that must be there, once.

    :param headers: headers of the request or the response.
    :param name: name of the header, as errors show it.
    :raises InvalidHeader: if it is missing, or there more than once.
    """
    try:
        return headers[name]
    except MultipleValuesError:
        raise InvalidHeader(name, "multiple values") from None
    except KeyError:
        raise InvalidHeader(name) from None


def check_upgrade(headers: Headers) -> None:
    """Check that headers ask for the WebSocket protocol, or agree to it (RFC 6455 4.1, 4.2.1).

    ``Connection`` must have the option ``Upgrade``, and ``Upgrade`` must be ``websocket`` and
    nothing else; case doesn't matter.

    :param headers: headers of the request or the response.
    :raises InvalidHeaderFormat: if one of the two headers is malformed.
    :raises InvalidUpgrade: if one of the two headers is missing or says something else.
    """
    connection = [
        option for value in headers.get_all("Connection") for option in parse_connection(value)
    ]
    if not any(option.lower() == "upgrade" for option in connection):
        raise InvalidUpgrade("Connection", ", ".join(connection) or None)
    upgrade = [
        protocol for value in headers.get_all("Upgrade") for protocol in parse_upgrade(value)
    ]
    if len(upgrade) != 1 or upgrade[0].lower() != "websocket":
        raise InvalidUpgrade("Upgrade", ", ".join(upgrade) or None)
