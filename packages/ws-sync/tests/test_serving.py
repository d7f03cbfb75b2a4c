"""A server that is shut down before it serves, or while it begins to."""

from __future__ import annotations

import logging
import selectors
from typing import Any

import pytest
from servers import echo

from ws_sync.server import Server, serve


def test_shutting_down_before_serving() -> None:
    server = serve(echo, "127.0.0.1", 0)
    server.shutdown()
    server.shutdown()
    server.serve_forever()
    assert server.fileno() == -1


class ThatShutsDown(logging.Handler):
    """Shuts a server down as soon as it says that it listens."""

    server: Server

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith("server listening"):
            self.server.shutdown()


class SelectorThatShutsDown(selectors.DefaultSelector):
    """Shuts a server down when there is something to wait for: a socket, or its bell."""

    server: Server
    left: int

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if self.left == 0:
            self.server.shutdown()
        type(self).left -= 1
        return super().register(fileobj, events, data)


def test_shutting_down_as_it_begins_to_listen() -> None:
    logger, handler = logging.Logger("test"), ThatShutsDown()
    logger.addHandler(handler)
    handler.server = server = serve(echo, "127.0.0.1", 0, logger=logger)
    server.serve_forever()
    assert server.fileno() == -1


@pytest.mark.parametrize("left", [0, 1])
def test_shutting_down_as_it_begins_to_wait(monkeypatch: pytest.MonkeyPatch, left: int) -> None:
    server = serve(echo, "127.0.0.1", 0)
    monkeypatch.setattr(SelectorThatShutsDown, "server", server, raising=False)
    monkeypatch.setattr(SelectorThatShutsDown, "left", left, raising=False)
    monkeypatch.setattr(selectors, "DefaultSelector", SelectorThatShutsDown)
    server.serve_forever()
    assert server.fileno() == -1


def test_a_server_that_cannot_listen_says_so() -> None:
    server = serve(echo, "127.0.0.1", 0)
    server.socket.close()
    with pytest.raises(OSError):  # noqa: PT011 (the words are the system's)
        server.serve_forever()
    server.shutdown()
