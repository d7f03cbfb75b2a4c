"""WebSocket clients and servers on blocking sockets and threads."""

from ws_types.builds import choose_build

implementation = choose_build(__name__, __path__)

from .__about__ import __version__  # noqa: E402
from .client import ClientConnection, connect, reconnect, unix_connect, unix_reconnect  # noqa: E402
from .connection import Connection  # noqa: E402

__all__ = [
    "ClientConnection",
    "Connection",
    "__version__",
    "connect",
    "implementation",
    "reconnect",
    "unix_connect",
    "unix_reconnect",
]
