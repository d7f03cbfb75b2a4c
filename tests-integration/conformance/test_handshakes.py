"""Opening handshakes: what clients ask for, and what servers make of it."""

from __future__ import annotations

import re
import ssl

import pytest
import raw

CHAT, SUPERCHAT = "chat", "superchat"


def test_path_and_headers_are_known_at_both_ends(server):
    client = server.connect("path?query=1", additional_headers={"X-Tea": "Earl Grey"})
    handled = server.accept()
    for end in (client, handled):
        assert end.raw.request.path == "/path?query=1"
        assert end.raw.request.headers["X-Tea"] == "Earl Grey"
        assert end.raw.request.headers["Host"] == f"127.0.0.1:{server.port}"
        assert end.raw.response.status_code == 101
    assert client.raw.remote_address == handled.raw.local_address
    assert client.raw.id != handled.raw.id


def test_names_of_the_programs(server):
    client = server.connect(user_agent_header="tea/1")
    assert server.accept().raw.request.headers["User-Agent"] == "tea/1"
    assert "Server" in client.raw.response.headers
    server.connect(user_agent_header=None)
    assert "User-Agent" not in server.accept().raw.request.headers


def test_a_server_without_a_name(shell):
    with shell.serve(server_header=None) as server:
        assert "Server" not in server.connect().raw.response.headers


# Subprotocols


@pytest.mark.parametrize(
    ("offered", "known", "chosen"),
    [
        ([CHAT, SUPERCHAT], [SUPERCHAT, CHAT], SUPERCHAT),
        ([CHAT], [SUPERCHAT, CHAT], CHAT),
        (None, None, None),
        ([CHAT], None, None),
    ],
)
def test_subprotocols(shell, offered, known, chosen):
    with shell.serve(subprotocols=known) as server:
        client, handled = server.pair(subprotocols=offered)
        assert client.raw.subprotocol == handled.raw.subprotocol == chosen


def test_a_subprotocol_is_chosen_by_a_function(shell):
    def select(connection, offered):
        assert offered == [CHAT, SUPERCHAT]
        assert connection.request.path == "/"
        return SUPERCHAT

    with shell.serve(subprotocols=[CHAT, SUPERCHAT], select_subprotocol=select) as server:
        assert server.connect(subprotocols=[CHAT, SUPERCHAT]).raw.subprotocol == SUPERCHAT


def test_a_function_chooses_no_subprotocol(shell):
    with shell.serve(select_subprotocol=lambda connection, offered: None) as server:
        assert server.connect(subprotocols=[CHAT]).raw.subprotocol is None


def test_a_client_refuses_a_subprotocol_that_it_did_not_offer(shell):
    with (
        shell.serve(select_subprotocol=lambda connection, offered: SUPERCHAT) as server,
        pytest.raises(shell.errors.NegotiationError, match="unsupported subprotocol: superchat"),
    ):
        server.connect(subprotocols=[CHAT])


def test_a_server_may_insist_on_a_subprotocol(shell):
    with shell.serve(subprotocols=[CHAT]) as server:
        for offered in (None, [SUPERCHAT]):
            with pytest.raises(shell.errors.InvalidStatus) as caught:
                server.connect(subprotocols=offered)
            assert caught.value.response.status_code == 400


# Origins

HERE, THERE = "http://here.example", "http://there.example"


@pytest.mark.parametrize(
    ("origins", "origin", "status"),
    [
        (None, THERE, 101),
        ([HERE], HERE, 101),
        ([HERE], THERE, 403),
        ([HERE], None, 403),
        ([HERE, None], None, 101),
        ([re.compile(r"https?://(\w+)\.example")], THERE, 101),
        ([re.compile(r"https?://\w+")], THERE, 403),
    ],
)
def test_origins(shell, origins, origin, status):
    with shell.serve(origins=origins) as server:
        try:
            response = server.connect(origin=origin).raw.response
        except shell.errors.InvalidStatus as exc:
            response = exc.response
        assert response.status_code == status


# What programs answer


def test_a_request_gets_another_answer(shell):
    def process_request(connection, request):
        return connection.respond(404, f"nothing at {request.path}\n")

    with shell.serve(process_request=process_request) as server:
        with pytest.raises(shell.errors.InvalidStatus) as caught:
            server.connect("nowhere")
        response = caught.value.response
        assert (response.status_code, response.reason_phrase) == (404, "Not Found")
        assert response.body == b"nothing at /nowhere\n"
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_request_that_is_let_through(shell):
    seen = []

    def process_request(connection, request):
        seen.append((connection.request is request, request.path, connection.state.name))

    with shell.serve(process_request=process_request) as server:
        client, handled = server.pair()
        assert seen == [(True, "/", "CONNECTING")]
        client.send("open")
        assert handled.recv() == "open"


def test_an_error_of_a_function_is_no_secret_and_no_accident_of_the_client(shell):
    def process_request(connection, request):
        raise LookupError("of the function")

    with shell.serve(process_request=process_request) as server:
        with pytest.raises(shell.errors.InvalidStatus) as caught:
            server.connect()
        assert caught.value.response.status_code == 500
        assert b"of the function" not in caught.value.response.body


def test_a_response_gets_another_header(shell):
    def process_response(connection, request, response):
        response.headers["X-Tea"] = request.path

    with shell.serve(process_response=process_response) as server:
        client, handled = server.pair()
        assert client.raw.response.headers["X-Tea"] == "/"
        assert handled.raw.response.headers["X-Tea"] == "/"


def test_a_response_is_replaced(shell):
    def process_response(connection, request, response):
        assert response.status_code == 101
        return connection.respond(503, "later\n")

    with shell.serve(process_response=process_response) as server:
        with pytest.raises(shell.errors.InvalidStatus) as caught:
            server.connect()
        assert caught.value.response.body == b"later\n"


# Credentials


@pytest.mark.parametrize(
    ("settings", "userinfo", "status"),
    [
        ({"credentials": ("iris", "r0ses")}, "iris:r0ses@", 101),
        ({"credentials": [("iris", "r0ses"), ("rosé", "wïne")]}, "ros%C3%A9:w%C3%AFne@", 101),
        ({"credentials": ("iris", "r0ses")}, "iris:tulips@", 401),
        ({"credentials": ("iris", "r0ses")}, "", 401),
        ({"check_credentials": lambda name, password: name == password}, "iris:iris@", 101),
        ({"check_credentials": lambda name, password: name == password}, "iris:r0ses@", 401),
    ],
)
def test_basic_auth(shell, settings, userinfo, status):
    process_request = shell.library.basic_auth(realm="the garden", **settings)
    with shell.serve(process_request=process_request) as server:
        uri = server.uri.replace("//", f"//{userinfo}")
        if status == 101:
            shell.connect(uri)
            assert server.accept().raw.username in ("iris", "rosé")
        else:
            with pytest.raises(shell.errors.InvalidStatus) as caught:
                shell.connect(uri)
            response = caught.value.response
            assert response.status_code == 401
            assert (
                response.headers["WWW-Authenticate"] == 'Basic realm="the garden", charset="UTF-8"'
            )


# Requests that aren't as they should be


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 426),
        ("POST / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        ("GET / HTTP/1.0\r\nHost: a\r\n\r\n", 505),
        ("no HTTP\r\n\r\n", 400),
        (raw.HANDSHAKE.replace("-Version: 13", "-Version: 12") + "\r\n", 426),
        (raw.HANDSHAKE.replace("dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZQ") + "\r\n", 400),
        (raw.HANDSHAKE.replace("Host: 127.0.0.1\r\n", "") + "\r\n", 400),
        (raw.HANDSHAKE + "X: " + "x" * 9000 + "\r\n\r\n", 431),
        (raw.HANDSHAKE + "X: y\r\n" * 300 + "\r\n", 431),
        ("GET /" + "x" * 9000 + " HTTP/1.1\r\n\r\n", 414),
    ],
    ids=[
        *("no upgrade", "method", "version of HTTP", "garbage", "version", "key", "no host"),
        *("long header", "many headers", "long line"),
    ],
)
def test_requests_that_are_refused(server, request_, status):
    with raw.dial(server.port) as peer:
        peer.send(request_)
        assert peer.receive_head().startswith(f"HTTP/1.1 {status} ")
    client, handled = server.pair()
    client.send("others are served")
    assert handled.recv() == "others are served"


def test_clients_that_say_nothing_do_not_keep_a_server_open(shell):
    with shell.serve(open_timeout=0.05) as server, raw.dial(server.port) as peer:
        peer.receive_rest()


# TLS


def test_tls(shell, tmp_path):
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    at_server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(at_server)
    at_client = ssl.create_default_context()
    authority.configure_trust(at_client)
    with shell.serve(ssl=at_server) as server:
        client, handled = server.pair(ssl=at_client)
        for sender, receiver in ((client, handled), (handled, client)):
            sender.send("x" * 100_000)
            assert receiver.recv() == "x" * 100_000
        client.close()
        handled.closed()
        assert client.ended_with == handled.ended_with == (1000, "")
        with pytest.raises(ssl.SSLCertVerificationError):
            server.connect()
        with pytest.raises(ValueError, match="ssl"):
            shell.connect(server.uri.replace("wss", "ws"), ssl=at_client)
