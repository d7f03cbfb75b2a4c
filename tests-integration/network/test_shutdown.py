"""A server is closed in time, however many of its peers have disappeared."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

import scenes

SETTINGS: dict[str, Any] = {"close_timeout": 0.3, "open_timeout": 0.3, "max_queue": 1}


def test_peers_that_have_disappeared(scene: scenes.Scene) -> None:
    scene.set_up("server", SETTINGS)
    links = [scene.connect() for _ in range(5)]
    scene.proxy.freeze()
    scene.server.shut_down().result(timeout=scenes.PATIENCE)
    assert [link.tested.close_code for link in links] == [1006] * 5


def test_peers_that_have_disappeared_with_full_buffers(scene: scenes.Scene) -> None:
    scene.set_up("server", SETTINGS)
    links = [scene.connect() for _ in range(5)]
    for link in links:
        for _ in range(4):
            link.other.send("fill").result(timeout=scenes.PATIENCE)
        scenes.until(link.tested.is_full)
    scene.proxy.freeze()
    for link in links:
        link.tested.send(scenes.FRAGMENTS)
    scene.server.shut_down().result(timeout=scenes.PATIENCE)
    assert [link.tested.close_code for link in links] == [1006] * 5


def test_clients_that_never_said_a_word(scene: scenes.Scene) -> None:
    scene.set_up("server", SETTINGS)
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(socket.create_connection(("127.0.0.1", scene.server.port)))
        scene.connect()
        scene.server.shut_down().result(timeout=scenes.PATIENCE)
