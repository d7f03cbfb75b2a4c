"""What carries a connection: proxies of each kind, with and without TLS, and how they fail."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import sys
import weakref
from typing import Any

import pytest
import trustme
from kit import MEGABYTE, echo, in_memory, memory, no_collector, on_sockets
from proxies import OPEN, TestProxy

from ws_asyncio import ClientConnection, connect, serve, unix_connect
from ws_types.errors import (
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
    InvalidProxyMessage,
    ProxyError,
)
from ws_types.exceptions import InvalidProxyStatus, InvalidStatus


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the tests names none."""
    for name in ("ws_proxy", "wss_proxy", "socks_proxy", "https_proxy", "http_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


class Contexts:
    """TLS contexts of a server, and of a client that trusts it."""

    def __init__(self, *names: str) -> None:
        authority = trustme.CA()
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(self.server)
        self.client = ssl.create_default_context()
        authority.configure_trust(self.client)


#: One authority for the proxy, another for the server: neither is taken for the other.
PROXY = Contexts("localhost")
SERVER = Contexts("example.com", "127.0.0.1")


async def converse(client: ClientConnection) -> None:
    for message in ("hello", MEGABYTE[:200_000]):
        await client.send(message)
        assert await client.recv() == message


async def port_of(server: Any) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


# Through HTTP


@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
@pytest.mark.parametrize("scheme", ["http", "https"])
@on_sockets
async def test_http_proxies(scheme: str, secure: bool) -> None:
    """With https and wss, there is TLS in TLS."""
    context = PROXY.server if scheme == "https" else None
    settings: dict[str, Any] = {"ssl": SERVER.client} if secure else {}
    if context is not None:
        settings["proxy_ssl"] = PROXY.client
    async with serve(echo, "127.0.0.1", 0, ssl=SERVER.server if secure else None) as server:
        port = await port_of(server)
        uri = f"{'wss' if secure else 'ws'}://example.com:{port}/"
        with TestProxy(scheme, context=context) as proxy:
            async with connect(uri, proxy=proxy.url("me:s%40@"), **settings) as client:
                await converse(client)
                assert client.request is not None
                assert "Proxy-Authorization" not in client.request.headers
            assert client.close_code == 1000
    first, host, *others = proxy.requests[0]
    assert first == f"CONNECT example.com:{port} HTTP/1.1"
    assert host == f"Host: example.com:{port}"
    assert "Proxy-Authorization: Basic bWU6c0A=" in others


@on_sockets
async def test_the_name_in_the_certificate_of_a_proxy() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        uri = f"ws://example.com:{await port_of(server)}/"
        with TestProxy("https", context=PROXY.server) as proxy:
            address = proxy.url().replace("localhost", "127.0.0.1")
            with pytest.raises(ssl.SSLCertVerificationError):
                await connect(uri, proxy=address, proxy_ssl=PROXY.client)
            async with connect(
                uri, proxy=address, proxy_ssl=PROXY.client, proxy_server_hostname="localhost"
            ) as client:
                await converse(client)


@on_sockets
async def test_certificates_that_are_not_trusted() -> None:
    async with serve(echo, "127.0.0.1", 0, ssl=SERVER.server) as server:
        uri = f"wss://example.com:{await port_of(server)}/"
        with TestProxy("https", context=PROXY.server) as proxy:
            for settings in (
                {"ssl": SERVER.client},
                {"ssl": PROXY.client, "proxy_ssl": PROXY.client},
                {"ssl": SERVER.client, "proxy_ssl": SERVER.client},
            ):
                with pytest.raises(ssl.SSLCertVerificationError):
                    await connect(uri, proxy=proxy.url(), **settings)  # type: ignore[arg-type]


@on_sockets
async def test_another_host_and_port_behind_a_proxy() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        port = await port_of(server)
        with TestProxy() as proxy:
            async with connect(
                "ws://example.com/", proxy=proxy.url(), host="other.example", port=port
            ) as client:
                await converse(client)
                assert client.request is not None
                assert client.request.headers["Host"] == "example.com"
    assert proxy.requests[0][0] == f"CONNECT other.example:{port} HTTP/1.1"


@on_sockets
async def test_an_ipv6_address_behind_a_proxy() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        port = await port_of(server)
        with TestProxy() as proxy:
            async with connect(f"ws://[::1]:{port}/", proxy=proxy.url()) as client:
                await converse(client)
    assert proxy.requests[0][0] == f"CONNECT [::1]:{port} HTTP/1.1"


@on_sockets
async def test_a_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        uri = f"ws://127.0.0.1:{await port_of(server)}/"
        with TestProxy() as proxy:
            monkeypatch.setenv("http_proxy", proxy.url())
            for settings, count in (({}, 1), ({"proxy": True}, 2), ({"proxy": None}, 2)):
                async with connect(uri, **settings) as client:  # type: ignore[arg-type]
                    await converse(client)
                assert len(proxy.requests) == count
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            async with connect(uri) as client:
                await converse(client)
            assert len(proxy.requests) == 2


# How HTTP proxies fail


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", InvalidProxyStatus),
        (b"HTTP/1.0 502 Bad Gateway\r\n\r\nbody", InvalidProxyStatus),
        (b"SSH-2.0-OpenSSH_9.6\r\n", InvalidProxyMessage),
        (b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 1000, InvalidProxyMessage),
        (b"HTTP/1.1 200 OK\r\nX", InvalidProxyMessage),
        (b"", InvalidProxyMessage),
    ],
)
@on_sockets
async def test_proxies_that_open_no_tunnel(answer: bytes, error: type[ProxyError]) -> None:
    with TestProxy(answer=answer, tunnel=False) as proxy, pytest.raises(error):
        await connect("ws://example.com/", proxy=proxy.url())


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nX: "])
@on_sockets
async def test_a_proxy_that_does_not_answer(answer: bytes) -> None:
    with (
        TestProxy(answer=answer, hold=True) as proxy,
        pytest.raises(TimeoutError, match="timed out during opening handshake"),
    ):
        await connect("ws://example.com/", proxy=proxy.url(), open_timeout=0.1)


@on_sockets
async def test_nothing_is_lost_of_what_comes_with_the_answer() -> None:
    refusal = OPEN + b"HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n"
    with TestProxy(answer=refusal, hold=True) as proxy:
        with pytest.raises(InvalidStatus) as raised:
            await connect("ws://example.com/", proxy=proxy.url())
        assert raised.value.response.status_code == 418
        with pytest.raises(ssl.SSLError):
            await connect("wss://example.com/", proxy=proxy.url())


@pytest.mark.parametrize("reset", [False, True])
@on_sockets
async def test_a_server_behind_a_proxy_that_speaks_first(reset: bool) -> None:
    """With TLS 1.2, what it says comes in one packet with the end of its handshake."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if reset:
            writer.transport.abort()
        else:
            writer.write(b"HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n")
            await reader.read()
            writer.close()

    contexts = Contexts("example.com")
    contexts.server.maximum_version = ssl.TLSVersion.TLSv1_2
    server = await asyncio.start_server(speak, "127.0.0.1", 0, ssl=contexts.server)
    uri = f"wss://example.com:{await port_of(server)}/"
    with TestProxy() as proxy:
        if reset:
            with pytest.raises((ConnectionError, ssl.SSLError, InvalidMessage)):
                await connect(uri, proxy=proxy.url(), ssl=contexts.client)
        else:
            with pytest.raises(InvalidStatus) as raised:
                await connect(uri, proxy=proxy.url(), ssl=contexts.client)
            assert raised.value.response.status_code == 418
    server.close()


@on_sockets
async def test_a_tunnel_to_nowhere() -> None:
    with TestProxy(tunnel=False) as proxy:
        with pytest.raises(InvalidMessage):
            await connect("ws://example.com/", proxy=proxy.url())
        with pytest.raises((ConnectionError, ssl.SSLError)):
            await connect("wss://example.com/", proxy=proxy.url())


@on_sockets
async def test_nobody_listens_where_the_proxy_should_be() -> None:
    with TestProxy() as proxy:
        address = proxy.url()
    with pytest.raises(ConnectionRefusedError):
        await connect("ws://example.com/", proxy=address)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"proxy": "ftp://proxy"}, InvalidProxy, "scheme ftp isn't supported"),
        ({"proxy": "http://a%0D%0AX:b@proxy"}, InvalidProxy, "control character"),
        ({"proxy": False}, TypeError, "proxy must be"),
        ({"proxy": "https://proxy", "proxy_ssl": None}, ValueError, "proxy_ssl=None"),
        ({"proxy": "http://proxy", "proxy_ssl": True}, ValueError, "proxy_ssl argument"),
        (
            {"proxy": "http://proxy", "user_agent_header": "a\r\nX: 1"},
            ValueError,
            "User-Agent",
        ),
    ],
)
@on_sockets
async def test_settings_that_make_no_sense(
    settings: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        await connect("ws://example.com/", **settings)


# Through SOCKS


def skip_without_socks() -> None:
    pytest.importorskip("python_socks", reason="python-socks isn't installed")
    if "sock_connect" in vars(asyncio.get_running_loop()):
        pytest.skip("aiofastnet's sock_connect() lacks parameters that python-socks names")


@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
@pytest.mark.parametrize("scheme", ["socks4", "socks4a", "socks5", "socks5h"])
@on_sockets
async def test_socks_proxies(scheme: str, secure: bool) -> None:
    skip_without_socks()
    named = scheme in ("socks4a", "socks5h")
    userinfo = "me:secret@" if scheme.startswith("socks5") else ""
    async with serve(echo, "127.0.0.1", 0, ssl=SERVER.server if secure else None) as server:
        port = await port_of(server)
        host = "example.com" if named else "127.0.0.1"
        settings: dict[str, Any] = {"ssl": SERVER.client} if secure else {}
        with TestProxy(scheme) as proxy:
            async with connect(
                f"{'wss' if secure else 'ws'}://{host}:{port}/",
                proxy=proxy.url(userinfo),
                **settings,
            ) as client:
                await converse(client)
    credentials = ("me", "secret") if userinfo else None
    assert proxy.requests == [("example.com" if named else "7f000001", port, credentials)]


@on_sockets
async def test_a_socks_proxy_that_refuses() -> None:
    skip_without_socks()
    refusal = b"\x05\x05\x00\x01" + bytes(6)
    with (
        TestProxy("socks5h", answer=refusal, tunnel=False) as proxy,
        pytest.raises(ProxyError, match="failed to connect to SOCKS proxy"),
    ):
        await connect("ws://example.com/", proxy=proxy.url())


@on_sockets
async def test_socks_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_socks", None)
    with pytest.raises(ImportError, match=r"requires python-socks: pip install"):
        await connect("ws://example.com/", proxy="socks5://localhost:1")


# What isn't proxied, and what isn't logged


@on_sockets
async def test_unix_sockets_have_no_proxy() -> None:
    with pytest.raises(FileNotFoundError):
        await unix_connect("/nowhere/at/all", proxy="http://localhost:1")


@in_memory
async def test_networks_in_memory_have_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://localhost:1")
    assert memory()
    from ws_asyncio.testing import connected_pair

    async with connected_pair() as (client, server):
        await client.send("a")
        assert await server.recv() == "a"


@on_sockets
async def test_no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        TestProxy(answer=b"HTTP/1.1 503 No\r\n\r\n", tunnel=False) as proxy,
        pytest.raises(InvalidProxyStatus),
    ):
        async for _ in connect(
            "ws://you:hidden@example.com/", proxy=proxy.url("me:secret@"), max_attempts=1
        ):
            pass
    assert "giving up" in caplog.text
    assert "secret" not in caplog.text
    assert "hidden" not in caplog.text


# Nothing is left behind


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 407 No\r\n\r\n", b"garbage\r\n", OPEN, OPEN + b"HTTP/1.1 400 No\r\n\r\n"]
)
@pytest.mark.parametrize("scheme", ["ws", "wss"])
@on_sockets
async def test_connections_that_failed_are_freed(scheme: str, answer: bytes) -> None:
    made: list[weakref.ref[Any]] = []

    class Remembered(ClientConnection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(weakref.ref(self))

    with TestProxy(answer=answer, tunnel=False) as proxy, no_collector():
        with contextlib.suppress(OSError, InvalidHandshake):
            await connect(
                f"{scheme}://example.com/", proxy=proxy.url(), create_connection=Remembered
            )
        for _ in range(100):
            if made[0]() is None:
                break
            await asyncio.sleep(0.01)
        assert made[0]() is None
