"""The client's side of the protocol without I/O, from ``ws_sansio.client``.

The names of the legacy API, which was found here, are deprecated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ws_sansio.backoff import backoff as backoff
from ws_sansio.backoff import process_exception as process_exception
from ws_sansio.client import ClientProtocol

from ._old import old_names

__all__ = ["ClientProtocol"]

if TYPE_CHECKING:
    from ws_asyncio import client as _client

    ClientConnection = ClientProtocol
    WebSocketClientProtocol = _client.ClientConnection
    connect = _client.connect
    unix_connect = _client.unix_connect
else:
    __getattr__ = old_names(
        __name__, "ClientConnection", "WebSocketClientProtocol", "connect", "unix_connect"
    )
