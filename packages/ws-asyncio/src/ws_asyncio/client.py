"""Clients on asyncio."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence
from os import PathLike
from types import TracebackType
from typing import Any, Literal

from ws_extensions.compression import client_extensions
from ws_sansio.backoff import Attempts, backoff, process_exception
from ws_sansio.client import ClientProtocol
from ws_sansio.failures import forget_frames
from ws_sansio.http11 import USER_AGENT
from ws_sansio.proxy import check_proxy
from ws_sansio.redirects import Destination
from ws_types.codes import CloseCode
from ws_types.extension import ClientExtensionFactory
from ws_types.headers import Headers, HeadersLike
from ws_types.typing import LoggerLike, Origin, Subprotocol

from .connection import Connection
from .deprecated import takes_old_arguments
from .tunnels import open_transport

__all__ = ["ClientConnection", "connect", "unix_connect"]


class ClientConnection(Connection):
    """
    A connection, seen from the client. Get one from :class:`connect`.

    :param protocol: the core of the connection.
    :param settings: everything else that :class:`~ws_asyncio.connection.Connection` takes.
    """

    def __init__(
        self,
        protocol: ClientProtocol,
        *,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        max_queue: int | None | tuple[int | None, int | None] = 16,
        write_limit: int | tuple[int, int | None] = 32768,
        **settings: Any,
    ) -> None:
        super().__init__(
            protocol,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            max_queue=max_queue,
            write_limit=write_limit,
            **settings,
        )
        self.protocol: ClientProtocol
        self._opened: asyncio.Future[None] = self.loop.create_future()

    async def handshake(
        self,
        additional_headers: HeadersLike | None = None,
        user_agent_header: str | None = USER_AGENT,
    ) -> None:
        """
        Perform the opening handshake.

        :param additional_headers: headers to add to the request.
        :param user_agent_header: the value of the ``User-Agent`` header; :data:`None` for no such
            header.
        :raises InvalidHandshake: if it fails; the subclass says why.
        """
        request = self.protocol.connect(
            additional_headers=additional_headers, user_agent_header=user_agent_header
        )
        self.request = request
        self.protocol.send_request(request, now=self.loop.time())
        self._flush()
        await self._opened
        exc = self.protocol.handshake_exc
        if exc is not None:
            self.transport.abort()
            try:
                raise exc
            finally:
                # The exception is known to the protocol: its traceback mustn't lead back there.
                del self, exc

    def _handshake_events(self, events: list[Any]) -> list[Any]:
        self.response = events[0]
        self._limit_reads()
        self._schedule()
        if not self._opened.done():
            self._opened.set_result(None)
        return events[1:]

    def _received(self, events: list[Any]) -> None:
        super()._received(events)
        if self.protocol.handshake_exc is not None and not self._opened.done():
            self._opened.set_result(None)

    def _connection_lost(self) -> None:
        if not self._opened.done():
            self._opened.set_result(None)


class connect:  # noqa: N801 (the name is the API's)
    """
    Connect to a WebSocket server::

        async with connect("wss://example.com/") as websocket:
            await websocket.send("hello")
            print(await websocket.recv())

    Or await it, and close the connection yourself. Or iterate over it, to get a new connection
    whenever one has ended::

        async for websocket in connect("wss://example.com/"):
            try:
                async for message in websocket:
                    print(message)
            except ConnectionClosed:
                continue

    Iteration goes on until the program leaves it; failures to connect are logged, and followed by
    another attempt after a delay. Which are, *process_exception* decides; how long and how often,
    *reconnect_delays*, *max_attempts* and *max_elapsed*.

    Redirects are followed (:mod:`ws_sansio.redirects`).

    :param uri: the ``ws://`` or ``wss://`` URI. User name and password in it are sent as
        ``Authorization``.
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
    :param process_exception: tells, when iterating, what to do about a failure to connect:
        :data:`None` to try again, or the exception to raise. By default, failures of the network
        and passing ones of the server are followed by another attempt
        (:func:`ws_sansio.backoff.process_exception`).
    :param open_timeout: seconds for everything until the connection is open, proxies and redirects
        included; :data:`None` is no limit.
    :param ping_interval: seconds between keepalive pings; :data:`None` sends none.
    :param ping_timeout: seconds of silence after a keepalive ping that mean a dead peer.
    :param close_timeout: seconds for the closing handshake; :data:`None` is no limit.
    :param reconnect_delays: returns, when iterating, a generator of the seconds between attempts;
        exponential by default (:func:`ws_sansio.backoff.backoff`). A ``Retry-After`` of the server
        is waited for first.
    :param max_size: the largest message in bytes, or a tuple of the largest message and the
        largest fragment; :data:`None` is no limit.
    :param max_queue: the number of received messages that may wait, above which reading stops; or
        a tuple of that and the number at which it goes on; :data:`None` is no limit.
    :param write_limit: the number of bytes waiting to be sent above which ``send`` waits; or a
        tuple of that and the number at which it goes on.
    :param logger: where to log; ``websockets.client`` by default.
    :param create_connection: the class of the connection.
    :param max_queue_size: the size of the received messages that may wait, in bytes, above which
        reading stops.
    :param max_attempts: how many attempts in a row may fail, when iterating, before the last
        failure is raised; :data:`None` is no limit.
    :param max_elapsed: seconds in which attempts in a row may start, when iterating; :data:`None`
        is no limit.
    :param on_connect: called with each new connection before the program gets it, to subscribe
        for instance; may be a coroutine function. Where it raises, the connection is closed.
    :param kwargs: goes to :meth:`asyncio.loop.create_connection`: *ssl*, *server_hostname*, *sock*,
        *host* and *port* where they differ from the URI's, *local_addr*, and so on. With an HTTP
        proxy, *ssl...* and *server_hostname* are for the server, the others for the proxy, and
        those that start with *proxy_*, such as *proxy_ssl* and *proxy_server_hostname*, too.
    :raises InvalidURI: if *uri* isn't valid.
    :raises InvalidProxy: if *proxy* isn't valid.
    :raises OSError: if the server or the proxy can't be reached.
    :raises InvalidHandshake: if the opening handshake fails; the subclass says why. So does
        :exc:`~ws_types.errors.ProxyError` of the proxy.
    :raises TimeoutError: if it takes too long.
    """

    @takes_old_arguments
    def __init__(
        self,
        uri: str,
        *,
        origin: Origin | None = None,
        extensions: Sequence[ClientExtensionFactory] | None = None,
        subprotocols: Sequence[Subprotocol] | None = None,
        compression: str | None = "deflate",
        additional_headers: HeadersLike | None = None,
        user_agent_header: str | None = USER_AGENT,
        proxy: str | Literal[True] | None = True,
        process_exception: Callable[[Exception], Exception | None] = process_exception,
        open_timeout: float | None = 10,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        reconnect_delays: Callable[[], Generator[float, None, None]] = backoff,
        max_size: int | None | tuple[int | None, int | None] = 2**20,
        max_queue: int | None | tuple[int | None, int | None] = 16,
        write_limit: int | tuple[int, int | None] = 32768,
        logger: LoggerLike | None = None,
        create_connection: type[ClientConnection] | None = None,
        max_queue_size: int | None = None,
        max_attempts: int | None = None,
        max_elapsed: float | None = None,
        on_connect: Callable[[Any], Awaitable[None] | None] | None = None,
        **kwargs: Any,
    ) -> None:
        check_proxy(proxy)
        if logger is None:
            logger = logging.getLogger("websockets.client")
        self.uri = uri
        self.additional_headers = Headers() if additional_headers is None else additional_headers
        self.user_agent_header = user_agent_header
        self.proxy = proxy
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
            "write_limit": write_limit,
            "max_queue_size": max_queue_size,
        }
        self._transport_settings = kwargs
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
        settings = self._transport_settings
        return Destination(
            self.uri,
            self.additional_headers,
            socket=settings.get("sock") is not None,
            unix=bool(settings.get("unix")),
            address=settings.get("host") is not None or settings.get("port") is not None,
        )

    async def connect(self) -> ClientConnection:
        """
        Open a connection, as awaiting does.

        :raises Exception: what the class says.
        """
        connection = await self._open_in_time()
        if self.on_connect is not None:
            try:
                done = self.on_connect(connection)
                if isinstance(done, Awaitable):
                    await done
            except BaseException:
                await connection.close(CloseCode.INTERNAL_ERROR)
                raise
        return connection

    async def _open_in_time(self) -> ClientConnection:
        try:
            async with asyncio.timeout(self.open_timeout) as timeout:
                return await self._open()
        except TimeoutError as exc:
            if timeout.expired():
                raise TimeoutError("timed out during opening handshake") from exc
            raise

    async def _open(self) -> ClientConnection:
        self._destination = self._start()
        while True:
            connection = await self.open_tcp_connection()
            try:
                await connection.handshake(self._destination.headers, self.user_agent_header)
                return connection
            except BaseException as exc:
                connection.transport.abort()
                if not isinstance(exc, Exception):
                    raise
                self._destination.redirect(exc, self.process_redirect)
            finally:
                del connection

    async def open_tcp_connection(self) -> ClientConnection:
        """
        Open a connection up to the opening handshake: TCP, proxies, TLS.

        :raises Exception: what the class says.
        """
        uri = self._destination.parsed
        # Made before the transport: settings that it refuses shouldn't cost a connection.
        connection = self._connection_class(
            ClientProtocol(uri, **self._protocol_settings), **self._connection_settings
        )
        try:
            await open_transport(
                connection,
                uri,
                proxy=self.proxy,
                user_agent_header=self.user_agent_header,
                settings=self._transport_settings,
            )
            return connection
        except Exception as exc:
            # It is the result of a future that frames of the event loop hold, which its traceback
            # holds: a cycle.
            forget_frames(exc)
            raise
        finally:
            del connection

    def process_redirect(self, exc: Exception) -> Exception | str:
        """
        Tell what to do about a failed attempt. May be overridden, to follow no redirects.

        :param exc: why it failed.
        :returns: the URI to connect to instead, or the exception to raise.
        """
        return self._destination.judge(exc)

    def __await__(self) -> Generator[Any, None, ClientConnection]:
        return self.connect().__await__()

    async def __aenter__(self) -> ClientConnection:
        self._connection = await self.connect()
        return self._connection

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        connection, self._connection = self._connection, None
        assert connection is not None
        await connection.__aexit__(exc_type, exc_value, traceback)

    async def __aiter__(self) -> AsyncIterator[ClientConnection]:
        """
        Get a new connection whenever one has ended, without an end.

        :raises Exception: what *process_exception* gives, or the last failure where bounds are
            reached.
        """
        loop = asyncio.get_running_loop()
        attempts = self._attempts
        # What another iteration left behind doesn't count.
        attempts.succeeded()
        while True:
            attempts.begin(loop.time())
            try:
                connection = await self.connect()
            except Exception as exc:
                delay = attempts.failed(exc, loop.time())
            else:
                attempts.succeeded()
                async with connection:
                    yield connection
                del connection
                continue
            await asyncio.sleep(delay)


def unix_connect(
    path: str | PathLike[str] | None = None, uri: str | None = None, **kwargs: Any
) -> connect:
    """
    Connect to a WebSocket server that listens on a Unix socket.

    :param path: the path of the socket.
    :param uri: the URI for the handshake; ``ws://localhost/`` by default, or ``wss://localhost/``
        where *ssl* is given.
    :param kwargs: everything that :class:`connect` takes.
    """
    if uri is None:
        uri = "ws://localhost/" if kwargs.get("ssl") is None else "wss://localhost/"
    return connect(uri, unix=True, path=path, **kwargs)
