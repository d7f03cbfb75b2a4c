"""One message for many connections."""

from __future__ import annotations

import pytest


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
