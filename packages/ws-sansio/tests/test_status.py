"""What a connection says of itself: who it is, and how it ended."""

from __future__ import annotations

import logging
import uuid
from typing import Any

import pytest

from ws_sansio import Protocol, Side, State

pytest_plugins = ["variants"]


def test_starts_open_without_a_handshake(side: Side, view: Any) -> None:
    protocol = Protocol(side, view=view)
    assert protocol.state is State.OPEN
    assert protocol.side is side
    assert protocol.view == view
    assert protocol.data_to_send() == []
    assert protocol.events_received() == []
    assert protocol.pings_answered() == []
    assert protocol.next_deadline is None
    assert protocol.last_received is None
    assert protocol.latency == 0
    assert not protocol.close_expected()
    assert not protocol.timed_out
    assert (protocol.extensions, protocol.subprotocol) == ([], None)
    assert (protocol.close_rcvd, protocol.close_sent) == (None, None)
    assert protocol.close_rcvd_then_sent is None
    assert (protocol.handshake_exc, protocol.parser_exc) == (None, None)


def test_default_loggers_are_named_after_the_side() -> None:
    assert Protocol(Side.CLIENT).logger is logging.getLogger("websockets.client")
    assert Protocol(Side.SERVER).logger is logging.getLogger("websockets.server")
    logger = logging.getLogger("another")
    assert Protocol(Side.CLIENT, logger=logger).logger is logger


def test_ids_are_unique_and_stay() -> None:
    one, other = Protocol(Side.CLIENT), Protocol(Side.CLIENT)
    assert isinstance(one.id, uuid.UUID)
    assert one.id == one.id
    assert one.id != other.id
    other.id = one.id
    assert other.id == one.id


def test_close_exc_belongs_to_closed_connections(side: Side) -> None:
    protocol = Protocol(side)
    with pytest.raises(AssertionError):
        protocol.close_exc  # noqa: B018
    protocol.send_close(1000)
    with pytest.raises(AssertionError):
        protocol.close_exc  # noqa: B018
