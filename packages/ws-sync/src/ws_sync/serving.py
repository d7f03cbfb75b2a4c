"""What accepts connections, and what it accepts: the classes behind :func:`serve`."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
from collections.abc import Callable, Generator, Mapping
from types import TracebackType
from typing import Any, Final, Self

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

from .connection import Connection
from .registry import HANDLER_GRACE, Guest, Registry

__all__ = ["ProcessRequest", "ProcessResponse", "Server", "ServerConnection"]

ProcessRequest = Callable[["ServerConnection", Request], Response | None]
ProcessResponse = Callable[["ServerConnection", Request, Response], Response | None]

#: How long to wait, in seconds, where a connection can't be accepted: too many files, for instance.
ACCEPT_DELAY: Final = 1.0


class ServerConnection(Connection):
    """
    A connection, seen from the server. Handlers get it from :func:`serve`.

    :param sock: the socket that was accepted, with TLS if there is to be TLS.
    :param protocol: the core of the connection.
    :param server: the server that accepted it.
    :param settings: everything else that :class:`~ws_sync.connection.Connection` takes.
    """

    #: Who the client is, as :func:`~ws_sync.auth.basic_auth` found out.
    username: str
    #: The handler that :class:`~ws_sync.router.Router` found, and its arguments.
    handler: Callable[..., None]
    handler_kwargs: Mapping[str, Any]
    # Its place in the account of the server.
    _guest: Guest

    def __init__(
        self,
        sock: socket.socket,
        protocol: ServerProtocol,
        server: Server,
        *,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        max_queue: int | None | tuple[int | None, int | None] = 16,
        **settings: Any,
    ) -> None:
        super().__init__(
            sock,
            protocol,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            max_queue=max_queue,
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

    def handshake(
        self,
        process_request: ProcessRequest | None = None,
        process_response: ProcessResponse | None = None,
        server_header: str | None = SERVER,
    ) -> None:
        """
        Perform the opening handshake. Where it doesn't open the connection, wait until that ends.

        :param process_request: may return a response that refuses the connection, or isn't about
            WebSocket at all.
        :param process_response: may return another response in place of ours.
        :param server_header: the value of the ``Server`` header; :data:`None` for no such header.
        """
        with self._lock:
            self._wait(self._is_requested)
        request = self.request
        if request is None:
            return  # none came in time, or it was none
        registry = self.server._registry
        refusal = registry.requested(self._guest, request)
        if refusal is not None:
            self._answer(self.protocol.refuse(refusal))
            return
        try:
            decision = decide(
                self,
                self.protocol,
                request,
                process_request=process_request,
                process_response=process_response,
                server_header=server_header,
                closing=lambda: registry.closing,
            )
            self._answer(_settle(decision))
        except Exception:
            self.logger.error("opening handshake failed", exc_info=True)
            self._answer(internal_error(self.protocol))

    def _is_requested(self) -> bool:
        return self.request is not None or self._lost

    def _refuse(self) -> None:
        """The server is closing: don't wait for what *process_request* decides. Any thread may."""
        with self._lock:
            self._respond(unavailable(self.protocol))
            self._attend_soon()

    def _answer(self, response: Response) -> None:
        with self._lock:
            # What the program decided may have taken too long.
            self._handle_deadline()
            self._respond(response)
            if self.protocol.state is not State.OPEN:
                self._wait(self._is_lost)

    def _respond(self, response: Response) -> None:
        """Send the response, unless there is one already."""
        if not self._lost and self.response is None:
            self.protocol.send_response(response, now=self._clock())
            self.response = response
            self._limit_reads()
        # Before the client knows.
        self.server._registry.answered(self._guest, self.protocol.state is State.OPEN)
        # Messages may have come before the response.
        self._received(self.protocol.events_received())

    def _handshake_events(self, events: list[Any]) -> list[Any]:
        # Before the response, the core gives nothing but the request.
        self.request = events[0]
        return []


def _settle(decision: Generator[Any, Any, Response]) -> Response:
    """Find the response: what callbacks return isn't to be waited for."""
    try:
        value = next(decision)
        while True:
            value = decision.send(value)
    except StopIteration as stop:
        response: Response = stop.value
        return response


class Server:
    """
    A server. Made by :func:`~ws_sync.server.serve`; call :meth:`serve_forever` to run it::

        with serve(handler, "localhost", 8765) as server:
            server.serve_forever()

    :param sock: the socket to listen on.
    :param handler: called with each socket that is accepted and its address, in a thread of its
        own.
    :param logger: where to log; ``websockets.server`` by default.
    :param admission: the limits; by default, those of
        :class:`~ws_sansio.admission.Admission`.
    """

    def __init__(
        self,
        sock: socket.socket,
        handler: Callable[[socket.socket, Any], None],
        logger: LoggerLike | None = None,
        *,
        admission: Admission[Guest] | None = None,
    ) -> None:
        #: The socket that the server listens on.
        self.socket = sock
        self.handler = handler
        self.logger: LoggerLike = logger or logging.getLogger("websockets.server")
        self._registry = Registry(admission or Admission(), self.logger)
        # Rung to wake the thread that accepts connections; heard by nobody where there is none.
        self._bell, self._ear = socket.socketpair()
        self._serving = False
        self._stopping = threading.Event()
        self._closed = threading.Event()

    @property
    def connections(self) -> set[ServerConnection]:
        """The connections that are open."""
        return {
            connection
            for connection in self._registry.opened()
            if isinstance(connection, ServerConnection) and connection.state is State.OPEN
        }

    def fileno(self) -> int:
        """The number of the socket that the server listens on; -1 once that is closed."""
        return self.socket.fileno()

    def serve_forever(self) -> None:
        """
        Accept connections until the server is shut down.

        Each is handled in a thread of its own. Returns when :meth:`shutdown` has finished,
        which may be called before this, or while this starts.
        """
        if not self._stopping.is_set():
            try:
                self._listen()
            except (OSError, ValueError):
                # It may be shut down at any moment, which closes what is used there.
                if not self._stopping.is_set():
                    raise
        self._closed.wait()

    def shutdown(
        self,
        close_connections: bool = True,
        code: CloseCode | int = CloseCode.GOING_AWAY,
        reason: str = "",
    ) -> None:
        """
        Stop: accept no more connections, refuse handshakes with 503, close connections.

        Waits until all handlers have returned: 10 seconds at most after their connections are
        closed, or without a limit where these aren't closed; and 10 seconds at most for a
        *process_request* or *process_response*, whose client gets its 503 at once. It can be called
        in any thread, in a signal handler, and in the handler of a connection, which isn't waited
        for then.

        :param close_connections: whether to close the connections, rather than let the handlers
            finish.
        :param code: the close code.
        :param reason: the close reason.
        :raises ProtocolError: if code or reason can't be sent.
        """
        check_close(code, reason)
        if self._closed.is_set():
            return
        self.logger.info("server closing")
        self._stop_accepting()
        for connection in self._registry.dismiss():
            if isinstance(connection, ServerConnection):
                connection._refuse()
        try:
            if close_connections:
                self._registry.close(code, reason)
            self._registry.wait_empty(HANDLER_GRACE if close_connections else None)
            self.logger.info("server closed")
        finally:
            self._closed.set()

    def drain(
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
        Then the server is shut down.

        It goes on listening meanwhile: a load balancer finds out by the 503, and *process_request*
        can still answer requests that aren't about WebSocket.

        :param timeout: seconds until all connections are being closed.
        :param spread: over how many seconds, at the end of these, connections are closed;
            :data:`None` is over all of them, 0 closes them together at the end.
        :param code: the close code; 1012 says that the service restarts.
        :param reason: the close reason.
        :raises ProtocolError: if code or reason can't be sent.
        :raises ValueError: if *timeout* or *spread* make no sense.
        """
        check_close(code, reason)
        self._registry.drain(timeout, spread, code, reason)
        self.shutdown(code=code, reason=reason)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown()

    def _listen(self) -> None:
        """Accept connections until the server stops."""
        self.logger.info("server listening on %s", address_text(self.socket.getsockname()))
        self.socket.setblocking(False)
        self._serving = True
        with self._ear, selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            selector.register(self._ear, selectors.EVENT_READ)
            while not self._stopping.is_set():
                selector.select()
                if not self._stopping.is_set():
                    self._accept()

    def _accept(self) -> None:
        try:
            sock, address = self.socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # it has left again
        except OSError as exc:
            if not self._stopping.is_set():
                self.logger.error("can't accept connections: %s", exc)
                self._stopping.wait(ACCEPT_DELAY)
            return
        thread = threading.Thread(target=self.handler, args=(sock, address), daemon=True)
        try:
            thread.start()
        except RuntimeError as exc:
            self.logger.error("can't handle a connection: %s", exc)
            sock.close()

    def _stop_accepting(self) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._bell.send(b"\0")
        self._bell.close()
        self.socket.close()
        if not self._serving:
            self._ear.close()
