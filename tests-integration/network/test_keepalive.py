"""
A busy link isn't taken for a dead one; and where one is dead, the error says what was noticed.

The keepalive of the side that is tested is quick, and the link slow.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import scenes

from ws_types.exceptions import ConnectionClosedError

SETTINGS: dict[str, Any] = {"ping_interval": 0.05, "ping_timeout": 0.25, "close_timeout": 0.2}

#: Seconds for each 8 KiB.
PAUSE = 0.01

#: The bytes of a message that takes two timeouts on such a link.
LARGE = 2**13 * 50

#: Seconds that are longer than the timeout and the grace of a second.
BLOCKED = 1.4


@pytest.fixture
def plain_scene(shell_name: str) -> Iterator[scenes.Scene]:
    """Without TLS, for what takes long and has nothing to do with it."""
    with scenes.Scene(shell_name, scenes.Contexts()) as scene:
        yield scene


@pytest.fixture(params=["client", "server"])
def side(request: pytest.FixtureRequest) -> str:
    """The side whose keepalive is tested."""
    name: str = request.param
    return name


def test_pongs_behind_data(scene: scenes.Scene, side: str) -> None:
    """The peer sends what takes longer than the timeout, and its pong is behind it."""
    scene.set_up(side, SETTINGS)
    link = scene.connect()
    scene.proxy.slow_down(PAUSE)
    link.other.send(bytes(LARGE))
    assert len(link.tested.recv().result(timeout=scenes.PATIENCE)) == LARGE
    link.tested.ping().result(timeout=scenes.PATIENCE)
    assert link.tested.close_code is None


def test_pings_behind_data(scene: scenes.Scene, side: str) -> None:
    """We send what takes longer than the timeout, and our ping is behind it."""
    scene.set_up(side, SETTINGS)
    link = scene.connect()
    link.tested.shrink()
    scene.proxy.slow_down(PAUSE)
    link.tested.send(bytes(LARGE))
    assert len(link.other.recv().result(timeout=scenes.PATIENCE)) == LARGE
    link.tested.ping().result(timeout=scenes.PATIENCE)
    assert link.tested.close_code is None


def test_a_program_that_does_not_read(scene: scenes.Scene, side: str) -> None:
    """The pong is behind messages that we don't read."""
    scene.set_up(side, SETTINGS | {"max_queue": 1})
    link = scene.connect()
    for number in range(8):
        link.other.send(str(number)).result(timeout=scenes.PATIENCE)
    scenes.until(link.tested.is_full)
    # Meanwhile, the peer's keepalive goes round several times.
    time.sleep(3 * (SETTINGS["ping_interval"] + SETTINGS["ping_timeout"]))
    assert link.tested.close_code is None
    for number in range(8):
        assert link.tested.recv().result(timeout=scenes.PATIENCE) == str(number)
    link.tested.ping().result(timeout=scenes.PATIENCE)


def test_a_shell_that_was_blocked(plain_scene: scenes.Scene) -> None:
    """What arrived while nothing of ours ran is read before anything is concluded."""
    scene = plain_scene
    scene.set_up("client", SETTINGS)
    link = scene.connect()
    scene.proxy.freeze()
    scene.proxy.wait_until_held()
    scene.shell.block(BLOCKED)
    scene.proxy.thaw()
    link.tested.ping().result(timeout=scenes.PATIENCE)
    assert link.tested.close_code is None


def failure(link: scenes.Link) -> str:
    with pytest.raises(ConnectionClosedError) as raised:
        link.tested.recv().result(timeout=scenes.PATIENCE)
    return str(raised.value)


def test_the_error_tells_a_silent_peer(scene: scenes.Scene, side: str) -> None:
    scene.set_up(side, SETTINGS)
    link = scene.connect()
    scene.proxy.freeze()
    assert "keepalive ping timeout: peer was silent for 0." in failure(link)


def test_the_error_tells_output_that_is_stuck(scene: scenes.Scene, side: str) -> None:
    # The first ping has to be behind what is stuck.
    scene.set_up(side, SETTINGS | {"ping_interval": 0.3})
    link = scene.connect()
    scene.proxy.freeze()
    link.tested.send(scenes.FRAGMENTS)
    assert "keepalive ping timeout: output made no progress for 0." in failure(link)


def test_the_error_tells_a_shell_that_was_blocked(plain_scene: scenes.Scene) -> None:
    """The peer disappeared while nothing of ours ran: we can't know for how long."""
    scene = plain_scene
    scene.set_up("client", SETTINGS)
    link = scene.connect()
    scene.proxy.freeze()
    scene.proxy.wait_until_held()
    scene.shell.block(BLOCKED)
    assert "keepalive ping timeout: our side was blocked for 1." in failure(link)
