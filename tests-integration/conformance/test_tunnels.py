"""What carries connections besides TCP: proxies and Unix sockets."""

from __future__ import annotations

import os
import socket
import tempfile

import proxies
import pytest
import raw


@pytest.fixture(params=["http", "socks5h"])
def scheme(request):
    if request.param == "socks5h":
        pytest.importorskip("python_socks")
    return request.param


@pytest.mark.parametrize("secret", [False, True], ids=["open", "secret"])
def test_through_a_proxy(shell, server, scheme, secret):
    with proxies.running(scheme, secret=secret) as proxy:
        uri = f"ws://server.invalid:{server.port}/path"
        client = shell.connect(uri, proxy=proxy.uri)
        handled = server.accept()
        assert proxy.targets == [f"server.invalid:{server.port}"]
        assert handled.raw.request.path == "/path"
        assert "Proxy-Authorization" not in handled.raw.request.headers
        for sender, receiver in ((client, handled), (handled, client)):
            sender.send("x" * 100_000)
            assert receiver.recv() == "x" * 100_000
        client.close(1001, "enough")
        handled.closed()
        assert handled.ended_with == (1001, "enough")


@pytest.mark.parametrize("userinfo", ["", "iris:tulips@"])
def test_a_proxy_that_wants_other_credentials(shell, server, scheme, userinfo):
    with proxies.running(scheme, secret=True) as proxy:
        with pytest.raises(shell.errors.ProxyError) as caught:
            shell.connect(server.uri, proxy=f"{scheme}://{userinfo}{proxy.where}")
        assert "tulips" not in str(caught.value)
        assert proxy.targets == []


def test_a_proxy_that_opens_no_tunnel(shell):
    with raw.answering(raw.answer("502 Bad Gateway", "no\n")) as web:
        with pytest.raises(shell.errors.InvalidProxyStatus) as caught:
            shell.connect("ws://server.invalid/", proxy=web.uri.replace("ws:", "http:"))
        assert caught.value.response.status_code == 502
        assert web.requests[0].startswith("CONNECT server.invalid:80 HTTP/1.1\r\n")


def test_a_proxy_of_an_unknown_kind(shell, server):
    with pytest.raises(shell.errors.InvalidProxy):
        shell.connect(server.uri, proxy="gopher://127.0.0.1")


# Unix sockets


@pytest.fixture
def socket_path():
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("there are no Unix sockets here")
    # The folders of pytest have names that are too long on some systems.
    with tempfile.TemporaryDirectory() as folder:
        yield os.path.join(folder, "socket")


def test_a_unix_socket(shell, socket_path):
    with shell.serve(socket_path=socket_path) as server:
        client, handled = server.pair()
        assert handled.raw.request.headers["Host"] == "localhost"
        for sender, receiver in ((client, handled), (handled, client)):
            sender.send("x" * 100_000)
            assert receiver.recv() == "x" * 100_000
        client.close()
        handled.closed()
        assert client.ended_with == handled.ended_with == (1000, "")


def test_closing_a_server_on_a_unix_socket(shell, socket_path):
    with shell.serve(socket_path=socket_path) as server:
        client, _ = server.pair()
        server.close()
        assert client.closed().rcvd.code == 1001
        with pytest.raises(OSError, match=r"refused|No such file"):
            server.connect()
