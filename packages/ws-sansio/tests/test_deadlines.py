"""Deadlines of whole protocols: opening, closing, and the end of the transport."""

from __future__ import annotations

import math

import pytest
from framing import CLOSE, TEXT, frame
from wiring import TIMEOUTS, request_bytes, requested, requesting, response_bytes, timed

from ws_sansio import SEND_EOF, ClientProtocol, Protocol, ServerProtocol, Side, State
from ws_sansio.deadlines import Deadlines
from ws_types.errors import InvalidState
from ws_types.exceptions import ConnectionClosedError
from ws_types.uri import parse_uri

# Settings


@pytest.mark.parametrize("name", TIMEOUTS)
@pytest.mark.parametrize("value", [-1, -0.001, math.nan])
def test_timeouts_that_make_no_sense(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must be None or at least 0 seconds"):
        Protocol(Side.SERVER, **{name: value})


def test_pings_without_a_pause_make_no_sense() -> None:
    with pytest.raises(ValueError, match=r"^ping_interval must be None or more than 0 seconds"):
        Protocol(Side.SERVER, ping_interval=0)


def test_timeouts_can_be_set_until_the_time_is_told() -> None:
    protocol = Protocol(Side.SERVER)
    protocol.set_timeouts(**TIMEOUTS)
    protocol.handle_deadline(100.0)
    assert protocol.next_deadline == 120.0
    with pytest.raises(InvalidState):
        protocol.set_timeouts()


def test_without_a_clock_nothing_is_ever_due() -> None:
    protocol = Protocol(Side.SERVER, **TIMEOUTS)
    protocol.receive_data(frame(TEXT, b"a"))
    protocol.output_pending(10**9)
    protocol.output_pending(0)
    assert protocol.next_deadline is None
    protocol.send_close(1000)
    assert protocol.next_deadline is None
    protocol.receive_eof()
    assert protocol.next_deadline is None
    assert not protocol.timed_out


def test_without_timeouts_nothing_is_ever_due() -> None:
    protocol = Protocol(Side.SERVER)
    protocol.handle_deadline(0.0)
    assert protocol.next_deadline is None
    protocol.handle_deadline(1e9)
    protocol.send_close(1000, now=1e9)
    assert protocol.next_deadline is None
    assert len(protocol.data_to_send()) == 1


# The opening handshake


def test_opening_handshake_of_a_server_times_out() -> None:
    server = ServerProtocol(**TIMEOUTS)
    server.handle_deadline(100.0)
    assert server.next_deadline == 110.0
    # Bytes that dribble don't put it off.
    for second in range(1, 10):
        server.receive_data(b"G", now=100.0 + second)
    assert server.next_deadline == 110.0
    server.handle_deadline(109.9)
    assert not server.timed_out
    server.handle_deadline(110.0)
    assert server.timed_out
    assert server.state is State.CLOSED
    assert server.next_deadline is None
    assert str(server.handshake_exc) == "timed out during opening handshake"
    assert isinstance(server.handshake_exc, TimeoutError)
    assert server.data_to_send() == [SEND_EOF]
    server.handle_deadline(200.0)
    assert server.data_to_send() == []


def test_opening_handshake_of_a_client_times_out() -> None:
    client = ClientProtocol(parse_uri("ws://h/"), **TIMEOUTS)
    client.send_request(client.connect(), now=100.0)
    client.data_to_send()
    assert client.next_deadline == 110.0
    client.handle_deadline(110.0)
    assert client.timed_out
    assert isinstance(client.handshake_exc, TimeoutError)
    assert client.state is State.CLOSED


def test_keepalive_starts_when_the_connection_opens() -> None:
    server, request = requested(request_bytes(), **TIMEOUTS)
    server.handle_deadline(100.0)
    server.send_response(server.accept(request), now=105.0)
    assert server.next_deadline == 125.0
    client = requesting(**TIMEOUTS)
    client.handle_deadline(100.0)
    client.receive_data(response_bytes(client), now=107.0)
    assert client.next_deadline == 127.0


def test_refused_clients_have_to_end_the_stream() -> None:
    server, _ = requested(request_bytes(), **TIMEOUTS)
    server.handle_deadline(100.0)
    server.send_response(server.reject(403, ""), now=102.0)
    assert server.next_deadline == 107.0
    server.handle_deadline(107.0)
    assert server.timed_out
    assert server.state is State.CLOSED
    # The handshake itself was in time.
    assert server.handshake_exc is None


def test_an_unlimited_handshake_has_a_limited_end() -> None:
    client = requesting(close_timeout=5.0)
    client.handle_deadline(100.0)
    assert client.next_deadline is None
    client.receive_data(b"garbage\r\n", now=150.0)
    error = client.handshake_exc
    assert client.next_deadline == 155.0
    client.handle_deadline(155.0)
    assert client.timed_out
    assert client.handshake_exc is error


# The closing handshake


def test_closing_handshake_times_out() -> None:
    protocol = timed()
    protocol.send_close(1000, now=103.0)
    assert protocol.next_deadline == 108.0
    # Other input doesn't put it off.
    protocol.receive_data(frame(TEXT, b"a"), now=107.0)
    protocol.handle_deadline(107.9)
    assert not protocol.timed_out
    protocol.handle_deadline(108.0)
    assert protocol.timed_out
    assert protocol.state is State.CLOSED
    assert protocol.data_to_send()[-1] == SEND_EOF
    assert type(protocol.close_exc) is ConnectionClosedError
    assert isinstance(protocol.close_exc.__cause__, TimeoutError)
    assert str(protocol.close_exc.__cause__) == "timed out during closing handshake"
    with pytest.raises(EOFError):
        protocol.receive_data(b"")


def test_end_of_stream_has_to_follow_the_close_frames() -> None:
    protocol = timed()
    protocol.receive_data(frame(CLOSE, b"\x03\xe8"), now=104.0)
    assert protocol.next_deadline == 109.0
    protocol.receive_eof(now=105.0)
    assert protocol.state is State.CLOSED
    assert not protocol.timed_out


# The end of the transport, which output that the peer doesn't take keeps alive


def test_end_of_the_transport_has_the_deadline_of_the_closing_handshake() -> None:
    protocol = timed()
    protocol.send_close(1000, now=103.0)
    protocol.receive_data(frame(CLOSE, b"\x03\xe8"), now=104.0)
    protocol.receive_eof(now=105.0)
    assert protocol.next_deadline == 108.0
    protocol.handle_deadline(107.9)
    assert not protocol.timed_out
    protocol.handle_deadline(108.0)
    assert protocol.timed_out
    assert protocol.next_deadline is None
    # The connection itself ended well, and in time.
    assert protocol.close_code == 1000
    assert protocol.close_exc.__cause__ is None


def test_transport_of_a_connection_that_was_cut_has_a_deadline() -> None:
    protocol = timed()
    protocol.receive_eof(now=130.0)
    error = protocol.parser_exc
    assert protocol.next_deadline == 135.0
    protocol.handle_deadline(135.0)
    assert protocol.timed_out
    assert protocol.parser_exc is error
    protocol.handle_deadline(200.0)
    assert protocol.next_deadline is None


def test_transport_of_a_refused_client_has_one_deadline() -> None:
    server, _ = requested(request_bytes(), **TIMEOUTS)
    server.handle_deadline(100.0)
    server.send_response(server.reject(403, ""), now=102.0)
    server.receive_eof(now=103.0)
    assert server.next_deadline == 107.0


def test_without_a_close_timeout_nothing_ends_the_transport() -> None:
    protocol = timed(close_timeout=None)
    protocol.receive_eof(now=130.0)
    assert protocol.next_deadline is None


def test_a_failed_connection_is_given_up() -> None:
    protocol = timed()
    protocol.receive_data(frame(3), now=104.0)
    error = protocol.parser_exc
    assert protocol.next_deadline == 109.0
    protocol.handle_deadline(109.0)
    assert protocol.timed_out
    assert protocol.parser_exc is error
    protocol = timed()
    protocol.fail(1011, now=105.0)
    assert protocol.next_deadline == 110.0


# The class itself


def test_deadlines_count_output_only_while_it_matters() -> None:
    deadlines = Deadlines()
    assert not deadlines.tracking
    deadlines.output_pending(5, None)
    assert deadlines.tracking
    deadlines.handed_out(3)
    assert deadlines.pending == 8
    deadlines.output_pending(0, 1.0)
    assert not deadlines.tracking


def test_refusal_without_clock_or_timeout_sets_no_deadline() -> None:
    deadlines = Deadlines(open_timeout=10, close_timeout=5)
    deadlines.refused()
    assert deadlines.next() is None
    deadlines = Deadlines(open_timeout=10)
    deadlines.tell(100.0, State.CONNECTING)
    deadlines.refused()
    assert deadlines.next() == 110.0
