"""
What the tests share: ends of socket pairs, and a clock that doesn't make anybody wait.

Most tests have one thread. The other end is a raw socket that was written to beforehand, so that
every wait ends at once, either because the socket is ready or because :class:`FakeClock` says
that time has passed.
"""

from __future__ import annotations

import contextlib
import gc
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from ws_sansio import Protocol, Side, State
from ws_sync.connection import Connection
from ws_sync.readiness import Readiness
from ws_sync.watchman import Watchman

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class FakeClock:
    """Seconds that pass only where somebody would wait in vain."""

    def __init__(self) -> None:
        self.now = 1000.0
        #: What is done while nothing happens, before the clock moves: one for each such wait.
        self.meanwhile: list[Callable[[], None]] = []

    def __call__(self) -> float:
        return self.now

    def readiness(self) -> type[Readiness]:
        """A class of waits that go by this clock."""
        clock = self

        class Skipping(Readiness):
            def wait(self, events: int, timeout: float | None) -> bool:
                if super().wait(events, 0):
                    return True
                if clock.meanwhile:
                    clock.meanwhile.pop(0)()
                elif timeout is None:
                    raise RuntimeError("nothing will ever happen")
                else:
                    # poll() rounds up, too.
                    clock.now += timeout
                return super().wait(events, 0)

        return Skipping


class IdleWatchman(Watchman):
    """A watchman without a thread: tests let it do its rounds."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.open()
        # Stands for the thread that tests are.
        self._thread = threading.current_thread()

    def rounds(self, count: int = 3) -> None:
        """Do what is due now, and wait for nothing."""
        for _ in range(count):
            self.turn()

    def _timeout(self) -> float | None:
        super()._timeout()
        return 0


class End:
    """A connection on one end of a socket pair, and a raw socket on the other."""

    def __init__(self, side: Side = Side.CLIENT, **settings: Any) -> None:
        ours, self.raw = socket.socketpair()
        self.raw.settimeout(10)
        self.clock = FakeClock()
        self.watchman = IdleWatchman(self.clock)
        end = self

        class Tested(Connection):
            _clock = staticmethod(end.clock)
            _readiness_class = end.clock.readiness()
            _watchman = end.watchman

        size = settings.pop("max_size", 2**20)
        extensions = settings.pop("extensions", [])
        protocol = Protocol(side, view="messages", max_size=size, state=State.CONNECTING)
        protocol.extensions = extensions
        protocol.state = State.OPEN
        self.connection = Tested(ours, protocol, **settings)
        self.connection.response = object()  # type: ignore[assignment]
        self.masked = side is Side.SERVER

    def peer_sends(self, *frames: tuple[int, bytes]) -> None:
        """Have the peer send frames at once."""
        self.raw.sendall(b"".join(frame(*f, masked=self.masked) for f in frames))

    def received(self) -> bytes:
        """What has arrived at the peer."""
        self.raw.setblocking(False)
        data = b""
        with contextlib.suppress(BlockingIOError):
            while chunk := self.raw.recv(2**20):
                data += chunk
        self.raw.settimeout(10)
        return data

    def close(self) -> None:
        self.raw.close()
        self.connection._drop()
        self.watchman.rounds(1)
        self.watchman.close()


@contextlib.contextmanager
def end(side: Side = Side.CLIENT, **settings: Any) -> Iterator[End]:
    """
    A connection whose peer is a raw socket, on a clock of its own.

    There is no keepalive, unless asked for.
    """
    it = End(side, **{"ping_interval": None} | settings)
    try:
        yield it
    finally:
        it.close()


@contextlib.contextmanager
def pair(**settings: Any) -> Iterator[tuple[Connection, Connection]]:
    """A client and a server on a socket pair, for tests with several threads."""
    sockets = socket.socketpair()
    ends = []
    for sock, side in zip(sockets, (Side.CLIENT, Side.SERVER), strict=True):
        connection = Connection(
            sock,
            Protocol(side, view="messages", max_size=None),
            **{"ping_interval": None} | settings,
        )
        connection.response = object()  # type: ignore[assignment]
        ends.append(connection)
    client, server = ends
    try:
        yield client, server
    finally:
        for connection in ends:
            connection._drop()


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True) -> bytes:
    """A frame on the wire; the masking key is zero."""
    size = len(payload)
    mask = 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | opcode])
    if size < 126:
        head += bytes([mask | size])
    elif size < 65536:
        head += bytes([mask | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([mask | 127]) + size.to_bytes(8, "big")
    return head + (bytes(4) if masked else b"") + payload


class Task(threading.Thread):
    """A function in a thread of its own, whose outcome is asked for."""

    def __init__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(daemon=True)
        self._call = function, args, kwargs
        self._outcome: Any = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        function, args, kwargs = self._call
        try:
            self._outcome = function(*args, **kwargs)
        except BaseException as exc:
            self._error = exc

    def result(self) -> Any:
        """What it returned; raises what it raised."""
        self.join(20)
        assert not self.is_alive(), "still running"
        if self._error is not None:
            raise self._error
        return self._outcome


def until(condition: Callable[[], Any]) -> None:
    """Wait for another thread: it is on its way."""
    pause = threading.Event()
    for _ in range(4000):
        if condition():
            return
        pause.wait(0.005)
    raise AssertionError("nothing happened for 20 s")


@contextlib.contextmanager
def no_collector() -> Iterator[None]:
    """Without the garbage collector: what is freed is freed because nothing holds it."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
