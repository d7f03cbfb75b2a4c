"""Clients on threads."""

from __future__ import annotations

import logging
import os
import socket
import ssl as ssl_module
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from types import TracebackType
from typing import Any, Literal, overload

from ws_extensions.compression import client_extensions
from ws_sansio.backoff import Attempts, backoff, process_exception
from ws_sansio.client import ClientProtocol
from ws_sansio.http11 import USER_AGENT
from ws_sansio.inbox import Inbox, queue_limits
from ws_sansio.proxy import check_proxy, choose_proxy
from ws_sansio.redirects import Destination
from ws_types.codes import CloseCode
from ws_types.extension import ClientExtensionFactory
from ws_types.headers import Headers, HeadersLike
from ws_types.typing import LoggerLike, Origin, Subprotocol

from .deadline import Deadline
from .opening import ClientConnection
from .tls import start_tls
from .tunnels import connect_tcp, connect_unix, default_ssl, open_tunnel

__all__ = ["ClientConnection", "connect", "reconnect", "unix_connect", "unix_reconnect"]


class reconnect:  # noqa: N801 (the name is the API's)
    """
    Connect to a WebSocket server, again and again::

        for websocket in reconnect("wss://example.com/"):
            try:
                for message in websocket:
                    print(message)
            except ConnectionClosed:
                continue

    Iteration goes on until the program leaves it; failures to connect are logged, and followed by
    another attempt after a delay. Which are, *process_exception* decides; how long and how often,
    *reconnect_delays*, *max_attempts* and *max_elapsed*. As a context manager, it connects once, as
    :func:`connect` does, which has the other arguments.

    :param process_exception: tells, when iterating, what to do about a failure to connect:
        :data:`None` to try again, or the exception to raise. By default, failures of the network
        and passing ones of the server are followed by another attempt
        (:func:`ws_sansio.backoff.process_exception`).
    :param reconnect_delays: returns, when iterating, a generator of the seconds between attempts;
        exponential by default (:func:`ws_sansio.backoff.backoff`). A ``Retry-After`` of the server
        is waited for first.
    :param max_attempts: how many attempts in a row may fail, when iterating, before the last
        failure is raised; :data:`None` is no limit.
    :param max_elapsed: seconds in which attempts in a row may start, when iterating; :data:`None`
        is no limit.
    :raises ValueError: if arguments contradict each other.
    :raises InvalidURI: if *uri* isn't valid.
    :raises InvalidProxy: if *proxy* isn't valid.
    """

    def __init__(
        self,
        uri: str,
        *,
        sock: socket.socket | None = None,
        ssl: ssl_module.SSLContext | None = None,
        server_hostname: str | None = None,
        origin: Origin | None = None,
        extensions: Sequence[ClientExtensionFactory] | None = None,
        subprotocols: Sequence[Subprotocol] | None = None,
        compression: str | None = "deflate",
        additional_headers: HeadersLike | None = None,
        user_agent_header: str | None = USER_AGENT,
        proxy: str | Literal[True] | None = True,
        proxy_ssl: ssl_module.SSLContext | None = None,
        proxy_server_hostname: str | None = None,
        process_exception: Callable[[Exception], Exception | None] = process_exception,
        open_timeout: float | None = 10,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        reconnect_delays: Callable[[], Generator[float, None, None]] = backoff,
        max_size: int | None | tuple[int | None, int | None] = 2**20,
        max_queue: int | None | tuple[int | None, int | None] = 16,
        logger: LoggerLike | None = None,
        create_connection: type[ClientConnection] | None = None,
        max_queue_size: int | None = None,
        max_attempts: int | None = None,
        max_elapsed: float | None = None,
        on_connect: Callable[[Any], None] | None = None,
        **kwargs: Any,
    ) -> None:
        check_proxy(proxy)
        # Settings that a connection would refuse shouldn't cost one.
        Inbox(*queue_limits(max_queue), max_queue_size)
        if logger is None:
            logger = logging.getLogger("websockets.client")
        self.uri = uri
        self.sock = sock
        self.ssl = ssl
        self.server_hostname = server_hostname
        self.additional_headers = Headers() if additional_headers is None else additional_headers
        self.user_agent_header = user_agent_header
        self.proxy = proxy
        self.proxy_ssl = proxy_ssl
        self.proxy_server_hostname = proxy_server_hostname
        self.open_timeout = open_timeout
        self.on_connect = on_connect
        self.logger = logger
        self._attempts = Attempts(
            reconnect_delays,
            process_exception,
            max_attempts=max_attempts,
            max_elapsed=max_elapsed,
            logger=logger,
        )
        self._connection_class = create_connection or ClientConnection
        self._protocol_settings: dict[str, Any] = {
            "origin": origin,
            "extensions": client_extensions(extensions, compression),
            "subprotocols": subprotocols,
            "max_size": max_size,
            "logger": logger,
            "view": "messages",
        }
        self._connection_settings: dict[str, Any] = {
            "ping_interval": ping_interval,
            "ping_timeout": ping_timeout,
            "close_timeout": close_timeout,
            "max_queue": max_queue,
            "max_queue_size": max_queue_size,
        }
        self._unix: bool = kwargs.pop("unix", False)
        self._path: str | os.PathLike[str] | None = kwargs.pop("path", None)
        if self._unix and self._path is None and sock is None:
            raise ValueError("missing path argument")
        self._socket_settings = kwargs
        self._connection: ClientConnection | None = None
        self._destination = self._start()

    @property
    def last_failure(self) -> Exception | None:
        """
        Why the last attempt failed that was followed by another one, when iterating.

        It has no traceback.
        """
        return self._attempts.last_failure

    def _start(self) -> Destination:
        return Destination(
            self.uri,
            self.additional_headers,
            socket=self.sock is not None,
            unix=self._unix,
        )

    def connect(self) -> ClientConnection:
        """
        Open a connection, once.

        :raises Exception: what :func:`connect` says.
        """
        connection = self._open()
        if self.on_connect is not None:
            try:
                self.on_connect(connection)
            except BaseException:
                connection.close(CloseCode.INTERNAL_ERROR)
                raise
        return connection

    def _open(self) -> ClientConnection:
        self._destination = self._start()
        deadline = Deadline(self.open_timeout)
        while True:
            connection = self.open_connection(deadline)
            try:
                connection.handshake(self._destination.headers, self.user_agent_header)
                return connection
            except BaseException as exc:
                connection._drop()
                if not isinstance(exc, Exception):
                    raise
                self._destination.redirect(exc, self.process_redirect)
            finally:
                del connection

    def open_connection(self, deadline: Deadline) -> ClientConnection:
        """
        Open a connection up to the opening handshake: TCP, proxies, TLS.

        :param deadline: when to give up.
        :raises Exception: what :func:`connect` says.
        """
        uri = self._destination.parsed
        if self.ssl is not None and not uri.secure:
            raise ValueError("ssl argument is incompatible with a ws:// URI")
        # Made before the socket: settings that it refuses shouldn't cost a connection.
        protocol = ClientProtocol(uri, **self._protocol_settings)
        sock = self.open_socket(deadline)
        try:
            if uri.secure:
                sock = self.enable_tls(sock, deadline)
            return self._connection_class(
                sock, protocol, open_timeout=deadline.timeout(), **self._connection_settings
            )
        except BaseException:
            sock.close()
            raise

    def open_socket(self, deadline: Deadline) -> Any:
        """
        Open a socket to the server, through a proxy if there is one.

        :param deadline: when to give up.
        :raises Exception: what :func:`connect` says.
        """
        if self.sock is not None:
            return self.sock
        if self._path is not None:
            return connect_unix(self._path, deadline)
        uri = self._destination.parsed
        proxy = choose_proxy(self.proxy, uri)
        if proxy is None:
            return connect_tcp(uri.host, uri.port, deadline, **self._socket_settings)
        return open_tunnel(
            proxy,
            uri,
            deadline,
            ssl=self.proxy_ssl,
            server_hostname=self.proxy_server_hostname,
            user_agent_header=self.user_agent_header,
            settings=self._socket_settings,
        )

    def enable_tls(self, sock: Any, deadline: Deadline) -> Any:
        """
        Perform the TLS handshake.

        :param sock: the socket, which belongs to the result afterwards.
        :param deadline: when to give up.
        :raises ssl.SSLError: if it fails.
        """
        return start_tls(
            sock,
            self.ssl or default_ssl(),
            server_hostname=self.server_hostname or self._destination.parsed.host,
            timeout=deadline.timeout(),
        )

    def process_redirect(self, exc: Exception) -> Exception | str:
        """
        Tell what to do about a failed attempt. May be overridden, to follow no redirects.

        :param exc: why it failed.
        :returns: the URI to connect to instead, or the exception to raise.
        """
        return self._destination.judge(exc)

    def __enter__(self) -> ClientConnection:
        self._connection = self.connect()
        return self._connection

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        connection, self._connection = self._connection, None
        assert connection is not None
        connection.__exit__(exc_type, exc_value, traceback)

    def __iter__(self) -> Iterator[ClientConnection]:
        """
        Get a new connection whenever one has ended, without an end.

        :raises Exception: what *process_exception* gives, or the last failure where bounds are
            reached.
        """
        attempts = self._attempts
        # What another iteration left behind doesn't count.
        attempts.succeeded()
        while True:
            attempts.begin(time.monotonic())
            try:
                connection = self.connect()
            except Exception as exc:
                delay = attempts.failed(exc, time.monotonic())
            else:
                attempts.succeeded()
                with connection:
                    yield connection
                del connection
                continue
            time.sleep(delay)


@overload
def connect(uri: str, *, legacy: Literal[False], **kwargs: Any) -> reconnect: ...
@overload
def connect(
    uri: str, *, legacy: Literal[True] | None = None, **kwargs: Any
) -> ClientConnection: ...
def connect(
    uri: str,
    *,
    sock: socket.socket | None = None,
    ssl: ssl_module.SSLContext | None = None,
    server_hostname: str | None = None,
    origin: Origin | None = None,
    extensions: Sequence[ClientExtensionFactory] | None = None,
    subprotocols: Sequence[Subprotocol] | None = None,
    compression: str | None = "deflate",
    additional_headers: HeadersLike | None = None,
    user_agent_header: str | None = USER_AGENT,
    proxy: str | Literal[True] | None = True,
    proxy_ssl: ssl_module.SSLContext | None = None,
    proxy_server_hostname: str | None = None,
    open_timeout: float | None = 10,
    ping_interval: float | None = 20,
    ping_timeout: float | None = 20,
    close_timeout: float | None = 10,
    max_size: int | None | tuple[int | None, int | None] = 2**20,
    max_queue: int | None | tuple[int | None, int | None] = 16,
    logger: LoggerLike | None = None,
    create_connection: type[ClientConnection] | None = None,
    legacy: bool | None = None,
    **kwargs: Any,
) -> ClientConnection | reconnect:
    """
    Connect to a WebSocket server::

        with connect("wss://example.com/") as websocket:
            websocket.send("hello")
            print(websocket.recv())

    Redirects are followed (:mod:`ws_sansio.redirects`).

    :param uri: the ``ws://`` or ``wss://`` URI. User name and password in it are sent as
        ``Authorization``.
    :param sock: a connected socket to use; it belongs to the connection.
    :param ssl: the TLS context; the default one, made once, where *uri* is a ``wss://`` URI.
    :param server_hostname: the name in the certificate, where it isn't the URI's host.
    :param origin: the ``Origin`` header.
    :param extensions: the extensions to offer, in order of preference.
    :param subprotocols: the subprotocols to offer, in order of preference.
    :param compression: ``"deflate"`` offers permessage-deflate (:rfc:`7692`), for messages of 64
        bytes or more; :data:`None` doesn't. For other settings, pass a factory of
        :mod:`ws_extensions` in *extensions*.
    :param additional_headers: headers to add to the request.
    :param user_agent_header: the value of the ``User-Agent`` header; :data:`None` for no such
        header.
    :param proxy: the address of a proxy (``http``, ``https``, ``socks4``, ``socks4a``, ``socks5``
        or ``socks5h``); :data:`True` takes it from the environment or the system
        (:func:`ws_sansio.proxy.get_proxy`), :data:`None` uses none. SOCKS needs ``python-socks``.
    :param proxy_ssl: the TLS context for an ``https`` proxy.
    :param proxy_server_hostname: the name in the certificate of the proxy, where it isn't its host.
    :param open_timeout: seconds for everything until the connection is open: looking up host names,
        proxies and redirects included; :data:`None` is no limit.
    :param ping_interval: seconds between keepalive pings; :data:`None` sends none.
    :param ping_timeout: seconds of silence after a keepalive ping that mean a dead peer.
    :param close_timeout: seconds for the closing handshake; :data:`None` is no limit.
    :param max_size: the largest message in bytes, or a tuple of the largest message and the
        largest fragment; :data:`None` is no limit.
    :param max_queue: the number of received messages that may wait, above which reading stops; or
        a tuple of that and the number at which it goes on; :data:`None` is no limit.
    :param logger: where to log; ``websockets.client`` by default.
    :param create_connection: the class of the connection.
    :param legacy: :data:`False` returns a :class:`reconnect`, which connects when it is entered or
        iterated over; otherwise, a connection is opened and returned at once.
    :param kwargs: *max_queue_size*, *on_connect* (called with each new connection before the
        program gets it) and what else :class:`reconnect` takes; the rest goes to
        :func:`socket.create_connection`.
    :raises InvalidURI: if *uri* isn't valid.
    :raises InvalidProxy: if *proxy* isn't valid.
    :raises OSError: if the server or the proxy can't be reached.
    :raises InvalidHandshake: if the opening handshake fails; the subclass says why. So does
        :exc:`~ws_types.errors.ProxyError` of the proxy.
    :raises TimeoutError: if it takes too long.
    """
    opener = reconnect(
        uri,
        sock=sock,
        ssl=ssl,
        server_hostname=server_hostname,
        origin=origin,
        extensions=extensions,
        subprotocols=subprotocols,
        compression=compression,
        additional_headers=additional_headers,
        user_agent_header=user_agent_header,
        proxy=proxy,
        proxy_ssl=proxy_ssl,
        proxy_server_hostname=proxy_server_hostname,
        open_timeout=open_timeout,
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
        close_timeout=close_timeout,
        max_size=max_size,
        max_queue=max_queue,
        logger=logger,
        create_connection=create_connection,
        **kwargs,
    )
    return opener if legacy is False else opener.connect()


@overload
def unix_connect(
    path: str | os.PathLike[str] | None = None,
    uri: str | None = None,
    *,
    legacy: Literal[False],
    **kwargs: Any,
) -> reconnect: ...
@overload
def unix_connect(
    path: str | os.PathLike[str] | None = None,
    uri: str | None = None,
    *,
    legacy: Literal[True] | None = None,
    **kwargs: Any,
) -> ClientConnection: ...
def unix_connect(
    path: str | os.PathLike[str] | None = None,
    uri: str | None = None,
    *,
    legacy: bool | None = None,
    **kwargs: Any,
) -> ClientConnection | reconnect:
    """
    Connect to a WebSocket server that listens on a Unix socket.

    :param path: the path of the socket.
    :param uri: the URI for the handshake; ``ws://localhost/`` by default, or ``wss://localhost/``
        where *ssl* is given.
    :param legacy: as with :func:`connect`.
    :param kwargs: everything that :func:`connect` takes.
    :raises Exception: what :func:`connect` says.
    """
    opener = unix_reconnect(path, uri, **kwargs)
    return opener if legacy is False else opener.connect()


def unix_reconnect(
    path: str | os.PathLike[str] | None = None, uri: str | None = None, **kwargs: Any
) -> reconnect:
    """
    Connect to a WebSocket server that listens on a Unix socket, again and again.

    :param path: the path of the socket.
    :param uri: the URI for the handshake; ``ws://localhost/`` by default, or ``wss://localhost/``
        where *ssl* is given.
    :param kwargs: everything that :class:`reconnect` takes.
    """
    if uri is None:
        uri = "ws://localhost/" if kwargs.get("ssl") is None else "wss://localhost/"
    return reconnect(uri, unix=True, path=path, **kwargs)
