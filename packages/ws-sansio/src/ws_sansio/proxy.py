"""
Which proxy a client connects through, and what it says to it (RFC 9110, section 9.3.6).

A tunnel through an HTTP proxy is :class:`ProxyConnect`, which does no I/O. SOCKS is a protocol of
its own, left to a library: for it, this module only reads addresses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ws_types.errors import InvalidProxy, InvalidProxyMessage, InvalidURI, SecurityError
from ws_types.exceptions import InvalidProxyStatus
from ws_types.headers import Headers
from ws_types.http11 import Request
from ws_types.typing import BytesLike
from ws_types.uri import WebSocketURI, parse_authority

from .grammar import build_authorization_basic, build_host
from .http11 import USER_AGENT, ResponseParser

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from ws_types.records import dataclass

__all__ = ["Proxy", "ProxyConnect", "check_proxy", "choose_proxy", "get_proxy", "parse_proxy"]

# The port of SOCKS is the one registered for it; those of HTTP are of the schemes.
_DEFAULT_PORTS = {
    "http": 80,
    "https": 443,
    "socks4": 1080,
    "socks4a": 1080,
    "socks5": 1080,
    "socks5h": 1080,
}

# A response ends its head with this; a tunnel begins behind it.
_END = b"\r\n\r\n"


@dataclass
class Proxy:
    """
    The address of a proxy. ``repr()`` doesn't show the password.

    :param scheme: ``http``, ``https``, ``socks4``, ``socks4a``, ``socks5`` or ``socks5h``.
    :param host: the host; an IPv6 address is without its brackets.
    :param port: the port.
    :param username: the user name, decoded; None if there is no userinfo.
    :param password: the password, decoded; None if there is no userinfo.
    """

    scheme: str
    host: str
    port: int
    username: str | None = None
    password: str | None = None

    def __init__(
        self,
        scheme: str,
        host: str,
        port: int,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self.username = username
        self.password = password

    def __repr__(self) -> str:
        password = None if self.password is None else "***"
        return (
            f"{type(self).__qualname__}(scheme={self.scheme!r}, host={self.host!r}, "
            f"port={self.port!r}, username={self.username!r}, password={password!r})"
        )

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        assert isinstance(other, Proxy)
        return self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    @property
    def user_info(self) -> tuple[str, str] | None:
        """The user name and the password; None if there is no userinfo."""
        if self.username is None or self.password is None:
            return None
        return self.username, self.password

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS rather than HTTP."""
        return self.scheme.startswith("socks")

    @property
    def resolves_names(self) -> bool:
        """Whether a SOCKS proxy is given host names, rather than addresses that we look up."""
        return self.scheme in ("socks4a", "socks5h")


def parse_proxy(url: str) -> Proxy:
    """
    Parse the address of a proxy, such as ``http://user:password@proxy.example.com:3128``.

    Without a port it is 80 for ``http``, 443 for ``https`` and 1080 for SOCKS.

    :param url: the address.
    :raises InvalidProxy: if it can't be used, also if user name or password have a control
        character, or can't be sent in a header (:rfc:`7617#section-2`).
    """
    scheme, _, rest = url.partition(":")
    scheme = scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        raise InvalidProxy(
            url, f"scheme {scheme} isn't supported; expected one of {', '.join(_DEFAULT_PORTS)}"
        )
    if not rest.startswith("//"):
        raise InvalidProxy(url, "hostname isn't provided")
    rest, number_sign, _ = rest[2:].partition("#")
    rest, question_mark, _ = rest.partition("?")
    authority, _, path = rest.partition("/")
    for meaningless, name in ((path, "path"), (question_mark, "query"), (number_sign, "fragment")):
        if meaningless:
            raise InvalidProxy(url, f"{name} is meaningless")
    try:
        host, port, username, password = parse_authority(url, authority)
        if username is not None and password is not None:
            # Whatever the scheme: no proxy has a use for what a header can't hold.
            build_authorization_basic(username, password)
    except InvalidURI as exc:
        raise InvalidProxy(url, exc.msg) from None
    except ValueError as exc:
        raise InvalidProxy(url, str(exc)) from None
    return Proxy(scheme, host, _DEFAULT_PORTS[scheme] if port is None else port, username, password)


def get_proxy(uri: WebSocketURI) -> str | None:
    """
    Find the proxy for a URI, as the environment and the system have it.

    For ``ws`` it is the first of ``ws_proxy``, ``socks_proxy``, ``https_proxy`` and ``http_proxy``;
    for ``wss``, the first of ``wss_proxy``, ``socks_proxy`` and ``https_proxy``. ``no_proxy`` names
    hosts that are reached without one. Where none of the variables is set, the settings of macOS
    and Windows count. See :func:`urllib.request.getproxies`.

    :param uri: what to connect to.
    :returns: the address of the proxy, which :func:`parse_proxy` reads; None for no proxy.
    """
    # Imported late because it costs more than all the rest.
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    schemes = ["wss", "socks", "https"] if uri.secure else ["ws", "socks", "https", "http"]
    for scheme in schemes:
        proxy = proxies.get(scheme)
        if proxy:
            break
    else:
        return None
    # A stub of typeshed says that it returns None; it is a truth value.
    if proxy_bypass(f"{uri.host}:{uri.port}"):  # type: ignore[func-returns-value,unused-ignore]
        return None
    if scheme == "socks" and proxy.startswith("http://"):
        # The system's settings have a host and a port; Python makes a URL of them.
        proxy = "socks5h://" + proxy.removeprefix("http://")
    return proxy


def check_proxy(proxy: str | Literal[True] | None) -> None:
    """
    Check what a program gives as *proxy*, before anything is connected.

    :raises InvalidProxy: if it is an address that isn't valid.
    :raises TypeError: if it is of another type.
    """
    if isinstance(proxy, str):
        parse_proxy(proxy)
    elif proxy is not None and proxy is not True:
        raise TypeError("proxy must be the address of a proxy, True, or None")


def choose_proxy(proxy: str | Literal[True] | None, uri: WebSocketURI) -> Proxy | None:
    """
    Choose the proxy for a connection.

    :param proxy: its address; :data:`True` for :func:`get_proxy`, :data:`None` for none.
    :param uri: what to connect to.
    :returns: the proxy; :data:`None` to connect directly.
    :raises InvalidProxy: if its address isn't valid.
    """
    url = get_proxy(uri) if proxy is True else proxy
    return None if url is None else parse_proxy(url)


class ProxyConnect:
    """
    The opening of a tunnel through an HTTP proxy.

    Send :attr:`request`, then give what arrives to :meth:`receive_data`. Bytes behind the response
    belong to the tunnel: who reads no more than :attr:`wanted` bytes at a time never gets any, and
    can hand the socket on as it is; what was read too much is in :attr:`leftover`.

    :param proxy: the proxy.
    :param uri: what to connect to.
    :param user_agent_header: the value of the ``User-Agent`` header; :data:`None` for no such
        header.
    :raises ValueError: if something can't be written into the request.
    """

    def __init__(
        self, proxy: Proxy, uri: WebSocketURI, *, user_agent_header: str | None = USER_AGENT
    ) -> None:
        headers = Headers()
        headers["Host"] = build_host(uri.host, uri.port, uri.secure)
        if user_agent_header is not None:
            headers["User-Agent"] = user_agent_header
        if proxy.user_info is not None:
            headers["Proxy-Authorization"] = build_authorization_basic(*proxy.user_info)
        target = build_host(uri.host, uri.port, uri.secure, always_include_port=True)
        #: The bytes to send.
        self.request = Request(target, headers, "CONNECT").serialize()
        self._parser = ResponseParser(proxy=True)
        self._tail = b""

    @property
    def wanted(self) -> int:
        """How many bytes are certain to be part of the response: 1 to 4, which are its last."""
        for size in (3, 2, 1):
            if self._tail.endswith(_END[:size]):
                return len(_END) - size
        return len(_END)

    @property
    def leftover(self) -> bytes:
        """The bytes behind the response, once it is complete."""
        return self._parser.leftover

    def receive_data(self, data: BytesLike) -> bool:
        """
        Take in bytes from the proxy.

        :param data: bytes, in pieces of any size.
        :returns: whether the tunnel is open.
        :raises InvalidProxyStatus: if the proxy refuses.
        :raises InvalidProxyMessage: if it doesn't answer in HTTP, or exceeds a limit of
            :mod:`ws_types.http11`.
        """
        self._tail = (self._tail + bytes(data))[-len(_END) + 1 :]
        try:
            response = self._parser.receive(data)
        except (ValueError, SecurityError) as exc:
            raise _invalid_message() from exc
        if response is None:
            return False
        # RFC 9110, section 9.3.6.
        if not 200 <= response.status_code < 300:
            raise InvalidProxyStatus(response)
        return True

    def receive_eof(self) -> None:
        """
        Take note that the proxy has closed the connection.

        :raises InvalidProxyMessage: always, because the tunnel isn't open.
        """
        try:
            self._parser.receive_eof()
        except EOFError as exc:
            raise _invalid_message() from exc


def _invalid_message() -> InvalidProxyMessage:
    return InvalidProxyMessage("did not receive a valid HTTP response from proxy")
