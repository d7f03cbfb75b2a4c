"""One message for many connections."""

from __future__ import annotations

from threading import Event

import pytest
import raw
from libraries import only_ours
from shells import PATIENCE


@pytest.mark.parametrize("message", ["naïve", b"binary", "", "long " * 5000])
def test_a_message_for_all(shell, server, message):
    pairs = [server.pair(compression=each) for each in ("deflate", None, "deflate")]
    shell.broadcast([handled for _, handled in pairs], message)
    assert [client.recv() for client, _ in pairs] == [message] * 3


def test_a_message_from_clients(shell, server):
    pairs = [server.pair() for _ in range(3)]
    shell.broadcast([client for client, _ in pairs], "to servers")
    assert [handled.recv() for _, handled in pairs] == ["to servers"] * 3


def test_a_message_for_nobody(shell):
    shell.broadcast([], "message")


def test_bytes_as_text_and_text_as_binary(shell, server):
    client, handled = server.pair()
    shell.broadcast([handled], "naïve".encode(), text=True)
    shell.broadcast([handled], "naïve", text=False)
    assert [client.recv(), client.recv()] == ["naïve", "naïve".encode()]


def test_connections_that_are_closed_are_left_out(shell, server):
    pairs = [server.pair() for _ in range(3)]
    pairs[1][0].close()
    pairs[1][1].closed()
    shell.broadcast([handled for _, handled in pairs], "message")
    assert [client.recv() for client, _ in (pairs[0], pairs[2])] == ["message"] * 2


def test_order_among_broadcasts_and_other_messages(shell, server):
    client, handled = server.pair()
    for number in range(50):
        shell.broadcast([handled], f"broadcast {number}")
        handled.send(f"message {number}")
    expected = [f"{kind} {number}" for number in range(50) for kind in ("broadcast", "message")]
    assert [client.recv() for _ in expected] == expected


@pytest.mark.parametrize("message", [5, ["fragments"], None])
def test_what_cannot_be_broadcast(shell, server, message):
    client, handled = server.pair()
    with pytest.raises(TypeError):
        shell.broadcast([handled], message)
    shell.broadcast([handled], "still open")
    assert client.recv() == "still open"


# What became of it


@only_ours
def test_a_report_counts_who_got_the_message(shell, server):
    pairs = [server.pair() for _ in range(3)]
    pairs[0][0].close()
    pairs[0][1].closed()
    report = shell.broadcast([handled for _, handled in pairs], "message")
    assert (report.sent, report.skipped, report.closed, report.failed) == (2, [], [], [])


@only_ours
def test_who_is_between_fragments_is_skipped(shell, server):
    (client, handled), (other, _) = pairs = [server.pair() for _ in range(2)]
    proceed = Event()
    sending = handled.start_slowly(["in ", "parts"], proceed)
    report = shell.broadcast([end for _, end in pairs], "message")
    assert (report.sent, report.skipped) == (1, [handled.raw])
    proceed.set()
    sending.result(PATIENCE)
    assert client.recv() == "in parts"
    assert other.recv() == "message"


@only_ours
def test_what_is_not_taken_at_once_is_sent_though_nobody_attends_to_it(shell, server):
    message = bytes(2**16)
    with raw.connect(server.port) as peer:
        handled = server.accept()
        for _ in range(200):
            assert shell.broadcast([handled], message, limit=None).sent == 1
        for _ in range(200):
            assert peer.receive_frame().payload == message


@only_ours
@pytest.mark.parametrize("slow", ["skip", "close", "function"])
def test_who_is_too_slow(shell, slow):
    told = []
    with shell.serve(close_timeout=0.05) as server, raw.connect(server.port) as peer:
        handled = server.accept()
        options = {"limit": 0, "slow": told.append if slow == "function" else slow}
        # The peer reads nothing: sooner or later, something waits to be sent.
        for _ in range(1000):
            report = shell.broadcast([handled], bytes(2**16), **options)
            if not report.sent:
                break
        assert report.sent == 0
        assert report.closed == ([handled.raw] if slow == "close" else [])
        assert report.skipped == ([] if slow == "close" else [handled.raw])
        assert told == ([handled.raw] if slow == "function" else [])
        if slow == "close":
            assert handled.closed().sent.code == 1013
        peer.sock.close()
