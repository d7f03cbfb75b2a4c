"""The grammar of the HTTP headers that the opening handshake reads and writes.

The rules, from RFC 9110 (5.6, 11.4), RFC 6455 (9.1) and RFC 7617:

.. code-block:: text

    token         = 1*tchar
    list of X     = [ X ] *( OWS "," OWS [ X ] )          at least one X
    protocol      = token [ "/" token ]
    extension     = token *( OWS ";" OWS parameter )
    parameter     = token [ OWS "=" OWS ( token / quoted-string ) ]
    credentials   = scheme SP token68

Each ``_read_*`` function takes the header and a position, and returns what it read with the
position that follows. No position is read twice and every regular expression is possessive, so that
a header is parsed in linear time whatever it holds.

Where this differs from the RFCs:

- White space around ``=`` is accepted in extension parameters: peers send it.
- A quoted parameter must be a token once unquoted, as RFC 6455 9.1 requires, hence quoted strings
  are ASCII only.
- Several empty elements in a list are accepted, but not a list of nothing else.
- One space follows the scheme of credentials, where RFC 9110 tolerates more.
- Credentials that aren't UTF-8 are not refused: the stray bytes become surrogates, which equal no
  real password.

A header that breaks these rules raises :exc:`~ws_types.exceptions.InvalidHeaderFormat`, which
quotes it with the position of the error. Credentials are secrets: their errors give the length of
the header in its place.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn, TypeVar, cast

from ws_types.errors import InvalidHeaderFormat, InvalidHeaderValue
from ws_types.typing import (
    ConnectionOption,
    ExtensionHeader,
    ExtensionName,
    ExtensionParameter,
    Subprotocol,
    UpgradeProtocol,
)

from .logs import escape

__all__ = [
    "build_authorization_basic",
    "build_extension",
    "build_host",
    "build_subprotocol",
    "build_www_authenticate_basic",
    "parse_authorization_basic",
    "parse_connection",
    "parse_extension",
    "parse_subprotocol",
    "parse_upgrade",
    "validate_subprotocols",
]

T = TypeVar("T")

_TCHAR = r"[-!#$%&'*+.^_`|~0-9A-Za-z]"
_TOKEN = re.compile(rf"{_TCHAR}++")
_PROTOCOL = re.compile(rf"{_TCHAR}++(?:/{_TCHAR}++)?+")
_OWS = re.compile(r"[\t ]*+")
# A comma with the white space and the empty elements around it.
_SEPARATORS = re.compile(r"[\t ,]*+")
# The body is qdtext or a quoted pair, without obs-text.
_QUOTED_STRING = re.compile(r'"((?:[\t !#-\[\]-~]|\\[\t -~])*+)"')
_QUOTED_PAIR = re.compile(r"\\(.)")
_TOKEN68 = re.compile(r"[-._~+/0-9A-Za-z]++=*+")

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_UNQUOTABLE = re.compile(r"[^\t -~\x80-\xff]")
_SPECIAL = re.compile(r'(["\\])')
# What would end the host, or start another part of a URI (RFC 3986 3.2.2).
_NOT_IN_HOST = re.compile(r"[\x00-\x20\x7f/?#@\\,]")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]++(?:%[-._~%0-9A-Za-z]++)?+")


# Reading


def _expected(name: str, what: str, header: str, pos: int) -> NoReturn:
    raise InvalidHeaderFormat(name, f"expected {what}", header, pos)


def _read_token(header: str, pos: int, name: str) -> tuple[str, int]:
    match = _TOKEN.match(header, pos)
    if match is None:
        _expected(name, "token", header, pos)
    return match[0], match.end()


def _read_protocol(header: str, pos: int, name: str) -> tuple[UpgradeProtocol, int]:
    match = _PROTOCOL.match(header, pos)
    if match is None:
        _expected(name, "protocol", header, pos)
    return cast(UpgradeProtocol, match[0]), match.end()


def _skip(pattern: re.Pattern[str], header: str, pos: int) -> int:
    match = pattern.match(header, pos)
    assert match is not None  # a pattern that also matches nothing
    return match.end()


def _next(header: str, pos: int) -> tuple[str, int]:
    """Return the character after optional white space, "" at the end, and its position."""
    pos = _skip(_OWS, header, pos)
    return header[pos : pos + 1], pos


def _read_list(
    read_item: Callable[[str, int, str], tuple[T, int]],
    header: str,
    name: str,
) -> list[T]:
    """Read a whole header as a list of one item or more (RFC 9110 5.6.1)."""
    items: list[T] = []
    # Callers pass header values, which never start with white space (RFC 9110 5.5).
    pos = _skip(_SEPARATORS, header, 0) if header.startswith(",") else 0
    while True:
        item, pos = read_item(header, pos, name)
        items.append(item)
        char, pos = _next(header, pos)
        if char == ",":
            pos = _skip(_SEPARATORS, header, pos)
            char = header[pos : pos + 1]
        elif char:
            _expected(name, "comma", header, pos)
        if not char:
            return items


def _read_parameter(header: str, pos: int, name: str) -> tuple[ExtensionParameter, int]:
    key, pos = _read_token(header, pos, name)
    char, after = _next(header, pos)
    if char != "=":
        return (key, None), after
    char, pos = _next(header, after + 1)
    if char != '"':
        value, pos = _read_token(header, pos, name)
        return (key, value), pos
    match = _QUOTED_STRING.match(header, pos)
    if match is None:
        _expected(name, "quoted string", header, pos)
    value = _QUOTED_PAIR.sub(r"\1", match[1])
    if _TOKEN.fullmatch(value) is None:
        raise InvalidHeaderFormat(name, "invalid quoted header content", header, pos)
    return (key, value), match.end()


def _read_extension(header: str, pos: int, name: str) -> tuple[ExtensionHeader, int]:
    extension, pos = _read_token(header, pos, name)
    parameters: list[ExtensionParameter] = []
    while True:
        char, after = _next(header, pos)
        if char != ";":
            return (cast(ExtensionName, extension), parameters), after
        _, pos = _next(header, after + 1)
        parameter, pos = _read_parameter(header, pos, name)
        parameters.append(parameter)


def parse_connection(header: str) -> list[ConnectionOption]:
    """Parse a ``Connection`` header (RFC 9110 7.6.1).

    :param header: value of the header.
    :returns: its options, in order, in the case in which they were sent.
    :raises InvalidHeaderFormat: if it isn't a list of tokens.
    """
    return cast("list[ConnectionOption]", _read_list(_read_token, header, "Connection"))


def parse_upgrade(header: str) -> list[UpgradeProtocol]:
    """Parse an ``Upgrade`` header (RFC 9110 7.8).

    :param header: value of the header.
    :returns: its protocols, such as ``websocket`` or ``HTTP/2.0``, in order.
    :raises InvalidHeaderFormat: if it isn't a list of protocols.
    """
    return _read_list(_read_protocol, header, "Upgrade")


def parse_extension(header: str) -> list[ExtensionHeader]:
    """Parse a ``Sec-WebSocket-Extensions`` header (RFC 6455 9.1).

    :param header: value of the header.
    :returns: for each extension, in order, its name and its list of parameters; each parameter is
        a name with a value, or with None when it has no value.
    :raises InvalidHeaderFormat: if it isn't a list of extensions.
    """
    return _read_list(_read_extension, header, "Sec-WebSocket-Extensions")


def parse_subprotocol(header: str) -> list[Subprotocol]:
    """Parse a ``Sec-WebSocket-Protocol`` header (RFC 6455 4.1, 11.3.4).

    :param header: value of the header.
    :returns: its subprotocols, in order.
    :raises InvalidHeaderFormat: if it isn't a list of tokens.
    """
    return cast("list[Subprotocol]", _read_list(_read_token, header, "Sec-WebSocket-Protocol"))


def parse_authorization_basic(header: str) -> tuple[str, str]:
    """Parse an ``Authorization`` header of the Basic scheme (RFC 7617 2).

    Compare what it returns with :func:`hmac.compare_digest` over encoded bytes, never with ``==``.
    Bytes that aren't UTF-8 are returned as surrogates (``surrogateescape``).

    :param header: value of the header.
    :returns: user name and password.
    :raises InvalidHeaderFormat: if it isn't a scheme with a token68.
    :raises InvalidHeaderValue: if the scheme isn't Basic, or the credentials aren't Base64, lack a
        colon, or hold control characters.
    """
    name = "Authorization"
    secret = f"[redacted, {len(header)} characters]"
    match = _TOKEN.match(header)
    if match is None:
        _expected(name, "token", secret, 0)
    scheme, pos = match[0], match.end()
    if header[pos : pos + 1] != " ":
        _expected(name, "space after scheme", secret, pos)
    if scheme.lower() != "basic":
        raise InvalidHeaderValue(name, f"unsupported scheme: {scheme}")
    pos += 1
    match = _TOKEN68.match(header, pos)
    if match is None:
        _expected(name, "token68", secret, pos)
    if match.end() < len(header):
        raise InvalidHeaderFormat(name, "trailing data", secret, match.end())
    try:
        credentials = binascii.a2b_base64(match[0])
    except binascii.Error:
        credentials = b""
    # What strict_mode refuses depends on the version of Python.
    if binascii.b2a_base64(credentials, newline=False).decode("ascii") != match[0]:
        raise InvalidHeaderValue(name, "expected base64-encoded credentials")
    username, colon, password = credentials.decode("utf-8", "surrogateescape").partition(":")
    if not colon:
        raise InvalidHeaderValue(name, "expected username:password credentials")
    if _CONTROL.search(username) or _CONTROL.search(password):
        raise InvalidHeaderValue(name, "control character in credentials")
    return username, password


# Writing


def _check_token(value: str, what: str) -> str:
    if _TOKEN.fullmatch(value) is None:
        raise ValueError(f"invalid {what}: {escape(value)}")
    return value


def validate_subprotocols(subprotocols: Sequence[Subprotocol]) -> None:
    """Check that subprotocols can be offered (RFC 6455 4.1).

    :param subprotocols: subprotocols in order of preference.
    :raises TypeError: if it isn't a sequence of strings, or is itself a string.
    :raises ValueError: if a subprotocol isn't a token.
    """
    if not isinstance(subprotocols, Sequence):
        raise TypeError("subprotocols must be a list")
    if isinstance(subprotocols, str):
        raise TypeError("subprotocols must be a list, not a str")
    for subprotocol in subprotocols:
        _check_token(subprotocol, "subprotocol")


def build_subprotocol(subprotocols: Iterable[Subprotocol]) -> str:
    """Build a ``Sec-WebSocket-Protocol`` header (RFC 6455 11.3.4).

    :param subprotocols: subprotocols in order of preference.
    :raises ValueError: if a subprotocol isn't a token.
    """
    return ", ".join(_check_token(item, "subprotocol") for item in subprotocols)


def build_extension(extensions: Iterable[ExtensionHeader]) -> str:
    """Build a ``Sec-WebSocket-Extensions`` header (RFC 6455 9.1).

    :param extensions: names with their parameters, as :func:`parse_extension` returns them.
    :raises ValueError: if a name, a parameter or its value isn't a token.
    """
    return ", ".join(_build_extension_item(name, parameters) for name, parameters in extensions)


def _build_extension_item(name: ExtensionName, parameters: Iterable[ExtensionParameter]) -> str:
    parts = [_check_token(name, "extension name")]
    for key, value in parameters:
        part = _check_token(key, "extension parameter name")
        if value is not None:
            part += "=" + _check_token(value, "extension parameter value")
        parts.append(part)
    return "; ".join(parts)


def build_host(host: str, port: int, secure: bool, *, always_include_port: bool = False) -> str:
    """Build a ``Host`` header (RFC 9110 7.2).

    IPv6 addresses get brackets if they have none.

    :param host: host name or IP address.
    :param port: TCP port.
    :param secure: whether the default port is 443 rather than 80.
    :param always_include_port: whether to write the port even when it is the default one.
    :raises ValueError: if the host holds what can't be part of a host.
    """
    if _NOT_IN_HOST.search(host):
        raise ValueError(f"invalid host: {host!r}")
    address = host[1:-1] if host[:1] == "[" and host[-1:] == "]" else host
    # Only IP literals have colons (RFC 3986 3.2.2). The ipaddress module is slow to import.
    if ":" in address or address is not host:
        if _IPV6.fullmatch(address) is None:
            raise ValueError(f"invalid host: {host!r}")
        host = f"[{address}]"
    if always_include_port or port != (443 if secure else 80):
        return f"{host}:{port}"
    return host


def build_authorization_basic(username: str, password: str) -> str:
    """Build an ``Authorization`` header of the Basic scheme, in UTF-8 (RFC 7617 2, 2.1).

    Errors never quote the credentials.

    :param username: user name, without a colon.
    :param password: password.
    :raises ValueError: if the user name has a colon, or either has a control character or
        something that UTF-8 can't encode.
    """
    if ":" in username:
        raise ValueError("user name can't contain a colon")
    for what, value in ("user name", username), ("password", password):
        if _CONTROL.search(value):
            raise ValueError(f"{what} can't contain a control character")
    try:
        credentials = f"{username}:{password}".encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # Its "object" attribute is the password.
        raise ValueError("credentials can't be encoded in UTF-8") from None
    return "Basic " + binascii.b2a_base64(credentials, newline=False).decode("ascii")


def build_www_authenticate_basic(realm: str) -> str:
    """Build a ``WWW-Authenticate`` header of the Basic scheme (RFC 7617 2).

    :param realm: name of what is protected.
    :raises ValueError: if the realm has a character that a quoted string can't hold
        (RFC 9110 5.6.4): a control character, or anything beyond latin-1.
    """
    if _UNQUOTABLE.search(realm):
        raise ValueError("invalid characters for quoted-string encoding")
    realm = _SPECIAL.sub(r"\\\1", realm)
    return f'Basic realm="{realm}", charset="UTF-8"'
