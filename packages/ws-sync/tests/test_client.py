"""Opening a connection: what the client asks for, redirects, and how it fails."""

from __future__ import annotations

import contextlib
import gc
import pathlib
import socket
import ssl
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme
from servers import PATIENCE, echo, running, serving

from ws_sansio.http11 import USER_AGENT
from ws_sync.client import ClientConnection, connect, reconnect, unix_connect, unix_reconnect
from ws_sync.deadline import Deadline
from ws_sync.server import ServerConnection, unix_serve
from ws_sync.tunnels import connect_tcp, default_ssl
from ws_types.errors import InvalidMessage, InvalidUpgrade, InvalidURI, SecurityError
from ws_types.exceptions import ConnectionClosed, InvalidStatus
from ws_types.http11 import Request, Response


def uri_of(server: Any, path: str = "/", scheme: str = "ws") -> str:
    return f"{scheme}://127.0.0.1:{server.socket.getsockname()[1]}{path}"


def talk(client: ClientConnection) -> None:
    client.send("a")
    assert client.recv() == "a"


@contextlib.contextmanager
def scripted(*answers: bytes, hold: bool = False) -> Iterator[str]:
    """A server that answers each connection with the next of what it was told."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(PATIENCE)
    ended = threading.Event()

    def run() -> None:
        for answer in answers:
            with listener.accept()[0] as sock:
                sock.settimeout(PATIENCE)
                sock.recv(65536)
                sock.sendall(answer)
                if hold:
                    ended.wait(PATIENCE)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        ended.set()
        thread.join(PATIENCE)
        listener.close()


# What the client asks for


def test_the_request() -> None:
    with serving() as server, connect(uri_of(server, "/path?query")) as client:
        talk(client)
        request = client.request
    assert request is not None
    assert request.path == "/path?query"
    assert request.headers["User-Agent"] == USER_AGENT
    assert "permessage-deflate" in request.headers["Sec-WebSocket-Extensions"]


def test_headers_of_the_program() -> None:
    with (
        serving() as server,
        connect(
            uri_of(server).replace("//", "//me:secret@"),
            additional_headers={"X-One": "1"},
            user_agent_header=None,
            compression=None,
            origin="https://example.com",  # type: ignore[call-overload]
        ) as client,
    ):
        headers = client.request.headers
    assert headers["X-One"] == "1"
    assert headers["Authorization"].startswith("Basic ")
    assert headers["Origin"] == "https://example.com"
    assert "User-Agent" not in headers
    assert "Sec-WebSocket-Extensions" not in headers


def test_a_class_of_the_program() -> None:
    class Mine(ClientConnection):
        pass

    with serving() as server, connect(uri_of(server), create_connection=Mine) as client:
        assert type(client) is Mine


def test_a_socket_of_the_program() -> None:
    with serving() as server:
        sock = socket.create_connection(server.socket.getsockname())
        with connect("ws://example.com/", sock=sock) as client:
            talk(client)
            assert client.request is not None
            assert client.request.headers["Host"] == "example.com"


def test_settings_of_the_socket() -> None:
    with (
        serving() as server,
        connect(uri_of(server), source_address=("127.0.0.1", 0)) as client,
    ):
        talk(client)


@pytest.mark.parametrize("legacy", [None, True, False])
def test_legacy(legacy: bool | None) -> None:
    """False is what connects when it is entered, and can be iterated over."""
    with serving() as server:
        opener: Any = connect(uri_of(server), legacy=legacy)  # type: ignore[call-overload]
        assert isinstance(opener, reconnect if legacy is False else ClientConnection)
        with opener as client:
            talk(client)


def test_unix_sockets(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "socket"
    with running(unix_serve(echo, str(path))):
        with unix_connect(path) as client:
            talk(client)
            assert client.request is not None
            assert client.request.headers["Host"] == "localhost"
        with unix_connect(path, "ws://example.com/", legacy=False) as client:
            talk(client)
        for client in unix_reconnect(path):
            talk(client)
            break


# How it fails


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nbody", InvalidStatus),
        (b"HTTP/1.1 404 Not Found\r\n\r\nbody", InvalidStatus),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", InvalidUpgrade),
        (b"SSH-2.0-OpenSSH_9.6\r\n", InvalidMessage),
        (b"HTTP/1.1 101 Switching Protocols\r\n", InvalidMessage),
        (b"", InvalidMessage),
    ],
)
def test_answers_that_open_nothing(answer: bytes, error: type[Exception]) -> None:
    with scripted(answer) as uri, pytest.raises(error) as raised:
        connect(uri)
    if isinstance(raised.value, InvalidStatus):
        assert raised.value.response.body == b"body"


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 101 Switching Protocols\r\nX: "])
def test_a_server_that_does_not_answer(answer: bytes) -> None:
    with (
        scripted(answer, hold=True) as uri,
        pytest.raises(TimeoutError, match="timed out during opening handshake"),
    ):
        connect(uri, open_timeout=0.1)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        connect(f"ws://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"uri": "http://localhost/"}, InvalidURI),
        ({"ssl": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}, ValueError),
        ({"compression": "zip"}, ValueError),
        ({"max_queue": -1}, ValueError),
        ({"subprotocols": "chat"}, TypeError),
        ({"proxy": False}, TypeError),
        ({"max_attempts": 0}, ValueError),
    ],
)
def test_settings_that_make_no_sense(settings: Any, error: type[Exception]) -> None:
    """They are noticed before anything is connected: nobody listens there."""
    with pytest.raises(error):
        connect(**{"uri": "ws://127.0.0.1:1/", **settings})


def test_unix_sockets_have_a_path() -> None:
    with pytest.raises(ValueError, match="missing path argument"):
        unix_connect()


@pytest.mark.parametrize("value", ["a\r\nInjected: 1", "a\nb", "a\x00b"])
def test_headers_that_would_inject(value: str) -> None:
    with pytest.raises(ValueError, match="header"):
        connect("ws://127.0.0.1:1/", additional_headers={"X": value})


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_an_interrupt_leaves_no_socket_open(scheme: str) -> None:
    """Whatever connecting waits for when Ctrl-C comes."""

    class Interrupted(socket.socket):
        def recv(self, *args: Any) -> bytes:
            raise KeyboardInterrupt

        def recv_into(self, *args: Any) -> int:
            raise KeyboardInterrupt

    class Impatient(reconnect):
        def open_socket(self, deadline: Deadline) -> Any:
            self.opened = super().open_socket(deadline)
            return self.opened

        def enable_tls(self, sock: Any, deadline: Deadline) -> Any:
            raise KeyboardInterrupt

    with scripted(b"", hold=True) as uri:
        host, port = uri[5:-1].split(":")
        sock = Interrupted()
        sock.connect((host, int(port)))
        opener = Impatient(uri.replace("ws:", f"{scheme}:"), sock=sock)
        with pytest.raises(KeyboardInterrupt):
            opener.connect()
        assert opener.opened.fileno() == -1


def test_looking_up_a_host_name_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo
    over = threading.Event()

    def getaddrinfo(host: str, *args: Any, **kwargs: Any) -> Any:
        if host == "example.com" and not kwargs.get("flags"):
            over.wait(PATIENCE)
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(TimeoutError, match="timed out"):
        connect("ws://example.com/", open_timeout=0.01)
    over.set()


def test_the_next_address_is_tried_where_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        port = server.socket.getsockname()[1]
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port))
            for host in ("0.0.0.1", "127.0.0.1")
        ]
        answers = [found, found[1:]]
        resolve = socket.getaddrinfo

        def getaddrinfo(host: str, *args: Any, **kwargs: Any) -> Any:
            return answers[0] if host == "example.com" else resolve(host, *args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        sock = connect_tcp("example.com", port, Deadline(PATIENCE))
        assert sock.getpeername() == ("127.0.0.1", port)
        sock.close()


def test_addresses_of_an_interface_keep_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Any] = []
    found = [(socket.AF_INET6, socket.SOCK_STREAM, 0, "", ("fe80::1", 80, 0, 7))]

    def create_connection(address: Any, **settings: Any) -> None:
        tried.append(address)
        raise OSError("unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    monkeypatch.setattr(socket, "create_connection", create_connection)
    with pytest.raises(OSError, match="unreachable"):
        connect_tcp("example.com", 80, Deadline(PATIENCE))
    assert tried == [("fe80::1%7", 80)]


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_reads_are_smaller_where_they_may_be_decompressed(compression: str | None) -> None:
    sizes: set[int] = set()

    def handler(connection: ServerConnection) -> None:
        for message in connection:
            sizes.add(connection._read_size)
            connection.send(message)

    with (
        serving(handler, compression=compression) as server,
        connect(uri_of(server), compression=compression) as client,
    ):
        talk(client)
        sizes.add(client._read_size)
        assert sizes == {2**18 if compression is None else 2**15}


# Redirects


def redirecting(*locations: str) -> Callable[[ServerConnection, Request], Response | None]:
    left = list(locations)

    def process_request(connection: ServerConnection, request: Request) -> Response | None:
        if not left:
            return None
        response = connection.respond(302, "")
        response.headers["Location"] = left.pop(0)
        return response

    return process_request


def test_redirects_are_followed() -> None:
    with (
        serving(process_request=redirecting("/two", "three?a")) as server,
        connect(uri_of(server)) as client,
    ):
        talk(client)
        assert client.request is not None
        assert client.request.path == "/three?a"


def test_credentials_are_not_sent_elsewhere() -> None:
    with serving() as other, serving(process_request=redirecting(uri_of(other))) as server:
        opener = reconnect(
            uri_of(server).replace("//", "//me:secret@"),
            additional_headers={"Cookie": "id=1", "X-Mine": "1"},
        )
        with opener as client:
            assert client.request is not None
            headers = client.request.headers
            assert "Cookie" not in headers
            assert "Authorization" not in headers
            assert headers["X-Mine"] == "1"


def test_redirects_have_a_limit() -> None:
    with (
        serving(process_request=redirecting(*["/again"] * 20)) as server,
        pytest.raises(SecurityError, match="more than 10 redirects"),
    ):
        connect(uri_of(server))


def test_the_program_may_refuse_redirects() -> None:
    class Stubborn(reconnect):
        def process_redirect(self, exc: Exception) -> Exception | str:
            return exc

    with serving(process_request=redirecting("/two")) as server, pytest.raises(InvalidStatus):
        Stubborn(uri_of(server)).connect()


def test_a_socket_of_the_program_is_not_left() -> None:
    with serving(process_request=redirecting("/two")) as server:
        sock = socket.create_connection(server.socket.getsockname())
        with pytest.raises(ValueError, match="with a preexisting socket"):
            connect("ws://example.com/", sock=sock)
        assert sock.fileno() == -1


# TLS


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS contexts of a server and of a client that trusts it."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


def test_tls(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    with serving(ssl=contexts[0]) as server:
        for settings in ({}, {"server_hostname": "localhost"}):
            with connect(uri_of(server, scheme="wss"), ssl=contexts[1], **settings) as client:
                for size in (0, 100, 1_000_000):
                    client.send(b"x" * size)
                    assert client.recv() == b"x" * size


def test_tls_with_a_certificate_that_is_not_trusted(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    with serving(ssl=contexts[0]) as server, pytest.raises(ssl.SSLCertVerificationError):
        connect(uri_of(server, scheme="wss"))


def test_one_tls_context_for_all_connections() -> None:
    assert default_ssl() is default_ssl()


# Nothing is left behind


@pytest.mark.parametrize("path", ["/", "/refuse", "/elsewhere"])
def test_connections_are_freed_at_once(path: str) -> None:
    made: list[weakref.ref[Any]] = []

    class Remembered(ClientConnection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(weakref.ref(self))

    def process_request(connection: ServerConnection, request: Request) -> Response | None:
        if request.path == "/refuse":
            return connection.respond(403, "no\n")
        if request.path == "/elsewhere":
            return redirecting("http://example.com/")(connection, request)
        return None

    with serving(process_request=process_request) as server:
        gc.collect()
        gc.disable()
        try:
            with (
                contextlib.suppress(InvalidStatus, InvalidURI, ConnectionClosed),
                connect(uri_of(server, path), create_connection=Remembered) as client,
            ):
                talk(client)
                client.close()
                client.recv()
            client = None
            assert [ref() for ref in made] == [None]
        finally:
            gc.enable()
