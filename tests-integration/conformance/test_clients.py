"""Clients: where they connect, what they make of answers, and how they connect again."""

from __future__ import annotations

import itertools
import socket

import pytest
import raw


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1/", "127.0.0.1", "ws://", "ws://127.0.0.1/#fragment", "ws:/path"]
)
def test_uris_that_are_none(shell, uri):
    with pytest.raises(shell.errors.InvalidURI):
        shell.connect(uri)


def test_nobody_listens(shell):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        shell.connect(f"ws://127.0.0.1:{port}/")


def test_nobody_answers(shell):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(TimeoutError, match="timed out"):
            shell.connect(f"ws://127.0.0.1:{port}/", open_timeout=0.05)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (raw.answer("200 OK", "a page"), "InvalidStatus"),
        (raw.answer("404 Not Found"), "InvalidStatus"),
        (raw.answer("503 Service Unavailable", headers="Retry-After: 1\r\n"), "InvalidStatus"),
        ("no HTTP\r\n\r\n", "InvalidMessage"),
        ("", "InvalidMessage"),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", "InvalidUpgrade"),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            "InvalidHeaderValue",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            "InvalidHeader",
        ),
    ],
    ids=["page", "not found", "later", "garbage", "nothing", "no upgrade", "accept", "no accept"],
)
def test_answers_that_open_nothing(shell, answer, error):
    with raw.answering(answer) as web:
        with pytest.raises(getattr(shell.errors, error)) as caught:
            shell.connect(web.uri)
        if error == "InvalidStatus":
            assert f"HTTP/1.1 {caught.value.response.status_code} " in answer
            assert caught.value.response.body == answer.partition("\r\n\r\n")[2].encode()


# Redirects


@pytest.mark.parametrize(
    "status",
    [
        *("301 Moved Permanently", "302 Found", "303 See Other"),
        *("307 Temporary Redirect", "308 Permanent Redirect"),
    ],
)
def test_redirects_are_followed(shell, server, status):
    with raw.answering(raw.redirect(f"{server.uri}there", status)) as web:
        client = shell.connect(web.uri)
        assert server.accept().raw.request.path == "/there"
        assert client.raw.request.path == "/there"


def test_a_chain_of_redirects_with_relative_locations(shell):
    answers = [raw.redirect("/b/c"), raw.redirect("d?e"), raw.answer("404 Not Found")]
    with raw.answering(*answers) as web:
        with pytest.raises(shell.errors.InvalidStatus):
            shell.connect(web.uri + "a")
        lines = [request.partition("\r\n")[0] for request in web.requests]
        assert lines == ["GET /a HTTP/1.1", "GET /b/c HTTP/1.1", "GET /b/d?e HTTP/1.1"]


def test_redirects_without_end(shell):
    with raw.answering(*[raw.redirect("/")] * 20) as web:
        with pytest.raises(shell.errors.SecurityError, match="more than 10 redirects"):
            shell.connect(web.uri)
        assert len(web.requests) in (10, 11)


def test_a_redirect_to_nowhere(shell):
    with (
        raw.answering(raw.redirect("http:///nowhere")) as web,
        pytest.raises(shell.errors.InvalidURI),
    ):
        shell.connect(web.uri)


def test_a_redirect_without_a_location(shell):
    with (
        raw.answering(raw.answer("302 Found")) as web,
        pytest.raises(shell.errors.InvalidStatus),
    ):
        shell.connect(web.uri)


@pytest.mark.parametrize("kept", [True, False])
def test_credentials_stay_with_the_origin(shell, server, kept):
    answers = [raw.redirect("/there" if kept else f"{server.uri}there")]
    answers += [raw.answer("404 Not Found")] * kept
    with raw.answering(*answers) as web:
        uri = web.uri.replace("//", "//iris:r0ses@")
        if kept:
            with pytest.raises(shell.errors.InvalidStatus):
                shell.connect(uri)
            assert all("Authorization: Basic " in request for request in web.requests)
        else:
            shell.connect(uri)
            assert "Authorization: Basic " in web.requests[0]
            assert "Authorization" not in server.accept().raw.request.headers


# Connecting again


def no_delays():
    return itertools.repeat(0)


def test_a_new_connection_for_each_turn(shell, server):
    with shell.reconnect(server.uri) as connections:
        first = next(connections)
        server.accept().finish()
        first.closed()
        second = next(connections)
        handled = server.accept()
        assert second.raw is not first.raw
        second.send("again")
        assert handled.recv() == "again"


def test_a_connection_is_closed_when_the_next_is_asked_for(shell, server):
    with shell.reconnect(server.uri) as connections:
        next(connections)
        handled = server.accept()
        next(connections)
        assert handled.closed().rcvd.code == 1000
        server.accept()


@pytest.mark.parametrize(
    "status", ["500 Internal Server Error", "502 Bad Gateway", "503 X", "504 X"]
)
def test_failures_that_pass(shell, server, status):
    answers = [raw.answer(status), raw.answer(status), "", raw.redirect(server.uri)]
    with (
        raw.answering(*answers) as web,
        shell.reconnect(web.uri, reconnect_delays=no_delays) as connections,
    ):
        next(connections)
        server.accept()
        assert len(web.requests) == 4


@pytest.mark.parametrize("status", ["401 Unauthorized", "404 Not Found", "501 Not Implemented"])
def test_failures_that_stay(shell, status):
    with (
        raw.answering(raw.answer(status)) as web,
        shell.reconnect(web.uri, reconnect_delays=no_delays) as connections,
        pytest.raises(shell.errors.InvalidStatus),
    ):
        next(connections)


def test_a_function_decides_which_failures_pass(shell, server):
    seen = []

    def process_exception(exc):
        seen.append(exc.response.status_code)
        return None if exc.response.status_code == 404 else LookupError("of the function")

    answers = [raw.answer("404 Not Found"), raw.answer("503 X")]
    settings = {"process_exception": process_exception, "reconnect_delays": no_delays}
    with (
        raw.answering(*answers) as web,
        shell.reconnect(web.uri, **settings) as connections,
    ):
        with pytest.raises(LookupError, match="of the function"):
            next(connections)
        assert seen == [404, 503]


def test_delays_between_attempts(shell, server):
    asked = []

    def reconnect_delays():
        for number in range(10):
            asked.append(number)
            yield 0.001

    answers = [raw.answer("503 X")] * 3 + [raw.redirect(server.uri)]
    with (
        raw.answering(*answers) as web,
        shell.reconnect(web.uri, reconnect_delays=reconnect_delays) as connections,
    ):
        next(connections)
        assert asked == [0, 1, 2]


def test_a_socket_of_ones_own(shell, server):
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        client = shell.connect("ws://example.com/elsewhere", sock=sock)
        handled = server.accept()
        assert handled.raw.request.headers["Host"] == "example.com"
        client.send("over the socket")
        assert handled.recv() == "over the socket"
        client.close()
        handled.finish()
