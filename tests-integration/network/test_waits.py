"""
Every wait ends on a network that drops everything.

For each side, over TCP and TLS, with the buffers empty and with both of them full, one connection
for each thing that may be waited for is opened through a proxy, which then stops forwarding.
"""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import scenes

from ws_types.exceptions import ConnectionClosedError

SETTINGS: dict[str, Any] = {
    "ping_interval": 0.1,
    "ping_timeout": 0.2,
    "close_timeout": 0.2,
    "max_queue": 1,
}

WAITS: dict[str, Callable[[Any], Any]] = {
    "recv": lambda end: end.recv(),
    "iteration": lambda end: end.iterate(),
    "send": lambda end: end.send(scenes.FRAGMENTS),
    "ping": lambda end: end.ping(),
    "close": lambda end: end.close(),
    "leaving": lambda end: end.leave(),
    "wait_closed": lambda end: end.wait_closed(),
}


class Outcomes:
    """
    What became of each wait.

    :param buffers: what was in the buffers, ``empty`` or ``full``.
    """

    def __init__(self, buffers: str) -> None:
        self.buffers = buffers
        self.ends: dict[str, Any] = {}
        self.waiting: dict[str, Any] = {}

    def error(self, wait: str) -> BaseException | None:
        """The exception that a wait ended with; raises :exc:`TimeoutError` if it hasn't ended."""
        error: BaseException | None = self.waiting[wait].exception(timeout=0)
        return error


@pytest.fixture(params=["client", "server"], scope="module")
def side(request: pytest.FixtureRequest) -> str:
    """The side that is tested."""
    name: str = request.param
    return name


@pytest.fixture(params=["empty", "full"], scope="module")
def buffers(request: pytest.FixtureRequest) -> str:
    """What is in the buffers when the network fails."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def outcomes(
    shell_name: str, layer: str, side: str, buffers: str, contexts: scenes.Contexts
) -> Iterator[Outcomes]:
    """All waits at once, each on a connection of its own."""
    outcomes = Outcomes(buffers)
    with scenes.Scene(shell_name, contexts if layer == "TLS" else scenes.Contexts()) as scene:
        scene.set_up(side, SETTINGS)
        for wait in WAITS:
            link = scene.connect()
            outcomes.ends[wait] = link.tested
            if buffers == "full":
                for _ in range(4):
                    link.other.send("fill").result(timeout=scenes.PATIENCE)
                scenes.until(link.tested.is_full)
        scene.proxy.freeze()
        for wait, begin in WAITS.items():
            end = outcomes.ends[wait]
            filling = end.send(scenes.FRAGMENTS) if buffers == "full" else None
            # Two fragmented messages at once aren't for every shell.
            outcomes.waiting[wait] = filling if filling and wait == "send" else begin(end)
        concurrent.futures.wait(outcomes.waiting.values(), timeout=scenes.PATIENCE)
        yield outcomes


@pytest.mark.parametrize("wait", WAITS)
def test_every_wait_ends(outcomes: Outcomes, wait: str) -> None:
    error = outcomes.error(wait)
    if wait in ("close", "leaving", "wait_closed"):
        assert error is None
    elif wait == "recv" and outcomes.buffers == "full":
        # There was something to receive.
        assert error is None
    else:
        assert isinstance(error, ConnectionClosedError)
    scenes.until(lambda: outcomes.ends[wait].close_code is not None)
    assert outcomes.ends[wait].close_code == 1006


def test_the_error_says_why(outcomes: Outcomes) -> None:
    error = str(outcomes.error("send"))
    if outcomes.buffers == "full":
        assert "keepalive ping timeout: output made no progress for 0." in error
    else:
        assert "keepalive ping timeout: peer was silent for 0." in str(outcomes.error("recv"))
