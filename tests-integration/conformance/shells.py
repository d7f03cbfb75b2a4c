"""What a shell looks like to the scenarios: everything blocks, whatever is behind it.

A *shell* is a library of clients and servers. Scenarios are written once, against the classes
below, and run on each shell; ``on_asyncio.py`` and ``on_threads.py`` say how.

No call blocks for more than :data:`PATIENCE` seconds. What is to go on meanwhile is begun with
``start``, which returns a future. Handlers of servers do nothing: they wait until the scenario,
which got the connection from :meth:`Server.accept`, has them return or raise.
"""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import queue
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from threading import Event
from typing import Any

#: Seconds after which something is broken, however busy the machine.
PATIENCE = 30


@dataclasses.dataclass(frozen=True)
class Library:
    """
    The names of a library that a shell is made of.

    :param errors: where its exceptions are.
    :param prepared: makes a message that is sent several times, where there is such a thing.
    """

    connect: Callable[..., Any]
    serve: Callable[..., Any]
    unix_connect: Callable[..., Any]
    unix_serve: Callable[..., Any]
    basic_auth: Callable[..., Any]
    broadcast: Callable[..., Any]
    errors: Any
    prepared: Callable[..., Any] | None = None


class Connection(abc.ABC):
    """
    An end of a connection.

    :param raw: the connection of the library.
    """

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    @abc.abstractmethod
    def start(self, operation: str, *args: Any, **options: Any) -> Future[Any]:
        """Begin one of the operations below, by its name."""

    def send(self, message: Any, **options: Any) -> None:
        """Send a message."""
        self.start("send", message, **options).result(PATIENCE)

    def start_slowly(self, message: list[Any], proceed: Event) -> Future[None]:
        """Send the first fragment of a message; the others are sent once ``proceed`` is set."""
        begun = Event()
        sending: Future[None] = self.start("send_slowly", message, begun, proceed)
        assert begun.wait(PATIENCE)
        return sending

    def recv(self, *, timeout: float | None = None, decode: bool | None = None) -> Any:
        """Receive a message, within a time in seconds."""
        return self.start("recv", timeout=timeout, decode=decode).result(PATIENCE)

    def recv_streaming(self, decode: bool | None = None) -> list[Any]:
        """Receive a message as the list of its fragments."""
        fragments: list[Any] = self.start("recv_streaming", decode).result(PATIENCE)
        return fragments

    def iterate(self) -> list[Any]:
        """Receive messages until the iteration ends."""
        messages: list[Any] = self.start("iterate").result(PATIENCE)
        return messages

    def ping(self, data: Any = None) -> Future[None]:
        """Send a ping; the future is done when the pong is there."""
        pong: Future[None] = self.start("ping", data).result(PATIENCE)
        return pong

    def ping_in_vain(self) -> Future[None]:
        """Send a ping that isn't answered; the future is done when the connection is closed."""
        closed: Future[None] = self.start("ping_in_vain").result(PATIENCE)
        return closed

    def pong(self, data: Any = b"") -> None:
        """Send a pong."""
        self.start("pong", data).result(PATIENCE)

    def close(self, *args: Any, **options: Any) -> None:
        """Close the connection."""
        self.start("close", *args, **options).result(PATIENCE)

    def closed(self) -> Any:
        """Drop messages until the connection is closed, and return the exception that says so."""
        return self.start("closed").result(PATIENCE)

    @abc.abstractmethod
    def abort(self) -> None:
        """End the connection without a closing handshake."""

    @abc.abstractmethod
    def finish(self, exc: Exception | None = None) -> None:
        """Have the handler of this connection, of a server, return or raise."""

    @property
    def state(self) -> str:
        """The name of the state."""
        return str(self.raw.state.name)

    @property
    def ended_with(self) -> tuple[int | None, str | None]:
        """The close code and the close reason."""
        return self.raw.close_code, self.raw.close_reason


class Server(abc.ABC):
    """
    A server on a port of its own, or on a Unix socket.

    :param shell: what it belongs to.
    :param socket_path: the path of the Unix socket.
    """

    #: The server of the library.
    raw: Any
    scheme = "ws"
    port: int

    def __init__(self, shell: Shell, socket_path: str | None) -> None:
        self.shell = shell
        self.socket_path = socket_path
        self.accepted: queue.SimpleQueue[Connection] = queue.SimpleQueue()

    @property
    def uri(self) -> str:
        """The URI of the root."""
        where = f"127.0.0.1:{self.port}" if self.socket_path is None else "localhost"
        return f"{self.scheme}://{where}/"

    def connect(self, path: str = "", **settings: Any) -> Connection:
        """Connect a client."""
        if self.socket_path is not None:
            settings["socket_path"] = self.socket_path
        return self.shell.connect(self.uri + path, **settings)

    def accept(self) -> Connection:
        """Return the connection of the next handler that was called."""
        return self.accepted.get(timeout=PATIENCE)

    def pair(self, **settings: Any) -> tuple[Connection, Connection]:
        """Connect a client, and return both ends: the client's first."""
        client = self.connect(**settings)
        return client, self.accept()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self.raw.connections)

    @abc.abstractmethod
    def start_closing(self, **options: Any) -> Future[None]:
        """Begin to close the server."""

    def close(self, **options: Any) -> None:
        """Close the server."""
        self.start_closing(**options).result(PATIENCE)

    @abc.abstractmethod
    def start_draining(self, timeout: float, **options: Any) -> Future[None]:
        """Begin to stop gently."""


class Reconnecting(Iterator[Connection]):
    """
    What connects again and again.

    :param raw: that of the library.
    :param connections: the connections that it makes.
    """

    def __init__(self, raw: Any, connections: Iterator[Connection]) -> None:
        self.raw = raw
        self.connections = connections

    def __next__(self) -> Connection:
        return next(self.connections)


class Shell(abc.ABC):
    """
    A library of clients and servers.

    :param library: its names.
    """

    #: Whether who sends while fragments are sent waits for their end, or is refused.
    senders_wait: bool

    def __init__(self, library: Library) -> None:
        self.errors = library.errors
        self.library = library
        self.connections: list[Connection] = []

    @abc.abstractmethod
    def start_connecting(
        self, uri: str, *, socket_path: str | None = None, **settings: Any
    ) -> Future[Connection]:
        """Begin to connect, to a Unix socket if there is its path."""

    def connect(self, uri: str, **settings: Any) -> Connection:
        """Connect a client."""
        return self.start_connecting(uri, **settings).result(PATIENCE)

    @abc.abstractmethod
    def serve(
        self, *, socket_path: str | None = None, **settings: Any
    ) -> contextlib.AbstractContextManager[Server]:
        """Run a server, on a Unix socket if there is a path for it."""

    @abc.abstractmethod
    def reconnect(
        self, uri: str, **settings: Any
    ) -> contextlib.AbstractContextManager[Reconnecting]:
        """Connect again and again."""

    @abc.abstractmethod
    def sending(self, message: Any) -> Callable[[Any], Any]:
        """Make a function of a connection of the library that sends a message."""

    @abc.abstractmethod
    def broadcast(self, connections: list[Connection], message: Any, **options: Any) -> Any:
        """Send a message to all connections."""

    def settle(self) -> None:  # noqa: B027 (nothing to do, unless a shell knows better)
        """Wait until what was started or cancelled has got as far as it gets by itself."""

    def clean_up(self) -> None:
        """Abort what a scenario has left open."""
        while self.connections:
            self.connections.pop().abort()
