"""Opening a connection ends in time, whatever the network does, for either side."""

from __future__ import annotations

import contextlib
import itertools
import select
import socket
import time
from collections.abc import Iterator

import pytest
import scenes

OPEN_TIMEOUT = 0.3


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of something that accepts connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def unreachable() -> Iterator[int]:
    """A port whose queue of connections is full: what wants to connect isn't answered at all."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port: int = listener.getsockname()[1]
        while True:
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            if not select.select([], [filler], [], 0.2)[1]:
                break
        yield port


def test_a_client_whose_server_is_silent(scene: scenes.Scene, silent: int) -> None:
    """Over TLS, it is the TLS handshake that doesn't go on."""
    connecting = scene.shell.connect(silent, scene.contexts.client, open_timeout=OPEN_TIMEOUT)
    with pytest.raises(TimeoutError, match="timed out"):
        connecting.result(timeout=scenes.PATIENCE)


def test_a_client_whose_packets_are_not_answered(scene: scenes.Scene, unreachable: int) -> None:
    connecting = scene.shell.connect(unreachable, scene.contexts.client, open_timeout=OPEN_TIMEOUT)
    with pytest.raises(TimeoutError, match="timed out"):
        connecting.result(timeout=scenes.PATIENCE)


def test_a_client_whose_network_fails_behind_the_first_packets(scene: scenes.Scene) -> None:
    scene.set_up("client", {"open_timeout": OPEN_TIMEOUT})
    scene.proxy.freeze()
    with pytest.raises(TimeoutError, match="timed out"):
        scene.begin_to_connect().result(timeout=scenes.PATIENCE)


def test_a_server_whose_client_is_silent(scene: scenes.Scene) -> None:
    scene.set_up("server", {"open_timeout": OPEN_TIMEOUT})
    with socket.create_connection(("127.0.0.1", scene.server.port)) as client:
        client.settimeout(scenes.PATIENCE)
        assert client.recv(1000) == b""


def test_a_server_whose_client_dribbles(scene: scenes.Scene) -> None:
    """A byte now and then doesn't put the end off."""
    scene.set_up("server", {"open_timeout": OPEN_TIMEOUT})
    with socket.create_connection(("127.0.0.1", scene.server.port)) as client:
        client.settimeout(0.01)
        # What begins neither a request nor a TLS handshake that is wrong.
        data = b"\x16\x03\x01\x02\x00" if scene.contexts.server else b"GET / HTTP/1.1\r\nA: "
        end = time.monotonic() + scenes.PATIENCE
        for byte in itertools.chain(data, itertools.repeat(1 if scene.contexts.server else 65)):
            assert time.monotonic() < end
            try:
                client.send(bytes([byte]))
                received = client.recv(1000)
            except TimeoutError:
                continue
            except ConnectionError:
                break
            if not received:
                break
