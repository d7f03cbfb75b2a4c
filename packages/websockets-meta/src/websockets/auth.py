"""Basic authentication in the legacy API: see :func:`ws_asyncio.server.basic_auth`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._old import old_names

__all__ = ["BasicAuthWebSocketServerProtocol", "basic_auth_protocol_factory"]

if TYPE_CHECKING:
    from ws_asyncio import server as _server

    from ._stand_ins import basic_auth_protocol_factory as basic_auth_protocol_factory

    BasicAuthWebSocketServerProtocol = _server.ServerConnection
else:
    __getattr__ = old_names(__name__, *__all__)
