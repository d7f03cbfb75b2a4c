"""The modules of ``websockets`` have the names of 17.4, and they are the packages' own objects."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import pathlib

import pytest

import websockets
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.client import ClientProtocol
from websockets.protocol import SEND_EOF, Event, State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

API_FOLDER = pathlib.Path(__file__).parent.parent / "api"
API = json.loads((API_FOLDER / "websockets-17.4.json").read_text())
NOT_YET = set((API_FOLDER / "not_yet.txt").read_text().split())
MODULES = [name for name in API if name not in NOT_YET]

#: Modules with names of their own: what these say is about ``websockets``.
OWN = {"websockets.auth", "websockets.cli"}

#: Names that its reference doesn't list, and that programs use.
UNDOCUMENTED = {
    "websockets.asyncio.client": ["backoff", "process_exception"],
    "websockets.client": ["backoff", "process_exception"],
    "websockets.connection": ["Event", "Side", "State"],
    "websockets.datastructures": ["SupportsKeysAndGetItem"],
    "websockets.frames": [
        "CLOSE_CODE_EXPLANATIONS",
        "CTRL_OPCODES",
        "DATA_OPCODES",
        "EXTERNAL_CLOSE_CODES",
        "OK_CLOSE_CODES",
        "BytesLike",
    ],
    "websockets.http11": ["MAX_BODY_SIZE", "MAX_LINE_LENGTH", "MAX_NUM_HEADERS"],
    "websockets.protocol": ["CLOSED", "CLOSING", "CONNECTING", "OPEN", "Event"],
    "websockets.typing": [
        "BytesLike",
        "ConnectionOption",
        "DataLike",
        "ExtensionHeader",
        "UpgradeProtocol",
    ],
    "websockets.version": ["commit", "tag", "version"],
}


def expected(module: str) -> set[str]:
    public = API[module].get("__all__", [name for name in API[module] if name != "__all__"])
    return {name for name in public if f"{module}.{name}" not in NOT_YET}


@pytest.mark.parametrize("module", MODULES)
def test_all_is_that_of_the_api(module: str) -> None:
    assert set(importlib.import_module(module).__all__) == expected(module)


@pytest.mark.parametrize("module", [name for name in MODULES if name not in OWN])
def test_classes_and_functions_have_another_home(module: str) -> None:
    loaded = importlib.import_module(module)
    for name in loaded.__all__:
        found = getattr(loaded, name)
        home = getattr(found, "__module__", None)
        if home is None or home == "typing" or getattr(found, "__name__", None) != name:
            continue  # a constant, or an alias of types
        assert home.startswith("ws_")
        assert getattr(importlib.import_module(home), name) is found


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module in UNDOCUMENTED for name in UNDOCUMENTED[module]]
)
def test_undocumented_name(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize(
    "protocol", [ClientProtocol(parse_uri("ws://localhost/")), ServerProtocol()], ids=type
)
def test_undocumented_attributes_of_a_protocol(protocol: websockets.Protocol) -> None:
    assert protocol.extensions == []
    assert protocol.close_rcvd is protocol.close_sent is protocol.parser_exc is None
    protocol.state = State.OPEN
    assert protocol.state is State.OPEN
    assert websockets.Frame in Event.__args__


def test_undocumented_attributes_of_connections_on_asyncio() -> None:
    async def handle(connection: ServerConnection) -> None:
        assert connection.server.logger is logging.getLogger("websockets.server")
        async for message in connection:
            await connection.send(message)

    async def talk() -> None:
        async with serve(handle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with connect(f"ws://127.0.0.1:{port}/") as connection:
                await connection.send("as ever")
                assert await connection.recv() == "as ever"
                assert isinstance(connection.protocol, ClientProtocol)
                assert connection.protocol.state is State.OPEN
                assert connection.transport.get_extra_info("peername")[1] == port
                connection.protocol.send_ping(b"by hand")
                chunks = connection.protocol.data_to_send()
                assert len(chunks) == 1
                assert SEND_EOF not in chunks

    asyncio.run(talk())
