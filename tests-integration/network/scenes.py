"""Connections through a :class:`~lossy.LossyProxy`, set up and torn down."""

from __future__ import annotations

import contextlib
import dataclasses
import ssl
import time
from collections.abc import Callable
from typing import Any, Self

import lossy
import network_shells

__all__ = ["FRAGMENTS", "NEVER", "PATIENCE", "Contexts", "Link", "Scene", "until"]

#: Seconds that anything may take on a busy machine. The defaults of the library are longer: what
#: ends within it has obeyed the deadlines that it was given.
PATIENCE = 8

#: Settings of the end that isn't tested: it waits for ever.
NEVER: dict[str, Any] = {"ping_interval": None, "close_timeout": None, "compression": None}

#: A message in more fragments than all buffers on the way can hold.
FRAGMENTS = [bytes(2**16)] * 2**8


@dataclasses.dataclass(frozen=True)
class Contexts:
    """TLS contexts of both sides; none for TCP."""

    client: ssl.SSLContext | None = None
    server: ssl.SSLContext | None = None


@dataclasses.dataclass(frozen=True)
class Link:
    """A connection through the proxy: the end that is tested, and the other one."""

    tested: Any
    other: Any


class Scene:
    """
    A shell, a server, and a lossy proxy in front of it.

    :param shell: the name of a shell.
    :param contexts: TLS contexts.
    """

    def __init__(self, shell: str, contexts: Contexts) -> None:
        self.contexts = contexts
        self._stack = contextlib.ExitStack()
        self.shell: Any = self._stack.enter_context(network_shells.SHELLS[shell]())
        self.server: Any = None
        self.proxy: lossy.LossyProxy
        self._side = "client"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self.server is not None:
            self.proxy.reset()
            self.server.shut_down().result(timeout=PATIENCE)
        self._stack.close()

    def set_up(self, side: str, settings: dict[str, Any]) -> None:
        """
        Start the server.

        :param side: which side is tested, ``client`` or ``server``.
        :param settings: its settings, where they differ from those of the other side.
        """
        self._side = side
        self._settings = {"client": NEVER, "server": NEVER} | {side: NEVER | settings}
        self.server = self.shell.serve(self.contexts.server, **self._settings["server"])
        self.proxy = self._stack.enter_context(lossy.LossyProxy(self.server.port))

    def begin_to_connect(self) -> Any:
        """Begin to open a connection; a future of the client's end."""
        return self.shell.connect(self.proxy.port, self.contexts.client, **self._settings["client"])

    def connect(self) -> Link:
        """Open a connection."""
        client = self.begin_to_connect().result(timeout=PATIENCE)
        server = self.shell.accept()
        return Link(client, server) if self._side == "client" else Link(server, client)


def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never was"
        time.sleep(0.002)
