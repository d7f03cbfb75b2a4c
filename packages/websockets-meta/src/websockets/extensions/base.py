"""The interface of extensions, from ``ws_types.extension``."""

from __future__ import annotations

from ws_types.extension import ClientExtensionFactory, Extension, ServerExtensionFactory

__all__ = ["ClientExtensionFactory", "Extension", "ServerExtensionFactory"]
