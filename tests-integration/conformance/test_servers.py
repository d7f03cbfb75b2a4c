"""Servers: their connections, and their end."""

from __future__ import annotations

import gc

import pytest
import raw
from libraries import only_ours
from shells import PATIENCE


def test_connections_are_counted(server):
    assert server.connections == 0
    pairs = [server.pair() for _ in range(3)]
    assert server.connections == 3
    client, handled = pairs[0]
    client.close()
    handled.closed()
    assert server.connections == 2
    assert {handled.raw for _, handled in pairs[1:]} == set(server.raw.connections)


def test_closing_closes_connections(server):
    clients = [server.pair()[0] for _ in range(3)]
    server.close()
    assert [client.closed().rcvd.code for client in clients] == [1001] * 3


def test_closing_with_a_code_and_a_reason(server):
    client, _ = server.pair()
    server.close(code=1012, reason="back soon")
    closed = client.closed()
    assert (closed.rcvd.code, closed.rcvd.reason) == (1012, "back soon")


def is_answered(port: int) -> bool:
    """Whether anybody answers there."""
    try:
        with raw.dial(port) as peer:
            peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            return bool(peer.receive_rest())
    except OSError:
        return False


# Before 3.13, asyncio forgets a connection whose turn comes just after its server was closed: it
# is left to the collector, which complains.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_closing_lets_connections_go_on(server):
    client, handled = server.pair()
    closing = server.start_closing(close_connections=False)
    # The server listens no more before it closes connections.
    while is_answered(server.port):
        pass
    client.send("still open")
    assert handled.recv() == "still open"
    handled.send("here too")
    assert client.recv() == "here too"
    handled.finish()
    assert client.closed().rcvd.code == 1000
    closing.result(PATIENCE)
    gc.collect()


def test_closing_twice(server):
    server.close()
    server.close()


def test_nobody_connects_to_a_closed_server(shell, server):
    server.close()
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        shell.connect(server.uri)


def test_closing_does_not_wait_for_who_says_nothing(server):
    with raw.dial(server.port) as peer:
        # What was accepted after it is accepted before it is closed.
        server.pair()
        server.close()
        peer.receive_rest()


def test_many_at_once(server, shell):
    connecting = [shell.start_connecting(server.uri) for _ in range(50)]
    clients = [each.result(PATIENCE) for each in connecting]
    handled = [server.accept() for _ in clients]
    for each in handled:
        each.send("hello")
    assert [client.recv() for client in clients] == ["hello"] * 50


def test_what_a_client_leaves_behind_disturbs_nobody(server):
    for number in range(5):
        with raw.connect(server.port) as peer:
            handled = server.accept()
            if number % 2:
                peer.send(b"\xff\xff\xff")
        handled.closed()
        handled.finish()
    client, handled = server.pair()
    client.send("fine")
    assert handled.recv() == "fine"


# Draining


@only_ours
def test_a_server_that_is_drained_lets_connections_finish(shell, server):
    pairs = [server.pair() for _ in range(2)]
    draining = server.start_draining(600)
    status = None
    while status != 503:
        try:
            server.connect().close()
        except shell.errors.InvalidStatus as exc:
            status = exc.response.status_code
    for client, handled in pairs:
        client.send("still open")
        assert handled.recv() == "still open"
        assert not draining.done()
        handled.finish()
        assert client.closed().rcvd.code == 1000
    # Nobody is left to wait for.
    draining.result(PATIENCE)
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        server.connect()


@only_ours
@pytest.mark.parametrize("spread", [0, None])
def test_a_server_that_is_drained_closes_who_does_not_finish(server, spread):
    clients = [server.pair()[0] for _ in range(3)]
    draining = server.start_draining(0.05, spread=spread, code=1012, reason="back soon")
    for client in clients:
        closed = client.closed()
        assert (closed.rcvd.code, closed.rcvd.reason) == (1012, "back soon")
    draining.result(PATIENCE)


@only_ours
def test_a_server_that_cannot_be_drained_like_that(shell, server):
    for timeout, options in ((-1, {}), (1, {"spread": 2})):
        with pytest.raises(ValueError, match="must be"):
            server.start_draining(timeout, **options).result(PATIENCE)
    with pytest.raises(shell.errors.ProtocolError):
        server.start_draining(1, code=1005).result(PATIENCE)
    client, handled = server.pair()
    client.send("still serving")
    assert handled.recv() == "still serving"
