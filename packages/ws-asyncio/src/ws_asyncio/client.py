"""Clients on asyncio."""

from __future__ import annotations

import asyncio
import ssl as ssl_module
from collections.abc import Generator, Sequence
from types import TracebackType
from typing import Any

from ws_extensions import enable_client_permessage_deflate
from ws_sansio.client import ClientProtocol
from ws_sansio.http11 import USER_AGENT
from ws_types.extension import ClientExtensionFactory
from ws_types.headers import Headers, HeadersLike
from ws_types.typing import LoggerLike, Origin, Subprotocol
from ws_types.uri import parse_uri

from .connection import COMPRESSION_THRESHOLD, Connection
from .deprecated import takes_old_arguments

__all__ = ["ClientConnection", "connect", "unix_connect"]

_default_context: ssl_module.SSLContext | None = None


def _default_ssl() -> ssl_module.SSLContext:
    """The TLS context of connections that name none: making one costs 20 ms and 800 KiB."""
    global _default_context
    if _default_context is None:
        _default_context = ssl_module.create_default_context()
    return _default_context


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
        request = self.protocol.connect()
        if additional_headers is not None:
            request.headers.update(additional_headers)
        if user_agent_header is not None:
            request.headers.setdefault("User-Agent", user_agent_header)
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

    Or await it, and close the connection yourself.

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
    :param open_timeout: seconds for everything until the connection is open; :data:`None` is no
        limit.
    :param ping_interval: seconds between keepalive pings; :data:`None` sends none.
    :param ping_timeout: seconds of silence after a keepalive ping that mean a dead peer.
    :param close_timeout: seconds for the closing handshake; :data:`None` is no limit.
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
    :param kwargs: goes to :meth:`asyncio.loop.create_connection`: *ssl*, *server_hostname*, *sock*,
        *host* and *port* where they differ from the URI's, *local_addr*, and so on.
    :raises InvalidURI: if *uri* isn't valid.
    :raises OSError: if the server can't be reached.
    :raises InvalidHandshake: if the opening handshake fails; the subclass says why.
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
        open_timeout: float | None = 10,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        max_size: int | None | tuple[int | None, int | None] = 2**20,
        max_queue: int | None | tuple[int | None, int | None] = 16,
        write_limit: int | tuple[int, int | None] = 32768,
        logger: LoggerLike | None = None,
        create_connection: type[ClientConnection] | None = None,
        max_queue_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        if compression == "deflate":
            extensions = enable_client_permessage_deflate(
                extensions, threshold=COMPRESSION_THRESHOLD
            )
        elif compression is not None:
            raise ValueError(f"unsupported compression: {compression}")
        self.uri = uri
        self.open_timeout = open_timeout
        self._connection_class = create_connection or ClientConnection
        self._handshake = (
            None if additional_headers is None else Headers(additional_headers),
            user_agent_header,
        )
        self._protocol_settings: dict[str, Any] = {
            "origin": origin,
            "extensions": extensions,
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

    async def _connect(self) -> ClientConnection:
        try:
            async with asyncio.timeout(self.open_timeout) as timeout:
                return await self._open()
        except TimeoutError as exc:
            if timeout.expired():
                raise TimeoutError("timed out during opening handshake") from exc
            raise

    async def _open(self) -> ClientConnection:
        uri = parse_uri(self.uri)
        settings = dict(self._transport_settings)
        # The testing kit has a network in memory.
        network = settings.pop("network", None) or asyncio.get_running_loop()
        if uri.secure:
            if settings.get("ssl") in (None, True):
                settings["ssl"] = _default_ssl()
            settings.setdefault("server_hostname", uri.host)
        elif settings.get("ssl") is not None:
            raise ValueError("ssl argument is incompatible with a ws:// URI")

        # Made before the transport: settings that it refuses shouldn't cost a connection.
        connection = self._connection_class(
            ClientProtocol(uri, **self._protocol_settings), **self._connection_settings
        )
        if settings.pop("unix", False):
            await network.create_unix_connection(lambda: connection, **settings)
        else:
            if settings.get("sock") is None:
                settings.setdefault("host", uri.host)
                settings.setdefault("port", uri.port)
            await network.create_connection(lambda: connection, **settings)
        try:
            await connection.handshake(*self._handshake)
        except BaseException:
            connection.transport.abort()
            del connection
            raise
        return connection

    def __await__(self) -> Generator[Any, None, ClientConnection]:
        return self._connect().__await__()

    async def __aenter__(self) -> ClientConnection:
        self._connection = await self._connect()
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


def unix_connect(path: str | None = None, uri: str | None = None, **kwargs: Any) -> connect:
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
