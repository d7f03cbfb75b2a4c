"""Runs a few lines that speak as a service does, for the SDK of that service to talk to."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from ws_asyncio import ServerConnection, serve
from ws_types import ConnectionClosed

Handler = Callable[[ServerConnection], Awaitable[None]]
#: What takes longer, in seconds, is broken, however busy the machine.
PATIENCE = 60

if importlib.util.find_spec("openai") is None:
    # `nox -s sdks` makes the environment; elsewhere nothing here can be imported.
    collect_ignore_glob = ["test_*.py"]


def pytest_report_header() -> str:
    import websockets

    return f"websockets {websockets.__version__} from {websockets.__file__}"


@contextlib.asynccontextmanager
async def running(handler: Handler, **options: Any) -> AsyncIterator[str]:
    """Serve; gives host and port. What fails in the handler fails the test."""
    errors = []

    async def handle(connection: ServerConnection) -> None:
        try:
            await handler(connection)
        except ConnectionClosed:
            pass  # SDKs leave as they please
        except Exception as exc:
            errors.append(exc)
            raise

    try:
        async with (
            asyncio.timeout(PATIENCE),
            serve(handle, "127.0.0.1", 0, **options) as server,
        ):
            yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        if errors:
            raise errors[0]


@pytest.fixture
def service() -> Callable[..., contextlib.AbstractAsyncContextManager[str]]:
    return running


class Json:
    """A connection that carries JSON."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection

    async def send(self, value: Any) -> None:
        await self.connection.send(json.dumps(value))

    async def recv(self) -> Any:
        return json.loads(await self.connection.recv())

    async def __aiter__(self) -> AsyncIterator[Any]:
        async for message in self.connection:
            yield json.loads(message)


@pytest.fixture
def as_json() -> type[Json]:
    return Json
