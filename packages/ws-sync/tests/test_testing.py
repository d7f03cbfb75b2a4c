"""The testing kit: two ends without a network, and a server on a free port."""

from __future__ import annotations

import threading

import pytest

from ws_sync import ServerConnection, connect
from ws_sync.testing import connected_pair, serving
from ws_types.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus


def echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


def test_a_handler_is_tried_out() -> None:
    with connected_pair(echo) as (client, server):
        client.send("hello")
        assert client.recv(timeout=20) == "hello"
    assert client.close_code == server.close_code == 1000


def test_both_ends_are_left_to_the_test() -> None:
    with connected_pair(uri="ws://example.com/room") as (client, server):
        server.send("hello")
        assert client.recv(timeout=20) == "hello"
        assert server.request is not None
        assert (server.request.path, server.request.headers["Host"]) == ("/room", "example.com")


def test_settings_are_those_of_connect_and_serve() -> None:
    with connected_pair(
        client={"subprotocols": ["chat"]}, server={"subprotocols": ["chat"]}
    ) as pair:
        assert pair.client.subprotocol == pair.server.subprotocol == "chat"


def test_a_refused_client_raises_what_it_would() -> None:
    settings = {"process_request": lambda connection, request: connection.respond(404, "no\n")}
    with pytest.raises(InvalidStatus), connected_pair(server=settings):
        pass


def test_nothing_arrives_while_the_wire_is_held() -> None:
    with connected_pair(echo) as pair:
        pair.hold()
        pair.client.send("late")
        with pytest.raises(TimeoutError):
            pair.client.recv(timeout=0.05)
        pair.release()
        assert pair.client.recv(timeout=20) == "late"


def test_waits_end_where_the_wire_stays_held() -> None:
    with connected_pair(client={"close_timeout": 0.01}) as pair:
        pair.hold()
        pair.client.close()
        assert pair.client.close_code == 1006
        # Not even the end of the stream has arrived.
        with pytest.raises(TimeoutError):
            pair.server.recv(timeout=0.05)
        assert pair.server.close_code is None
        pair.release()
        with pytest.raises(ConnectionClosedOK):
            pair.server.recv(timeout=20)


def test_a_block_ends_although_the_wire_is_held() -> None:
    with connected_pair(echo) as pair:
        pair.hold()
        pair.client.send("never received")
    assert pair.client.close_code == pair.server.close_code == 1000


def test_a_connection_is_lost() -> None:
    with connected_pair() as pair:
        pair.abort()
        for connection in pair:
            with pytest.raises(ConnectionClosedError):
                connection.recv()
            assert connection.close_code == 1006


def test_a_server_on_a_free_port_ends_with_its_block() -> None:
    with serving(echo) as server, connect(server.uri + "/path") as client:
        client.send("hello")
        assert client.recv(timeout=20) == "hello"
    assert server.server.fileno() == -1
    assert not [thread for thread in threading.enumerate() if "serve_forever" in thread.name]
