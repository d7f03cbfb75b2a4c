"""
The states of a connection, as a table (RFC 6455, sections 4.1 and 7.1).

A connection starts in ``CONNECTING`` and ends in ``CLOSED``. What moves it is a :class:`Step`;
what isn't in :data:`TRANSITIONS` is illegal, and there is no other place that says so.

``CLOSING`` covers both halves of the closing handshake: which close frames have been sent and
received is known to the protocol, and doesn't change what may come next.
"""

from __future__ import annotations

import enum
from typing import Final

from ws_types.errors import InvalidState

__all__ = ["TRANSITIONS", "Side", "State", "Step", "next_state"]


class Side(enum.IntEnum):
    """Which end of the connection this is."""

    SERVER = 0
    CLIENT = 1


class State(enum.IntEnum):
    """Where the connection is in its life."""

    CONNECTING = 0
    OPEN = 1
    CLOSING = 2
    CLOSED = 3


class Step(enum.Enum):
    """What can happen to a connection."""

    OPEN = "the opening handshake succeeds"
    REFUSE = "the opening handshake fails"
    SEND_DATA = "a data frame is sent"
    SEND_CONTROL = "a ping or a pong is sent"
    SEND_CLOSE = "a close frame is sent"
    RECEIVE_CLOSE = "a close frame is received"
    FAIL = "the connection is failed"
    END = "the stream ends, or is given up"


#: The state that follows, for each step that is legal in a state.
TRANSITIONS: Final[dict[tuple[State, Step], State]] = {
    (State.CONNECTING, Step.OPEN): State.OPEN,
    # The HTTP response still has to go out, or to be read.
    (State.CONNECTING, Step.REFUSE): State.CONNECTING,
    (State.CONNECTING, Step.END): State.CLOSED,
    (State.OPEN, Step.SEND_DATA): State.OPEN,
    (State.OPEN, Step.SEND_CONTROL): State.OPEN,
    (State.OPEN, Step.SEND_CLOSE): State.CLOSING,
    (State.OPEN, Step.RECEIVE_CLOSE): State.CLOSING,
    (State.OPEN, Step.FAIL): State.CLOSING,
    (State.OPEN, Step.END): State.CLOSED,
    # Section 5.5.1 forbids data frames after a close frame, not control frames.
    (State.CLOSING, Step.SEND_CONTROL): State.CLOSING,
    (State.CLOSING, Step.RECEIVE_CLOSE): State.CLOSING,
    (State.CLOSING, Step.FAIL): State.CLOSING,
    (State.CLOSING, Step.END): State.CLOSED,
    (State.CLOSED, Step.FAIL): State.CLOSED,
    (State.CLOSED, Step.END): State.CLOSED,
}


def next_state(state: State, step: Step) -> State:
    """
    The state that *step* leads to.

    :raises InvalidState: if *step* is illegal in *state*.
    """
    try:
        return TRANSITIONS[state, step]
    except KeyError:
        raise InvalidState(f"connection is {state.name.lower()}") from None
