"""The interface of extensions, from ``ws_types.extension``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .base import ClientExtensionFactory, Extension, ServerExtensionFactory

if TYPE_CHECKING:
    from . import base as base
    from . import permessage_deflate as permessage_deflate
else:

    def __getattr__(name: str) -> Any:
        if name == "permessage_deflate":
            return importlib.import_module(f".{name}", __name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["ClientExtensionFactory", "Extension", "ServerExtensionFactory"]
