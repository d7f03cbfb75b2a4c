"""Names of the legacy API resolve to what there is today, and warn where they are looked up."""

from __future__ import annotations

import importlib
import inspect
import warnings
from typing import Any

import pytest

import websockets
from websockets import _stand_ins
from websockets._old import GONE, RENAMED, STAND_INS

PLACES = {
    "websockets": [
        "AbortHandshake",
        "BasicAuthWebSocketServerProtocol",
        "InvalidStatusCode",
        "RedirectHandshake",
        "WebSocketClientProtocol",
        "WebSocketCommonProtocol",
        "WebSocketProtocolError",
        "WebSocketServer",
        "WebSocketServerProtocol",
        "basic_auth_protocol_factory",
    ],
    "websockets.auth": ["BasicAuthWebSocketServerProtocol", "basic_auth_protocol_factory"],
    "websockets.client": ["ClientConnection", "WebSocketClientProtocol", "connect", "unix_connect"],
    "websockets.connection": ["Connection"],
    "websockets.exceptions": [
        "AbortHandshake",
        "InvalidStatusCode",
        "RedirectHandshake",
        "WebSocketProtocolError",
    ],
    "websockets.http": ["Headers", "MultipleValuesError", "USER_AGENT"],
    "websockets.legacy.auth": ["BasicAuthWebSocketServerProtocol", "basic_auth_protocol_factory"],
    "websockets.legacy.client": ["Connect", "WebSocketClientProtocol", "connect", "unix_connect"],
    "websockets.legacy.exceptions": ["AbortHandshake", "InvalidStatusCode", "RedirectHandshake"],
    "websockets.legacy.framing": [
        "Frame",
        "check_close",
        "encode_data",
        "parse_close",
        "prepare_ctrl",
        "prepare_data",
        "serialize_close",
    ],
    "websockets.legacy.handshake": [
        "build_request",
        "build_response",
        "check_request",
        "check_response",
    ],
    "websockets.legacy.http": ["read_request", "read_response"],
    "websockets.legacy.protocol": ["WebSocketCommonProtocol", "broadcast"],
    "websockets.legacy.server": [
        "HTTPResponse",
        "Serve",
        "WebSocketServer",
        "WebSocketServerProtocol",
        "broadcast",
        "serve",
        "unix_serve",
    ],
    "websockets.server": [
        "ServerConnection",
        "WebSocketServer",
        "WebSocketServerProtocol",
        "broadcast",
        "serve",
        "unix_serve",
    ],
}
EACH = [(module, name) for module, names in PLACES.items() for name in names]


def find(path: str) -> Any:
    """Return what is at a path of names, members of classes included."""
    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(path)


def look_up(module: str, name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize(("module", "name"), EACH)
def test_old_name_warns_where_it_is_looked_up(module: str, name: str) -> None:
    instead = {**RENAMED, **STAND_INS, **GONE}[name]
    with pytest.warns(DeprecationWarning, match=name) as caught:
        found = getattr(importlib.import_module(module), name)
    assert [str(one.message) for one in caught] == [f"{module}.{name} is deprecated; use {instead}"]
    assert caught[0].filename == __file__
    if name in RENAMED:
        assert found is find(instead)


@pytest.mark.parametrize(
    "instead", sorted({*RENAMED.values(), *STAND_INS.values(), *GONE.values()})
)
def test_what_is_to_be_used_instead_exists(instead: str) -> None:
    assert find(instead)


def test_each_name_of_the_tables_is_found_somewhere() -> None:
    assert {name for _, name in EACH} == {*RENAMED, *STAND_INS, *GONE}
    assert set(STAND_INS) == set(_stand_ins.__all__)


def test_import_statement_warns_too() -> None:
    with pytest.warns(DeprecationWarning, match="WebSocketClientProtocol is deprecated") as caught:
        from websockets import WebSocketClientProtocol  # noqa: F401
    assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning, match=r"use websockets\.asyncio\.client\.connect") as got:
        from websockets.legacy.client import connect
    assert got[0].filename == __file__
    assert connect is websockets.asyncio.client.connect


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, name in EACH if name in GONE]
)
def test_function_that_is_gone_says_what_to_use(module: str, name: str) -> None:
    function = look_up(module, name)
    assert function.__name__ == name
    with pytest.raises(NotImplementedError) as caught:
        function(1, two=2)
    assert str(caught.value) == (f"{module}.{name}() was part of the legacy API; use {GONE[name]}")


def test_old_places_of_a_name_are_one_object() -> None:
    assert look_up("websockets", "WebSocketServerProtocol") is look_up(
        "websockets.legacy.server", "WebSocketServerProtocol"
    )
    assert inspect.isclass(look_up("websockets.auth", "BasicAuthWebSocketServerProtocol"))
