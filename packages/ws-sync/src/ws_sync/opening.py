"""The client's end of a connection, and its opening handshake."""

from __future__ import annotations

import socket
from typing import Any

from ws_sansio.client import ClientProtocol
from ws_sansio.http11 import USER_AGENT
from ws_types.errors import InvalidMessage
from ws_types.headers import HeadersLike

from .connection import Connection

__all__ = ["ClientConnection"]


class ClientConnection(Connection):
    """
    A connection, seen from the client. Get one from :func:`connect`.

    :param sock: a connected socket, with TLS if there is to be TLS. It belongs to the connection.
    :param protocol: the core of the connection.
    :param settings: everything else that :class:`~ws_sync.connection.Connection` takes.
    """

    def __init__(
        self,
        sock: socket.socket,
        protocol: ClientProtocol,
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
        self.protocol: ClientProtocol

    def handshake(
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
        :raises TimeoutError: if it takes longer than the *open_timeout* of the connection.
        """
        request = self.protocol.connect(
            additional_headers=additional_headers, user_agent_header=user_agent_header
        )
        self.request = request
        with self._lock:
            self.protocol.send_request(request, now=self._clock())
            self._flush()
            # TLS may have read more than the handshakes before.
            self._move_bytes(False)
            self._wait(self._is_answered)
        exc = self.protocol.handshake_exc
        if exc is None and self.response is None:
            exc = InvalidMessage("connection closed during opening handshake")
        if exc is not None:
            self._drop()
            try:
                raise exc
            finally:
                # The exception is known to the protocol: its traceback mustn't lead back there.
                del self, exc

    def _is_answered(self) -> bool:
        return self.response is not None or self.protocol.handshake_exc is not None or self._lost

    def _handshake_events(self, events: list[Any]) -> list[Any]:
        self.response = events[0]
        self._limit_reads()
        return events[1:]
