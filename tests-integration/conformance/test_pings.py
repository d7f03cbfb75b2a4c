"""Pings and pongs."""

from __future__ import annotations

import pytest
import raw
from shells import PATIENCE


def test_a_pong_comes_though_nobody_receives(ends):
    first, _ = ends
    first.ping().result(PATIENCE)
    first.ping(b"payload").result(PATIENCE)
    assert first.raw.latency > 0


@pytest.mark.parametrize("payload", ["text", "", b"", b"\0\xff", b"x" * 125, bytearray(b"array")])
def test_payloads(ends, payload):
    first, _ = ends
    first.ping(payload).result(PATIENCE)


@pytest.mark.parametrize("operation", ["ping", "pong"])
def test_payloads_that_are_too_long(shell, ends, operation):
    first, second = ends
    with pytest.raises(shell.errors.ProtocolError):
        first.start(operation, b"x" * 126).result(PATIENCE)
    first.send("still open")
    assert second.recv() == "still open"


@pytest.mark.parametrize("payload", [5, ["a"]])
@pytest.mark.parametrize("operation", ["ping", "pong"])
def test_payloads_of_wrong_types(ends, operation, payload):
    first, _ = ends
    with pytest.raises(TypeError):
        first.start(operation, payload).result(PATIENCE)


def test_a_pong_that_nobody_asked_for(ends):
    first, second = ends
    first.pong()
    first.pong(b"payload")
    first.pong("text")
    first.send("after")
    assert second.recv() == "after"


def test_many_pings(ends):
    first, _ = ends
    for pong in [first.ping() for _ in range(50)]:
        pong.result(PATIENCE)


def test_a_later_pong_answers_earlier_pings(server, shell):
    """A peer that answers the last of several pings only (RFC 6455, section 5.5.3)."""
    with raw.connect(server.port) as peer:
        handled = server.accept()
        pongs = [handled.ping(payload) for payload in (b"1", b"2", b"3")]
        peer.send_frame(0xA, b"2")
        pongs[0].result(PATIENCE)
        pongs[1].result(PATIENCE)
        assert not pongs[2].done()
        with pytest.raises(shell.errors.ConcurrencyError):
            handled.ping(b"3")
        peer.send_frame(0xA, b"3")
        pongs[2].result(PATIENCE)


def test_pings_are_answered_in_their_order(server):
    with raw.connect(server.port) as peer:
        server.accept()
        for payload in (b"1", b"2"):
            peer.send_frame(0x9, payload)
        assert peer.receive(4 + 2) == b"\x8a\x011\x8a\x012"
