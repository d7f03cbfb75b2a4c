"""
The two forms of the hot modules, side by side in one process.

:data:`PURE` is the interpreted form, loaded from the source folder as a package of another name;
:data:`INSTALLED` is what is installed. Where that is the compiled form, tests hold one against
the other.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pathlib
import sys
from types import SimpleNamespace
from typing import Any

import pytest

import ws_sansio

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "src" / "ws_sansio"
MODULES = ("_kernels", "codec", "assembler")


def load_pure() -> SimpleNamespace:
    """Load the source folder as ``pure_ws_sansio``, whatever is installed."""
    name = "pure_ws_sansio"
    before = os.environ.get("WS_IMPL")
    os.environ["WS_IMPL"] = "python"
    try:
        spec = importlib.util.spec_from_file_location(
            name, SOURCE / "__init__.py", submodule_search_locations=[str(SOURCE)]
        )
        assert spec is not None and spec.loader is not None
        package = importlib.util.module_from_spec(spec)
        sys.modules[name] = package
        spec.loader.exec_module(package)
    finally:
        if before is None:
            del os.environ["WS_IMPL"]
        else:
            os.environ["WS_IMPL"] = before
    assert package.implementation == "python"
    return namespace(name)


def namespace(package: str) -> SimpleNamespace:
    """The names of the hot modules, in one place."""
    names: dict[str, Any] = {}
    for module in MODULES:
        names.update(vars(importlib.import_module(f"{package}.{module}")))
    return SimpleNamespace(**names)


INSTALLED = namespace("ws_sansio")
PURE = load_pure()

needs_both = pytest.mark.skipif(
    ws_sansio.implementation != "c",
    reason="the installed build is the interpreted one: there is nothing to compare it with",
)


def outcome(function: Any, *args: Any, **kwargs: Any) -> Any:
    """What a call comes to: its result, or the type and text of its exception."""
    try:
        return function(*args, **kwargs)
    except Exception as exc:
        return type(exc).__name__, str(exc)
