"""WebSocket URIs (RFC 6455, section 3; RFC 3986).

The grammar is that of RFC 3986 for hierarchical URIs, read without guessing: what this and another
parser could take for different hosts is an error. An IRI (RFC 3987) becomes a URI: its host is
encoded with IDNA, other characters outside ASCII are percent-encoded; escapes that are there stay.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .errors import InvalidURI

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from .records import dataclass

__all__ = ["WebSocketURI", "parse_authority", "parse_uri"]

_DEFAULT_PORTS = {"ws": 80, "wss": 443}

# None of these may stand in a host (RFC 3986, section 3.2.2); parsers disagree on some.
_NOT_IN_HOST = frozenset('\\^|<>"{}`[]:@/?#')

_ZONE = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+")
_ESCAPES = re.compile(rb"%([0-9A-Fa-f]{2})")


@dataclass
class WebSocketURI:
    """A WebSocket URI. ``repr()`` doesn't show the password.

    :param secure: whether it is a ``wss`` URI.
    :param host: the host, lower-cased; an IPv6 address is without its brackets.
    :param port: the port.
    :param path: the path, percent-encoded; it may be empty.
    :param query: the query, percent-encoded, without its question mark; it may be empty.
    :param username: the user name, decoded; None if there is no userinfo.
    :param password: the password, decoded; None if there is no userinfo.
    """

    secure: bool
    host: str
    port: int
    path: str
    query: str
    username: str | None = None
    password: str | None = None

    def __init__(
        self,
        secure: bool,
        host: str,
        port: int,
        path: str,
        query: str,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        self.secure = secure
        self.host = host
        self.port = port
        self.path = path
        self.query = query
        self.username = username
        self.password = password

    def __repr__(self) -> str:
        password = None if self.password is None else "***"
        return (
            f"{type(self).__qualname__}(secure={self.secure!r}, host={self.host!r}, "
            f"port={self.port!r}, path={self.path!r}, query={self.query!r}, "
            f"username={self.username!r}, password={password!r})"
        )

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        assert isinstance(other, WebSocketURI)
        return self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    @property
    def resource_name(self) -> str:
        """The path and the query, as they stand in the request (RFC 6455, section 3)."""
        path = self.path or "/"
        return f"{path}?{self.query}" if self.query else path

    @property
    def user_info(self) -> tuple[str, str] | None:
        """The user name and the password; None if there is no userinfo."""
        if self.username is None or self.password is None:
            return None
        return self.username, self.password


def parse_uri(uri: str) -> WebSocketURI:
    """Parse a WebSocket URI.

    :param uri: a ``ws`` or ``wss`` URI, or IRI.
    :raises InvalidURI: if it isn't one.
    """
    _check_characters(uri)
    scheme, _, rest = uri.partition(":")
    scheme = scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        raise InvalidURI(uri, "scheme isn't ws or wss")
    if not rest.startswith("//"):
        raise InvalidURI(uri, "hostname isn't provided")
    rest, _, fragment = rest[2:].partition("#")
    rest, _, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    host, port, username, password = parse_authority(uri, authority)
    if fragment:
        raise InvalidURI(uri, "fragment identifier is meaningless")
    return WebSocketURI(
        scheme == "wss",
        host,
        _DEFAULT_PORTS[scheme] if port is None else port,
        _quote(uri, slash + path),
        _quote(uri, query),
        username,
        password,
    )


def parse_authority(uri: str, authority: str) -> tuple[str, int | None, str | None, str | None]:
    """Parse the authority of a URI of any scheme (RFC 3986, section 3.2).

    :param uri: the URI, for errors.
    :param authority: what stands between its two slashes and the next one.
    :returns: the host, lower-cased and without the brackets of an IPv6 address; the port, if there
        is one; the user name and the password, decoded, or None and None.
    :raises InvalidURI: if the authority isn't one, or has a user name without a password.
    """
    _check_characters(uri)
    userinfo, at, host_port = authority.rpartition("@")
    host, port = _parse_host_port(uri, host_port)
    if not at:
        return host, port, None, None
    username, colon, password = userinfo.partition(":")
    if not colon:
        raise InvalidURI(uri, "username provided without password")
    return host, port, _unquote(uri, username), _unquote(uri, password)


def _check_characters(uri: str) -> None:
    for char in uri:
        if char <= " " or "\x7f" <= char <= "\x9f":
            raise InvalidURI(uri, "spaces and control characters must be percent-encoded")


def _parse_host_port(uri: str, host_port: str) -> tuple[str, int | None]:
    if host_port.startswith("["):
        host, bracket, rest = host_port[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise InvalidURI(uri, "IPv6 address isn't closed by a bracket")
        _check_ipv6(uri, host)
        digits = rest[1:]
    else:
        host, _, digits = host_port.partition(":")
        if not host:
            raise InvalidURI(uri, "hostname isn't provided")
        if not _NOT_IN_HOST.isdisjoint(host):
            raise InvalidURI(uri, "hostname has a character that it may not have")
        if not host.isascii():
            try:
                host = host.encode("idna").decode()
            except UnicodeError as exc:
                raise InvalidURI(uri, "hostname can't be encoded with IDNA") from exc
            if not _NOT_IN_HOST.isdisjoint(host):
                # Compatibility characters may become delimiters (a full-width solidus, for one).
                raise InvalidURI(uri, "hostname has a character that it may not have")
        # RFC 1035, section 2.3.4. A dot at the end is for the root of the DNS.
        if not all(1 <= len(label) <= 63 for label in host.removesuffix(".").split(".")):
            raise InvalidURI(uri, "a part of the hostname is empty, or has more than 63 characters")
    host = host.lower()
    if not digits:
        return host, None
    # isdecimal() alone admits the digits of other scripts.
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 5):
        raise InvalidURI(uri, "port isn't a number from 1 to 65535")
    port = int(digits)
    if not 1 <= port <= 65535:
        raise InvalidURI(uri, "port isn't a number from 1 to 65535")
    return host, port


def _check_ipv6(uri: str, host: str) -> None:
    import ipaddress

    # RFC 6874: a zone follows an escaped percent sign.
    address, escape, zone = host.partition("%25")
    try:
        if escape and not _ZONE.fullmatch(zone):
            raise ValueError("invalid zone")
        if "%" in address:
            raise ValueError("the percent sign before a zone isn't escaped")
        ipaddress.IPv6Address(address)
    except ValueError as exc:
        raise InvalidURI(uri, "what stands in brackets isn't an IPv6 address") from exc


def _quote(uri: str, text: str) -> str:
    """Percent-encode what isn't ASCII (RFC 3987, section 3.1)."""
    if text.isascii():
        return text
    try:
        return "".join(
            [
                char if char.isascii() else "".join([f"%{byte:02X}" for byte in char.encode()])
                for char in text
            ]
        )
    except UnicodeEncodeError as exc:
        raise InvalidURI(uri, "surrogates can't be encoded") from exc


def _unquote(uri: str, text: str) -> str:
    """Decode percent-encoded UTF-8 (RFC 3986, section 2.1)."""
    try:
        data = _ESCAPES.sub(lambda match: bytes.fromhex(match[1].decode()), text.encode())
        return data.decode()
    except UnicodeError as exc:
        raise InvalidURI(uri, "userinfo isn't UTF-8") from exc
