"""web3: JSON-RPC and subscriptions over a persistent connection."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from web3 import AsyncWeb3, WebSocketProvider
from web3.exceptions import Web3RPCError

pytestmark = pytest.mark.asyncio

RESULTS = {
    "eth_blockNumber": "0x10",
    "eth_chainId": "0x1",
    "eth_subscribe": "0xabc",
    "eth_unsubscribe": True,
    "eth_getBalance": "0xde0b6b3a7640000",
}
ADDRESS = "0x" + "00" * 20


@pytest.fixture
def node(as_json):
    """Answers from a table; a subscription gets three blocks, and is closed when it ends."""

    async def handle(connection: Any) -> None:
        session = as_json(connection)
        async for call in session:
            answer = {"jsonrpc": "2.0", "id": call["id"]}
            if call["method"] not in RESULTS:
                error = {"code": -32601, "message": "no such method"}
                await session.send({**answer, "error": error})
                continue
            await session.send({**answer, "result": RESULTS[call["method"]]})
            if call["method"] == "eth_subscribe":
                for number in range(3):
                    block = {"number": hex(number), "logsBloom": "0x" + "00" * 2**16}
                    news = {"subscription": "0xabc", "result": block}
                    await session.send(
                        {"jsonrpc": "2.0", "method": "eth_subscription", "params": news}
                    )

    return handle


async def test_calls(service, node):
    async with (
        service(node) as address,
        AsyncWeb3(WebSocketProvider(f"ws://{address}")) as w3,
    ):
        assert await w3.eth.block_number == 16
        both = await asyncio.gather(w3.eth.chain_id, w3.eth.get_balance(ADDRESS))
        assert both == [1, 10**18]
        with pytest.raises(Web3RPCError, match="no such method"):
            await w3.eth.gas_price
        assert await w3.is_connected()


async def test_subscriptions(service, node):
    async with (
        service(node) as address,
        AsyncWeb3(WebSocketProvider(f"ws://{address}")) as w3,
    ):
        subscription = await w3.eth.subscribe("newHeads")
        blocks = []
        async for news in w3.socket.process_subscriptions():
            assert news["subscription"] == subscription
            blocks.append(news["result"]["number"])
            if len(blocks) == 3:
                break
        assert blocks == [0, 1, 2]
        assert await w3.eth.unsubscribe(subscription)


async def test_reconnects_when_iterated(service, node):
    connections = []

    async def handle(connection: Any) -> None:
        connections.append(connection)
        await node(connection)

    async with service(handle) as address:
        async for w3 in AsyncWeb3(WebSocketProvider(f"ws://{address}")):
            assert await w3.eth.block_number == 16
            if len(connections) == 2:
                await w3.provider.disconnect()
                break
            await connections[0].close(1012)
            await w3.provider.disconnect()
    assert len(connections) == 2
