"""The OpenAI SDK's client of the Realtime API, on asyncio and on threads."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import openai
import pytest

from websockets.exceptions import ConnectionClosedError

pytestmark = pytest.mark.asyncio

SESSION: Any = {"type": "realtime", "output_modalities": ["text"]}
TEXTS = ["Hello!", "é" * 100_000]


def item(text: str) -> Any:
    content = [{"type": "input_text", "text": text}]
    return {"type": "message", "role": "user", "content": content}


def options(address: str) -> Any:
    return {"api_key": "key", "websocket_base_url": f"ws://{address}/v1"}


@pytest.fixture
def assistant(as_json):
    """Repeats the last item of the conversation, in two deltas; closes when it hears audio."""

    async def handle(connection: Any) -> None:
        address = urlsplit(connection.request.path)
        assert address.path == "/v1/realtime"
        assert parse_qs(address.query) == {"model": ["gpt-realtime"]}
        assert connection.request.headers["Authorization"] == "Bearer key"
        session = as_json(connection)

        async def event(kind: str, **fields: Any) -> None:
            await session.send({"type": kind, "event_id": "event", **fields})

        await event("session.created", session=SESSION)
        text = ""
        async for asked in session:
            match asked["type"]:
                case "session.update":
                    await event("session.updated", session=asked["session"])
                case "conversation.item.create":
                    text = asked["item"]["content"][0]["text"]
                case "response.create":
                    for delta in ("You said: ", text):
                        await event("response.output_text.delta", delta=delta, item_id="item")
                    await event("response.done", response={"status": "completed"})
                case "input_audio_buffer.append":
                    await connection.close(4000, "text only")

    return handle


async def test_conversation_on_asyncio(service, assistant):
    async with service(assistant) as address:
        client = openai.AsyncOpenAI(**options(address))
        async with client.realtime.connect(model="gpt-realtime") as connection:
            assert (await connection.recv()).type == "session.created"
            await connection.session.update(session=SESSION)
            assert (await connection.recv()).session.output_modalities == ["text"]
            for text in TEXTS:
                await connection.conversation.item.create(item=item(text))
                await connection.response.create()
                answer = ""
                async for event in connection:
                    if event.type == "response.done":
                        break
                    answer += event.delta
                assert answer == f"You said: {text}"


async def test_conversation_on_threads(service, assistant):
    def talk(address: str) -> None:
        client = openai.OpenAI(**options(address))
        with client.realtime.connect(model="gpt-realtime") as connection:
            assert connection.recv().type == "session.created"
            connection.session.update(session=SESSION)
            assert connection.recv().session.output_modalities == ["text"]
            for text in TEXTS:
                connection.conversation.item.create(item=item(text))
                connection.response.create()
                answer = ""
                for event in connection:
                    if event.type == "response.done":
                        break
                    answer += event.delta
                assert answer == f"You said: {text}"

    async with service(assistant) as address:
        await asyncio.to_thread(talk, address)


async def test_the_close_of_the_service_is_seen_on_asyncio(service, assistant):
    async with service(assistant) as address:
        client = openai.AsyncOpenAI(**options(address))
        async with client.realtime.connect(model="gpt-realtime") as connection:
            await connection.recv()
            await connection.input_audio_buffer.append(audio="AAAA")
            with pytest.raises(ConnectionClosedError) as closed:
                await connection.recv()
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4000, "text only")


async def test_the_close_of_the_service_is_seen_on_threads(service, assistant):
    def talk(address: str) -> None:
        client = openai.OpenAI(**options(address))
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.recv()
            connection.input_audio_buffer.append(audio="AAAA")
            with pytest.raises(ConnectionClosedError) as closed:
                connection.recv()
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4000, "text only")

    async with service(assistant) as address:
        await asyncio.to_thread(talk, address)


async def test_reconnects_after_a_restart_of_the_service(service, as_json):
    sessions = []

    async def handle(connection: Any) -> None:
        session = as_json(connection)
        sessions.append(session)
        await session.send({"type": "session.created", "session": {"model": f"{len(sessions)}"}})
        if len(sessions) == 1:
            await connection.close(1012, "restart")
        await connection.wait_closed()

    attempts = []
    async with service(handle) as address:
        client = openai.AsyncOpenAI(**options(address))
        async with client.realtime.connect(
            model="gpt-realtime", on_reconnecting=attempts.append, initial_delay=0.001
        ) as connection:
            assert (await connection.recv()).session.model == "1"
            async for event in connection:
                assert event.session.model == "2"
                break
    assert [attempt.close_code for attempt in attempts] == [1012]
