"""What the SDKs run on is ours, and they didn't fetch the PyPI package over it."""

from __future__ import annotations

import importlib.metadata

import websockets


def test_the_sdks_run_on_our_packages():
    assert websockets.connect.__module__ == "ws_asyncio.client"
    assert importlib.metadata.version("websockets") == "15.0"
    assert importlib.metadata.files("websockets") is not None
    assert not any(
        str(path).startswith("websockets/") for path in importlib.metadata.files("websockets")
    )
