"""The libraries that the scenarios run on: ours, or the one that ours are held against.

Both have the import name ``websockets``, so they are never in one environment. ``WS_ORACLE`` says
which this is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from on_asyncio import AsyncioShell
from on_threads import ThreadsShell
from shells import Library

#: Whether the reference is tested.
ORACLE = bool(os.environ.get("WS_ORACLE"))

#: For scenarios of what the reference doesn't have.
only_ours = pytest.mark.skipif(ORACLE, reason="the reference has nothing like it")


def ours_on_asyncio() -> AsyncioShell:
    import ws_asyncio
    import ws_types.exceptions as errors

    return AsyncioShell(
        Library(
            connect=ws_asyncio.connect,
            serve=ws_asyncio.serve,
            unix_connect=ws_asyncio.unix_connect,
            unix_serve=ws_asyncio.unix_serve,
            basic_auth=ws_asyncio.basic_auth,
            broadcast=ws_asyncio.broadcast,
            errors=errors,
            prepared=ws_asyncio.PreparedMessage,
        )
    )


def ours_on_threads() -> ThreadsShell:
    import ws_sync
    import ws_types.exceptions as errors

    return ThreadsShell(
        Library(
            connect=ws_sync.connect,
            serve=ws_sync.serve,
            unix_connect=ws_sync.unix_connect,
            unix_serve=ws_sync.unix_serve,
            basic_auth=ws_sync.basic_auth,
            broadcast=ws_sync.broadcast,
            errors=errors,
            prepared=ws_sync.PreparedMessage,
        )
    )


def reference_on_asyncio() -> AsyncioShell:
    import websockets.asyncio.client as client
    import websockets.asyncio.server as server
    import websockets.exceptions as errors

    return AsyncioShell(_reference(client, server, errors))


def reference_on_threads() -> ThreadsShell:
    import websockets.exceptions as errors
    import websockets.sync.client as client
    import websockets.sync.server as server

    return ThreadsShell(_reference(client, server, errors))


def _reference(client: Any, server: Any, errors: Any) -> Library:
    return Library(
        connect=client.connect,
        serve=server.serve,
        unix_connect=client.unix_connect,
        unix_serve=server.unix_serve,
        basic_auth=server.basic_auth,
        broadcast=server.broadcast,
        errors=errors,
    )


OURS: dict[str, Callable[[], AsyncioShell | ThreadsShell]] = {
    "ws_asyncio": ours_on_asyncio,
    "ws_sync": ours_on_threads,
}
REFERENCE: dict[str, Callable[[], AsyncioShell | ThreadsShell]] = {
    "websockets.asyncio": reference_on_asyncio,
    "websockets.sync": reference_on_threads,
}
SHELLS = REFERENCE if ORACLE else OURS
