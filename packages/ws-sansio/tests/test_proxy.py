"""Which proxy is used, and how a tunnel through it is opened."""

from __future__ import annotations

import base64
import dataclasses

import pytest

from ws_sansio.http11 import USER_AGENT
from ws_sansio.proxy import (
    Proxy,
    ProxyConnect,
    check_proxy,
    choose_proxy,
    get_proxy,
    parse_proxy,
)
from ws_types.errors import InvalidProxy, InvalidProxyMessage
from ws_types.exceptions import InvalidProxyStatus
from ws_types.uri import parse_uri

WS = parse_uri("ws://example.com/")
WSS = parse_uri("wss://example.com/")

OPEN = b"HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n"


# Addresses


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://proxy:3128", Proxy("http", "proxy", 3128)),
        ("HTTP://PROXY/", Proxy("http", "proxy", 80)),
        ("https://proxy", Proxy("https", "proxy", 443)),
        ("socks4://proxy", Proxy("socks4", "proxy", 1080)),
        ("socks4a://proxy", Proxy("socks4a", "proxy", 1080)),
        ("socks5://proxy", Proxy("socks5", "proxy", 1080)),
        ("socks5h://proxy:1", Proxy("socks5h", "proxy", 1)),
        ("http://[::1]:3128", Proxy("http", "::1", 3128)),
        ("http://me:secret@proxy", Proxy("http", "proxy", 80, "me", "secret")),
        ("http://m%40e:s%3Ae%C3%A9@proxy", Proxy("http", "proxy", 80, "m@e", "s:eé")),
        ("http://me:@proxy", Proxy("http", "proxy", 80, "me", "")),
    ],
)
def test_addresses(url: str, proxy: Proxy) -> None:
    assert parse_proxy(url) == proxy


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "scheme  isn't supported"),
        ("proxy", "scheme proxy isn't supported"),
        ("proxy:3128", "scheme proxy isn't supported"),
        ("ftp://proxy", "scheme ftp isn't supported; expected one of http, https, socks4"),
        ("ws://proxy", "scheme ws isn't supported"),
        ("http:proxy", "hostname isn't provided"),
        ("http://", "hostname isn't provided"),
        ("http://:3128", "hostname isn't provided"),
        ("http://me@proxy", "username provided without password"),
        ("http://proxy/path", "path is meaningless"),
        ("http://proxy?query", "query is meaningless"),
        ("http://proxy?", "query is meaningless"),
        ("http://proxy#fragment", "fragment is meaningless"),
        ("http://proxy:65536", "port isn't a number from 1 to 65535"),
        ("http://proxy:0", "port isn't a number from 1 to 65535"),
        ("http://pro xy", "spaces and control characters"),
        ("http://proxy\r\n", "spaces and control characters"),
    ],
)
def test_addresses_that_are_refused(url: str, reason: str) -> None:
    with pytest.raises(InvalidProxy) as raised:
        parse_proxy(url)
    assert raised.value.proxy == url
    assert raised.value.msg.startswith(reason)


@pytest.mark.parametrize("scheme", ["http", "https", "socks4", "socks5h"])
@pytest.mark.parametrize(
    "userinfo", ["a%0D%0AX:b", "a%0AX:b", "a%00:b", "a:b%0D%0AX", "a:b%00", "a%3A:b"]
)
def test_credentials_that_would_inject(scheme: str, userinfo: str) -> None:
    with pytest.raises(InvalidProxy, match="can't contain"):
        parse_proxy(f"{scheme}://{userinfo}@proxy")


@pytest.mark.parametrize(
    "url", ["http://me:secret@proxy/path", "ftp://me:secret@proxy", "http://me:secret%00@proxy"]
)
def test_refused_addresses_keep_the_password_to_themselves(url: str) -> None:
    with pytest.raises(InvalidProxy) as raised:
        parse_proxy(url)
    assert "secret" not in f"{raised.value} {raised.value!r} {raised.value.msg}"


def test_proxies_are_records_that_hide_their_password() -> None:
    proxy = parse_proxy("http://me:secret@proxy")
    assert "secret" not in repr(proxy)
    assert "me" in repr(proxy)
    assert dataclasses.replace(proxy, port=81) == Proxy("http", "proxy", 81, "me", "secret")
    assert proxy != Proxy("http", "proxy", 80, "me", "other")
    assert proxy != "http://me:secret@proxy"
    assert proxy.user_info == ("me", "secret")
    assert Proxy("http", "proxy", 80).user_info is None


@pytest.mark.parametrize(
    ("scheme", "socks", "names"),
    [
        ("http", False, False),
        ("https", False, False),
        ("socks4", True, False),
        ("socks4a", True, True),
        ("socks5", True, False),
        ("socks5h", True, True),
    ],
)
def test_who_speaks_socks_and_who_looks_up_names(scheme: str, socks: bool, names: bool) -> None:
    proxy = parse_proxy(f"{scheme}://proxy")
    assert (proxy.is_socks, proxy.resolves_names) == (socks, names)


# The environment


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without proxies."""
    import os

    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name == "REQUEST_METHOD":
            monkeypatch.delenv(name)
    return monkeypatch


EVERY = {
    name: f"http://{name}:1"
    for name in ("ws_proxy", "wss_proxy", "socks_proxy", "https_proxy", "http_proxy")
}


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in EVERY.items() if name not in names}


@pytest.mark.parametrize(
    ("variables", "ws", "wss"),
    [
        ({}, None, None),
        (EVERY, "http://ws_proxy:1", "http://wss_proxy:1"),
        (without("ws_proxy", "wss_proxy"), "socks5h://socks_proxy:1", "socks5h://socks_proxy:1"),
        (
            without("ws_proxy", "wss_proxy", "socks_proxy"),
            "http://https_proxy:1",
            "http://https_proxy:1",
        ),
        ({"http_proxy": "http://p:1"}, "http://p:1", None),
        ({"HTTPS_PROXY": "http://p:1"}, "http://p:1", "http://p:1"),
        ({"https_proxy": ""}, None, None),
        ({"socks_proxy": "socks4://p:1"}, "socks4://p:1", "socks4://p:1"),
        # In CGI, the client's "Proxy" header is HTTP_PROXY.
        ({"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, None, None),
        ({"https_proxy": "http://p:1", "no_proxy": "*"}, None, None),
        ({"https_proxy": "http://p:1", "no_proxy": "other.example,example.com"}, None, None),
        ({"https_proxy": "http://p:1", "no_proxy": ".com"}, None, None),
        ({"https_proxy": "http://p:1", "no_proxy": "ample.com"}, "http://p:1", "http://p:1"),
        ({"https_proxy": "http://p:1", "no_proxy": "example.com:443"}, "http://p:1", None),
    ],
)
def test_the_environment(
    environment: pytest.MonkeyPatch, variables: dict[str, str], ws: str | None, wss: str | None
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    assert (get_proxy(WS), get_proxy(WSS)) == (ws, wss)


# Tunnels


def request_for(proxy: str, uri: str, **settings: str | None) -> list[str]:
    connect = ProxyConnect(parse_proxy(proxy), parse_uri(uri), **settings)
    assert connect.request.endswith(b"\r\n\r\n")
    return connect.request.decode().split("\r\n")[:-2]


@pytest.mark.parametrize(
    ("uri", "target", "host"),
    [
        ("ws://example.com/path?query", "example.com:80", "example.com"),
        ("wss://example.com/", "example.com:443", "example.com"),
        ("wss://example.com:80/", "example.com:80", "example.com:80"),
        ("ws://[::1]/", "[::1]:80", "[::1]"),
        ("wss://[2001:db8::1]:8443/", "[2001:db8::1]:8443", "[2001:db8::1]:8443"),
    ],
)
def test_the_request(uri: str, target: str, host: str) -> None:
    assert request_for("http://proxy", uri) == [
        f"CONNECT {target} HTTP/1.1",
        f"Host: {host}",
        f"User-Agent: {USER_AGENT}",
    ]


def test_the_request_with_credentials_and_without_a_user_agent() -> None:
    credentials = base64.b64encode("mé:secret".encode()).decode()
    assert request_for("http://m%C3%A9:secret@proxy", "ws://a/", user_agent_header=None) == [
        "CONNECT a:80 HTTP/1.1",
        "Host: a",
        f"Proxy-Authorization: Basic {credentials}",
    ]


def test_credentials_of_the_server_stay_with_the_client() -> None:
    lines = request_for("http://proxy", "ws://me:secret@a/", user_agent_header="mine")
    assert lines == ["CONNECT a:80 HTTP/1.1", "Host: a", "User-Agent: mine"]


@pytest.mark.parametrize("header", ["a\r\nX: 1", "a\nb", "a\x00b"])
def test_a_user_agent_that_would_inject(header: str) -> None:
    with pytest.raises(ValueError, match="header"):
        ProxyConnect(parse_proxy("http://proxy"), WS, user_agent_header=header)


def tunnel() -> ProxyConnect:
    return ProxyConnect(parse_proxy("http://proxy"), WS)


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("status", [b"200", b"201", b"299"])
def test_every_success_opens_the_tunnel(version: bytes, status: bytes) -> None:
    assert tunnel().receive_data(b"HTTP/" + version + b" " + status + b" \r\n\r\n")


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_what_follows_the_response_is_kept(size: int) -> None:
    connect = tunnel()
    data = OPEN + b"hello"
    opened = False
    position = 0
    while not opened:
        opened = connect.receive_data(data[position : position + size])
        position += size
    assert connect.leftover + data[position:] == b"hello"


@pytest.mark.parametrize(
    "response",
    [
        OPEN,
        b"HTTP/1.1 200 OK\r\n\r\n",
        # A body isn't announced by a Content-Length here (RFC 9110, section 9.3.6).
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 \r\nA: \rb\r\n".replace(b"\rb", b"b") + b"\r\n",
    ],
)
def test_whoever_reads_what_is_wanted_reads_nothing_of_the_tunnel(response: bytes) -> None:
    connect = tunnel()
    data = response + b"\r\n\r\nhello"
    position = 0
    opened = False
    while not opened:
        wanted = connect.wanted
        assert 1 <= wanted <= 4
        opened = connect.receive_data(data[position : position + wanted])
        position += wanted
    assert (position, connect.leftover) == (len(response), b"")


def test_a_refusal() -> None:
    with pytest.raises(InvalidProxyStatus) as raised:
        tunnel().receive_data(
            b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 100\r\n\r\n"
        )
    assert raised.value.response.status_code == 407
    assert raised.value.response.headers["Content-Length"] == "100"


@pytest.mark.parametrize("status", [b"101", b"199", b"300", b"302", b"503"])
def test_no_other_status_opens_the_tunnel(status: bytes) -> None:
    with pytest.raises(InvalidProxyStatus):
        tunnel().receive_data(b"HTTP/1.1 " + status + b" x\r\n\r\n")


@pytest.mark.parametrize(
    "answer",
    [
        b"\x05\x00\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/2 200\r\n",
        b"HTTP/1.1 200 OK\n\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n",
        b"x" * 10_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 10_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 1_000,
    ],
)
def test_answers_that_are_no_http_or_too_long(answer: bytes) -> None:
    with pytest.raises(InvalidProxyMessage, match="valid HTTP response from proxy") as raised:
        tunnel().receive_data(answer)
    assert raised.value.__cause__ is not None


def test_a_proxy_that_dribbles_for_ever_is_stopped() -> None:
    connect = tunnel()
    connect.receive_data(b"HTTP/1.1 200 OK\r\n")
    for _ in range(8192):
        connect.receive_data(b"X")
    with pytest.raises(InvalidProxyMessage):
        connect.receive_data(b"X")


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200 OK\r\nX: 1\r\n"])
def test_a_proxy_that_closes_the_connection(before: bytes) -> None:
    connect = tunnel()
    if before:
        connect.receive_data(before)
    with pytest.raises(InvalidProxyMessage) as raised:
        connect.receive_eof()
    assert isinstance(raised.value.__cause__, EOFError)


# What a program asks for


@pytest.mark.parametrize("proxy", [None, True, "http://proxy:3128"])
def test_what_may_be_given_as_proxy(proxy):
    check_proxy(proxy)


@pytest.mark.parametrize(
    ("proxy", "error"), [("ftp://proxy", InvalidProxy), (False, TypeError), (8080, TypeError)]
)
def test_what_may_not_be_given_as_proxy(proxy, error):
    with pytest.raises(error):
        check_proxy(proxy)


def test_the_proxy_that_is_given_is_chosen():
    assert choose_proxy("http://proxy:3128", WS) == Proxy("http", "proxy", 3128)
    assert choose_proxy(None, WS) is None


def test_the_proxy_of_the_environment_is_chosen(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "example.org")
    assert choose_proxy(True, WSS) == Proxy("http", "proxy", 3128)
    assert choose_proxy(True, parse_uri("wss://example.org/")) is None
