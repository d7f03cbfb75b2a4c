"""The testing kit, on each kind of event loop."""

from __future__ import annotations

import asyncio
import contextvars
import ssl
import weakref
from typing import Any

import pytest
import trustme
from kit import echo, in_memory, memory, no_collector, on_sockets, turns

from ws_asyncio import ClientConnection, ServerConnection, connect
from ws_asyncio.testing import connected_pair, serving
from ws_types import InvalidStatus, Subprotocol
from ws_types.exceptions import ConnectionClosedError, ConnectionClosedOK


@on_sockets
async def test_a_handler_is_tested_in_memory() -> None:
    async with connected_pair(echo) as (client, server):
        assert isinstance(client, ClientConnection)
        assert isinstance(server, ServerConnection)
        await client.send("a")
        await client.send(b"b" * 300_000)
        assert await client.recv() == "a"
        assert await client.recv() == b"b" * 300_000
    assert (client.close_code, server.close_code) == (1000, 1000)


@on_sockets
async def test_both_ends_are_left_to_the_test() -> None:
    async with connected_pair() as pair:
        await pair.server.send("down")
        assert await pair.client.recv() == "down"
        await (await pair.client.ping())
        await pair.server.close(4000, "enough")
        with pytest.raises(ConnectionClosedError) as raised:
            await pair.client.recv()
        assert raised.value.rcvd is not None
        assert (raised.value.rcvd.code, raised.value.rcvd.reason) == (4000, "enough")


@on_sockets
async def test_settings_of_both_sides() -> None:
    chat = Subprotocol("chat")
    async with connected_pair(
        uri="ws://example.com/room?1",
        client={"subprotocols": [chat], "compression": None},
        server={"subprotocols": [chat], "max_size": 5},
    ) as (client, server):
        assert client.subprotocol == server.subprotocol == "chat"
        assert server.request is not None
        assert server.request.path == "/room?1"
        assert server.request.headers["Host"] == "example.com"
        await client.send("123456")
        with pytest.raises(ConnectionClosedError) as raised:
            await client.recv()
        assert raised.value.rcvd is not None
        assert raised.value.rcvd.code == 1009


@on_sockets
async def test_compression_is_negotiated() -> None:
    async with connected_pair() as (client, server):
        assert client.response is not None
        assert "permessage-deflate" in client.response.headers["Sec-WebSocket-Extensions"]
        await client.send("a" * 10_000)
        assert await server.recv() == "a" * 10_000


@on_sockets
async def test_a_refusal_is_raised() -> None:
    def refuse(connection: ServerConnection, request: Any) -> Any:
        return connection.respond(403, "no\n")

    with pytest.raises(InvalidStatus) as raised:
        async with connected_pair(server={"process_request": refuse}):
            pytest.fail("it was connected")
    assert raised.value.response.status_code == 403


@on_sockets
async def test_a_handler_that_fails_ends_in_1011() -> None:
    async def fail(connection: ServerConnection) -> None:
        raise RuntimeError("handler")

    async with connected_pair(fail) as (client, _):
        with pytest.raises(ConnectionClosedError) as raised:
            await client.recv()
        assert raised.value.rcvd is not None
        assert raised.value.rcvd.code == 1011


@on_sockets
async def test_sending_waits_for_an_end_that_does_not_read() -> None:
    quiet: dict[str, Any] = {"compression": None}
    async with connected_pair(
        capacity=1000, client=quiet | {"write_limit": 1000}, server=quiet | {"max_queue": 2}
    ) as (client, server):
        sending = asyncio.ensure_future(client.send(b"x" * 100))
        count = 1
        while True:
            await turns()
            if not sending.done():
                break
            sending = asyncio.ensure_future(client.send(b"x" * 100))
            count += 1
            assert count < 100
        # The queue of the server, the network, and the buffer of the client.
        assert count > 20
        for _ in range(count):
            assert len(await server.recv()) == 100
        await sending


@on_sockets
async def test_nothing_arrives_while_the_network_is_held() -> None:
    async with connected_pair(echo) as pair:
        pair.hold()
        await pair.client.send("late")
        receiving = asyncio.ensure_future(pair.client.recv())
        await turns()
        assert not receiving.done()
        pair.release()
        assert await receiving == "late"


@on_sockets
async def test_waits_end_on_a_network_that_stays_held() -> None:
    async with connected_pair(client={"close_timeout": 0.01}) as pair:
        pair.hold()
        await pair.client.close()
        assert pair.client.close_code == 1006
        await turns()
        # Not even the end of the stream has arrived.
        assert pair.server.close_code is None
        pair.release()
        with pytest.raises(ConnectionClosedError):
            await pair.server.recv()


@on_sockets
async def test_a_connection_that_is_reset() -> None:
    async with connected_pair() as pair:
        receiving = [asyncio.ensure_future(end.recv()) for end in pair]
        await turns()
        pair.abort()
        for end in receiving:
            with pytest.raises(ConnectionClosedError) as raised:
                await end
            assert isinstance(raised.value.__cause__, ConnectionResetError)


@on_sockets
async def test_one_end_that_is_aborted_resets_the_other() -> None:
    async with connected_pair() as pair:
        pair.client.transport.abort()
        with pytest.raises(ConnectionClosedError) as raised:
            await pair.server.recv()
        assert isinstance(raised.value.__cause__, ConnectionResetError)


@in_memory
async def test_the_end_does_not_wait_for_a_reader() -> None:
    """Both queues and the network are full, and nobody reads."""
    settings = {"max_queue": 1, "compression": None}
    async with connected_pair(capacity=100, client=settings, server=settings) as pair:
        for end in pair:
            for _ in range(5):
                await end.send(b"x" * 1000)
        await turns(1000)
        start = memory().now
    assert memory().now - start < 2
    assert pair.client.close_code is not None
    assert pair.server.close_code is not None


@on_sockets
async def test_messages_that_wait_at_the_end_can_be_received() -> None:
    async with connected_pair() as (client, server):
        await client.send("a")
    assert await server.recv() == "a"
    with pytest.raises(ConnectionClosedOK):
        await server.recv()


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="outside")


@on_sockets
async def test_a_handler_does_not_see_the_context_of_the_client() -> None:
    async def tell(connection: ServerConnection) -> None:
        async for _ in connection:
            await connection.send(variable.get())

    async with connected_pair(tell) as (client, _):
        variable.set("inside")
        await client.send("?")
        assert await client.recv() == "outside"


@on_sockets
async def test_the_ends_are_freed_at_once() -> None:
    async def use() -> list[weakref.ref[Any]]:
        async with connected_pair(echo) as (client, server):
            await client.send("a")
            await client.recv()
            return [weakref.ref(client), weakref.ref(server)]

    with no_collector():
        ends = await use()
        await turns()
        assert [end() for end in ends] == [None, None]


@pytest.mark.parametrize("capacity", [0, -1])
@on_sockets
async def test_a_network_without_room_is_refused(capacity: int) -> None:
    with pytest.raises(ValueError, match="capacity must be at least 1 byte"):
        async with connected_pair(capacity=capacity):
            pytest.fail("it was connected")


@on_sockets
async def test_a_server_on_a_free_port() -> None:
    async with serving(echo) as first, serving(echo, max_size=5) as second:
        assert first.uri.startswith("ws://127.0.0.1:")
        assert first.uri != second.uri
        async with connect(first.uri + "/path") as client:
            (connection,) = first.server.connections
            assert connection.request is not None
            assert connection.request.path == "/path"
            await client.send("a" * 6)
            assert await client.recv() == "a" * 6
        async with connect(second.uri) as client:
            await client.send("a" * 6)
            with pytest.raises(ConnectionClosedError):
                await client.recv()
    with pytest.raises(OSError, match=r"."):
        await connect(first.uri)


@on_sockets
async def test_a_server_with_tls() -> None:
    authority = trustme.CA()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server_side)
    client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(client_side)
    async with serving(echo, ssl=server_side) as server:
        assert server.uri.startswith("wss://127.0.0.1:")
        async with connect(server.uri, ssl=client_side) as client:
            await client.send("a")
            assert await client.recv() == "a"


@on_sockets
async def test_a_server_on_ipv6() -> None:
    try:
        async with serving(echo, host="::1") as server:
            assert server.uri.startswith("ws://[::1]:")
            async with connect(server.uri):
                pass
    except OSError as exc:
        pytest.skip(f"there is no IPv6 here: {exc}")
