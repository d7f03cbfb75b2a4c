"""Handlers, and clients of all kinds, over a server's life."""

from __future__ import annotations

import logging
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import threading
from typing import Any

import pytest
import trustme
from servers import (
    PATIENCE,
    REQUEST,
    ask,
    become_client,
    connected,
    dial,
    echo,
    hold,
    meanwhile,
    read_all,
    read_head,
    running,
    serving,
    wait_for,
)

from ws_sync.server import Server, ServerConnection, serve, unix_serve
from ws_types.exceptions import ConnectionClosedError, ConnectionClosedOK
from ws_types.http11 import Request, Response

GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(autouse=True)
def log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def lines(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    """What was logged, but of the server as a whole."""
    found = [record.getMessage() for record in caplog.records if record.levelno >= level]
    return [line for line in found if not line.startswith("server ")]


# Handlers


def test_an_echo() -> None:
    with serving() as server, connected(server) as client:
        for message in ("text", b"binary", "x" * 100_000):
            client.send(message)
            assert client.recv(PATIENCE) == message
        (connection,) = server.connections
        assert connection.server is server
        assert connection.request is not None
        assert connection.request.path == "/"
        assert connection.local_address == client.remote_address
        assert connection.remote_address == client.local_address


def test_a_handler_that_returns(caplog: pytest.LogCaptureFixture) -> None:
    with serving(lambda connection: connection.send("a")) as server:
        client = connected(server)
        assert client.recv(PATIENCE) == "a"
        with pytest.raises(ConnectionClosedOK):
            client.recv(PATIENCE)
        assert client.close_code == 1000
    assert lines(caplog) == ["connection open", "connection closed"]


def test_a_handler_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    def handler(connection: ServerConnection) -> None:
        raise ValueError("mine")

    with serving(handler) as server, pytest.raises(ConnectionClosedError):
        connected(server).recv(PATIENCE)
    assert lines(caplog, logging.ERROR) == ["connection handler failed"]


def test_a_handler_that_exits() -> None:
    with serving(lambda connection: sys.exit()) as server:
        with pytest.raises(ConnectionClosedError) as caught:
            connected(server).recv(PATIENCE)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1011


def test_classes_of_the_program() -> None:
    class Mine(ServerConnection):
        pass

    with serving(hold, create_connection=Mine) as server, connected(server):
        (connection,) = server.connections
        assert type(connection) is Mine


def test_many_at_once() -> None:
    failed: list[BaseException] = []
    with serving() as server:

        def talk(name: int) -> None:
            try:
                with connected(server) as client:
                    for i in range(20):
                        client.send(f"{name} {i}")
                        assert client.recv(PATIENCE) == f"{name} {i}"
            except BaseException as exc:
                failed.append(exc)

        threads = [threading.Thread(target=talk, args=(i,)) for i in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    assert not failed


def test_early_messages() -> None:
    """RFC 6455, section 4.1, has the client wait; some don't."""
    with serving() as server, dial(server) as sock:
        sock.sendall(REQUEST + b"\x81\x81\0\0\0\0x")
        read_head(sock)
        assert sock.recv(3) == b"\x81\x01x"


# Kinds of sockets


def test_tls() -> None:
    authority = trustme.CA()
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server_context)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with serving(ssl=server_context) as server:
        secure = context.wrap_socket(dial(server), server_hostname="localhost")
        with become_client(secure) as client:
            client.send("x" * 100_000)
            assert client.recv(PATIENCE) == "x" * 100_000


def test_garbage_in_place_of_tls_leaves_no_line(caplog: pytest.LogCaptureFixture) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    with serving(ssl=context) as server:
        ask(server, GET)
        dial(server).close()
    assert lines(caplog) == []


def test_silence_in_place_of_tls_is_given_up() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    with serving(ssl=context, open_timeout=0.05) as server, dial(server) as sock:
        assert read_all(sock) == b""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no Unix sockets")
def test_unix_sockets(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "socket")
    with running(unix_serve(echo, path, ping_interval=None)):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(PATIENCE)
        sock.connect(path)
        with become_client(sock) as client:
            client.send("a")
            assert client.recv(PATIENCE) == "a"


def test_a_socket_of_the_program() -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    with running(serve(echo, sock=sock)) as server:
        assert server.socket is sock
        assert server.fileno() == sock.fileno()
        connected(server).close()
    assert server.fileno() == -1


def test_ipv6() -> None:
    try:
        server = serve(echo, "::1", 0)
    except OSError:
        pytest.skip("no IPv6")
    with running(server):
        connected(server).close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no Unix sockets")
def test_unix_sockets_need_a_path() -> None:
    with pytest.raises(ValueError, match="unix_serve needs a path"):
        unix_serve(echo)


# Those that want something else


def test_requests_that_are_not_about_websocket(caplog: pytest.LogCaptureFixture) -> None:
    def page(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(200, f"{request.method} {request.body.decode()}\n")

    with serving(process_request=page, max_body=3) as server:
        assert ask(server, GET).endswith(b"\r\n\r\nGET \n")
        post = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na=b"
        assert ask(server, post).endswith(b"\r\n\r\nPOST a=b\n")
        assert ask(server, post.replace(b"3", b"4"))[9:12] == b"413"
        assert ask(server, b"HEAD / HTTP/1.1\r\n\r\n").endswith(b"\r\n\r\n")
    assert lines(caplog)[:2] == ["HTTP response sent (200 OK)"] * 2


def test_responses_that_take_time_to_leave() -> None:
    def page(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(200, "x" * 10_000_000)

    with serving(process_request=page) as server:
        assert ask(server, GET).endswith(b"\r\n\r\n" + b"x" * 10_000_000)


def test_callbacks_that_fail(caplog: pytest.LogCaptureFixture) -> None:
    def fail(*args: Any) -> None:
        raise ValueError("mine")

    for name in ("process_request", "process_response", "select_subprotocol"):
        caplog.clear()
        callback: Any = {name: fail}
        with serving(**callback) as server:
            assert ask(server, REQUEST).startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
        assert len(lines(caplog, logging.ERROR)) == 1


def test_process_response_and_the_server_header() -> None:
    def look(connection: ServerConnection, request: Request, response: Response) -> None:
        response.headers["X-Mine"] = response.headers["Server"]

    with serving(process_response=look, server_header="me") as server, dial(server) as sock:
        sock.sendall(REQUEST)
        assert b"\r\nX-Mine: me\r\n" in read_head(sock)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", []),
        (b"GET / HT", []),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n", ["HTTP response sent (400 Bad Request)"]),
        (GET, ["connection rejected (426 Upgrade Required)"]),
    ],
)
def test_scanners_leave_one_line_at_most(
    data: bytes, said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with serving(open_timeout=0.05, close_timeout=0.05) as server:
        with dial(server) as leaves:
            leaves.sendall(data)
        with dial(server) as stays:
            stays.sendall(data)
            read_all(stays)
        wait_for(lambda: not server._registry._guests)
        assert lines(caplog) in ([], said, said * 2)
        assert not [record for record in caplog.records if record.exc_info]


def test_slow_handshakes_are_given_up() -> None:
    """A scanner doesn't hold a thread for ever."""
    with serving(open_timeout=0.05) as server, dial(server) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n")
        assert read_all(sock) == b""
        wait_for(lambda: not server._registry._guests)


# Settings


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"max_queue": -1}, ValueError),
        ({"compression": "zip"}, ValueError),
        ({"open_timeout": -1}, ValueError),
        ({"subprotocols": "chat"}, TypeError),
        ({"max_connections": 0}, ValueError),
        ({"max_body": -1}, ValueError),
        ({"hosts": "localhost"}, TypeError),
        ({"ssl": True}, TypeError),
        ({"sock": object()}, ValueError),
    ],
)
def test_settings_that_make_no_sense(settings: Any, error: type[Exception]) -> None:
    """They are noticed before there is a socket."""
    with pytest.raises(error):
        serve(echo, "127.0.0.1", 0, **settings)


# The end


def test_shutting_down_closes_connections() -> None:
    with serving() as server, connected(server) as client:
        ending = meanwhile(server.shutdown, code=1012, reason="back soon")
        with ending, pytest.raises(ConnectionClosedError) as raised:
            client.recv(PATIENCE)
        assert str(raised.value.rcvd) == "1012 (service restart) back soon"
        assert server.connections == set()


def test_shutting_down_may_leave_connections_to_their_handlers() -> None:
    with serving() as server, connected(server) as client, meanwhile(server.shutdown, False):
        wait_for(lambda: server.fileno() == -1)
        client.send("still there")
        assert client.recv(PATIENCE) == "still there"
        client.close()


def test_shutting_down_drops_those_that_have_not_asked() -> None:
    with serving() as server:
        silent = dial(server)
        wait_for(lambda: server._registry.admission.waiting)
        server.shutdown()
        assert read_all(silent) == b""
        silent.close()


def test_shutting_down_in_a_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    """It doesn't wait for itself."""
    from ws_sync import serving as module

    monkeypatch.setattr(module, "HANDLER_GRACE", 3600)
    servers: list[Server] = []

    def handler(connection: ServerConnection) -> None:
        servers[0].shutdown()

    with serving(handler) as server:
        servers.append(server)
        with pytest.raises(ConnectionClosedOK):
            connected(server).recv(PATIENCE)
        assert server._closed.wait(PATIENCE)


def test_handlers_that_shut_down_do_not_wait_for_each_other() -> None:
    both = threading.Barrier(2)

    def handler(connection: ServerConnection) -> None:
        both.wait(PATIENCE)
        server.shutdown(close_connections=False)

    with serving(handler) as server, connected(server), connected(server):
        assert server._closed.wait(PATIENCE)


def test_shutting_down_does_not_wait_for_ever_for_handlers(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ws_sync import serving as module

    monkeypatch.setattr(module, "HANDLER_GRACE", 0.05)
    go_on = threading.Event()

    def stubborn(connection: ServerConnection) -> None:
        go_on.wait(PATIENCE)

    with serving(stubborn) as server:
        client = connected(server)
        with client, meanwhile(server.shutdown), pytest.raises(ConnectionClosedOK):
            client.recv(PATIENCE)
        assert lines(caplog, logging.WARNING) == ["not waiting for 1 handlers that don't end"]
        go_on.set()
        wait_for(lambda: not server._registry._guests)


def test_shutting_down_refuses_those_that_are_considered() -> None:
    considered, go_on = threading.Event(), threading.Event()

    def slowly(connection: ServerConnection, request: Request) -> None:
        considered.set()
        go_on.wait(PATIENCE)

    with serving(process_request=slowly) as server, dial(server) as sock:
        sock.sendall(REQUEST)
        considered.wait(PATIENCE)
        with meanwhile(server.shutdown):
            # At once, whatever the program does.
            assert read_all(sock).endswith(b"\r\n\r\nServer is shutting down.\n")
            sock.close()
            go_on.set()


@pytest.mark.parametrize("close_connections", [True, False])
def test_shutting_down_does_not_wait_for_ever_for_what_is_decided(
    close_connections: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ws_sync import registry

    monkeypatch.setattr(registry, "HANDLER_GRACE", 0.05)
    considered, go_on = threading.Event(), threading.Event()

    def stubborn(connection: ServerConnection, request: Request) -> Response:
        considered.set()
        go_on.wait(PATIENCE)
        return connection.respond(200, "fine\n")

    settings: Any = {"open_timeout": None, "close_timeout": None}
    with serving(process_request=stubborn, **settings) as server, dial(server) as sock:
        sock.sendall(REQUEST)
        considered.wait(PATIENCE)
        server.shutdown(close_connections)
        assert lines(caplog, logging.WARNING) == ["not waiting for 1 handshakes that don't end"]
        go_on.set()
        # What is decided now comes too late.
        assert read_all(sock).startswith(b"HTTP/1.1 503 ")
        sock.close()
        wait_for(lambda: not server._registry._guests)


PROGRAM = """
import os, signal, threading
from ws_sync.server import serve

with serve(lambda connection: connection.wait_closed(), "127.0.0.1", 0) as server:
    signal.signal(signal.SIGTERM, lambda *_: server.shutdown())
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
    server.serve_forever()
print("ended")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals")
def test_shutting_down_in_a_signal_handler() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM], capture_output=True, timeout=PATIENCE
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"ended\n", b"")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals")
def test_ctrl_c_ends_a_server() -> None:
    # Jobs that a shell runs in the background ignore Ctrl-C, and so would this one.
    program = PROGRAM.replace("lambda *_: server.shutdown()", "signal.default_int_handler")
    done = subprocess.run(
        [sys.executable, "-c", program.replace("SIGTERM", "SIGINT")],
        capture_output=True,
        timeout=PATIENCE,
    )
    assert done.returncode in (1, -signal.SIGINT)
    assert b"KeyboardInterrupt" in done.stderr


def test_a_server_that_was_interrupted_does_not_keep_its_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(server: Server) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "_accept", interrupt)
    server = serve(echo, "127.0.0.1", 0)
    with pytest.raises(KeyboardInterrupt), server, dial(server):
        server.serve_forever()
    assert server.fileno() == -1


def test_accepting_goes_on_after_an_error(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ws_sync import serving as module

    monkeypatch.setattr(module, "ACCEPT_DELAY", 0.001)
    failures = [OSError(24, "Too many open files"), ConnectionAbortedError()]

    class Failing(socket.socket):
        def accept(self) -> Any:
            if failures:
                raise failures.pop(0)
            return super().accept()

    sock = Failing()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    with running(serve(echo, sock=sock)) as server:
        connected(server).close()
    assert lines(caplog)[0] == "can't accept connections: [Errno 24] Too many open files"


def test_threads_that_can_not_be_started(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with serving() as server, monkeypatch.context() as patch:
        wait_for(lambda: server._serving)
        patch.setattr(threading.Thread, "start", fail)
        with dial(server) as sock:
            assert read_all(sock) == b""
    assert lines(caplog) == ["can't handle a connection: can't start new thread"]
