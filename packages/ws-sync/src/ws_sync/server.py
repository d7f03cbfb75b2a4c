"""Servers on threads."""

from __future__ import annotations

import os
import re
import socket
import ssl as ssl_module
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from ws_extensions.compression import server_extensions
from ws_sansio.admission import MAX_PENDING, Admission
from ws_sansio.http11 import SERVER
from ws_sansio.inbox import Inbox, queue_limits
from ws_sansio.logs import escape
from ws_sansio.server import ServerProtocol
from ws_sansio.states import State
from ws_types.codes import CloseCode
from ws_types.extension import ServerExtensionFactory
from ws_types.typing import LoggerLike, Origin, Subprotocol

from .auth import basic_auth
from .broadcast import broadcast
from .registry import Guest
from .serving import ProcessRequest, ProcessResponse, Server, ServerConnection

__all__ = ["Server", "ServerConnection", "basic_auth", "broadcast", "serve", "unix_serve"]


def serve(
    handler: Callable[[ServerConnection], None],
    host: str | None = None,
    port: int | None = None,
    *,
    sock: socket.socket | None = None,
    ssl: ssl_module.SSLContext | None = None,
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
    logger: LoggerLike | None = None,
    create_connection: type[ServerConnection] | None = None,
    max_queue_size: int | None = None,
    max_body: int = 0,
    hosts: Sequence[str | re.Pattern[str]] | None = None,
    max_connections: int | None = None,
    max_connections_per_address: int | None = None,
    max_pending: int | None = MAX_PENDING,
    **kwargs: Any,
) -> Server:
    """
    Make a WebSocket server::

        with serve(handler, "localhost", 8765) as server:
            server.serve_forever()

    Each connection has a thread, which performs the handshake and calls the handler. They are
    daemon threads: they don't keep the interpreter from ending.

    :param handler: handles a connection: called with each one. When it returns, the connection is
        closed with code 1000; when it raises, with 1011.
    :param host: the address to listen on; :data:`None` is every interface, for IPv4.
    :param port: the TCP port; 0 is any that is free.
    :param sock: a socket to listen on, in place of *host* and *port*.
    :param ssl: makes it a TLS server.
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
    :param open_timeout: seconds for the opening handshake, and before it for that of TLS;
        :data:`None` is no limit.
    :param ping_interval: seconds between keepalive pings; :data:`None` sends none.
    :param ping_timeout: seconds of silence after a keepalive ping that mean a dead peer.
    :param close_timeout: seconds for the closing handshake; :data:`None` is no limit.
    :param max_size: the largest message in bytes, or a tuple of the largest message and the
        largest fragment; :data:`None` is no limit.
    :param max_queue: the number of received messages that may wait, above which reading stops; or
        a tuple of that and the number at which it goes on; :data:`None` is no limit.
    :param logger: where to log; ``websockets.server`` by default.
    :param create_connection: the class of connections.
    :param max_queue_size: the size of the received messages that may wait, in bytes, above which
        reading stops.
    :param max_body: bytes that the body of a request may have, for *process_request*; more is
        refused with 413. With 0, any body is refused with 400.
    :param hosts: the values of ``Host`` to answer, as strings (without a port, any port will do)
        and patterns that match the whole; others are refused with 403. It stops DNS rebinding.
    :param max_connections: how many connections may be open, or have a handler that goes on; more
        are refused with 503.
    :param max_connections_per_address: how many of these may be from one address, or from one IPv6
        network of 64 bits; more are refused with 429. Not for use behind a proxy, whose address
        all of them have.
    :param max_pending: how many connections may be accepted and not open. One more makes the
        server drop the oldest that hasn't finished its request.
    :param kwargs: goes to :func:`socket.create_server`.
    """
    if sock is not None and (host is not None or port is not None):
        raise ValueError("host and port say where to make a socket: leave them out, or sock")
    if ssl is not None and not isinstance(ssl, ssl_module.SSLContext):
        raise TypeError(f"ssl must be an ssl.SSLContext, not {type(ssl).__name__}")
    connection_class = create_connection or ServerConnection
    extensions = server_extensions(extensions, compression)
    # Refuse now what connections would refuse one by one.
    Inbox(*queue_limits(max_queue), max_queue_size)
    ServerProtocol(
        subprotocols=subprotocols,
        max_body=max_body,
        open_timeout=open_timeout,
        close_timeout=close_timeout,
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
    )
    admission = Admission[Guest](
        hosts=hosts,
        max_connections=max_connections,
        max_connections_per_address=max_connections_per_address,
        max_pending=max_pending,
    )

    def make_connection(accepted: socket.socket) -> ServerConnection:
        # Weak: the protocol mustn't hold the connection that holds it.
        reference: Callable[[], Any]
        select = select_subprotocol
        protocol = ServerProtocol(
            origins=origins,
            extensions=extensions,
            subprotocols=subprotocols,
            select_subprotocol=select and (lambda _, offered: select(reference(), offered)),
            max_size=max_size,
            max_body=max_body,
            logger=logger,
            view="messages",
        )
        connection = connection_class(
            accepted,
            protocol,
            server,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            max_queue=max_queue,
            max_queue_size=max_queue_size,
            open_timeout=open_timeout,
        )
        reference = weakref.ref(connection)
        return connection

    def welcome(guest: Guest) -> None:
        try:
            _prepare(guest, ssl, open_timeout)
        except OSError as exc:
            server.logger.debug("connection lost before the handshake: %s", escape(str(exc)))
            return
        connection = make_connection(guest.socket)
        connection._guest = guest
        guest.connection = connection
        connection.handshake(process_request, process_response, server_header)
        if connection.state is State.OPEN:
            _handle(connection, handler)

    def handle_socket(accepted: socket.socket, address: Any) -> None:
        guest = Guest(accepted, address)
        try:
            if server._registry.arrived(guest):
                welcome(guest)
        finally:
            guest.leave()
            server._registry.left(guest)

    server = Server(
        _listen(host, port, **kwargs) if sock is None else sock,
        handle_socket,
        logger,
        admission=admission,
    )
    return server


def unix_serve(
    handler: Callable[[ServerConnection], None],
    path: os.PathLike[str] | str | None = None,
    **kwargs: Any,
) -> Server:
    """
    Make a WebSocket server that listens on a Unix socket.

    :param handler: handles a connection.
    :param path: the path of the socket.
    :param kwargs: everything that :func:`serve` takes.
    """
    return serve(handler, unix=True, path=path, **kwargs)


def _listen(
    host: str | None,
    port: int | None,
    *,
    unix: bool = False,
    path: os.PathLike[str] | str | None = None,
    **kwargs: Any,
) -> socket.socket:
    """Make the socket to listen on."""
    if unix:
        if path is None:
            raise ValueError("unix_serve needs a path, or a socket as sock=")
        kwargs.setdefault("family", socket.AF_UNIX)
        return socket.create_server(os.fspath(path), **kwargs)
    if host is not None and ":" in host:
        kwargs.setdefault("family", socket.AF_INET6)
    return socket.create_server((host or "", port or 0), **kwargs)


def _prepare(
    guest: Guest, context: ssl_module.SSLContext | None, open_timeout: float | None
) -> None:
    """Perform the handshake of TLS, if there is to be one."""
    if guest.socket.family in (socket.AF_INET, socket.AF_INET6):
        # Messages are whole when they are sent: nothing is gained by waiting for more.
        guest.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
    if context is not None:
        secure = context.wrap_socket(guest.socket, server_side=True, do_handshake_on_connect=False)
        # From now on, it can be dropped by this one only.
        guest.socket = secure
        secure.settimeout(open_timeout)
        secure.do_handshake()


def _handle(connection: ServerConnection, handler: Callable[[ServerConnection], None]) -> None:
    try:
        handler(connection)
    except Exception:
        connection.logger.error("connection handler failed", exc_info=True)
        connection.close(CloseCode.INTERNAL_ERROR)
    except SystemExit:
        # It ends the thread only.
        connection.close(CloseCode.INTERNAL_ERROR)
    else:
        connection.close()
