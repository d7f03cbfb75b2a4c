"""slack-sdk: socket mode."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.socket_mode.websockets import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

pytestmark = pytest.mark.asyncio

HELLO = {"type": "hello", "num_connections": 1}


@pytest_asyncio.fixture
async def slack(service):
    """Serve the Web API, which tells where to connect, and that; gives a client."""

    @contextlib.asynccontextmanager
    async def running(handler):
        async def open_connection(request: web.Request) -> web.Response:
            assert request.headers["Authorization"] == "Bearer xapp-token"
            return web.json_response({"ok": True, "url": f"ws://{address}/link/?ticket=1"})

        application = web.Application()
        application.router.add_post("/api/apps.connections.open", open_connection)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        try:
            async with service(handler) as address:
                api = AsyncWebClient(base_url=f"http://127.0.0.1:{port}/api/")
                client = SocketModeClient("xapp-token", web_client=api)
                try:
                    yield client
                finally:
                    await client.close()
        finally:
            await runner.cleanup()

    return running


def listen(client: SocketModeClient) -> asyncio.Queue[Any]:
    """Acknowledge requests, and collect them."""
    requests: asyncio.Queue[Any] = asyncio.Queue()

    async def acknowledge(client: Any, request: Any) -> None:
        answer = SocketModeResponse(request.envelope_id, payload={"text": "seen"})
        await client.send_socket_mode_response(answer)
        requests.put_nowait(request)

    client.socket_mode_request_listeners.append(acknowledge)
    return requests


def event(number: int) -> dict[str, Any]:
    payload = {"event": {"type": "message", "text": f"message {number}"}}
    return {"type": "events_api", "envelope_id": f"{number}", "payload": payload}


async def test_events_are_acknowledged(slack, as_json):
    acknowledged: asyncio.Queue[Any] = asyncio.Queue()

    async def handle(connection: Any) -> None:
        assert connection.request.path == "/link/?ticket=1"
        session = as_json(connection)
        await session.send(HELLO)
        for number in range(3):
            await session.send(event(number))
        async for answer in session:
            acknowledged.put_nowait(answer)

    async with slack(handle) as client:
        requests = listen(client)
        await client.connect()
        assert await client.is_connected()
        texts = [(await requests.get()).payload["event"]["text"] for _ in range(3)]
        answers = [await acknowledged.get() for _ in range(3)]
    assert texts == ["message 0", "message 1", "message 2"]
    expected = [{"envelope_id": f"{number}", "payload": {"text": "seen"}} for number in range(3)]
    assert answers == expected


async def test_moves_to_another_connection_when_told_to(slack, as_json):
    connections = []

    async def handle(connection: Any) -> None:
        connections.append(connection)
        number = len(connections)
        session = as_json(connection)
        await session.send(HELLO)
        await session.send(event(number))
        await session.recv()
        if number == 1:
            await session.send({"type": "disconnect", "reason": "refresh_requested"})
        await connection.wait_closed()

    async with slack(handle) as client:
        requests = listen(client)
        await client.connect()
        texts = [(await requests.get()).payload["event"]["text"] for _ in range(2)]
        assert await client.is_connected()
    assert texts == ["message 1", "message 2"]
