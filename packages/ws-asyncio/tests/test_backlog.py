"""What waits to be written over TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import pytest
import trustme
from kit import echo, on_sockets, turns

from ws_asyncio import ServerConnection, connect
from ws_asyncio.backlog import SLICE, Backlog
from ws_asyncio.testing import serving


class Transport:
    """Takes a number of bytes until it asks to pause."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.written: list[bytes] = []
        self.closed = False
        self.limits: tuple[int, int] | None = None
        self.backlog: Backlog

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        self.limits = (high, low)

    def write(self, data: Any) -> None:
        assert not self.closed
        self.written.append(bytes(data))
        self.room -= len(data)
        if self.room < 0:
            self.backlog.paused = True

    def close(self) -> None:
        self.closed = True

    def resume(self, room: int) -> None:
        self.room = room
        self.backlog.paused = False
        self.backlog.go_on()


def make(room: int) -> tuple[Transport, Backlog]:
    transport: Any = Transport(room)
    transport.backlog = Backlog(transport)
    return transport, transport.backlog


def test_it_is_told_as_soon_as_anything_waits() -> None:
    transport, _ = make(0)
    assert transport.limits == (1, 0)


def test_what_is_small_goes_out_as_it_is() -> None:
    transport, backlog = make(1000)
    backlog.write(b"a")
    backlog.write(b"b")
    assert transport.written == [b"a", b"b"]
    assert backlog.size == 0


def test_what_is_large_goes_out_in_slices() -> None:
    transport, backlog = make(10 * SLICE)
    data = bytes(range(256)) * (3 * SLICE // 256) + b"rest"
    backlog.write(data)
    assert [len(part) for part in transport.written] == [SLICE, SLICE, SLICE, 4]
    assert b"".join(transport.written) == data


def test_what_the_transport_does_not_take_waits_in_order() -> None:
    transport, backlog = make(SLICE)
    backlog.write(b"x" * (4 * SLICE))
    backlog.write(b"y")
    assert len(transport.written) == 2
    assert backlog.size == 2 * SLICE + 1
    transport.resume(0)
    assert len(transport.written) == 3
    transport.resume(10 * SLICE)
    assert backlog.size == 0
    assert b"".join(transport.written) == b"x" * (4 * SLICE) + b"y"


def test_the_end_is_behind_what_waits() -> None:
    transport, backlog = make(0)
    backlog.write(b"x" * (2 * SLICE))
    backlog.close()
    assert not transport.closed
    transport.resume(10 * SLICE)
    assert transport.closed
    assert sum(map(len, transport.written)) == 2 * SLICE


def test_the_end_where_nothing_waits() -> None:
    transport, backlog = make(1000)
    backlog.write(b"x")
    backlog.close()
    assert transport.closed


@pytest.fixture(scope="module")
def tls() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS contexts of a server and of a client that trusts it."""
    authority = trustme.CA()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server_side)
    client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(client_side)
    return server_side, client_side


@on_sockets
async def test_all_of_a_large_message_arrives_before_the_end(tls: Any) -> None:
    async def tell(connection: ServerConnection) -> None:
        await connection.send(b"x" * 5_000_000)

    server_side, client_side = tls
    settings: dict[str, Any] = {"max_size": None, "compression": None}
    async with (
        serving(tell, ssl=server_side, **settings) as server,
        connect(server.uri, ssl=client_side, **settings) as client,
    ):
        assert await client.recv() == b"x" * 5_000_000
        await client.wait_closed()
        assert client.close_code == 1000


@on_sockets
async def test_sending_waits_for_a_peer_that_does_not_read(tls: Any) -> None:
    server_side, client_side = tls
    settings: dict[str, Any] = {"compression": None, "max_queue": 1}
    async with (
        serving(echo, ssl=server_side, **settings) as server,
        connect(server.uri, ssl=client_side, **settings) as client,
    ):
        client.transport.pause_reading()
        # The slower the machine, the more the system would have room for.
        sock = client.transport.get_extra_info("socket")
        for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, buffer, 2**16)
        # Echoes fill the network; more than that isn't read, and not sent.
        sending = asyncio.ensure_future(send_many(client))
        while client.transport.get_write_buffer_size() == 0:
            await asyncio.sleep(0.001)
        await turns()
        assert not sending.done()
        # One message, and what the layers below hold.
        assert client._unsent() <= 2**17 + client.write_limit[0]
        client.transport.resume_reading()
        for _ in range(200):
            assert len(await client.recv()) == 2**16
        await sending


async def send_many(client: Any) -> None:
    for _ in range(200):
        await client.send(b"x" * 2**16)
