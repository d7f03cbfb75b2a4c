"""What a server lets go of is freed at once, without the garbage collector."""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from servers import PATIENCE, REQUEST, connected, dial, echo, read_all, serving, wait_for

from ws_sync.server import ServerConnection
from ws_types.http11 import Request, Response


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    # pytest would keep log lines, with the tracebacks of what is logged.
    logging.disable()
    yield
    logging.disable(logging.NOTSET)
    gc.enable()


@pytest.fixture
def made() -> list[Any]:
    return []


@pytest.fixture
def noted(made: list[Any]) -> type[ServerConnection]:
    """A class of connections that are written down."""

    class Noted(ServerConnection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(weakref.ref(self))

    return Noted


def all_gone(made: list[Any]) -> bool:
    return bool(made) and all(reference() is None for reference in made)


def fail(connection: ServerConnection) -> None:
    raise ValueError("mine")


@pytest.mark.parametrize("handler", [echo, lambda connection: None, fail])
def test_connections_that_were_closed(handler: Any, made: list[Any], noted: Any) -> None:
    with serving(handler, create_connection=noted) as server:
        with connected(server) as client:
            if handler is echo:
                client.send("a")
                assert client.recv(PATIENCE) == "a"
        wait_for(lambda: all_gone(made))


def test_connections_that_were_lost(made: list[Any], noted: Any) -> None:
    with serving(create_connection=noted) as server:
        with dial(server) as sock:
            sock.sendall(REQUEST)
            sock.recv(1)
        wait_for(lambda: all_gone(made))


def refuse(connection: ServerConnection, request: Request) -> Response:
    return connection.respond(403, "no\n")


def fail_request(connection: ServerConnection, request: Request) -> Response:
    raise ValueError("mine")


@pytest.mark.parametrize(
    ("data", "settings"),
    [
        (b"", {}),
        (b"GET / HT", {}),
        (b"\x00\r\n\r\n", {}),
        (b"GET / HTTP/1.1\r\n\r\n", {}),
        (REQUEST, {"process_request": refuse}),
        (REQUEST, {"process_request": fail_request}),
        (REQUEST, {"hosts": ["example.com"]}),
        (REQUEST, {"select_subprotocol": lambda *_: None, "origins": ["https://example.com"]}),
    ],
)
def test_connections_that_were_not_opened(
    data: bytes, settings: Any, made: list[Any], noted: Any
) -> None:
    with serving(create_connection=noted, **settings) as server:
        with dial(server) as sock:
            sock.sendall(data)
            wait_for(lambda: made)
            if data.endswith(b"\n"):
                read_all(sock)
        wait_for(lambda: all_gone(made))


def test_connections_that_were_dropped(made: list[Any], noted: Any) -> None:
    with serving(create_connection=noted, max_pending=1) as server:
        with dial(server), dial(server) as second:
            wait_for(lambda: len(made) == 2)
            wait_for(lambda: made[0]() is None or made[1]() is None)
            second.close()
        wait_for(lambda: all_gone(made))
