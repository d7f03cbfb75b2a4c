"""realtime, the client of Supabase: Phoenix channels."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from realtime import AsyncRealtimeClient, RealtimeSubscribeStates

pytestmark = pytest.mark.asyncio


@pytest.fixture
def phoenix(as_json):
    """
    Replies to what channels say; broadcasts go to all connections, their sender included.

    A broadcast of "leave" ends the connection, as it says.
    """
    sessions = []

    async def handle(connection: Any) -> None:
        address = urlsplit(connection.request.path)
        assert address.path == "/realtime/v1/websocket"
        assert parse_qs(address.query)["apikey"] == ["token"]
        session = as_json(connection)
        sessions.append(session)
        try:
            async for message in session:
                reply = {"status": "ok", "response": {"postgres_changes": []}}
                if message["topic"] == "realtime:forbidden":
                    reply = {"status": "error", "response": {"reason": "not yours"}}
                answer = {"topic": message["topic"], "ref": message["ref"]}
                await session.send({**answer, "event": "phx_reply", "payload": reply})
                if message["event"] == "broadcast":
                    await leave(connection, message["payload"]["payload"].get("leave"))
                    for each in sessions:
                        await each.send({**message, "ref": None})
        finally:
            sessions.remove(session)

    return handle


async def leave(connection: Any, how: str | None) -> None:
    """Have a server leave, if it is to."""
    if how == "abruptly":
        connection.transport.abort()
    elif how is not None:
        await connection.close(int(how))


async def joined(
    client: AsyncRealtimeClient, name: str, states: asyncio.Queue[Any] | None = None
) -> tuple[Any, asyncio.Queue[Any]]:
    """Subscribe to a channel; gives it and what is broadcast there."""
    states = states or asyncio.Queue()
    received: asyncio.Queue[Any] = asyncio.Queue()
    channel = client.channel(name)
    channel.on_broadcast("move", received.put_nowait)
    await channel.subscribe(lambda state, error: states.put_nowait((state, error)))
    state, error = await states.get()
    if state is not RealtimeSubscribeStates.SUBSCRIBED:
        raise PermissionError(str(error))
    return channel, received


async def test_broadcasts(service, phoenix):
    async with service(phoenix) as address:
        url = f"ws://{address}/realtime/v1"
        clients = [AsyncRealtimeClient(url, "token") for _ in range(2)]
        for client in clients:
            await client.connect()
        (channel, _), (_, received) = [await joined(client, "room") for client in clients]
        for x in range(3):
            await channel.send_broadcast("move", {"x": x})
        moves = [await received.get() for _ in range(3)]
        await channel.unsubscribe()
        for client in clients:
            await client.close()
            assert not client.is_connected
    assert [move["payload"] for move in moves] == [{"x": 0}, {"x": 1}, {"x": 2}]


async def test_a_channel_that_is_refused(service, phoenix):
    async with service(phoenix) as address:
        client = AsyncRealtimeClient(f"ws://{address}/realtime/v1", "token")
        await client.connect()
        with pytest.raises(PermissionError, match="not yours"):
            await joined(client, "forbidden")
        await client.close()


@pytest.mark.parametrize("leaving", ["abruptly", "1001", "1012"])
async def test_a_client_whose_server_leaves_connects_and_joins_again(service, phoenix, leaving):
    requests = []

    def process_request(connection: Any, request: Any) -> Any:
        requests.append(request)
        # Just after it was lost, the server isn't back yet.
        return connection.respond(503, "not yet\n") if len(requests) == 2 else None

    async with service(phoenix, process_request=process_request) as address:
        url = f"ws://{address}/realtime/v1"
        client = AsyncRealtimeClient(url, "token", initial_backoff=0.01)
        await client.connect()
        states: asyncio.Queue[Any] = asyncio.Queue()
        channel, received = await joined(client, "room", states)
        await channel.send_broadcast("move", {"x": 1})
        assert (await received.get())["payload"] == {"x": 1}
        await channel.send_broadcast("move", {"leave": leaving})
        seen = [(await states.get())[0] for _ in range(2)]
        assert seen == [RealtimeSubscribeStates.CHANNEL_ERROR, RealtimeSubscribeStates.SUBSCRIBED]
        await channel.send_broadcast("move", {"x": 2})
        while (await received.get())["payload"] != {"x": 2}:
            pass
        await client.close()
    assert len(requests) == 3
