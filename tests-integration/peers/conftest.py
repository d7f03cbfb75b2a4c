"""Peers, a certificate authority of no authority, and connections between ours and theirs."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import pathlib
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

import ws_asyncio

HERE = pathlib.Path(__file__).resolve().parent

sys.path.insert(0, str(HERE))

import harness  # noqa: E402


def pytest_report_header() -> list[str]:
    there = [name for name, library in harness.PEERS.items() if library.command()]
    return [f"peers: {', '.join(there) or 'none'}; ws_asyncio: {ws_asyncio.implementation}"]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=list(harness.PEERS))
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[harness.Peer]:
    """Each peer, in its turn."""
    library = harness.PEERS[request.param]
    command = library.command()
    if command is None:
        pytest.skip(f"the environment of {request.param} isn't there: {library.variable} isn't set")
    async with harness.running(library, command) as running:
        yield running


@dataclasses.dataclass(frozen=True)
class Tls:
    """Files for the peer, contexts for us."""

    authority: str
    certificate: str
    client: ssl.SSLContext
    server: ssl.SSLContext


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """A certificate for this machine, and the throw-away authority that vouches for it."""
    trustme = pytest.importorskip("trustme")
    folder = tmp_path_factory.mktemp("tls")
    authority, certificate = str(folder / "authority.pem"), str(folder / "certificate.pem")
    issuer = trustme.CA()
    issued = issuer.issue_cert("localhost", "127.0.0.1")
    issuer.cert_pem.write_to_path(authority)
    issued.private_key_and_cert_chain_pem.write_to_path(certificate)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate)
    return Tls(authority, certificate, ssl.create_default_context(cafile=authority), server)


Open = Callable[..., contextlib.AbstractAsyncContextManager[ws_asyncio.Connection]]


@contextlib.asynccontextmanager
async def our_client(
    peer: harness.Peer, tls: Tls | None, **options: Any
) -> AsyncIterator[ws_asyncio.Connection]:
    """Connect our client to the server of a peer."""
    port = await peer.listen(tls.certificate if tls else None)
    try:
        if tls:
            connecting = ws_asyncio.connect(
                f"wss://localhost:{port}/", host="127.0.0.1", ssl=tls.client, **options
            )
        else:
            connecting = ws_asyncio.connect(f"ws://127.0.0.1:{port}/", **options)
        connection, _ = await asyncio.gather(connecting, peer.accept())
        yield connection
        connection.transport.abort()
        await connection.wait_closed()
    finally:
        await peer.unlisten()


@contextlib.asynccontextmanager
async def our_server(
    peer: harness.Peer, tls: Tls | None, **options: Any
) -> AsyncIterator[ws_asyncio.Connection]:
    """Have the client of a peer connect to our server."""
    accepted: asyncio.Future[ws_asyncio.Connection] = asyncio.get_running_loop().create_future()

    async def handle(connection: ws_asyncio.ServerConnection) -> None:
        accepted.set_result(connection)
        await connection.wait_closed()

    context = tls.server if tls else None
    async with ws_asyncio.serve(handle, "127.0.0.1", 0, ssl=context, **options) as server:
        port = server.sockets[0].getsockname()[1]
        scheme, host = ("wss", "localhost") if tls else ("ws", "127.0.0.1")
        await peer.connect(f"{scheme}://{host}:{port}/", tls.authority if tls else None)
        async with asyncio.timeout(harness.PATIENCE):
            connection = await accepted
        yield connection
        connection.transport.abort()


@pytest.fixture
def needs(peer: harness.Peer) -> Callable[[str], None]:
    """Skip where a peer can't do something."""

    def check(name: str) -> None:
        if name in peer.library.lacks:
            pytest.skip(f"the peer can't do this: {name}")

    return check


@pytest.fixture(params=["client", "server"])
def side(request: pytest.FixtureRequest, needs: Callable[[str], None]) -> str:
    """Which side is ours."""
    name: str = request.param
    needs({"client": "listen", "server": "connect"}[name])
    return name


@pytest.fixture
def connected(side: str, peer: harness.Peer) -> Open:
    """Open a connection with the peer, and yield our end of it."""
    ours = {"client": our_client, "server": our_server}[side]
    return lambda **options: ours(peer, None, ping_interval=None, **options)


@pytest.fixture(params=["ws", "wss"])
def connected_both_ways(request: pytest.FixtureRequest, side: str, peer: harness.Peer) -> Open:
    """Open a connection with the peer, without TLS and with it."""
    tls = request.getfixturevalue("tls") if request.param == "wss" else None
    ours = {"client": our_client, "server": our_server}[side]
    return lambda **options: ours(peer, tls, ping_interval=None, **options)
