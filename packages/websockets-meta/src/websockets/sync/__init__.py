"""Clients and servers on sockets and threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import submodules

if TYPE_CHECKING:
    from . import client as client
    from . import connection as connection
    from . import router as router
    from . import server as server
else:
    __getattr__ = submodules(__name__, "client", "connection", "router", "server")
