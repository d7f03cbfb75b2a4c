"""The queue of received messages: order, and the two bounds."""

from __future__ import annotations

import pytest

from ws_sansio.inbox import Inbox, queue_limits


def test_messages_come_out_in_order() -> None:
    inbox = Inbox()
    inbox.put(["a", b"b"])
    inbox.put([])
    inbox.put(["c"])
    assert len(inbox) == inbox.count == 3
    assert [inbox.get(), inbox.get(), inbox.get()] == ["a", b"b", "c"]
    assert not inbox
    assert inbox.size == 0


def test_nothing_to_get() -> None:
    inbox = Inbox()
    with pytest.raises(IndexError):
        inbox.get()
    assert (inbox.count, inbox.size) == (0, 0)


def test_no_limits_by_default() -> None:
    inbox = Inbox()
    inbox.put(["x" * 1000] * 10_000)
    assert not inbox.is_full()
    assert inbox.has_room()


@pytest.mark.parametrize(
    ("high", "low", "full_at", "room_at"),
    [(16, None, 17, 4), (4, 3, 5, 3), (4, 4, 5, 4), (4, 0, 5, 0), (0, None, 1, 0), (3, None, 4, 0)],
)
def test_full_above_high_and_room_at_low(
    high: int, low: int | None, full_at: int, room_at: int
) -> None:
    inbox = Inbox(high, low)
    inbox.put(["x"] * (full_at - 1))
    assert not inbox.is_full()
    inbox.put(["x"])
    assert inbox.is_full()
    while inbox.count > room_at:
        assert not inbox.has_room()
        inbox.get()
    assert inbox.has_room()


def test_full_in_bytes() -> None:
    message = b"x" * 1000
    weight = message.__sizeof__()
    inbox = Inbox(None, None, 4 * weight)
    inbox.put([message] * 4)
    assert inbox.size == 4 * weight
    assert not inbox.is_full()
    inbox.put([b""])
    assert inbox.is_full()
    for _ in range(3):
        inbox.get()
        assert not inbox.has_room()
    inbox.get()
    assert inbox.has_room()


def test_either_bound_holds_reading_back() -> None:
    inbox = Inbox(2, 1, 10**6)
    inbox.put(["x" * 10**6])
    assert inbox.is_full()
    inbox = Inbox(2, 1, 10**6)
    inbox.put(["x"] * 3)
    assert inbox.is_full()


def test_wide_characters_weigh_what_they_take() -> None:
    inbox = Inbox()
    inbox.put(["\U0001f600" * 1000])
    assert inbox.size > 4000


def test_clear() -> None:
    inbox = Inbox(0)
    inbox.put(["a", "b"])
    inbox.clear()
    assert (inbox.count, inbox.size, inbox.is_full()) == (0, 0, False)
    inbox.put(["c"])
    assert inbox.get() == "c"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((-1,), "max_queue must be at least 0 messages, not -1"),
        ((4, 5), "max_queue's low-water mark must be between 0 and 4, not 5"),
        ((4, -1), "max_queue's low-water mark must be between 0 and 4, not -1"),
        ((None, None, -1), "max_queue_size must be at least 0 bytes, not -1"),
    ],
)
def test_limits_that_make_no_sense(settings: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Inbox(*settings)


@pytest.mark.parametrize(
    ("max_queue", "limits"),
    [(16, (16, None)), (None, (None, None)), ((8, 2), (8, 2)), ((None, None), (None, None))],
)
def test_limits_as_programs_give_them(max_queue: object, limits: tuple[int, int]) -> None:
    assert queue_limits(max_queue) == limits  # type: ignore[arg-type]
