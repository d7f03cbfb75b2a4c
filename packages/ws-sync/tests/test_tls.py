"""TLS, and TLS inside TLS, over socket pairs: what arrives, what is left over, and how it ends."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
import trustme
from kit import Task, until

from ws_sansio import Protocol, Side
from ws_sync.connection import Connection
from ws_sync.tls import NestedTLS, start_tls
from ws_types.exceptions import ConnectionClosedOK

Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.fixture(scope="module")
def contexts() -> Contexts:
    """Settings of a client and of a server that it trusts."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(client)
    return client, server


def wrap(sockets: tuple[Any, Any], contexts: Contexts) -> tuple[Any, Any]:
    client = Task(start_tls, sockets[0], contexts[0], server_hostname="localhost", timeout=10)
    server = start_tls(sockets[1], contexts[1], server_side=True, timeout=10)
    return client.result(), server


@pytest.fixture(params=[1, 2], ids=["TLS", "TLS inside TLS"])
def ends(contexts: Contexts, request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any]]:
    sockets: tuple[Any, Any] = socket.socketpair()
    for _ in range(request.param):
        sockets = wrap(sockets, contexts)
    made = []
    for sock, side in zip(sockets, (Side.CLIENT, Side.SERVER), strict=True):
        protocol = Protocol(side, view="messages", max_size=None)
        connection = Connection(sock, protocol, ping_interval=None, max_queue=4)
        connection.response = object()  # type: ignore[assignment]
        made.append(connection)
    yield made[0], made[1]
    for connection in made:
        connection._drop()


def test_messages_of_any_size(ends: tuple[Connection, Connection]) -> None:
    client, server = ends
    for size in (0, 1, 16_384, 16_385, 3_000_000):
        sending = Task(client.send, bytes(size))
        assert server.recv(timeout=20) == bytes(size)
        sending.result()


def test_more_messages_than_there_is_room_for(ends: tuple[Connection, Connection]) -> None:
    client, server = ends
    for number in range(200):
        client.send(str(number) * 50)
    assert [server.recv(timeout=20) for _ in range(200)] == [str(n) * 50 for n in range(200)]


def test_output_is_seen_to_leave(ends: tuple[Connection, Connection]) -> None:
    """Or else a long message on a slow link would be taken for one that is stuck."""
    client, server = ends
    sending = Task(client.send, bytes(3_000_000))
    until(lambda: 0 < client.buffered_output < 3_000_000)
    assert server.recv(timeout=20) == bytes(3_000_000)
    sending.result()


def test_both_stream_at_once(ends: tuple[Connection, Connection]) -> None:
    client, server = ends
    big = bytes(2_000_000)

    def talk() -> object:
        client.send(big)
        return client.recv(timeout=20)

    task = Task(talk)
    server.send(big)
    assert server.recv(timeout=20) == task.result() == big


def test_closing(ends: tuple[Connection, Connection]) -> None:
    client, server = ends
    closing = Task(client.close)
    with pytest.raises(ConnectionClosedOK):
        server.recv(timeout=20)
    closing.result()
    assert client.fileno() == server.fileno() == -1
    assert client.close_code == server.close_code == 1000


def test_the_socket_tells_of_both_layers(contexts: Contexts) -> None:
    client, server = wrap(wrap(socket.socketpair(), contexts), contexts)
    with client.outer, server.outer:
        assert isinstance(client, NestedTLS)
        assert client.version() == "TLSv1.3"
        assert client.getpeercert()["subjectAltName"] == (("DNS", "localhost"),)
        assert client.getsockname() == server.getpeername()
        with pytest.raises(AttributeError, match="NestedTLS"):
            client.nonsense  # noqa: B018


@pytest.mark.parametrize("layers", [0, 1])
def test_a_handshake_that_takes_too_long(contexts: Contexts, layers: int) -> None:
    ours, theirs = socket.socketpair()
    sockets: tuple[Any, Any] = ours, theirs
    for _ in range(layers):
        sockets = wrap(sockets, contexts)
    with sockets[1]:
        with pytest.raises(TimeoutError):
            start_tls(sockets[0], contexts[0], server_hostname="localhost", timeout=0.01)
        assert sockets[0].fileno() == -1


@pytest.mark.parametrize("layers", [0, 1])
def test_a_certificate_for_somebody_else(contexts: Contexts, layers: int) -> None:
    sockets: tuple[Any, Any] = socket.socketpair()
    for _ in range(layers):
        sockets = wrap(sockets, contexts)
    server = Task(start_tls, sockets[1], contexts[1], server_side=True, timeout=10)
    with pytest.raises(ssl.SSLCertVerificationError):
        start_tls(sockets[0], contexts[0], server_hostname="example.com", timeout=10)
    with pytest.raises(OSError):  # noqa: PT011
        server.result()
