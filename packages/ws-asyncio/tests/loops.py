"""The kinds of event loop that tests over sockets run on."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import pytest

__all__ = ["LOOPS", "new_loop"]


def _eager() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]
    return loop


def _uvloop() -> asyncio.AbstractEventLoop:
    loop: asyncio.AbstractEventLoop = importlib.import_module("uvloop").new_event_loop()
    return loop


def _aiofastnet() -> asyncio.AbstractEventLoop:
    loop: asyncio.AbstractEventLoop = importlib.import_module("aiofastnet").loop_factory()()
    return loop


_FACTORIES: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": _uvloop,
    "aiofastnet": _aiofastnet,
}
if sys.version_info >= (3, 12):
    _FACTORIES["eager"] = _eager


def _parameter(name: str) -> Any:
    if name in ("uvloop", "aiofastnet") and importlib.util.find_spec(name) is None:
        return pytest.param(name, marks=pytest.mark.skip(reason=f"{name} isn't installed"))
    return name


#: Their names, for :func:`pytest.mark.parametrize`.
LOOPS = [_parameter(name) for name in _FACTORIES]


def new_loop(name: str) -> asyncio.AbstractEventLoop:
    """Make an event loop of a kind."""
    return _FACTORIES[name]()
