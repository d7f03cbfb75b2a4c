"""When to ping and when to give up, with a clock that stands still until it is moved."""

from __future__ import annotations

import pytest

from ws_sansio.keepalive import GRACE, Keepalive, Phase

INTERVAL, TIMEOUT = 20.0, 10.0


def started(interval: float | None = INTERVAL, timeout: float | None = TIMEOUT) -> Keepalive:
    keepalive = Keepalive(interval, timeout)
    keepalive.start(100.0)
    return keepalive


def pinged() -> Keepalive:
    """A ping was queued at 120."""
    keepalive = started()
    assert keepalive.due(120.0)
    keepalive.sent(b"ping", 120.0)
    return keepalive


def waiting() -> Keepalive:
    """A ping was queued at 120, and left at 121."""
    keepalive = pinged()
    keepalive.left(121.0)
    return keepalive


def test_nothing_is_due_before_the_start() -> None:
    keepalive = Keepalive(INTERVAL, TIMEOUT)
    assert keepalive.deadline is None
    assert not keepalive.due(1e9)
    assert keepalive.give_up(1e9) is None


def test_no_interval_no_pings() -> None:
    keepalive = started(interval=None)
    assert keepalive.deadline is None
    assert not keepalive.due(1e9)


def test_ping_is_due_after_the_interval() -> None:
    keepalive = started()
    assert keepalive.deadline == 120.0
    assert not keepalive.due(119.9)
    assert keepalive.give_up(120.0) is None
    assert keepalive.due(120.0)
    assert keepalive.due(500.0)


def test_no_other_ping_while_one_is_out() -> None:
    keepalive = pinged()
    assert keepalive.phase is Phase.LEAVING
    assert not keepalive.due(200.0)
    keepalive.left(121.0)
    assert keepalive.phase is Phase.WAITING
    assert not keepalive.due(200.0)


def test_next_ping_is_an_interval_after_the_last() -> None:
    keepalive = waiting()
    assert keepalive.pong(b"ping", 123.0) == 3.0
    assert keepalive.phase is Phase.IDLE
    assert keepalive.deadline == 140.0


def test_next_ping_is_due_at_once_after_a_late_pong() -> None:
    keepalive = started(interval=2.0)
    keepalive.sent(b"ping", 102.0)
    keepalive.left(102.0)
    assert keepalive.pong(b"ping", 109.0) == 7.0
    assert keepalive.due(109.0)


def test_pong_before_the_ping_was_reported_to_have_left() -> None:
    keepalive = pinged()
    assert keepalive.pong(b"ping", 120.5) == 0.5
    assert keepalive.phase is Phase.IDLE
    # The report comes late, and there is nothing to wait for.
    keepalive.left(121.0)
    assert keepalive.phase is Phase.IDLE
    assert keepalive.deadline == 140.0


def test_other_pongs_do_not_count() -> None:
    keepalive = waiting()
    assert keepalive.pong(b"", 122.0) is None
    assert keepalive.phase is Phase.WAITING
    assert keepalive.pong(b"ping", 122.0) is not None
    assert keepalive.pong(b"ping", 122.0) is None


def test_wait_starts_when_the_ping_has_left() -> None:
    keepalive = pinged()
    assert keepalive.deadline == 130.0
    keepalive.left(129.0)
    assert keepalive.deadline == 139.0
    assert keepalive.give_up(138.9) is None
    reason = keepalive.give_up(139.0)
    assert reason == "keepalive ping timeout: peer was silent for 10.0 s"


def test_a_ping_that_does_not_leave() -> None:
    keepalive = pinged()
    reason = keepalive.give_up(130.0)
    assert reason == "keepalive ping timeout: output made no progress for 10.0 s"


def test_progress_of_output_is_a_sign_of_life_while_the_ping_leaves() -> None:
    keepalive = pinged()
    keepalive.progress(125.0)
    assert keepalive.give_up(130.0) is None
    assert keepalive.deadline == 135.0
    assert keepalive.give_up(135.0) is not None


def test_progress_of_output_says_nothing_once_the_ping_has_left() -> None:
    keepalive = waiting()
    keepalive.progress(130.0)
    assert keepalive.give_up(131.0) is not None


@pytest.mark.parametrize("make", [pinged, waiting])
def test_any_byte_is_a_sign_of_life(make: type[Keepalive]) -> None:
    keepalive = make()
    keepalive.last_received = 128.0
    deadline = keepalive.deadline
    assert deadline is not None
    assert keepalive.give_up(deadline) is None
    assert keepalive.deadline == 138.0
    assert keepalive.give_up(138.0) is not None


def test_bytes_before_the_ping_are_no_sign_of_life() -> None:
    keepalive = waiting()
    keepalive.last_received = 119.0
    assert keepalive.give_up(131.0) is not None


# Paused reading


def test_nobody_is_missed_while_reading_is_paused() -> None:
    keepalive = waiting()
    keepalive.pause()
    for now in range(131, 1001):
        assert keepalive.give_up(now) is None
    keepalive.resume(1000.0)
    assert keepalive.deadline == 1010.0
    assert keepalive.give_up(1009.9) is None
    assert keepalive.give_up(1010.0) == "keepalive ping timeout: peer was silent for 10.0 s"


def test_a_ping_that_leaves_while_reading_is_paused() -> None:
    keepalive = pinged()
    keepalive.pause()
    keepalive.left(125.0)
    assert keepalive.give_up(135.0) is None
    keepalive.resume(300.0)
    assert keepalive.deadline == 310.0


def test_resuming_while_the_ping_leaves_allows_for_a_whole_wait() -> None:
    keepalive = pinged()
    keepalive.pause()
    keepalive.resume(129.0)
    assert keepalive.give_up(130.0) is None
    assert keepalive.deadline == 139.0


def test_pause_while_idle_puts_off_no_ping() -> None:
    keepalive = started()
    keepalive.pause()
    assert keepalive.due(120.0)
    keepalive.sent(b"ping", 120.0)
    keepalive.left(120.0)
    assert keepalive.give_up(130.0) is None
    keepalive.resume(150.0)
    assert keepalive.deadline == 160.0


STUCK = "keepalive ping timeout: output made no progress for 10.0 s"


def test_output_that_gets_stuck_while_reading_is_paused() -> None:
    """Regression: the ping had left, so nothing was waited for; a send waited for ever."""
    keepalive = waiting()
    keepalive.pause()
    # Looked after at the deadline, and found to wait.
    keepalive.output(True, 131.0)
    assert keepalive.give_up(131.0) is None
    assert keepalive.deadline == 141.0
    keepalive.output(True, 141.0)
    assert keepalive.give_up(140.9) is None
    assert keepalive.give_up(141.0) == STUCK


def test_reading_that_pauses_while_output_is_stuck() -> None:
    keepalive = waiting()
    keepalive.output(True, 122.0)
    keepalive.last_received = 125.0
    keepalive.pause()
    assert keepalive.give_up(131.0) is None
    assert keepalive.deadline == 135.0
    assert keepalive.give_up(135.0) == STUCK


def test_output_that_moves_while_reading_is_paused() -> None:
    keepalive = waiting()
    keepalive.pause()
    keepalive.output(True, 131.0)
    assert keepalive.give_up(131.0) is None
    keepalive.progress(138.0)
    keepalive.output(True, 138.0)
    assert keepalive.give_up(141.0) is None
    assert keepalive.deadline == 148.0
    assert keepalive.give_up(148.0) == STUCK


def test_output_that_has_left_while_reading_is_paused() -> None:
    keepalive = waiting()
    keepalive.pause()
    keepalive.output(True, 131.0)
    assert keepalive.give_up(131.0) is None
    keepalive.output(False, 135.0)
    assert keepalive.give_up(141.0) is None
    keepalive.output(True, 151.0)
    assert keepalive.give_up(151.0) is None
    assert keepalive.deadline == 161.0


def test_output_that_waits_puts_nothing_off_while_reading_goes_on() -> None:
    keepalive = waiting()
    keepalive.output(True, 125.0)
    keepalive.progress(130.0)
    assert keepalive.give_up(131.0) == "keepalive ping timeout: peer was silent for 10.0 s"


# Our own fault


def test_being_late_gives_input_a_grace() -> None:
    keepalive = waiting()
    late = 131.0 + GRACE + 0.5
    assert keepalive.give_up(late) is None
    assert keepalive.deadline == late + GRACE
    # What arrived meanwhile has been read.
    keepalive.last_received = late + 0.1
    assert keepalive.give_up(late + GRACE) is None
    assert keepalive.deadline == late + 0.1 + TIMEOUT
    # From here on nobody was late.
    reason = keepalive.give_up(late + 0.1 + TIMEOUT)
    assert reason == "keepalive ping timeout: peer was silent for 10.0 s"


def test_being_late_is_told() -> None:
    keepalive = waiting()
    assert keepalive.give_up(136.0) is None
    reason = keepalive.give_up(136.0 + GRACE)
    assert reason == "keepalive ping timeout: our side was blocked for 5.0 s"


def test_being_a_little_late_is_nothing() -> None:
    keepalive = waiting()
    reason = keepalive.give_up(131.0 + GRACE)
    assert reason == "keepalive ping timeout: peer was silent for 11.0 s"


def test_being_late_twice_is_no_second_grace() -> None:
    keepalive = waiting()
    assert keepalive.give_up(136.0) is None
    reason = keepalive.give_up(150.0)
    assert reason is not None
    assert "our side was blocked for 13.0 s" in reason


def test_lateness_is_forgotten_once_the_ping_has_left() -> None:
    # Otherwise a peer that falls silent would be told to be our fault.
    keepalive = pinged()
    assert keepalive.give_up(135.0) is None
    keepalive.left(135.5)
    assert keepalive.give_up(145.5) == "keepalive ping timeout: peer was silent for 10.0 s"


def test_lateness_is_forgotten_when_reading_goes_on() -> None:
    keepalive = waiting()
    assert keepalive.give_up(136.0) is None
    keepalive.pause()
    keepalive.resume(200.0)
    assert keepalive.give_up(210.0) == "keepalive ping timeout: peer was silent for 10.0 s"


def test_late_pings_are_sent_once() -> None:
    keepalive = started()
    assert keepalive.due(500.0)
    keepalive.sent(b"ping", 500.0)
    assert not keepalive.due(500.0)
    keepalive.pong(b"ping", 501.0)
    assert keepalive.deadline == 520.0


# Never giving up, and the end


def test_without_a_timeout_pings_go_on() -> None:
    keepalive = started(timeout=None)
    for now in (120.0, 140.0, 160.0):
        assert keepalive.due(now)
        keepalive.sent(b"%d" % now, now)
        keepalive.left(now)
        assert keepalive.phase is Phase.IDLE
        assert keepalive.deadline == now + INTERVAL
        assert keepalive.give_up(now + INTERVAL) is None
    assert keepalive.pong(b"160", 161.5) == 1.5
    assert keepalive.deadline == 180.0


@pytest.mark.parametrize("make", [started, pinged, waiting])
def test_after_the_end_nothing_is_due(make: type[Keepalive]) -> None:
    keepalive = make()
    keepalive.stop()
    for late in (lambda: keepalive.left(122.0), keepalive.pause, lambda: keepalive.resume(123.0)):
        late()
        assert keepalive.deadline is None
    keepalive.pong(b"ping", 124.0)
    assert keepalive.deadline is None
    assert not keepalive.due(1e9)
    assert keepalive.give_up(1e9) is None
