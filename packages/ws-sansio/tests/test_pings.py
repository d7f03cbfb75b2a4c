"""Pings, matched with their pongs."""

from __future__ import annotations

import pytest

from ws_sansio.pings import PingRegistry
from ws_types.errors import ConcurrencyError


def test_a_pong_answers_its_ping_and_those_before() -> None:
    pings = PingRegistry()
    for number, payload in enumerate((b"a", b"b", b"c")):
        pings.add(payload, float(number))
    assert len(pings) == 3
    assert pings.acknowledge(b"b", 10.0) == [(b"a", 10.0), (b"b", 9.0)]
    assert pings.acknowledge(b"b", 10.0) == []
    assert len(pings) == 1
    assert pings.acknowledge(b"c", 10.0) == [(b"c", 8.0)]


def test_unknown_pongs_answer_nothing() -> None:
    pings = PingRegistry()
    pings.add(b"a", 0.0)
    assert pings.acknowledge(b"x", 1.0) == []
    assert len(pings) == 1


def test_duplicates_are_refused_until_answered() -> None:
    pings = PingRegistry()
    pings.add(b"a", 0.0)
    with pytest.raises(ConcurrencyError, match=r"already waiting for a pong with the same data"):
        pings.add(b"a", 1.0)
    assert pings.acknowledge(b"a", 5.0) == [(b"a", 5.0)]
    pings.add(b"a", 6.0)


def test_pings_that_are_forgotten() -> None:
    pings = PingRegistry()
    pings.add(b"a", 0.0)
    pings.forget(b"a")
    pings.forget(b"a")
    pings.forget(None)
    assert len(pings) == 0


@pytest.mark.parametrize(("before", "after"), [(None, 1.0), (1.0, None), (None, None)])
def test_round_trip_without_a_clock(before: float | None, after: float | None) -> None:
    pings = PingRegistry()
    pings.add(b"a", before)
    [(payload, round_trip)] = pings.acknowledge(b"a", after)
    assert payload == b"a"
    assert round_trip != round_trip


def test_unused_payloads(monkeypatch: pytest.MonkeyPatch) -> None:
    pings = PingRegistry()
    pings.add(b"used", 0.0)
    random = iter([b"used", b"used", b"free"])
    monkeypatch.setattr("os.urandom", lambda size: next(random))
    assert pings.unused_payload() == b"free"
