"""What shells have in common: numbers, with the reason for each, and what connections tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ws_types.typing import Subprotocol

from .inbox import Inbox
from .protocol import Protocol
from .states import State

if TYPE_CHECKING:
    import uuid

__all__ = ["GATHER_LIMIT", "READ_SIZE", "ConnectionStatus", "patience", "read_size"]

#: The size of the buffers that shells read into, in bytes. Reads of several megabytes are slower.
READ_SIZE: Final = 2**18

#: The size of a read, in bytes, where extensions decode what is read. Deflate makes up to 1,030
#: times as much of it, and however full the inbox is, the messages of one read go into it.
_DECODED_READ_SIZE: Final = 2**15

#: The most bytes that are gathered, while messages still wait to be handled, before they are
#: written.
GATHER_LIMIT: Final = 2**16

_PATIENCE: Final = 1.0


def patience(close_timeout: float | None) -> float:
    """
    How long a connection that is being closed waits for its full inbox to be read, in seconds.

    Then it drops what arrives, because the close frame of the peer is behind it.

    :param close_timeout: seconds for the closing handshake; :data:`None` is no limit.
    """
    return _PATIENCE if close_timeout is None else min(_PATIENCE, close_timeout / 2)


def read_size(protocol: Protocol) -> int:
    """
    How many bytes to read at once, when the connection is open.

    :param protocol: the core of the connection.
    """
    return _DECODED_READ_SIZE if protocol.extensions else READ_SIZE


class ConnectionStatus:
    """What a connection of any shell tells of itself, because its core knows."""

    protocol: Protocol
    _inbox: Inbox

    @property
    def id(self) -> uuid.UUID:
        """A number for this connection, unique in the world."""
        return self.protocol.id

    @property
    def state(self) -> State:
        """The state of the connection."""
        return self.protocol.state

    @property
    def subprotocol(self) -> Subprotocol | None:
        """The subprotocol that was negotiated."""
        subprotocol: Subprotocol | None = self.protocol.subprotocol
        return subprotocol

    @property
    def close_code(self) -> int | None:
        """The close code of the connection; :data:`None` while it isn't closed."""
        return self.protocol.close_code

    @property
    def close_reason(self) -> str | None:
        """The close reason of the connection; :data:`None` while it isn't closed."""
        return self.protocol.close_reason

    @property
    def latency(self) -> float:
        """
        The round-trip time of the last ping that was answered, in seconds; 0 before any was.
        """
        return self.protocol.latency

    @property
    def last_received(self) -> float | None:
        """
        When something was last received, in seconds.

        By the clock of the shell: the event loop's :meth:`~asyncio.loop.time`, or
        :func:`time.monotonic`.
        """
        return self.protocol.last_received

    @property
    def buffered_input(self) -> int:
        """How many bytes of memory the received messages take that nobody has received yet."""
        return self._inbox.size
