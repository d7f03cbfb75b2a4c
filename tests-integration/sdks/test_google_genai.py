"""google-genai: the Live API, over TLS, which is the only way that it connects."""

from __future__ import annotations

import contextlib
import ssl
from typing import Any

import pytest
import trustme
from google import genai
from google.genai import types
from google.genai.errors import APIError

pytestmark = pytest.mark.asyncio

PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService"
TURN: Any = {"role": "user", "parts": [{"text": "Hello!"}]}
TEXT: Any = {"response_modalities": ["TEXT"]}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of an authority that this whole module trusts: contexts may be made once."""
    authority = trustme.CA()
    path = tmp_path_factory.mktemp("tls") / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(path))
        yield authority.issue_cert("127.0.0.1")


@pytest.fixture
def google(service, certificate):
    """Run a handler behind TLS; gives a client of it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)

    @contextlib.asynccontextmanager
    async def running(handler):
        async with service(handler, ssl=context) as address:
            options = types.HttpOptions(base_url=f"https://{address}", api_version="v1beta")
            yield genai.Client(api_key="key", http_options=options)

    return running


@pytest.fixture
def model(as_json):
    """Repeats what is said, counts the bytes of audio, and calls a function when asked to."""

    async def handle(connection: Any) -> None:
        assert connection.request.path == f"{PATH}.BidiGenerateContent"
        assert connection.request.headers["x-goog-api-key"] == "key"
        session = as_json(connection)

        async def say(text: str) -> None:
            await session.send({"serverContent": {"modelTurn": {"parts": [{"text": text}]}}})

        setup = (await session.recv())["setup"]
        assert setup["model"] == "models/gemini"
        assert setup["generationConfig"] == {"responseModalities": ["TEXT"]}
        await session.send({"setupComplete": {}})
        async for asked in session:
            match asked:
                case {"client_content": {"turns": [{"parts": [{"text": text}]}]}}:
                    await say("You said: ")
                    await say(text)
                case {"realtime_input": {"audio": {"data": data}}}:
                    await say(f"{len(data)} characters of base64")
                case {"realtime_input": {"text": "call"}}:
                    call = {"id": "1", "name": "light", "args": {"on": True}}
                    await session.send({"toolCall": {"functionCalls": [call]}})
                    continue
                case {"tool_response": {"functionResponses": [response]}}:
                    await say(f"{response['id']}: {response['response']['result']}")
                case {"realtime_input": {"text": "leave"}}:
                    await connection.close(1008, "quota")
            await session.send({"serverContent": {"turnComplete": True}})

    return handle


async def turn(session: Any) -> str:
    return "".join([message.text async for message in session.receive() if message.text])


async def test_turns(google, model):
    async with (
        google(model) as client,
        client.aio.live.connect(model="gemini", config=TEXT) as session,
    ):
        await session.send_client_content(turns=TURN, turn_complete=True)
        assert await turn(session) == "You said: Hello!"
        audio = types.Blob(data=bytes(30_000), mime_type="audio/pcm;rate=16000")
        await session.send_realtime_input(audio=audio)
        assert await turn(session) == "40000 characters of base64"


async def test_tools(google, model):
    async with (
        google(model) as client,
        client.aio.live.connect(model="gemini", config=TEXT) as session,
    ):
        await session.send_realtime_input(text="call")
        (call,) = (await anext(session.receive())).tool_call.function_calls
        assert (call.name, call.args) == ("light", {"on": True})
        response = types.FunctionResponse(id=call.id, name="light", response={"result": "on"})
        await session.send_tool_response(function_responses=[response])
        assert await turn(session) == "1: on"


async def test_the_close_of_the_service_is_seen(google, model):
    async with (
        google(model) as client,
        client.aio.live.connect(model="gemini", config=TEXT) as session,
    ):
        await session.send_realtime_input(text="leave")
        with pytest.raises(APIError) as closed:
            await turn(session)
    assert (closed.value.code, closed.value.details) == (1008, "quota")


async def test_music(google, as_json):
    async def handle(connection: Any) -> None:
        assert connection.request.path == f"{PATH}.BidiGenerateMusic"
        session = as_json(connection)
        assert await session.recv() == {"setup": {"model": "models/lyria"}}
        await session.send({"setupComplete": {}})
        prompts = (await session.recv())["clientContent"]["weightedPrompts"]
        assert prompts == [{"text": "techno", "weight": 1.0}]
        assert await session.recv() == {"playbackControl": "PLAY"}
        for _ in range(3):
            await session.send({"serverContent": {"audioChunks": [{"data": "AAAA"}]}})
        assert await session.recv() == {"playbackControl": "STOP"}
        await connection.wait_closed()

    async with (
        google(handle) as client,
        client.aio.live.music.connect(model="models/lyria") as session,
    ):
        prompt = types.WeightedPrompt(text="techno", weight=1.0)
        await session.set_weighted_prompts(prompts=[prompt])
        await session.play()
        chunks = []
        async for message in session.receive():
            chunks += message.server_content.audio_chunks
            if len(chunks) == 3:
                break
        await session.stop()
    assert [chunk.data for chunk in chunks] == [bytes(3)] * 3
