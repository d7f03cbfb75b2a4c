"""Whether the peer is alive, as whole protocols find out; and pongs for peers that don't read."""

from __future__ import annotations

from typing import Any

import pytest
from framing import CLOSE, PING, PONG, TEXT, frame
from wiring import ping_of, timed

from ws_sansio import SEND_EOF, Side, State
from ws_types.codes import Opcode
from ws_types.exceptions import ConnectionClosedError

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
    assert str(protocol.parser_exc) == ("keepalive ping timeout: our side was blocked for 22.0 s")


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
