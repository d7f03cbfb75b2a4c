"""python-binance: market streams, and the API over WebSocket."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import pytest_asyncio
from binance import AsyncClient, BinanceSocketManager
from binance.ws.reconnecting_websocket import ReconnectingWebsocket

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def binance(service, monkeypatch):
    """Run a handler; gives what makes sockets."""
    # Closing a socket waits for a message for that many seconds.
    monkeypatch.setattr(ReconnectingWebsocket, "TIMEOUT", 0.05)

    @contextlib.asynccontextmanager
    async def running(handler):
        client = AsyncClient()
        async with service(handler) as address:
            sockets = BinanceSocketManager(client)
            sockets.STREAM_URL = f"ws://{address}/"
            yield sockets
        await client.close_connection()

    return running


def trade(symbol: str, number: int) -> dict[str, Any]:
    return {"e": "trade", "s": symbol, "t": number}


async def test_a_stream(binance, as_json):
    async def handle(connection: Any) -> None:
        assert connection.request.path == "/ws/btcusdt@trade"
        session = as_json(connection)
        for number in range(3):
            await session.send(trade("BTCUSDT", number))
        await connection.wait_closed()

    async with (
        binance(handle) as sockets,
        sockets.trade_socket("BTCUSDT") as stream,
    ):
        assert [(await stream.recv())["t"] for _ in range(3)] == [0, 1, 2]


async def test_several_streams_on_a_connection(binance, as_json):
    async def handle(connection: Any) -> None:
        assert connection.request.path == "/stream?streams=btcusdt@trade/ethusdt@trade"
        session = as_json(connection)
        for name in ("BTCUSDT", "ETHUSDT"):
            await session.send({"stream": f"{name.lower()}@trade", "data": trade(name, 1)})
        await connection.wait_closed()

    async with binance(handle) as sockets:
        names = ["btcusdt@trade", "ethusdt@trade"]
        async with sockets.multiplex_socket(names) as stream:
            assert [(await stream.recv())["stream"] for _ in names] == names


async def test_reconnects(binance, as_json):
    connections = []

    async def handle(connection: Any) -> None:
        connections.append(connection)
        await as_json(connection).send(trade("BTCUSDT", len(connections)))
        if len(connections) == 1:
            await connection.close(1012)
        await connection.wait_closed()

    async with (
        binance(handle) as sockets,
        sockets.trade_socket("BTCUSDT") as stream,
    ):
        # Between them, the socket says that it lost the connection.
        while (await stream.recv()).get("t") != 2:
            pass
    assert len(connections) == 2
