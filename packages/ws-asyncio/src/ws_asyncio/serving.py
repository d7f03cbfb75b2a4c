"""
What accepts connections on asyncio, and what it accepts: the classes behind :func:`serve`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from types import TracebackType
from typing import Any, Self

from ws_sansio.admission import Admission
from ws_sansio.answers import decide, internal_error, unavailable
from ws_sansio.drain import check_close
from ws_sansio.http11 import SERVER
from ws_sansio.logs import address_text
from ws_sansio.server import ServerProtocol
from ws_sansio.states import State
from ws_types.codes import CloseCode
from ws_types.http11 import Request, Response
from ws_types.typing import LoggerLike, StatusLike

from .answers import settle
from .connection import Connection
from .registry import Registry

__all__ = ["ProcessRequest", "ProcessResponse", "Server", "ServerConnection"]

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

    #: Who the client is, as :func:`~ws_asyncio.auth.basic_auth` found out.
    username: str
    #: The handler that :class:`~ws_asyncio.router.Router` found, and its arguments.
    handler: Callable[..., Awaitable[None]]
    handler_kwargs: Mapping[str, Any]

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
        self._registry = server._registry

    def respond(self, status: StatusLike, text: str) -> Response:
        """
        Make a plain text response, for *process_request* to return.

        :param status: an HTTP status.
        :param text: the body, sent in UTF-8.
        """
        return self.protocol.reject(status, text)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._registry.arrived(self)

    def _handshake_events(self, events: list[Any]) -> list[Any]:
        # Before the response, the core gives nothing but the request.
        self.request = events[0]
        refusal = self._registry.requested(self, self.server._handle)
        if refusal is not None:
            self._answer(self.protocol.refuse(refusal))
        return []

    def _connection_lost(self) -> None:
        self._registry.lost(self)

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
            decision = decide(
                self,
                self.protocol,
                request,
                process_request=process_request,
                process_response=process_response,
                server_header=server_header,
                closing=lambda: self._registry.closing,
            )
            self._answer(await settle(decision))
        except Exception:
            self.logger.error("opening handshake failed", exc_info=True)
            self._answer(internal_error(self.protocol))

    def _refuse(self) -> None:
        """The server is closing: don't wait for what *process_request* decides."""
        self._answer(unavailable(self.protocol))

    def _answer(self, response: Response) -> None:
        if self._lost:
            return
        self.protocol.send_response(response, now=self.loop.time())
        self.response = response
        self._limit_reads()
        self._registry.answered(self)
        # Messages may have come before the response.
        self._received(self.protocol.events_received())
        self._schedule()


class Server:
    """
    A server. Await it, or use it as an asynchronous context manager, to start it.

    :param create_server: makes the server of the event loop.
    :param handler: handles a connection: a coroutine function, called with each one.
    :param logger: where to log; ``websockets.server`` by default.
    :param admission: the limits; by default, those of
        :class:`~ws_sansio.admission.Admission`.
    :param handshake: arguments of :meth:`ServerConnection.handshake`.
    """

    def __init__(
        self,
        create_server: Callable[[], Coroutine[Any, Any, asyncio.Server]],
        handler: Callable[[ServerConnection], Awaitable[None]],
        logger: LoggerLike | None = None,
        *,
        admission: Admission[ServerConnection] | None = None,
        handshake: Mapping[str, Any] | None = None,
    ) -> None:
        self._create_server = create_server
        self.handler = handler
        self.logger: LoggerLike = logger or logging.getLogger("websockets.server")
        #: The server of the event loop, once it is started.
        self.server: asyncio.Server
        self._registry: Registry[ServerConnection] = Registry(admission or Admission(), self.logger)
        self._handshake = handshake or {}
        self._closing_task: asyncio.Task[None] | None = None
        self._closed: asyncio.Future[None]

    @property
    def connections(self) -> set[ServerConnection]:
        """The connections that are open."""
        opened = self._registry.admission.opened
        return {connection for connection in opened if connection.state is State.OPEN}

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

        A *process_request* or *process_response* that is waited for is cancelled.

        :param close_connections: whether to close the connections, rather than let the handlers
            finish.
        :param code: the close code.
        :param reason: the close reason.
        :raises ProtocolError: if code or reason can't be sent.
        """
        check_close(code, reason)
        if self._closing_task is None:
            self._closing_task = self.get_loop().create_task(
                self._close(close_connections, code, reason)
            )

    async def wait_closed(self) -> None:
        """Wait until the server is closed: all connections are, and all handlers are done."""
        await asyncio.shield(self._closed)

    async def drain(
        self,
        timeout: float,
        *,
        spread: float | None = None,
        code: CloseCode | int = CloseCode.GOING_AWAY,
        reason: str = "",
    ) -> None:
        """
        Stop gently: refuse new handshakes with 503, let connections finish, close those that don't.

        Connections that end by themselves do so in peace. The others are closed one after another,
        so that their clients don't all come back in one moment; the last after *timeout* seconds.
        Closing handshakes take *close_timeout* at most. Handlers that still run 10 seconds after
        the last connection was closed are cancelled; then the server is closed.

        It goes on listening meanwhile: a load balancer finds out by the 503, and *process_request*
        can still answer requests that aren't about WebSocket.

        If this is cancelled, the server is closed at once.

        :param timeout: seconds until all connections are being closed.
        :param spread: over how many seconds, at the end of these, connections are closed;
            :data:`None` is over all of them, 0 closes them together at the end.
        :param code: the close code; 1012 says that the service restarts.
        :param reason: the close reason.
        :raises ProtocolError: if code or reason can't be sent.
        :raises ValueError: if *timeout* or *spread* make no sense.
        """
        check_close(code, reason)
        try:
            await self._registry.drain(timeout, spread, code, reason)
        except asyncio.CancelledError:
            self.close(code=code, reason=reason)
            raise
        self.close(code=code, reason=reason)
        await self._registry.wait_handlers()
        await self.wait_closed()

    async def _close(self, close_connections: bool, code: CloseCode | int, reason: str) -> None:
        self.logger.info("server closing")
        self.server.close()
        self._registry.dismiss(ServerConnection._refuse)
        try:
            if close_connections:
                self._registry.close(code, reason)
            await self._registry.wait_empty()
            if hasattr(self.server, "abort_clients"):
                # From 3.13 on. What is left is in its TLS handshake; before, nothing could be done
                # but wait for it, and it will be dropped when it is done.
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
            self.logger.info("server listening on %s", address_text(sock.getsockname()))
        return self

    async def _handle(self, connection: ServerConnection) -> None:
        try:
            try:
                await connection.handshake(**self._handshake)
            except asyncio.CancelledError:
                # A server that is closing has answered.
                if connection.response is None:
                    connection.transport.abort()
                raise
            except Exception:
                connection.transport.abort()
                raise
            if connection.state is not State.OPEN:
                return
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
            self._registry.finished(connection)
