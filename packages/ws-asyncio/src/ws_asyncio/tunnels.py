"""
What carries a client's connection: TCP, TLS, a Unix socket, or a tunnel through a proxy.

Which proxy, and what to say to it, is decided in :mod:`ws_sansio.proxy`. A tunnel through an HTTP
proxy is opened by a protocol of its own, that hands the transport on to the connection; TLS to the
server runs inside it, and inside TLS to the proxy where its address is an ``https`` one.
"""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import ssl as ssl_module
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from ws_sansio.proxy import Proxy, ProxyConnect, choose_proxy
from ws_types.errors import ProxyError
from ws_types.uri import WebSocketURI

from .connection import Connection

__all__ = ["default_ssl", "open_transport"]

#: The most that a server may send before the client has said a word, in bytes.
EARLY_SIZE = 2**16

_default_context: ssl_module.SSLContext | None = None


def default_ssl() -> ssl_module.SSLContext:
    """The TLS context of connections that name none: making one costs 20 ms and 800 KiB."""
    global _default_context
    if _default_context is None:
        _default_context = ssl_module.create_default_context()
    return _default_context


async def open_transport(
    connection: Connection,
    uri: WebSocketURI,
    *,
    proxy: str | Literal[True] | None,
    user_agent_header: str | None,
    settings: Mapping[str, Any],
) -> None:
    """
    Open the transport of a connection.

    :param connection: the connection, which gets the transport.
    :param uri: what to connect to.
    :param proxy: the address of a proxy; :data:`True` finds it out, :data:`None` is for none.
    :param user_agent_header: what to tell an HTTP proxy.
    :param settings: the arguments of :class:`~ws_asyncio.client.connect` that are for the
        transport.
    :raises ValueError: if they contradict the URI or the proxy.
    :raises InvalidProxy: if the address of the proxy can't be used.
    :raises ProxyError: if the proxy doesn't open a tunnel; the subclass says why.
    :raises OSError: if the server or the proxy can't be reached.
    :raises ImportError: if a library for the proxy is missing.
    """
    settings = dict(settings)
    # The testing kit has a network in memory.
    memory = settings.pop("network", None)
    network = memory or asyncio.get_running_loop()
    tls = _take(settings, _is_for_tls)
    proxy_settings = {
        name.removeprefix("proxy_"): value for name, value in _take(settings, _is_for_proxy).items()
    }
    if uri.secure:
        tls["ssl"] = _context(tls.get("ssl"))
        tls.setdefault("server_hostname", uri.host)
    elif tls.get("ssl") is not None:
        raise ValueError("ssl argument is incompatible with a ws:// URI")

    if settings.pop("unix", False):
        await network.create_unix_connection(lambda: connection, **settings, **tls)
        return
    if settings.get("sock") is not None:
        await network.create_connection(lambda: connection, **settings, **tls)
        return
    host, port = settings.pop("host", None), settings.pop("port", None)
    uri = dataclasses.replace(uri, host=host or uri.host, port=port or uri.port)
    chosen = choose_proxy(proxy, uri) if memory is None else None
    if chosen is None:
        settings |= {"host": uri.host, "port": uri.port}
        await network.create_connection(lambda: connection, **settings, **tls)
        return
    if chosen.is_socks:
        sock = await _connect_socks(chosen, uri, **settings)
        await network.create_connection(lambda: connection, sock=sock, **tls)
    else:
        request = ProxyConnect(chosen, uri, user_agent_header=user_agent_header)
        await _open_tunnel(connection, chosen, request, settings | proxy_settings, tls)


def _is_for_tls(name: str) -> bool:
    return name.startswith("ssl") or name == "server_hostname"


def _is_for_proxy(name: str) -> bool:
    return name.startswith("proxy_")


def _take(settings: dict[str, Any], wanted: Callable[[str], bool]) -> dict[str, Any]:
    """Move some of the settings into a dictionary of their own."""
    return {name: settings.pop(name) for name in list(settings) if wanted(name)}


def _context(ssl: Any) -> ssl_module.SSLContext:
    """The TLS context for what was given as *ssl*."""
    return default_ssl() if ssl is None or ssl is True else ssl


# SOCKS


async def _connect_socks(
    proxy: Proxy, uri: WebSocketURI, *, local_addr: tuple[str, int] | None = None
) -> socket.socket:
    """Open a tunnel through a SOCKS proxy."""
    try:
        from python_socks import ProxyError as SocksError
        from python_socks import ProxyType
        from python_socks.async_.asyncio import Proxy as SocksProxy
    except ImportError as exc:
        raise ImportError(
            "connecting through a SOCKS proxy requires python-socks: pip install ws-asyncio[socks]"
        ) from exc
    client = SocksProxy(
        ProxyType.SOCKS4 if proxy.scheme.startswith("socks4") else ProxyType.SOCKS5,
        proxy.host,
        proxy.port,
        proxy.username,
        proxy.password,
        proxy.resolves_names,
    )
    try:
        return await client.connect(uri.host, uri.port, local_addr=local_addr)
    except SocksError as exc:
        raise ProxyError("failed to connect to SOCKS proxy") from exc


# HTTP


async def _open_tunnel(
    connection: Connection,
    proxy: Proxy,
    request: ProxyConnect,
    settings: dict[str, Any],
    tls: dict[str, Any],
) -> None:
    """Open a tunnel through an HTTP proxy, and hand it to the connection."""
    loop = asyncio.get_running_loop()
    if proxy.scheme == "https":
        if settings.get("ssl", True) is None:
            raise ValueError("proxy_ssl=None is incompatible with an https:// proxy")
        settings["ssl"] = _context(settings.get("ssl"))
        settings.setdefault("server_hostname", proxy.host)
    elif settings.get("ssl") is not None:
        raise ValueError("proxy_ssl argument is incompatible with an http:// proxy")

    transport: asyncio.Transport | None
    transport, tunnel = await loop.create_connection(
        lambda: _Tunnel(request), proxy.host, proxy.port, **settings
    )
    try:
        await tunnel.opened
        if "ssl" in tls:
            transport = await _start_tls(transport, tunnel, **tls)
        if transport is None or tunnel.lost:
            raise ConnectionResetError("connection lost behind the proxy")
        transport.set_protocol(connection)
        connection.connection_made(transport)
        tunnel.hand_over(connection)
        # The tunnel has paused it; TLS has a transport of its own, which isn't paused.
        transport.resume_reading()
    except BaseException:
        tunnel.transport.abort()
        raise


async def _start_tls(
    transport: asyncio.Transport, protocol: asyncio.BaseProtocol, ssl: Any, **settings: Any
) -> asyncio.Transport | None:
    loop = asyncio.get_running_loop()
    try:
        return await loop.start_tls(transport, protocol, ssl, **settings)
    except TypeError as exc:
        # Before 3.13, asyncio stumbles when it wants to end TLS in TLS for this reason.
        reason = exc.__context__
        if isinstance(reason, OSError):
            raise reason from None
        raise


class _Tunnel(asyncio.BufferedProtocol):
    """
    Opens a tunnel, and reads no byte of what comes through it.

    While TLS is set up inside the tunnel, it stands in for the connection, which mustn't have a
    transport that isn't ready: what the server sends then is kept, and comes first.
    """

    def __init__(self, request: ProxyConnect) -> None:
        self._request = request
        self._buffer = memoryview(b"")
        self._early = bytearray()
        #: Has a result when the tunnel is open, or an exception.
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        #: Whether the transport is lost.
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not to be asserted: uvloop's transports don't inherit from it.
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request.request)

    def get_buffer(self, sizehint: int) -> memoryview:
        size = EARLY_SIZE if self.opened.done() else self._request.wanted
        self._buffer = memoryview(bytearray(size))
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        data = self._buffer[:nbytes]
        if self.opened.done():
            self._early += data
            if len(self._early) > EARLY_SIZE:
                self.transport.abort()
            return
        try:
            if self._request.receive_data(data):
                self.transport.pause_reading()
                self.opened.set_result(None)
        except ProxyError as exc:
            self._fail(exc)

    def eof_received(self) -> None:
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if isinstance(exc, OSError) and not self.opened.done():
            self._fail(exc)
        self._end()

    def hand_over(self, connection: Connection) -> None:
        """Give the connection what has come before it."""
        if self._early:
            size = len(self._early)
            connection.get_buffer(size)[:size] = self._early
            connection.buffer_updated(size)

    def _end(self) -> None:
        if not self.opened.done():
            try:
                self._request.receive_eof()
            except ProxyError as exc:
                self._fail(exc)

    def _fail(self, exc: Exception) -> None:
        self.opened.set_exception(exc)
        # Whoever waits may be gone: silence "exception was never retrieved".
        self.opened.exception()
        self.transport.abort()
