"""gql: GraphQL over WebSocket, by either of its two subprotocols."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import gql
import pytest
from gql.transport.exceptions import TransportConnectionFailed, TransportQueryError
from gql.transport.websockets import WebsocketsTransport

pytestmark = pytest.mark.asyncio

#: What the subprotocols call a subscription, and a part of its result.
SUBPROTOCOLS = {"graphql-transport-ws": ("subscribe", "next"), "graphql-ws": ("start", "data")}


@pytest.fixture
def counter(as_json):
    """Counts down from a number, or tells the square of one."""

    async def handle(connection: Any) -> None:
        begin, part = SUBPROTOCOLS[connection.subprotocol]
        session = as_json(connection)
        assert await session.recv() == {"type": "connection_init", "payload": {"token": "t"}}
        await session.send({"type": "connection_ack"})
        async for asked in session:
            if asked["type"] != begin:
                continue
            number = asked["payload"].get("variables", {}).get("number")
            reply = {"id": asked["id"]}
            if number is None:
                errors = [{"message": "no number"}]
                payload = errors if part == "next" else errors[0]
                await session.send({**reply, "type": "error", "payload": payload})
                continue
            if "subscription" in asked["payload"]["query"]:
                data = [{"countdown": left} for left in range(number, -1, -1)]
            else:
                data = [{"square": number**2}]
            for result in data:
                await session.send({**reply, "type": part, "payload": {"data": result}})
            await session.send({**reply, "type": "complete"})

    return handle


COUNTDOWN = gql.gql("subscription Countdown($number: Int!) { countdown(from: $number) }")
SQUARE = gql.gql("query Square($number: Int!) { square(of: $number) }")
NOTHING = gql.gql("query Square { square }")


def query(request: Any, number: int) -> Any:
    return gql.GraphQLRequest(request, variable_values={"number": number})


@pytest.mark.parametrize("subprotocol", SUBPROTOCOLS)
async def test_queries_and_subscriptions(service, counter, subprotocol):
    async def count_down(session: Any, number: int) -> list[int]:
        return [left["countdown"] async for left in session.subscribe(query(COUNTDOWN, number))]

    async with service(counter, subprotocols=[subprotocol]) as address:
        transport = WebsocketsTransport(f"ws://{address}/graphql", init_payload={"token": "t"})
        async with gql.Client(transport=transport) as session:
            assert transport.response_headers["Sec-WebSocket-Protocol"] == subprotocol
            assert await session.execute(query(SQUARE, 12)) == {"square": 144}
            counts = await asyncio.gather(count_down(session, 3), count_down(session, 500))
            assert counts == [[3, 2, 1, 0], list(range(500, -1, -1))]
            with pytest.raises(TransportQueryError, match="no number"):
                await session.execute(NOTHING)


async def test_pings_of_the_subprotocol(service, as_json):
    heard = asyncio.Event()

    async def handle(connection: Any) -> None:
        session = as_json(connection)
        await session.recv()
        await session.send({"type": "connection_ack"})
        await session.send({"type": "ping"})
        assert (await session.recv())["type"] == "pong"
        heard.set()
        await connection.wait_closed()

    async with (
        service(handle, subprotocols=["graphql-transport-ws"]) as address,
        gql.Client(transport=WebsocketsTransport(f"ws://{address}/")),
    ):
        await heard.wait()


async def test_a_service_that_goes_away(service, as_json):
    async def handle(connection: Any) -> None:
        session = as_json(connection)
        await session.recv()
        await session.send({"type": "connection_ack"})
        await session.recv()
        await connection.close(1001)

    async with (
        service(handle, subprotocols=["graphql-transport-ws"]) as address,
        gql.Client(transport=WebsocketsTransport(f"ws://{address}/")) as session,
    ):
        with pytest.raises(TransportConnectionFailed):
            await session.execute(query(SQUARE, 1))


async def test_reconnecting_session(service, counter):
    connections = []

    async def handle(connection: Any) -> None:
        connections.append(connection)
        await counter(connection)

    async with service(handle, subprotocols=["graphql-transport-ws"]) as address:
        transport = WebsocketsTransport(f"ws://{address}/", init_payload={"token": "t"})
        client = gql.Client(transport=transport)
        session = await client.connect_async(reconnecting=True)
        try:
            assert await session.execute(query(SQUARE, 2)) == {"square": 4}
            await connections[0].close(1012)
            while True:
                with contextlib.suppress(TransportConnectionFailed):
                    assert await session.execute(query(SQUARE, 3)) == {"square": 9}
                    break
        finally:
            await client.close_async()
    assert len(connections) == 2
