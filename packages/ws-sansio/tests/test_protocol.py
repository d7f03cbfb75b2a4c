"""What goes into a protocol and comes out of it, after the handshake: settings, views, input."""

from __future__ import annotations

from typing import Any

import pytest
from framing import BINARY, CONT, PING, PONG, TEXT, frame
from wiring import closing, to

from ws_sansio import Protocol, Side, State
from ws_types.codes import Opcode
from ws_types.errors import InvalidState, PayloadTooBig
from ws_types.frames import Frame

pytest_plugins = ["variants"]

# Settings


def test_max_size_has_two_forms() -> None:
    protocol = Protocol(Side.SERVER, max_size=10)
    assert (protocol.max_message_size, protocol.max_fragment_size) == (10, None)
    protocol = Protocol(Side.SERVER, max_size=(10, 4))
    assert (protocol.max_message_size, protocol.max_fragment_size) == (10, 4)
    protocol = Protocol(Side.SERVER, max_size=None)
    assert (protocol.max_message_size, protocol.max_fragment_size) == (None, None)
    assert Protocol(Side.SERVER).max_message_size == 2**20


@pytest.mark.parametrize("max_size", [-1, (None, -1), (-1, None)])
def test_limits_below_0_are_refused(max_size: Any) -> None:
    with pytest.raises(ValueError, match="max_size must be None or at least 0 bytes, not -1"):
        Protocol(Side.SERVER, max_size=max_size)


def test_state_can_be_set() -> None:
    protocol = Protocol(Side.SERVER, state=State.CONNECTING)
    protocol.state = State.OPEN
    protocol.receive_data(frame(TEXT, b"hi"))
    assert protocol.events_received() == [Frame(Opcode.TEXT, b"hi")]


def test_without_a_side_there_is_no_opening_handshake() -> None:
    protocol = Protocol(Side.SERVER, state=State.CONNECTING)
    with pytest.raises(NotImplementedError):
        protocol.receive_data(b"GET")
    with pytest.raises(NotImplementedError):
        protocol.receive_eof()


# The view


def test_view_of_frames_gives_every_frame(side: Side) -> None:
    protocol = Protocol(side)
    for data in (
        to(protocol, TEXT, b"a", fin=False),
        to(protocol, PING, b"p"),
        to(protocol, CONT, b"b"),
        to(protocol, BINARY, b"\xff"),
        to(protocol, PONG, b"q"),
        closing(protocol),
    ):
        protocol.receive_data(data)
    assert protocol.events_received() == [
        Frame(Opcode.TEXT, b"a", fin=False),
        Frame(Opcode.PING, b"p"),
        Frame(Opcode.CONT, b"b"),
        Frame(Opcode.BINARY, b"\xff"),
        Frame(Opcode.PONG, b"q"),
        Frame(Opcode.CLOSE, b"\x03\xe8"),
    ]
    assert protocol.events_received() == []


def test_view_of_messages_gives_whole_messages(side: Side) -> None:
    protocol = Protocol(side, view="messages")
    for data in (
        to(protocol, TEXT, b"a", fin=False),
        to(protocol, PING, b"p"),
        to(protocol, CONT, b"b"),
        to(protocol, BINARY, b"\xff"),
        closing(protocol),
    ):
        protocol.receive_data(data)
    events = protocol.events_received()
    assert events == ["ab", b"\xff"]
    assert [type(event) for event in events] == [str, bytes]


def test_view_can_be_set_until_something_arrives(side: Side) -> None:
    protocol = Protocol(side)
    protocol.view = "messages"
    protocol.receive_data(to(protocol, TEXT, b"a"))
    assert protocol.events_received() == ["a"]


@pytest.mark.parametrize(
    "data",
    [frame(TEXT, b"a"), frame(TEXT, b"a")[:-1], frame(TEXT, b"a")[:1], frame(TEXT, fin=False)],
    ids=["event", "payload", "header", "fragment"],
)
@pytest.mark.parametrize("now", [None, 1.0])
def test_view_cannot_be_set_where_something_would_be_lost(data: bytes, now: float | None) -> None:
    protocol = Protocol(Side.SERVER)
    protocol.receive_data(data, now=now)
    with pytest.raises(InvalidState, match="the view can't change once data has been received"):
        protocol.view = "messages"


def test_view_cannot_be_set_within_a_message() -> None:
    protocol = Protocol(Side.SERVER)
    protocol.receive_data(frame(TEXT, b"a", fin=False))
    protocol.events_received()
    with pytest.raises(InvalidState):
        protocol.view = "messages"


def test_view_cannot_be_set_after_a_failure(side: Side) -> None:
    protocol = Protocol(side)
    protocol.fail(1011)
    with pytest.raises(InvalidState):
        protocol.view = "messages"


def test_view_can_be_set_before_the_handshake() -> None:
    protocol = Protocol(Side.SERVER, state=State.CONNECTING)
    protocol.view = "messages"
    protocol.state = State.OPEN
    protocol.receive_data(frame(TEXT, b"a"))
    assert protocol.events_received() == ["a"]


# Receiving


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes_like_can_be_received(kind: Any, view: Any) -> None:
    protocol = Protocol(Side.SERVER, view=view)
    data = bytearray(frame(TEXT, b"hi"))
    protocol.receive_data(kind(data))
    data[:] = bytes(len(data))  # the buffer is used again
    [event] = protocol.events_received()
    assert event == ("hi" if view == "messages" else Frame(Opcode.TEXT, b"hi"))


def test_what_is_not_bytes_like_is_refused() -> None:
    protocol = Protocol(Side.SERVER)
    with pytest.raises(TypeError):
        protocol.receive_data("text")  # type: ignore[arg-type]


def test_fragments_have_a_limit_of_their_own(view: Any) -> None:
    protocol = Protocol(Side.SERVER, view=view, max_size=(None, 4))
    protocol.receive_data(frame(BINARY, bytes(4), fin=False) + frame(CONT, bytes(4)))
    assert protocol.state is State.OPEN
    protocol.receive_data(frame(BINARY, bytes(5)))
    assert isinstance(protocol.parser_exc, PayloadTooBig)
