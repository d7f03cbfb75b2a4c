"""The PyPI package and ours in one environment: an error, whichever was installed last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Environment

OURS, THEIRS = "websockets-meta", "websockets==17.4"
ORDERS = [
    pytest.param((OURS, THEIRS), id="over ours"),
    pytest.param((THEIRS, OURS), id="over theirs"),
]


def install(environment: Environment, installer: str, requirement: str) -> None:
    if installer == "pip":
        environment.install(requirement)
    else:
        options = ["--no-index", f"--find-links={environment.links}"]
        environment.uv("pip", "install", *options, requirement)


@pytest.mark.parametrize("installer", ["pip", "uv"])
@pytest.mark.parametrize("order", ORDERS)
def test_mixed_packages_do_not_run(
    environment: Environment, installer: str, order: tuple[str, str]
) -> None:
    for requirement in order:
        install(environment, installer, requirement)
    for module in ("websockets", "websockets.frames", "websockets.asyncio.server"):
        done = environment.run(f"import {module}")
        assert done.returncode == 1
        assert "ImportError: " in done.stderr
        assert "pip uninstall -y websockets websockets-meta" in done.stderr


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("wanted", [OURS, THEIRS])
def test_what_the_error_says_repairs_it(
    environment: Environment, order: tuple[str, str], wanted: str
) -> None:
    for requirement in order:
        environment.install(requirement)
    environment.pip("uninstall", "-y", "websockets", "websockets-meta")
    environment.install(wanted)
    done = environment.run(
        "import websockets, websockets.asyncio.client\n"
        "print(websockets.__version__, websockets.connect.__module__)"
    )
    assert done.stderr == ""
    if wanted is THEIRS:
        assert done.stdout.split() == ["17.4", "websockets.asyncio.client"]
    else:
        assert done.stdout.split()[1] == "ws_asyncio.client"


@pytest.mark.parametrize("requirement", [OURS, THEIRS])
def test_each_alone_runs(environment: Environment, requirement: str) -> None:
    environment.install(requirement)
    done = environment.run("import websockets.asyncio.server")
    assert (done.returncode, done.stderr) == (0, "")
