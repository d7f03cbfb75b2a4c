"""Where compression comes from: zlib, or a faster library with the same interface.

None of them is loaded before it is needed.
"""

from __future__ import annotations

import importlib
from typing import Any, Literal, TypeAlias

__all__ = ["Backend", "check_settings", "load"]

Backend: TypeAlias = Literal["zlib", "zlib-ng", "isal"]

# Name -> module, and what provides it where it isn't in the standard library.
_BACKENDS = {
    "zlib": ("zlib", None),
    "zlib-ng": ("zlib_ng.zlib_ng", "zlib-ng"),
    "isal": ("isal.isal_zlib", "isal"),
}

_modules: dict[str, Any] = {}
_checked: set[tuple[Any, ...]] = set()


def load(backend: str | None) -> Any:
    """Return the module of a backend.

    :param backend: its name; None for zlib.
    :raises ImportError: if the package that it needs isn't installed.
    :raises ValueError: if there is none of that name.
    """
    name = backend or "zlib"
    module = _modules.get(name)
    if module is None:
        if name not in _BACKENDS:
            raise ValueError(f"backend must be one of {', '.join(_BACKENDS)}, not {backend!r}")
        path, package = _BACKENDS[name]
        try:
            module = importlib.import_module(path)
        except ImportError as exc:
            extra = f"; install ws-extensions[{package}]" if package else ""
            raise ImportError(f"the backend {name!r} isn't available{extra}", name=path) from exc
        _modules[name] = module
    return module


def check_settings(settings: dict[str, Any] | None, backend: str | None) -> None:
    """Check that a backend is there and takes these settings, so that no send fails later.

    :param settings: keyword arguments of its ``compressobj``; ``wbits`` isn't one of them.
    :param backend: its name; None for zlib.
    :raises ImportError: if the package that the backend needs isn't installed.
    :raises ValueError: if there is no such backend, or the settings aren't valid for it.
    """
    if not settings:
        if backend is not None:
            load(backend)
        return
    key: tuple[Any, ...] | None = (backend, *sorted(settings.items()))
    try:
        if key in _checked:
            return
    except TypeError:  # a value isn't hashable, so it isn't valid either
        key = None
    module = load(backend)
    try:
        module.compressobj(wbits=-12, **settings)
    except (TypeError, ValueError, OverflowError, module.error) as exc:
        raise ValueError(f"invalid compress_settings: {exc}") from exc
    if key is not None and len(_checked) < 100:
        _checked.add(key)
