"""A wire in place of a network: what it carries, and what it doesn't while it is held."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from ws_sync.wire import Wire

PATIENCE = 20.0


@contextlib.contextmanager
def wired() -> Iterator[Wire]:
    with contextlib.closing(Wire()) as wire, wire.ends[0] as first, wire.ends[1] as second:
        first.settimeout(PATIENCE)
        second.settimeout(PATIENCE)
        yield wire


def receive(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (chunk := sock.recv(size)):
        data += chunk
    return data


def fill(sock: socket.socket) -> int:
    """Send until there is no room any more; returns the number of bytes."""
    sock.setblocking(False)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            sent += sock.send(bytes(2**14))
    sock.settimeout(PATIENCE)
    return sent


def test_it_carries_both_ways() -> None:
    with wired() as wire:
        first, second = wire.ends
        first.sendall(b"there")
        second.sendall(b"and back")
        assert receive(second, 5) == b"there"
        assert receive(first, 8) == b"and back"


def test_the_end_of_a_stream_leaves_the_other_direction() -> None:
    with wired() as wire:
        first, second = wire.ends
        first.sendall(b"last")
        first.shutdown(socket.SHUT_WR)
        assert receive(second, 5) == b"last"
        second.sendall(b"answer")
        second.shutdown(socket.SHUT_WR)
        assert receive(first, 7) == b"answer"


def test_nothing_is_carried_while_it_is_held() -> None:
    with wired() as wire:
        first, second = wire.ends
        wire.hold()
        first.sendall(b"late")
        first.shutdown(socket.SHUT_WR)
        second.settimeout(0.05)
        with pytest.raises(TimeoutError):
            second.recv(1)
        second.settimeout(PATIENCE)
        wire.release()
        assert receive(second, 5) == b"late"


def test_a_held_wire_fills_up_and_loses_nothing() -> None:
    with wired() as wire:
        first, second = wire.ends
        wire.hold()
        sent = fill(first)
        wire.release()
        assert len(receive(second, sent)) == sent


def test_one_direction_that_is_full_leaves_the_other() -> None:
    with wired() as wire:
        first, second = wire.ends
        fill(first)
        second.sendall(b"through")
        assert receive(first, 7) == b"through"


def test_an_end_that_is_closed_ends_the_other() -> None:
    with wired() as wire:
        first, second = wire.ends
        first.close()
        assert second.recv(1) == b""


def test_a_wire_that_is_taken_away_ends_both() -> None:
    with wired() as wire:
        wire.hold()
        wire.close()
        assert [end.recv(1) for end in wire.ends] == [b"", b""]
        assert not wire._thread.is_alive()
