"""What carries a connection: proxies of each kind, with and without TLS, and how they fail."""

from __future__ import annotations

import logging
import ssl
import sys
from typing import Any

import pytest
import trustme
from proxies import OPEN, TestProxy
from servers import serving

from ws_sync.client import ClientConnection, connect, reconnect
from ws_types.errors import InvalidMessage, InvalidProxy, InvalidProxyMessage, ProxyError
from ws_types.exceptions import InvalidProxyStatus, InvalidStatus

MEGABYTE = bytes(range(256)) * 4096


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


def converse(client: ClientConnection) -> None:
    for message in ("hello", MEGABYTE):
        client.send(message)
        assert client.recv() == message


def port_of(server: Any) -> int:
    port: int = server.socket.getsockname()[1]
    return port


@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_http_proxies(scheme: str, secure: bool) -> None:
    """With https and wss, there is TLS in TLS."""
    context = PROXY.server if scheme == "https" else None
    settings: dict[str, Any] = {"ssl": SERVER.client} if secure else {}
    if context is not None:
        settings["proxy_ssl"] = PROXY.client
    with (
        serving(ssl=SERVER.server if secure else None) as server,
        TestProxy(scheme, context=context) as proxy,
    ):
        uri = f"{'wss' if secure else 'ws'}://example.com:{port_of(server)}/"
        with connect(uri, proxy=proxy.url("me:s%40@"), **settings) as client:
            converse(client)
        assert client.close_code == 1000
        first, *others = proxy.requests[0]
        assert first == f"CONNECT example.com:{port_of(server)} HTTP/1.1"
        assert "Proxy-Authorization: Basic bWU6c0A=" in others


def test_the_name_in_the_certificate_of_a_proxy() -> None:
    with serving() as server, TestProxy("https", context=PROXY.server) as proxy:
        uri = f"ws://example.com:{port_of(server)}/"
        address = proxy.url().replace("localhost", "127.0.0.1")
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(uri, proxy=address, proxy_ssl=PROXY.client)
        with connect(
            uri, proxy=address, proxy_ssl=PROXY.client, proxy_server_hostname="localhost"
        ) as client:
            converse(client)


def test_certificates_that_are_not_trusted() -> None:
    with serving(ssl=SERVER.server) as server, TestProxy("https", context=PROXY.server) as proxy:
        for settings in (
            {"ssl": SERVER.client},
            {"ssl": PROXY.client, "proxy_ssl": PROXY.client},
            {"ssl": SERVER.client, "proxy_ssl": SERVER.client},
        ):
            with pytest.raises(ssl.SSLCertVerificationError):
                connect(f"wss://example.com:{port_of(server)}/", proxy=proxy.url(), **settings)


def test_a_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server, TestProxy() as proxy:
        uri = f"ws://127.0.0.1:{port_of(server)}/"
        monkeypatch.setenv("http_proxy", proxy.url())
        for settings, count in (({}, 1), ({"proxy": True}, 2), ({"proxy": None}, 2)):
            with connect(uri, **settings) as client:
                converse(client)
            assert len(proxy.requests) == count
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with connect(uri) as client:
            converse(client)
        assert len(proxy.requests) == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", InvalidProxyStatus),
        (b"SSH-2.0-OpenSSH_9.6\r\n", InvalidProxyMessage),
        (b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 1000, InvalidProxyMessage),
        (b"HTTP/1.1 200 OK\r\nX", InvalidProxyMessage),
        (b"", InvalidProxyMessage),
    ],
)
def test_proxies_that_open_no_tunnel(answer: bytes, error: type[ProxyError]) -> None:
    with TestProxy(answer=answer, tunnel=False) as proxy, pytest.raises(error):
        connect("ws://example.com/", proxy=proxy.url())


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nX: ", OPEN])
@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_a_proxy_that_does_not_answer(scheme: str, answer: bytes) -> None:
    with TestProxy(answer=answer, hold=True) as proxy, pytest.raises(TimeoutError):
        connect(f"{scheme}://example.com/", proxy=proxy.url(), open_timeout=0.1)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nothing_is_lost_of_what_comes_with_the_answer(scheme: str) -> None:
    refusal = OPEN + b"HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n"
    context = PROXY.server if scheme == "https" else None
    settings = {} if context is None else {"proxy_ssl": PROXY.client}
    with TestProxy(scheme, context=context, answer=refusal, hold=True) as proxy:
        with pytest.raises(InvalidStatus) as raised:
            connect("ws://example.com/", proxy=proxy.url(), **settings)
        assert raised.value.response.status_code == 418
        with pytest.raises(ssl.SSLError):
            connect("wss://example.com/", proxy=proxy.url(), **settings)


def test_a_tunnel_to_nowhere() -> None:
    with TestProxy(tunnel=False) as proxy:
        with pytest.raises(InvalidMessage):
            connect("ws://example.com/", proxy=proxy.url())
        with pytest.raises((ConnectionError, ssl.SSLError)):
            connect("wss://example.com/", proxy=proxy.url())


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"proxy": "ftp://proxy"}, InvalidProxy, "scheme ftp isn't supported"),
        ({"proxy": "http://a%0D%0AX:b@proxy"}, InvalidProxy, "control character"),
        ({"proxy": "http://proxy", "proxy_ssl": PROXY.client}, ValueError, "proxy_ssl argument"),
        ({"proxy": "http://proxy", "user_agent_header": "a\r\nX: 1"}, ValueError, "User-Agent"),
    ],
)
def test_settings_that_make_no_sense(settings: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        connect("ws://example.com/", **settings)


@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
@pytest.mark.parametrize("scheme", ["socks4", "socks4a", "socks5", "socks5h"])
def test_socks_proxies(scheme: str, secure: bool) -> None:
    pytest.importorskip("python_socks", reason="python-socks isn't installed")
    named = scheme in ("socks4a", "socks5h")
    userinfo = "me:secret@" if scheme.startswith("socks5") else ""
    settings: dict[str, Any] = {"ssl": SERVER.client} if secure else {}
    with serving(ssl=SERVER.server if secure else None) as server, TestProxy(scheme) as proxy:
        port = port_of(server)
        host = "example.com" if named else "127.0.0.1"
        uri = f"{'wss' if secure else 'ws'}://{host}:{port}/"
        with connect(uri, proxy=proxy.url(userinfo), **settings) as client:
            converse(client)
    credentials = ("me", "secret") if userinfo else None
    assert proxy.requests == [("example.com" if named else "7f000001", port, credentials)]


def test_a_socks_proxy_that_refuses() -> None:
    pytest.importorskip("python_socks", reason="python-socks isn't installed")
    refusal = b"\x05\x05\x00\x01" + bytes(6)
    with (
        TestProxy("socks5h", answer=refusal, tunnel=False) as proxy,
        pytest.raises(ProxyError, match="failed to connect to SOCKS proxy"),
    ):
        connect("ws://example.com/", proxy=proxy.url())


def test_socks_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_socks", None)
    with pytest.raises(ImportError, match="requires python-socks: pip install"):
        connect("ws://example.com/", proxy="socks5://localhost:1")


def test_no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def iterate(url: str) -> None:
        for _ in reconnect("ws://you:hidden@example.com/", proxy=url, max_attempts=1):
            pytest.fail("connected")

    with (
        TestProxy(answer=b"HTTP/1.1 503 No\r\n\r\n", tunnel=False) as proxy,
        pytest.raises(InvalidProxyStatus),
    ):
        iterate(proxy.url("me:secret@"))
    assert "giving up" in caplog.text
    assert "secret" not in caplog.text
    assert "hidden" not in caplog.text
