"""Servers on asyncio."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Self

from ws_extensions import enable_server_permessage_deflate
from ws_sansio.http11 import SERVER
from ws_sansio.inbox import Inbox, queue_limits
from ws_sansio.server import ServerProtocol
from ws_sansio.states import State
from ws_types.codes import CloseCode
from ws_types.errors import ProtocolError
from ws_types.extension import ServerExtensionFactory
from ws_types.frames import Close
from ws_types.http11 import Request, Response
from ws_types.typing import LoggerLike, Origin, StatusLike, Subprotocol

from .answers import decide, internal_error
from .connection import COMPRESSION_THRESHOLD, Connection
from .deprecated import takes_old_arguments
from .transport import write_limits

__all__ = ["Server", "ServerConnection", "serve", "unix_serve"]

ProcessRequest = Callable[
    ["ServerConnection", Request], Awaitable[Response | None] | Response | None
]
ProcessResponse = Callable[
    ["ServerConnection", Request, Response], Awaitable[Response | None] | Response | None
]


class ServerConnection(Connection):
    """
    A connection, seen from the server. Handlers get it from :func:`serve`.

    :param protocol: the core of the connection.
    :param server: the server that accepted it.
    :param settings: everything else that :class:`~ws_asyncio.connection.Connection` takes.
    """

    def __init__(
        self,
        protocol: ServerProtocol,
        server: Server,
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
        self.protocol: ServerProtocol
        #: The server that accepted this connection.
        self.server = server

    def respond(self, status: StatusLike, text: str) -> Response:
        """
        Make a plain text response, for *process_request* to return.

        :param status: an HTTP status.
        :param text: the body, sent in UTF-8.
        """
        return self.protocol.reject(status, text)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.server._made(self)

    def _handshake_events(self, events: list[Any]) -> list[Any]:
        # Before the response, the core gives nothing but the request.
        self.request = events[0]
        self.server._requested(self)
        return []

    def _connection_lost(self) -> None:
        self.server._lost(self)

    async def handshake(
        self,
        process_request: ProcessRequest | None = None,
        process_response: ProcessResponse | None = None,
        server_header: str | None = SERVER,
    ) -> None:
        """
        Perform the opening handshake.

        :param process_request: may return a response that refuses the connection, or isn't about
            WebSocket at all.
        :param process_response: may return another response in place of ours.
        :param server_header: the value of the ``Server`` header; :data:`None` for no such header.
        """
        request = self.request
        assert request is not None
        try:
            response = await decide(
                self,
                self.protocol,
                request,
                process_request=process_request,
                process_response=process_response,
                server_header=server_header,
                closing=lambda: self.server.is_closing,
            )
            self._answer(response)
        except Exception:
            self.logger.error("opening handshake failed", exc_info=True)
            self._answer(internal_error(self.protocol))

    def _answer(self, response: Response) -> None:
        if self._lost:
            return
        self.protocol.send_response(response, now=self.loop.time())
        self.response = response
        # Messages may have come before the response.
        self._received(self.protocol.events_received())
        self._schedule()


class Server:
    """
    A server. Await it, or use it as an asynchronous context manager, to start it.

    :param create_server: makes the server of the event loop.
    :param handler: handles a connection: a coroutine function, called with each one.
    :param logger: where to log; ``websockets.server`` by default.
    """

    def __init__(
        self,
        create_server: Callable[[], Coroutine[Any, Any, asyncio.Server]],
        handler: Callable[[ServerConnection], Awaitable[None]],
        logger: LoggerLike | None = None,
    ) -> None:
        self._create_server = create_server
        self.handler = handler
        self.logger: LoggerLike = logger or logging.getLogger("websockets.server")
        #: The server of the event loop, once it is started.
        self.server: asyncio.Server
        self.is_closing = False
        self._connections: set[ServerConnection] = set()
        # Connections by the task that handles them; it holds the connection, not the reverse.
        self._tasks: dict[ServerConnection, asyncio.Task[None]] = {}
        self._opening: set[ServerConnection] = set()
        self._handshake: dict[str, Any] = {}
        self._all_done: asyncio.Future[None] | None = None
        self._closing_task: asyncio.Task[None] | None = None
        self._closed: asyncio.Future[None]

    @property
    def connections(self) -> set[ServerConnection]:
        """The connections that are open."""
        return {conn for conn in self._connections if conn.state is State.OPEN}

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The sockets that the server listens on."""
        return tuple(self.server.sockets)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that the server runs on."""
        return self.server.get_loop()

    def is_serving(self) -> bool:
        """Whether the server accepts connections."""
        return self.server.is_serving()

    async def start_serving(self) -> None:
        """Accept connections, where the server was made with ``start_serving=False``."""
        await self.server.start_serving()

    async def serve_forever(self) -> None:
        """
        Accept connections until the server is closed.

        Where this is cancelled, it closes the server first.
        """
        # The event loop's own wouldn't close our connections, and, from 3.12 on, wait for them.
        try:
            if self._closing_task is None:
                await self.server.start_serving()
            await self.wait_closed()
        except asyncio.CancelledError:
            self.close()
            await self.wait_closed()
            raise

    def close(
        self,
        close_connections: bool = True,
        code: CloseCode | int = CloseCode.GOING_AWAY,
        reason: str = "",
    ) -> None:
        """
        Stop: accept no more connections, refuse handshakes with 503, close connections.

        :param close_connections: whether to close the connections, rather than let the handlers
            finish.
        :param code: the close code.
        :param reason: the close reason.
        :raises ProtocolError: if code or reason can't be sent.
        """
        if len(Close(code, reason).serialize()) > 125:
            raise ProtocolError("control frame too long")
        if self._closing_task is None:
            self._closing_task = self.get_loop().create_task(
                self._close(close_connections, code, reason)
            )

    async def wait_closed(self) -> None:
        """Wait until the server is closed: all connections are, and all handlers are done."""
        await asyncio.shield(self._closed)

    async def _close(self, close_connections: bool, code: CloseCode | int, reason: str) -> None:
        self.logger.info("server closing")
        self.is_closing = True
        self.server.close()
        try:
            # Those that haven't asked for anything yet won't be answered.
            for connection in self._opening - self._tasks.keys():
                connection.transport.abort()
            if close_connections:
                closing = [
                    asyncio.create_task(connection.close(code, reason))
                    for connection in self._connections
                ]
                if closing:
                    await asyncio.wait(closing)
            while self._opening or self._connections or self._tasks:
                self._all_done = self.get_loop().create_future()
                await self._all_done
            if hasattr(self.server, "abort_clients"):
                # From 3.13 on. What is left is in its TLS handshake.
                self.server.abort_clients()
            await self.server.wait_closed()
            self.logger.info("server closed")
        finally:
            if not self._closed.done():
                self._closed.set_result(None)

    def __await__(self) -> Any:
        return self._start().__await__()

    async def __aenter__(self) -> Self:
        return await self._start()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        await self.wait_closed()

    async def _start(self) -> Self:
        self.server = await self._create_server()
        self._closed = asyncio.get_running_loop().create_future()
        for sock in self.server.sockets:
            address = sock.getsockname()
            if sock.family == socket.AF_INET6:
                address = f"[{address[0]}]:{address[1]}"
            elif sock.family == socket.AF_INET:
                address = f"{address[0]}:{address[1]}"
            self.logger.info("server listening on %s", address)
        return self

    # Connections call these

    def _made(self, connection: ServerConnection) -> None:
        self._opening.add(connection)
        if self.is_closing:
            connection.transport.abort()

    def _requested(self, connection: ServerConnection) -> None:
        self._tasks[connection] = connection.loop.create_task(self._handle(connection))
        if self._tasks[connection].done():
            # An eager task that is done already.
            self._finished(connection)

    def _lost(self, connection: ServerConnection) -> None:
        if connection in self._opening:
            self._opening.remove(connection)
            task = self._tasks.get(connection)
            if task is not None:
                # Nobody waits for what process_request decides.
                task.cancel()
        self._connections.discard(connection)
        self._check_done()

    def _finished(self, connection: ServerConnection) -> None:
        self._tasks.pop(connection, None)
        self._check_done()

    def _check_done(self) -> None:
        if (
            self._all_done is not None
            and not self._all_done.done()
            and not (self._opening or self._connections or self._tasks)
        ):
            self._all_done.set_result(None)

    async def _handle(self, connection: ServerConnection) -> None:
        try:
            try:
                await connection.handshake(**self._handshake)
            except (Exception, asyncio.CancelledError):
                connection.transport.abort()
                raise
            if connection.state is not State.OPEN:
                return
            self._opening.discard(connection)
            self._connections.add(connection)
            try:
                await self.handler(connection)
            except Exception:
                self.logger.error("connection handler failed", exc_info=True)
                await connection.close(CloseCode.INTERNAL_ERROR)
            except asyncio.CancelledError:
                # Say so to the peer, and don't wait for an answer.
                connection._start_closing(CloseCode.INTERNAL_ERROR)
                connection._expect_reader()
                raise
            else:
                await connection.close()
        finally:
            self._finished(connection)


@takes_old_arguments
def serve(
    handler: Callable[[ServerConnection], Awaitable[None]],
    host: str | None = None,
    port: int | None = None,
    *,
    origins: Sequence[Origin | re.Pattern[str] | None] | None = None,
    extensions: Sequence[ServerExtensionFactory] | None = None,
    subprotocols: Sequence[Subprotocol] | None = None,
    select_subprotocol: Callable[[ServerConnection, Sequence[Subprotocol]], Subprotocol | None]
    | None = None,
    compression: str | None = "deflate",
    process_request: ProcessRequest | None = None,
    process_response: ProcessResponse | None = None,
    server_header: str | None = SERVER,
    open_timeout: float | None = 10,
    ping_interval: float | None = 20,
    ping_timeout: float | None = 20,
    close_timeout: float | None = 10,
    max_size: int | None | tuple[int | None, int | None] = 2**20,
    max_queue: int | None | tuple[int | None, int | None] = 16,
    write_limit: int | tuple[int, int | None] = 32768,
    logger: LoggerLike | None = None,
    create_connection: type[ServerConnection] | None = None,
    max_queue_size: int | None = None,
    **kwargs: Any,
) -> Server:
    """
    Make a WebSocket server::

        async with serve(handler, "localhost", 8765) as server:
            await server.serve_forever()

    :param handler: handles a connection: a coroutine function, called with each one. When it
        returns, the connection is closed with code 1000; when it raises, with 1011.
    :param host: the address to listen on; :data:`None` is every interface.
    :param port: the TCP port; 0 is any that is free.
    :param origins: the origins that may connect: strings, patterns that match the whole of an
        origin, ``"same-origin"``, and :data:`None` for requests without ``Origin``.
    :param extensions: the extensions to accept, in order of preference.
    :param subprotocols: the subprotocols to accept, in order of preference.
    :param select_subprotocol: decides which subprotocol is used; called with the connection and
        what the client offers.
    :param compression: ``"deflate"`` accepts permessage-deflate (:rfc:`7692`) with a window of
        4 KiB, for messages of 64 bytes or more; :data:`None` doesn't. For other settings, pass a
        factory of :mod:`ws_extensions` in *extensions*.
    :param process_request: called with the connection and the request before anything is
        decided; what it returns, if not :data:`None`, is sent in place of opening a connection.
    :param process_response: called with the connection, the request and the response before that
        is sent; what it returns, if not :data:`None`, is sent in its place.
    :param server_header: the value of the ``Server`` header; :data:`None` for no such header.
    :param open_timeout: seconds for the opening handshake; :data:`None` is no limit.
    :param ping_interval: seconds between keepalive pings; :data:`None` sends none.
    :param ping_timeout: seconds of silence after a keepalive ping that mean a dead peer.
    :param close_timeout: seconds for the closing handshake; :data:`None` is no limit.
    :param max_size: the largest message in bytes, or a tuple of the largest message and the
        largest fragment; :data:`None` is no limit.
    :param max_queue: the number of received messages that may wait, above which reading stops; or
        a tuple of that and the number at which it goes on; :data:`None` is no limit.
    :param write_limit: the number of bytes waiting to be sent above which ``send`` waits; or a
        tuple of that and the number at which it goes on.
    :param logger: where to log; ``websockets.server`` by default.
    :param create_connection: the class of connections.
    :param max_queue_size: the size of the received messages that may wait, in bytes, above which
        reading stops.
    :param kwargs: goes to :meth:`asyncio.loop.create_server`; *ssl* makes it a TLS server.
    """
    connection_class = create_connection or ServerConnection
    if compression == "deflate":
        extensions = enable_server_permessage_deflate(extensions, threshold=COMPRESSION_THRESHOLD)
    elif compression is not None:
        raise ValueError(f"unsupported compression: {compression}")
    if kwargs.get("ssl") is not None and open_timeout:
        # Part of the opening handshake, as far as the client is concerned.
        kwargs.setdefault("ssl_handshake_timeout", open_timeout)
    unix = kwargs.pop("unix", False)
    # The testing kit has a network in memory.
    network = kwargs.pop("network", None)
    # Refuse now what connections would refuse one by one.
    write_limits(write_limit)
    Inbox(*queue_limits(max_queue), max_queue_size)
    ServerProtocol(
        subprotocols=subprotocols,
        open_timeout=open_timeout,
        close_timeout=close_timeout,
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
    )

    def factory() -> ServerConnection:
        # The protocol mustn't hold the connection that holds it.
        reference: weakref.ref[ServerConnection]

        def select(protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
            connection = reference()
            assert connection is not None and select_subprotocol is not None
            return select_subprotocol(connection, offered)

        protocol = ServerProtocol(
            origins=origins,
            extensions=extensions,
            subprotocols=subprotocols,
            select_subprotocol=None if select_subprotocol is None else select,
            max_size=max_size,
            logger=logger,
            view="messages",
        )
        connection = connection_class(
            protocol,
            server,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            max_queue=max_queue,
            write_limit=write_limit,
            max_queue_size=max_queue_size,
            open_timeout=open_timeout,
        )
        reference = weakref.ref(connection)
        return connection

    async def create_server() -> asyncio.Server:
        loop: Any = network or asyncio.get_running_loop()
        listener: asyncio.Server
        if unix:
            listener = await loop.create_unix_server(factory, **kwargs)
        else:
            listener = await loop.create_server(factory, host, port, **kwargs)
        return listener

    server = Server(create_server, handler, logger)
    server._handshake = {
        "process_request": process_request,
        "process_response": process_response,
        "server_header": server_header,
    }
    return server


def unix_serve(
    handler: Callable[[ServerConnection], Awaitable[None]],
    path: str | None = None,
    **kwargs: Any,
) -> Server:
    """
    Make a WebSocket server that listens on a Unix socket.

    :param handler: handles a connection.
    :param path: the path of the socket.
    :param kwargs: everything that :func:`serve` takes.
    """
    return serve(handler, unix=True, path=path, **kwargs)
