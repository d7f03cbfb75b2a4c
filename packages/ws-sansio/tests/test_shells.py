"""What shells have in common."""

from __future__ import annotations

import pytest

from ws_sansio import State
from ws_sansio.inbox import Inbox
from ws_sansio.server import ServerProtocol
from ws_sansio.shells import GATHER_LIMIT, READ_SIZE, ConnectionStatus, patience, read_size


class Connection(ConnectionStatus):
    def __init__(self) -> None:
        self.protocol = ServerProtocol(state=State.OPEN, view="messages")
        self._inbox = Inbox()


@pytest.mark.parametrize(("timeout", "seconds"), [(None, 1), (10, 1), (1, 0.5), (0, 0)])
def test_patience_leaves_time_for_the_closing_handshake(timeout, seconds):
    assert patience(timeout) == seconds


def test_a_read_may_fill_what_is_gathered():
    assert 0 < GATHER_LIMIT <= READ_SIZE


def test_what_may_be_decompressed_is_read_in_small_pieces():
    protocol = ServerProtocol(view="messages")
    assert read_size(protocol) == READ_SIZE
    protocol.extensions = [object()]
    assert read_size(protocol) == READ_SIZE // 8


def test_a_connection_tells_what_its_core_knows():
    connection = Connection()
    protocol = connection.protocol
    protocol.subprotocol = "chat"
    protocol.send_ping(b"?", now=1.5)
    protocol.receive_data(b"\x8a\x81\0\0\0\0?", now=2.0)  # its pong
    assert connection.id == protocol.id
    assert connection.state is State.OPEN
    assert connection.subprotocol == "chat"
    assert connection.latency == 0.5
    assert connection.last_received == 2.0
    assert (connection.close_code, connection.close_reason) == (None, None)
    protocol.receive_eof()
    assert connection.state is State.CLOSED
    assert (connection.close_code, connection.close_reason) == (1006, "")


def test_a_connection_tells_what_waits_to_be_received():
    connection = Connection()
    assert connection.buffered_input == 0
    connection._inbox.put(["message"])
    assert connection.buffered_input >= len("message")
