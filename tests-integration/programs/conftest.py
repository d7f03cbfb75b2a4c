"""The programs, each in a process of its own for all tests, and what drives them."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Iterator

import pytest

HERE = pathlib.Path(__file__).resolve().parent

# Peers and the driver of Chromium are those of other tests.
sys.path[:0] = [str(HERE), str(HERE.parent / "peers"), str(HERE.parent / "demo")]

from running import running  # noqa: E402


@pytest.fixture(scope="session")
def uvicorn() -> Iterator[str]:
    """The URI of the ASGI application."""
    with running("uvicorn_program.py") as uri:
        yield uri


@pytest.fixture(scope="session")
def sanic() -> Iterator[str]:
    """The URI of the route on Sanic."""
    with running("sanic_program.py") as uri:
        yield uri


@pytest.fixture(params=["uvicorn", "sanic"])
def uri(request: pytest.FixtureRequest) -> str:
    """The URI of each program."""
    found: str = request.getfixturevalue(request.param)
    return found
