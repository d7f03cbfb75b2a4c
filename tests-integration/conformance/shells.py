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
    """

    connect: Callable[..., Any]
    serve: Callable[..., Any]
    basic_auth: Callable[..., Any]
    broadcast: Callable[..., Any]
    errors: Any


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
    A server on a port of its own.

    :param shell: what it belongs to.
    """

    #: The server of the library.
    raw: Any
    scheme = "ws"
    port: int

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.accepted: queue.SimpleQueue[Connection] = queue.SimpleQueue()

    @property
    def uri(self) -> str:
        """The URI of the root."""
        return f"{self.scheme}://127.0.0.1:{self.port}/"

    def connect(self, path: str = "", **settings: Any) -> Connection:
        """Connect a client."""
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
    def start_connecting(self, uri: str, **settings: Any) -> Future[Connection]:
        """Begin to connect."""

    def connect(self, uri: str, **settings: Any) -> Connection:
        """Connect a client."""
        return self.start_connecting(uri, **settings).result(PATIENCE)

    @abc.abstractmethod
    def serve(self, **settings: Any) -> contextlib.AbstractContextManager[Server]:
        """Run a server."""

    @abc.abstractmethod
    def reconnect(
        self, uri: str, **settings: Any
    ) -> contextlib.AbstractContextManager[Iterator[Connection]]:
        """Connect again and again."""

    @abc.abstractmethod
    def broadcast(self, connections: list[Connection], message: Any, **options: Any) -> Any:
        """Send a message to all connections."""

    def settle(self) -> None:  # noqa: B027 (nothing to do, unless a shell knows better)
        """Wait until what was started or cancelled has got as far as it gets by itself."""

    def clean_up(self) -> None:
        """Abort what a scenario has left open."""
        while self.connections:
            self.connections.pop().abort()
