"""Shells on a bad network, with and without TLS."""

from __future__ import annotations

import pathlib
import ssl
import sys
from collections.abc import Iterator

import pytest
import trustme

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import network_shells
import scenes


@pytest.fixture(scope="session")
def contexts() -> scenes.Contexts:
    """The TLS contexts of a client and a server that trust each other."""
    authority = trustme.CA()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(client)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    return scenes.Contexts(client, server)


@pytest.fixture(params=list(network_shells.SHELLS), scope="module")
def shell_name(request: pytest.FixtureRequest) -> str:
    """The name of each shell, in its turn."""
    name: str = request.param
    return name


@pytest.fixture(params=["TCP", "TLS"], scope="module")
def layer(request: pytest.FixtureRequest) -> str:
    """What the connections run on."""
    name: str = request.param
    return name


@pytest.fixture
def scene(shell_name: str, layer: str, contexts: scenes.Contexts) -> Iterator[scenes.Scene]:
    """A shell, and what is needed to set it upon a bad network."""
    with scenes.Scene(shell_name, contexts if layer == "TLS" else scenes.Contexts()) as scene:
        yield scene
