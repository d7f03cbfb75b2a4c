"""The names of the legacy API: what is in their place today, or errors that say what to write.

The legacy implementation itself isn't part of this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import submodules

if TYPE_CHECKING:
    from . import auth as auth
    from . import client as client
    from . import exceptions as exceptions
    from . import framing as framing
    from . import handshake as handshake
    from . import http as http
    from . import protocol as protocol
    from . import server as server
else:
    __getattr__ = submodules(
        __name__,
        "auth",
        "client",
        "exceptions",
        "framing",
        "handshake",
        "http",
        "protocol",
        "server",
    )
