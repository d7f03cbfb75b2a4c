"""The names of connections of the legacy API: see :mod:`websockets.asyncio.connection`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._old import old_names

if TYPE_CHECKING:
    from ws_asyncio import connection as _connection

    WebSocketCommonProtocol = _connection.Connection
else:
    __getattr__ = old_names(__name__, "WebSocketCommonProtocol", "broadcast")
