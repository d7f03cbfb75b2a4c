"""Modules that are imported when they are first asked for as attributes of their package."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

__all__ = ["submodules"]


def submodules(package: str, *names: str) -> Callable[[str], Any]:
    """Make the ``__getattr__`` of a package.

    :param package: the name of the package.
    :param names: the names of its modules.
    :returns: the function, which raises :exc:`AttributeError` for other names.
    """

    def find(name: str) -> Any:
        if name in names:
            return importlib.import_module(f".{name}", package)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find
