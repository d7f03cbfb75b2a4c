"""Which build of a package runs: its compiled modules, or the same modules in Python.

A compiled wheel carries extension modules in ``_compiled/`` inside the package. Put first on the
package's ``__path__``, that folder makes ``from .codec import ...`` find the extension before the
``.py`` file of the same name, which stays as the fallback.

The environment variable ``WS_IMPL`` decides:

- unset or empty: the compiled modules where there are any and all of them load, Python otherwise;
- ``c``: the compiled modules, or :exc:`ImportError`;
- ``python``: Python.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import sys
import warnings
from typing import Literal

__all__ = ["choose_build"]

# What extension modules are called, for this interpreter or another.
_ANY_SUFFIX = (".so", ".pyd", ".dylib")


def _extensions(folder: str) -> tuple[dict[str, str], list[str]]:
    """Find extension modules: for this interpreter, from name to file; and for others, files."""
    try:
        files = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return {}, []
    loadable: dict[str, str] = {}
    foreign = []
    for file in files:
        for suffix in importlib.machinery.EXTENSION_SUFFIXES:
            name = file.removesuffix(suffix)
            # Without the second condition, ".so" would match the files of all interpreters.
            if name != file and "." not in name:
                loadable[name] = file
                break
        else:
            if file.endswith(_ANY_SUFFIX):
                foreign.append(file)
    return loadable, foreign


def _load(package: str, path: list[str], folder: str, names: dict[str, str]) -> str | None:
    """Import extension modules from a folder; say what went wrong, if anything did."""
    before = set(sys.modules)
    path.insert(0, folder)
    loading = ""
    try:
        for name, file in names.items():
            loading = file
            importlib.import_module(f"{package}.{name}")
    except ImportError as exc:
        path.remove(folder)
        # Modules that did load would otherwise mix with the Python form of the others.
        for module in set(sys.modules) - before:
            if module.startswith(package + "."):
                del sys.modules[module]
        return f"{os.path.join(folder, loading)} can't be loaded ({type(exc).__name__}: {exc})"
    return None


def choose_build(package: str, path: list[str]) -> Literal["c", "python"]:
    """Make a package use its compiled modules, if it has them and they work.

    Call it first in ``__init__``: ``implementation = choose_build(__name__, __path__)``.

    :param package: the name of the package.
    :param path: its ``__path__``, which is changed.
    :returns: what runs: ``"c"`` or ``"python"``.
    :raises ImportError: if ``WS_IMPL`` is ``c`` and that can't be had, or has a value that it
        may not have.
    """
    wanted = os.environ.get("WS_IMPL", "")
    if wanted == "python":
        return "python"
    if wanted not in ("", "c"):
        raise ImportError(f"WS_IMPL is {wanted!r}; it may be 'c', 'python', or unset", name=package)
    folder = os.path.join(path[0], "_compiled")
    names, foreign = _extensions(folder)
    if names:
        problem = _load(package, path, folder, names)
        if problem is None:
            return "c"
    elif foreign:
        problem = (
            f"{os.path.join(folder, foreign[0])} is for another interpreter than this one "
            f"({sys.implementation.cache_tag})"
        )
    else:
        problem = None
    if wanted == "c":
        reason = problem or f"there are no compiled modules in {folder}"
        raise ImportError(f"WS_IMPL is 'c', but {reason}", name=package, path=folder)
    if problem is not None:
        warnings.warn(
            f"{package}: {problem}; the pure Python form runs, which is slower",
            RuntimeWarning,
            stacklevel=2,
        )
    return "python"
