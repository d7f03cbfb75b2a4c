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
    """Replies to what channels say; broadcasts go to all connections, their sender included."""
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
                    for each in sessions:
                        await each.send({**message, "ref": None})
        finally:
            sessions.remove(session)

    return handle


async def joined(client: AsyncRealtimeClient, name: str) -> tuple[Any, asyncio.Queue[Any]]:
    """Subscribe to a channel; gives it and what is broadcast there."""
    states: asyncio.Queue[Any] = asyncio.Queue()
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
