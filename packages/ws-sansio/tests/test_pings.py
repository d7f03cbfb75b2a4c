"""Pings and pongs: answered, held back, and matched."""

from __future__ import annotations

from typing import Any

import pytest
from framing import PING, PONG, frame
from wiring import sent, to

from ws_sansio import Protocol, Side
from ws_sansio.pings import PingRegistry
from ws_types.codes import Opcode
from ws_types.errors import ConcurrencyError
from ws_types.frames import Frame

pytest_plugins = ["variants"]

# Pings of the peer


def test_pings_are_answered_in_order(side: Side, view: Any) -> None:
    protocol = Protocol(side, view=view)
    protocol.receive_data(to(protocol, PING, b"1") + to(protocol, PING, b"") + to(protocol, PONG))
    assert sent(protocol) == [Frame(Opcode.PONG, b"1"), Frame(Opcode.PONG, b"")]


def test_ping_flood_from_a_peer_that_never_reads(view: Any) -> None:
    server = Protocol(Side.SERVER, view=view, write_limit=1000)
    unsent = 0
    flood = b"".join(frame(PING, number.to_bytes(4, "big") + bytes(121)) for number in range(1000))
    for _ in range(10):
        server.receive_data(flood)
        server.events_received()
        # One read is answered before anyone can say that nothing leaves.
        unsent += sum(map(len, server.data_to_send()))
        server.output_pending(unsent)
    assert unsent == 1000 * 127  # the pongs of the first read alone


def test_pongs_held_back_are_replaced_by_the_newest() -> None:
    server = Protocol(Side.SERVER, write_limit=1000)
    server.output_pending(1001)
    for number in range(5):
        server.receive_data(frame(PING, bytes([number])))
    assert server.data_to_send() == []
    server.output_pending(1001)
    assert server.data_to_send() == []
    server.output_pending(1000)
    assert sent(server) == [Frame(Opcode.PONG, bytes([4]))]
    server.output_pending(0)
    assert server.data_to_send() == []
    server.receive_data(frame(PING, b"a") + frame(PING, b"b"))
    assert sent(server) == [Frame(Opcode.PONG, b"a"), Frame(Opcode.PONG, b"b")]


# Pings of the program


def test_pongs_are_matched_with_pings(side: Side) -> None:
    protocol = Protocol(side, view="messages")
    for number, payload in enumerate((b"1", b"2", b"3")):
        protocol.send_ping(payload, now=10.0 + number)
    protocol.receive_data(to(protocol, PONG, b"2"), now=11.5)
    # A pong answers the pings before its own.
    assert protocol.pings_answered() == [(b"1", 1.5), (b"2", 0.5)]
    assert protocol.latency == 0.5
    protocol.receive_data(to(protocol, PONG, b"2") + to(protocol, PONG, b"?"), now=12.0)
    assert protocol.pings_answered() == []
    protocol.receive_data(to(protocol, PONG, b"3"), now=12.25)
    assert protocol.pings_answered() == [(b"3", 0.25)]
    assert protocol.latency == 0.25


def test_no_two_pings_with_the_same_payload(side: Side) -> None:
    protocol = Protocol(side, view="messages")
    protocol.send_ping(b"1")
    with pytest.raises(ConcurrencyError, match="already waiting for a pong with the same data"):
        protocol.send_ping(bytearray(b"1"))
    assert len(protocol.data_to_send()) == 1
    assert protocol.unused_ping() != b"1"
    protocol.receive_data(to(protocol, PONG, b"1"))
    protocol.send_ping(b"1")


def test_round_trip_is_not_a_number_without_a_clock(side: Side) -> None:
    protocol = Protocol(side, view="messages")
    protocol.send_ping(b"1")
    protocol.receive_data(to(protocol, PONG, b"1"))
    [(payload, round_trip)] = protocol.pings_answered()
    assert payload == b"1"
    assert round_trip != round_trip
    assert protocol.latency == 0


def test_view_of_frames_leaves_pongs_to_its_reader(side: Side) -> None:
    protocol = Protocol(side)
    protocol.send_ping(b"1")
    protocol.send_ping(b"1")
    protocol.receive_data(to(protocol, PONG, b"1"))
    assert protocol.pings_answered() == []


# Pings that wait for their pong


def test_forgotten_pings_wait_no_longer() -> None:
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


def test_an_unused_payload_is_none_of_those_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    pings = PingRegistry()
    pings.add(b"used", 0.0)
    random = iter([b"used", b"used", b"free"])
    monkeypatch.setattr("os.urandom", lambda size: next(random))
    assert pings.unused_payload() == b"free"
