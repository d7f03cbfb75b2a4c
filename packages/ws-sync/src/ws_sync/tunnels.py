"""
What carries a client's connection: TCP, TLS, a Unix socket, or a tunnel through a proxy.

Which proxy, and what to say to it, is decided in :mod:`ws_sansio.proxy`. Everything ends by one
deadline.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl as ssl_module
from typing import Any

from ws_sansio.proxy import Proxy, ProxyConnect
from ws_types.errors import ProxyError
from ws_types.uri import WebSocketURI

from .deadline import Deadline
from .tls import start_tls

__all__ = ["connect_tcp", "connect_unix", "default_ssl", "open_tunnel"]

_default_context: ssl_module.SSLContext | None = None


def default_ssl() -> ssl_module.SSLContext:
    """The TLS context of connections that name none: making one costs 20 ms and 800 KiB."""
    global _default_context
    if _default_context is None:
        _default_context = ssl_module.create_default_context()
    return _default_context


def connect_tcp(host: str, port: int, deadline: Deadline, **settings: Any) -> socket.socket:
    """
    Connect to a host, at the first of its addresses that answers.

    :param host: its name or address.
    :param port: the port.
    :param deadline: when to give up.
    :param settings: goes to :func:`socket.create_connection`.
    :raises OSError: if it can't be reached.
    :raises TimeoutError: if it takes too long.
    """
    failure: OSError | None = None
    try:
        for *_, address in _look_up(host, port, deadline):
            timeout = deadline.timeout()
            try:
                sock = socket.create_connection(
                    (_numbers(address), port), **{"timeout": timeout, **settings}
                )
            except OSError as exc:
                failure = exc
            else:
                # Messages are whole when they are sent: nothing is gained by waiting for more.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
                return sock
        raise failure or OSError(f"{host} has no address")
    finally:
        # The traceback of what is raised leads here: it mustn't lead back.
        del failure


def _numbers(address: Any) -> str:
    """The host of an address of a socket, with its interface where it is local to one."""
    scope = address[3] if len(address) > 3 else 0
    return f"{address[0]}%{scope}" if scope else str(address[0])


def _look_up(host: str, port: int, deadline: Deadline) -> list[Any]:
    """The addresses of a host, as :func:`socket.getaddrinfo` gives them."""
    flags = socket.AI_NUMERICHOST
    with contextlib.suppress(socket.gaierror):
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    # The operating system can't be stopped in this.
    return deadline.call(
        lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), discard=lambda _: None
    )


def connect_unix(path: str | os.PathLike[str], deadline: Deadline) -> socket.socket:
    """
    Connect to a Unix socket.

    :param path: its path.
    :param deadline: when to give up.
    :raises OSError: if nobody listens there.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(deadline.timeout())
        sock.connect(os.fspath(path))
    except BaseException:
        sock.close()
        raise
    return sock


def open_tunnel(
    proxy: Proxy,
    uri: WebSocketURI,
    deadline: Deadline,
    *,
    ssl: ssl_module.SSLContext | None,
    server_hostname: str | None,
    user_agent_header: str | None,
    settings: dict[str, Any],
) -> Any:
    """
    Open a tunnel through a proxy.

    :param proxy: the proxy.
    :param uri: what to connect to.
    :param deadline: when to give up.
    :param ssl: the TLS context for an ``https`` proxy.
    :param server_hostname: the name in the certificate of the proxy, where it isn't its host.
    :param user_agent_header: what to tell an HTTP proxy.
    :param settings: the arguments of :func:`socket.create_connection`.
    :raises ValueError: if the settings contradict the proxy.
    :raises ProxyError: if the proxy doesn't open a tunnel; the subclass says why.
    :raises OSError: if the proxy can't be reached.
    :raises ImportError: if a library for the proxy is missing.
    """
    if proxy.is_socks:
        return _connect_socks(proxy, uri, deadline, **settings)
    request = ProxyConnect(proxy, uri, user_agent_header=user_agent_header)
    if ssl is not None and proxy.scheme != "https":
        raise ValueError("proxy_ssl argument is incompatible with an http:// proxy")
    sock: Any = connect_tcp(proxy.host, proxy.port, deadline, **settings)
    try:
        if proxy.scheme == "https":
            sock = start_tls(
                sock,
                ssl or default_ssl(),
                server_hostname=server_hostname or proxy.host,
                timeout=deadline.timeout(),
            )
        _connect_http(sock, request, deadline)
    except BaseException:
        sock.close()
        raise
    return sock


def _connect_http(sock: Any, request: ProxyConnect, deadline: Deadline) -> None:
    """Open a tunnel, and read no byte of what comes through it."""
    sock.settimeout(deadline.timeout())
    sock.sendall(request.request)
    opened = False
    while not opened:
        sock.settimeout(deadline.timeout())
        data = sock.recv(request.wanted)
        if data:
            opened = request.receive_data(data)
        else:
            request.receive_eof()


def _connect_socks(
    proxy: Proxy, uri: WebSocketURI, deadline: Deadline, **settings: Any
) -> socket.socket:
    try:
        from python_socks import ProxyError as SocksError
        from python_socks import ProxyType
        from python_socks.sync import Proxy as SocksProxy
    except ImportError as exc:
        raise ImportError(
            "connecting through a SOCKS proxy requires python-socks: pip install ws-sync[socks]"
        ) from exc
    client = SocksProxy(
        ProxyType.SOCKS4 if proxy.scheme.startswith("socks4") else ProxyType.SOCKS5,
        proxy.host,
        proxy.port,
        proxy.username,
        proxy.password,
        proxy.resolves_names,
    )
    # Its timeout is one for each step.
    timeout = deadline.timeout()
    try:
        return deadline.call(
            lambda: client.connect(uri.host, uri.port, timeout=timeout, **settings),
            discard=socket.socket.close,
        )
    except SocksError as exc:
        raise ProxyError("failed to connect to SOCKS proxy") from exc
