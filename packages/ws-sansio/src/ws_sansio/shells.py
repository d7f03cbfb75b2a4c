"""Numbers that shells have in common, and the reason for each."""

from __future__ import annotations

from typing import Final

__all__ = ["GATHER_LIMIT", "READ_SIZE", "patience"]

#: The size of the buffers that shells read into, in bytes. Reads of several megabytes are slower.
READ_SIZE: Final = 2**18

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
