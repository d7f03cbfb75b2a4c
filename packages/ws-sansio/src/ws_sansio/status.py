"""What is known of a connection: who it is, and how it ended."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ws_types.codes import OK_CLOSE_CODES, CloseCode
from ws_types.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from ws_types.extension import Extension
from ws_types.frames import Close
from ws_types.typing import LoggerLike

from .states import Side, State

if TYPE_CHECKING:
    import uuid

__all__ = ["Status"]


class Status:
    """
    The part of a protocol that a program reads.

    :param side: which side this is.
    :param state: where to start.
    :param logger: where to log; ``websockets.client`` or ``websockets.server`` by default.
    """

    def __init__(self, side: Side, state: State, logger: LoggerLike | None) -> None:
        self.side = side
        #: Where log lines go.
        self.logger: LoggerLike
        if logger is None:
            logger = logging.getLogger(f"websockets.{side.name.lower()}")
        self.logger = logger
        self.debug = logger.isEnabledFor(logging.DEBUG)

        #: What the opening handshake failed with; :data:`None` where it didn't.
        self.handshake_exc: Exception | None = None
        #: What was wrong with the peer's input; :data:`None` where nothing was.
        self.parser_exc: Exception | None = None
        #: The close frames received and sent, and whether they came in that order.
        self.close_rcvd: Close | None = None
        self.close_sent: Close | None = None
        self.close_rcvd_then_sent: bool | None = None
        #: The extensions that were negotiated.
        self.extensions: Sequence[Extension] = []
        #: The subprotocol that was negotiated.
        self.subprotocol: Any = None

        self._state = state
        self._uuid: uuid.UUID | None = None

    @property
    def id(self) -> uuid.UUID:
        """A number for this connection, unique in the world. Made when first asked for."""
        if self._uuid is None:
            import uuid

            self._uuid = uuid.uuid4()
        return self._uuid

    @id.setter
    def id(self, value: uuid.UUID) -> None:
        self._uuid = value

    @property
    def close_code(self) -> int | None:
        """
        The code that the connection was closed with (section 7.1.5).

        :data:`None` while it isn't closed; 1006 where no close frame was received.
        """
        if self._state is not State.CLOSED:
            return None
        return CloseCode.ABNORMAL_CLOSURE if self.close_rcvd is None else self.close_rcvd.code

    @property
    def close_reason(self) -> str | None:
        """The reason that the connection was closed with (section 7.1.6)."""
        if self._state is not State.CLOSED:
            return None
        return "" if self.close_rcvd is None else self.close_rcvd.reason

    @property
    def close_exc(self) -> ConnectionClosed:
        """
        The exception to raise where something can't be done on the closed connection.

        Its cause is what was wrong with the peer's input, if anything was.

        :raises AssertionError: if the connection isn't closed yet.
        """
        assert self._state is State.CLOSED, "connection isn't closed yet"
        received, sent = self.close_rcvd, self.close_sent
        cls: type[ConnectionClosed] = ConnectionClosedError
        if received is not None and sent is not None:
            if received.code in OK_CLOSE_CODES and sent.code in OK_CLOSE_CODES:
                cls = ConnectionClosedOK
        exc = cls(received, sent, self.close_rcvd_then_sent)
        exc.__cause__ = self.parser_exc
        return exc
