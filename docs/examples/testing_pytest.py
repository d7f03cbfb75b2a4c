"""Tests of a handler, in memory and over a socket, with pytest and pytest-asyncio."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ws_asyncio import ServerConnection, connect
from ws_asyncio.testing import ConnectedPair, LocalServer, connected_pair, serving
from ws_types import ConnectionClosedError

pytestmark = pytest.mark.asyncio


# What is tested: it adds up the numbers that it gets.
async def add(connection: ServerConnection) -> None:
    total = 0
    async for message in connection:
        total += json.loads(message)
        await connection.send(str(total))


# What uses it: here, in place of a program of yours.
async def add_all(uri: str, numbers: list[int]) -> int:
    async with connect(uri) as connection:
        for number in numbers:
            await connection.send(str(number))
        replies = [int(await connection.recv()) for _ in numbers]
        return replies[-1]


@pytest_asyncio.fixture
async def pair() -> AsyncIterator[ConnectedPair]:
    async with connected_pair(add) as pair:
        yield pair


async def test_adding(pair: ConnectedPair) -> None:
    await pair.client.send("1")
    await pair.client.send("2")
    assert await pair.client.recv() == "1"
    assert await pair.client.recv() == "3"


async def test_what_is_no_number_ends_the_connection(pair: ConnectedPair) -> None:
    await pair.client.send("one")
    with pytest.raises(ConnectionClosedError) as raised:
        await pair.client.recv()
    assert raised.value.rcvd is not None
    assert raised.value.rcvd.code == 1011


async def test_a_client_that_disappears(pair: ConnectedPair) -> None:
    pair.abort()
    await pair.server.wait_closed()
    assert pair.server.close_code == 1006


@pytest_asyncio.fixture
async def server() -> AsyncIterator[LocalServer]:
    async with serving(add) as server:
        yield server


async def test_the_client_over_a_socket(server: LocalServer) -> None:
    assert await add_all(server.uri, [1, 2, 3]) == 6
