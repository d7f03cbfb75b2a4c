"""How the connections of a server are closed."""

from __future__ import annotations

import pytest

from ws_sansio.drain import check_close, drain_times
from ws_types.codes import CloseCode
from ws_types.errors import ProtocolError


def test_over_the_whole_time() -> None:
    assert drain_times(4, 100.0, 8.0, None) == [102.0, 104.0, 106.0, 108.0]


def test_over_the_end_of_the_time() -> None:
    assert drain_times(4, 100.0, 8.0, 2.0) == [106.5, 107.0, 107.5, 108.0]


def test_all_at_the_end() -> None:
    assert drain_times(3, 100.0, 8.0, 0) == [108.0, 108.0, 108.0]


def test_at_once() -> None:
    assert drain_times(2, 100.0, 0, None) == [100.0, 100.0]


def test_nobody() -> None:
    assert drain_times(0, 100.0, 8.0, None) == []


@pytest.mark.parametrize(
    ("timeout", "spread", "text"),
    [
        (-1.0, None, "timeout"),
        (float("nan"), None, "timeout"),
        (float("inf"), None, "timeout"),
        (1.0, -1.0, "spread"),
        (1.0, 2.0, "spread"),
        (1.0, float("nan"), "spread"),
    ],
)
def test_times_that_make_no_sense(timeout: float, spread: float | None, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        drain_times(1, 100.0, timeout, spread)


@pytest.mark.parametrize(("code", "reason"), [(CloseCode.GOING_AWAY, ""), (3000, "x" * 123)])
def test_codes_and_reasons_that_can_be_sent(code: int, reason: str) -> None:
    check_close(code, reason)


@pytest.mark.parametrize(("code", "reason"), [(1006, ""), (9999, ""), (1000, "é" * 62)])
def test_codes_and_reasons_that_can_not_be_sent(code: int, reason: str) -> None:
    with pytest.raises(ProtocolError):
        check_close(code, reason)
