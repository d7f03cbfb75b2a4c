"""Runs each scenario on each shell, and knows where they differ."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import sys
import tomllib
from collections.abc import Callable, Iterator

import pytest

HERE = pathlib.Path(__file__).resolve().parent

sys.path.insert(0, str(HERE))

# No proxy of this machine's is asked for the way to loopback.
os.environ["no_proxy"] = "127.0.0.1"

import raw  # noqa: E402
from libraries import SHELLS  # noqa: E402
from shells import PATIENCE, Connection, Server, Shell  # noqa: E402

DIFFERENCES = tomllib.loads((HERE / "differences.toml").read_text())["difference"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "shell_name" in metafunc.fixturenames:
        metafunc.parametrize("shell_name", SHELLS, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect the failures that the table of differences explains."""
    for item in items:
        if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
            continue
        name = item.callspec.params.get("shell_name")
        if name is None:
            continue
        scenario = item.name.replace(f"{name}-", "").replace(f"-{name}", "")
        scenario = scenario.replace(f"[{name}]", "").removeprefix("test_")
        for difference in DIFFERENCES:
            if name not in difference["shells"] or not re.fullmatch(
                difference["scenarios"], scenario
            ):
                continue
            reason = difference["reason"]
            marker = pytest.mark.skip if difference.get("skip") else pytest.mark.xfail
            item.add_marker(marker(reason=reason))


@pytest.fixture(scope="session")
def running_shell(shell_name: str) -> Iterator[Shell]:
    """Each library, in its turn."""
    running = SHELLS[shell_name]()
    yield running
    running.stop()


@pytest.fixture
def shell(running_shell: Shell) -> Iterator[Shell]:
    """The library, of which nothing is left open."""
    yield running_shell
    running_shell.clean_up()


@pytest.fixture
def server(shell: Shell) -> Iterator[Server]:
    """A server without settings."""
    with shell.serve() as running:
        yield running


@pytest.fixture
def pair(server: Server) -> tuple[Connection, Connection]:
    """The two ends of a connection: the client's and the server's."""
    return server.pair()


@pytest.fixture(params=["client", "server"])
def ends(
    request: pytest.FixtureRequest, pair: tuple[Connection, Connection]
) -> tuple[Connection, Connection]:
    """The same, once with either end first."""
    return pair if request.param == "client" else (pair[1], pair[0])


@pytest.fixture(params=["client", "server"])
def facing(
    request: pytest.FixtureRequest, shell: Shell
) -> Iterator[Callable[..., tuple[Connection, raw.Peer]]]:
    """Make a connection whose other end is a socket; the first is a client's, or a server's."""
    with contextlib.ExitStack() as stack:

        def client(headers: str = "", **settings: object) -> tuple[Connection, raw.Peer]:
            listener = stack.enter_context(raw.listen())
            connecting = shell.start_connecting(listener.uri, **settings)
            peer = stack.enter_context(listener.accept(headers))
            return connecting.result(PATIENCE), peer

        def server(headers: str = "", **settings: object) -> tuple[Connection, raw.Peer]:
            running = stack.enter_context(shell.serve(**settings))
            peer = stack.enter_context(raw.connect(running.port, headers))
            return running.accept(), peer

        yield client if request.param == "client" else server
