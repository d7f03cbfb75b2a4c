"""The names of clients of the legacy API: see :mod:`websockets.asyncio.client`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._old import old_names

if TYPE_CHECKING:
    from ws_asyncio import client as _client

    Connect = connect = _client.connect
    WebSocketClientProtocol = _client.ClientConnection
    unix_connect = _client.unix_connect
else:
    __getattr__ = old_names(
        __name__, "Connect", "WebSocketClientProtocol", "connect", "unix_connect"
    )
