"""The interface of extensions, from ``ws_types.extension``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import submodules
from .base import ClientExtensionFactory, Extension, ServerExtensionFactory

if TYPE_CHECKING:
    from . import base as base
    from . import permessage_deflate as permessage_deflate
else:
    __getattr__ = submodules(__name__, "permessage_deflate")

__all__ = ["ClientExtensionFactory", "Extension", "ServerExtensionFactory"]
