"""pipecat: a pipeline talks through its WebSocket transport.

Of what it depends on, only what this needs is installed: the rest is models and audio.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pipecat.frames.frames import (
    EndFrame,
    InputTransportMessageFrame,
    OutputTransportMessageUrgentFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineTask
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from pipecat.transports.websocket import server
from pipecat.transports.websocket.client import WebsocketClientParams, WebsocketClientTransport

pytestmark = pytest.mark.asyncio


class Collect(FrameProcessor):
    """Collects the messages that pass."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: asyncio.Queue[Any] = asyncio.Queue()

    async def process_frame(self, frame: Any, direction: Any) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputTransportMessageFrame):
            self.messages.put_nowait(frame.message)
        await self.push_frame(frame, direction)


async def test_messages_of_a_pipeline(service):
    async def echo(connection: Any) -> None:
        async for message in connection:
            assert isinstance(message, bytes)
            await connection.send(message)

    async with service(echo) as address:
        options = ProtobufFrameSerializer.InputParams(ignore_rtvi_messages=False)
        parameters = WebsocketClientParams(serializer=ProtobufFrameSerializer(params=options))
        transport = WebsocketClientTransport(f"ws://{address}/", parameters)
        collect = Collect()
        pipeline = Pipeline([transport.input(), collect, transport.output()])
        task = PipelineTask(pipeline, enable_rtvi=False, idle_timeout_secs=None)

        @transport.event_handler("on_connected")
        async def connected(transport: Any, websocket: Any) -> None:
            for number in range(3):
                await task.queue_frame(OutputTransportMessageUrgentFrame({"number": number}))

        running = asyncio.create_task(PipelineRunner(handle_sigint=False).run(task))
        messages = [await collect.messages.get() for _ in range(3)]
        await task.queue_frame(EndFrame())
        await running
    assert messages == [{"number": number} for number in range(3)]


async def test_server_can_be_imported():
    assert issubclass(server.WebsocketServerTransport, server.BaseTransport)
