"""WebSocket extensions: permessage-deflate (RFC 7692), and the interface for others.

The interface is that of :mod:`ws_types.extension`, under its own names.
"""

from __future__ import annotations

from ws_types.builds import choose_build

# Before anything else is imported: it decides where modules come from.
implementation = choose_build(__name__, __path__)
"""``"c"`` where compiled modules run, ``"python"`` where their Python form does."""

from ws_types.extension import (  # noqa: E402
    ClientExtensionFactory,
    Extension,
    ServerExtensionFactory,
)

from .__about__ import __version__  # noqa: E402
from .permessage_deflate import (  # noqa: E402
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
    enable_client_permessage_deflate,
    enable_server_permessage_deflate,
)

__all__ = [
    "ClientExtensionFactory",
    "ClientPerMessageDeflateFactory",
    "Extension",
    "PerMessageDeflate",
    "ServerExtensionFactory",
    "ServerPerMessageDeflateFactory",
    "__version__",
    "enable_client_permessage_deflate",
    "enable_server_permessage_deflate",
    "implementation",
]
