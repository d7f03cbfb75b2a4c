"""Deadlines of whole protocols: opening, closing, keepalive, and output that doesn't leave."""

from __future__ import annotations

import math
from typing import Any

import pytest
from framing import CLOSE, PING, PONG, TEXT, frame
from wiring import request_bytes, requested, requesting, response_bytes

from ws_sansio import SEND_EOF, ClientProtocol, Protocol, ServerProtocol, Side, State
from ws_sansio.deadlines import Deadlines
from ws_types.codes import Opcode
from ws_types.errors import InvalidState
from ws_types.exceptions import ConnectionClosedError
from ws_types.uri import parse_uri

TIMEOUTS: dict[str, Any] = {
    "open_timeout": 10.0,
    "close_timeout": 5.0,
    "ping_interval": 20.0,
    "ping_timeout": 8.0,
}


def timed(side: Side = Side.SERVER, now: float = 100.0, **settings: Any) -> Protocol:
    """An open connection that was told the time."""
    protocol = Protocol(side, **{"view": "messages", **TIMEOUTS, **settings})
    protocol.handle_deadline(now)
    return protocol


def ping_of(protocol: Protocol) -> bytes:
    """The payload of the only frame that a server has to send, a ping."""
    [chunk] = protocol.data_to_send()
    assert chunk[0] == 0x80 | PING
    return chunk[2:]


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


# Keepalive


def test_ping_and_pong() -> None:
    protocol = timed()
    assert protocol.next_deadline == 120.0
    protocol.handle_deadline(119.0)
    assert protocol.data_to_send() == []
    protocol.handle_deadline(120.0)
    payload = ping_of(protocol)
    assert len(payload) == 4
    protocol.output_pending(0, now=120.0)
    assert protocol.next_deadline == 128.0
    protocol.receive_data(frame(PONG, payload), now=120.25)
    assert protocol.latency == 0.25
    assert protocol.next_deadline == 140.0
    # Nobody asked for it.
    assert protocol.pings_answered() == []


def test_a_silent_peer() -> None:
    protocol = timed()
    protocol.handle_deadline(120.0)
    ping_of(protocol)
    protocol.output_pending(0, now=120.0)
    protocol.handle_deadline(128.0)
    assert protocol.state is State.CLOSING
    text = "keepalive ping timeout: peer was silent for 8.0 s"
    assert protocol.data_to_send() == [b"\x88\x33\x03\xf3" + text.encode(), SEND_EOF]
    assert isinstance(protocol.parser_exc, TimeoutError)
    assert str(protocol.parser_exc) == text
    assert protocol.next_deadline == 133.0
    protocol.handle_deadline(133.0)
    assert protocol.timed_out
    exc = protocol.close_exc
    assert type(exc) is ConnectionClosedError
    assert str(exc.__cause__) == text
    assert exc.sent is not None
    assert exc.sent.code == 1011


def test_a_byte_is_a_sign_of_life() -> None:
    protocol = timed()
    protocol.handle_deadline(120.0)
    ping_of(protocol)
    protocol.output_pending(0, now=120.0)
    assert protocol.last_received is None
    protocol.receive_data(frame(TEXT, b"a")[:1], now=127.0)
    assert protocol.last_received == 127.0
    protocol.handle_deadline(128.0)
    assert protocol.state is State.OPEN
    assert protocol.next_deadline == 135.0


def test_wait_starts_when_the_ping_has_left() -> None:
    protocol = timed()
    protocol.send_message(b"x" * 996)
    [chunk] = protocol.data_to_send()
    assert len(chunk) == 1000
    protocol.output_pending(1000, now=119.0)
    protocol.handle_deadline(120.0)
    ping_of(protocol)  # 6 bytes
    protocol.output_pending(1006, now=120.0)
    assert protocol.next_deadline == 128.0
    protocol.send_message(b"y" * 8)  # 10 bytes behind the ping
    protocol.data_to_send()
    protocol.output_pending(11, now=127.0)  # one byte of the ping is left
    protocol.handle_deadline(128.0)
    assert protocol.next_deadline == 135.0
    protocol.output_pending(10, now=129.0)
    assert protocol.next_deadline == 137.0
    protocol.handle_deadline(137.0)
    assert "peer was silent for 8.0 s" in str(protocol.parser_exc)


def test_ping_leaves_behind_what_is_queued_in_front_of_it() -> None:
    protocol = timed()
    protocol.send_message(b"x" * 996)
    protocol.handle_deadline(120.0)
    message, ping = protocol.data_to_send()
    assert (len(message), len(ping)) == (1000, 6)
    # A few bytes have left: not the ping.
    protocol.output_pending(900, now=121.0)
    assert protocol.next_deadline == 128.0
    protocol.output_pending(1, now=125.0)
    protocol.handle_deadline(128.0)
    assert protocol.next_deadline == 133.0
    protocol.output_pending(0, now=130.0)
    assert protocol.next_deadline == 138.0


def test_what_left_with_an_earlier_ping_is_not_counted_for_the_next() -> None:
    protocol = timed()
    protocol.handle_deadline(120.0)
    payload = ping_of(protocol)
    protocol.output_pending(6, now=120.0)
    protocol.send_message(b"x" * 996)
    protocol.data_to_send()
    protocol.output_pending(500, now=121.0)
    protocol.receive_data(frame(PONG, payload), now=121.0)
    protocol.handle_deadline(140.0)
    ping_of(protocol)
    protocol.output_pending(506, now=140.0)
    protocol.output_pending(400, now=141.0)
    assert protocol.next_deadline == 148.0
    protocol.output_pending(0, now=142.0)
    assert protocol.next_deadline == 150.0


def test_output_that_makes_no_progress() -> None:
    protocol = timed()
    protocol.handle_deadline(120.0)
    ping_of(protocol)
    protocol.output_pending(500, now=120.0)
    protocol.output_pending(500, now=124.0)
    protocol.handle_deadline(128.0)
    assert str(protocol.parser_exc) == ("keepalive ping timeout: output made no progress for 8.0 s")


def test_a_report_before_the_ping_is_taken_is_not_about_it() -> None:
    protocol = timed()
    protocol.handle_deadline(120.0)
    protocol.output_pending(0, now=120.0)
    ping_of(protocol)
    protocol.output_pending(6, now=121.0)
    protocol.handle_deadline(128.0)
    assert "output made no progress" in str(protocol.parser_exc)


def test_without_reports_a_dead_peer_is_noticed_too() -> None:
    protocol = timed()
    protocol.handle_deadline(120.0)
    payload = ping_of(protocol)
    protocol.receive_data(frame(PONG, payload), now=121.0)
    protocol.handle_deadline(140.0)
    ping_of(protocol)
    protocol.handle_deadline(148.0)
    assert protocol.state is State.CLOSING


def test_paused_reading_stops_the_wait() -> None:
    protocol = timed()
    protocol.handle_deadline(120.0)
    ping_of(protocol)
    protocol.output_pending(0, now=120.0)
    protocol.input_paused()
    for now in range(128, 501):
        protocol.output_pending(0, now=now)
        protocol.handle_deadline(now)
    assert protocol.state is State.OPEN
    protocol.input_resumed(now=501.0)
    assert protocol.next_deadline == 509.0
    protocol.handle_deadline(509.0)
    assert protocol.state is State.CLOSING


def test_paused_reading_does_not_stop_the_wait_for_output() -> None:
    protocol = timed()
    protocol.handle_deadline(120.0)
    ping_of(protocol)
    protocol.output_pending(0, now=120.0)
    protocol.input_paused()
    protocol.output_pending(1000, now=125.0)
    protocol.handle_deadline(128.0)
    assert protocol.state is State.OPEN
    assert protocol.next_deadline == 133.0
    protocol.output_pending(1000, now=133.0)
    protocol.handle_deadline(133.0)
    assert protocol.state is State.CLOSING
    assert protocol.close_sent is not None
    assert "output made no progress for 8.0 s" in protocol.close_sent.reason


def test_a_blocked_loop_reads_first() -> None:
    protocol = timed()
    protocol.handle_deadline(120.0)
    payload = ping_of(protocol)
    protocol.output_pending(0, now=120.0)
    protocol.handle_deadline(150.0)
    assert protocol.state is State.OPEN
    assert protocol.next_deadline == 151.0
    protocol.receive_data(frame(PONG, payload), now=150.1)
    assert protocol.next_deadline == 150.1  # the next ping is overdue
    protocol.handle_deadline(150.1)
    ping_of(protocol)


def test_a_blocked_loop_is_told() -> None:
    protocol = timed()
    protocol.handle_deadline(120.0)
    ping_of(protocol)
    protocol.output_pending(0, now=120.0)
    protocol.handle_deadline(150.0)
    protocol.handle_deadline(151.0)
    assert str(protocol.parser_exc) == (
        "keepalive ping timeout: our event loop was blocked for 22.0 s"
    )


def test_no_pings_while_closing() -> None:
    protocol = timed(close_timeout=None)
    protocol.send_close(1000, now=110.0)
    protocol.data_to_send()
    assert protocol.next_deadline is None
    protocol.handle_deadline(1000.0)
    assert protocol.data_to_send() == []


def test_closing_while_a_ping_is_out() -> None:
    protocol = timed()
    protocol.handle_deadline(120.0)
    payload = ping_of(protocol)
    protocol.send_close(1000, now=121.0)
    protocol.data_to_send()
    protocol.output_pending(0, now=121.5)
    protocol.input_paused()
    protocol.input_resumed(now=122.0)
    protocol.receive_data(frame(PONG, payload), now=122.0)
    assert protocol.latency == 2.0
    assert protocol.next_deadline == 126.0


@pytest.mark.parametrize("view", ["frames", "messages"])
def test_without_a_timeout_pings_go_on_and_none_is_kept(view: Any) -> None:
    protocol = timed(ping_timeout=None, view=view)
    for number in range(1, 50):
        protocol.handle_deadline(100.0 + 20 * number)
        payload = ping_of(protocol)
        assert len(protocol._pings.registry) == 1
    protocol.receive_data(frame(PONG, payload), now=1081.0)
    assert protocol.latency == 1.0
    assert protocol.state is State.OPEN


def test_pong_of_a_later_ping_answers_the_keepalive() -> None:
    # Section 5.5.3 lets a peer answer the latest ping only. When it falls silent then, it isn't
    # dead: it would answer the next ping.
    protocol = timed()
    protocol.handle_deadline(120.0)
    ping_of(protocol)
    protocol.output_pending(0, now=120.0)
    protocol.send_ping(b"later", now=121.0)
    protocol.data_to_send()
    protocol.receive_data(frame(PONG, b"later"), now=122.0)
    assert protocol.pings_answered() == [(b"later", 1.0)]
    assert protocol.next_deadline == 140.0
    protocol.handle_deadline(140.0)
    assert protocol.state is State.OPEN
    ping_of(protocol)


def test_pong_of_the_keepalive_answers_earlier_pings() -> None:
    protocol = timed()
    protocol.send_ping(b"earlier", now=119.0)
    protocol.data_to_send()
    protocol.handle_deadline(120.0)
    payload = ping_of(protocol)
    protocol.receive_data(frame(PONG, payload), now=122.0)
    assert protocol.pings_answered() == [(b"earlier", 3.0)]
    assert protocol.latency == 2.0


def test_pong_without_the_time_still_answers_the_keepalive() -> None:
    protocol = timed()
    protocol.handle_deadline(120.0)
    payload = ping_of(protocol)
    protocol.output_pending(0, now=120.0)
    protocol.receive_data(frame(PONG, payload))
    assert protocol.next_deadline == 140.0


# Pongs for a peer that doesn't read


def test_pongs_are_held_back_while_too_much_output_waits() -> None:
    protocol = timed(write_limit=100)
    protocol.receive_data(frame(PING, b"0"), now=101.0)
    protocol.output_pending(100, now=101.0)
    protocol.receive_data(frame(PING, b"1"), now=102.0)
    assert protocol.data_to_send() == [b"\x8a\x010", b"\x8a\x011"]
    # The limit is exceeded by what was handed out since.
    for payload in (b"2", b"3", b"4"):
        protocol.receive_data(frame(PING, payload), now=103.0)
    assert protocol.data_to_send() == []
    protocol.output_pending(101, now=104.0)
    assert protocol.data_to_send() == []
    protocol.output_pending(100, now=104.0)
    assert protocol.data_to_send() == [b"\x8a\x014"]
    protocol.output_pending(0, now=105.0)
    assert protocol.data_to_send() == []


@pytest.mark.parametrize("end", ["close", "eof", "fail"])
def test_pongs_held_back_are_dropped_behind_the_end_of_the_stream(end: str) -> None:
    protocol = timed(write_limit=100)
    protocol.output_pending(101, now=101.0)
    protocol.receive_data(frame(PING), now=102.0)
    if end == "close":
        protocol.receive_data(frame(CLOSE), now=103.0)
    elif end == "eof":
        protocol.receive_eof(now=103.0)
    else:
        protocol.fail(1011, now=103.0)
    assert protocol.data_to_send()[-1] == SEND_EOF
    protocol.output_pending(0, now=104.0)
    assert protocol.data_to_send() == []


def test_pongs_held_back_may_follow_our_close_frame() -> None:
    client = timed(Side.CLIENT, write_limit=100)
    client.output_pending(101, now=101.0)
    client.receive_data(frame(PING, b"p", key=None), now=102.0)
    client.send_close(1000, now=103.0)
    client.data_to_send()
    client.output_pending(0, now=104.0)
    [chunk] = client.data_to_send()
    assert chunk[0] == 0x80 | Opcode.PONG


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
