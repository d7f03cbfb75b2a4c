"""Which messages and frames can be sent, in which order and in which state."""

from __future__ import annotations

import array
import logging
from typing import Any

import pytest
from wiring import Marking, closing, sent

from ws_sansio import SEND_EOF, Protocol, Side, State
from ws_types.codes import Opcode
from ws_types.errors import InvalidState, ProtocolError
from ws_types.extension import Extension
from ws_types.frames import Frame

pytest_plugins = ["variants"]

# Messages and fragments


@pytest.mark.parametrize(
    ("message", "options", "expected"),
    [
        ("h\u00e9", {}, Frame(Opcode.TEXT, b"h\xc3\xa9")),
        (b"\xff", {}, Frame(Opcode.BINARY, b"\xff")),
        (bytearray(b"\xff"), {}, Frame(Opcode.BINARY, b"\xff")),
        (memoryview(b"\xff"), {}, Frame(Opcode.BINARY, b"\xff")),
        (b"h\xc3\xa9", {"text": True}, Frame(Opcode.TEXT, b"h\xc3\xa9")),
        ("h\u00e9", {"text": True}, Frame(Opcode.TEXT, b"h\xc3\xa9")),
        ("h\u00e9", {"text": False}, Frame(Opcode.BINARY, b"h\xc3\xa9")),
    ],
)
@pytest.mark.parametrize("extensions", [[], [Marking("m")]], ids=["plain", "extension"])
def test_messages_go_as_text_or_binary_by_their_type_unless_told(
    side: Side, message: Any, options: Any, expected: Frame, extensions: list[Extension]
) -> None:
    protocol = Protocol(side, state=State.CONNECTING)
    protocol.extensions = extensions
    protocol.state = State.OPEN
    protocol.send_message(message, **options)
    reader = Protocol(Side(1 - side), state=State.CONNECTING)
    reader.extensions = extensions
    reader.state = State.OPEN
    reader.receive_data(b"".join(protocol.data_to_send()))
    assert reader.events_received() == [expected]


@pytest.mark.parametrize(
    ("message", "options", "error"),
    [
        (3, {}, TypeError),
        (None, {}, TypeError),
        ("\ud800", {}, UnicodeEncodeError),
        (b"\xff", {"text": True}, UnicodeDecodeError),
    ],
)
def test_messages_that_cannot_be_sent(
    side: Side, message: Any, options: Any, error: type[Exception]
) -> None:
    protocol = Protocol(side)
    with pytest.raises(error):
        protocol.send_message(message, **options)
    assert protocol.data_to_send() == []
    protocol.send_message("next")
    assert sent(protocol) == [Frame(Opcode.TEXT, b"next")]


@pytest.mark.parametrize("debug", [False, True])
def test_fragments_are_sent_in_order(side: Side, debug: bool) -> None:
    # Where frames are logged, they take another way.
    logger = logging.Logger("fragments", logging.DEBUG if debug else logging.INFO)
    protocol = Protocol(side, logger=logger)
    with pytest.raises(ProtocolError, match=r"^unexpected continuation frame$"):
        protocol.send_continuation(b"", fin=False)
    protocol.send_text(b"", fin=False)
    for send in (protocol.send_text, protocol.send_binary):
        with pytest.raises(ProtocolError, match=r"^expected a continuation frame$"):
            send(b"")
    with pytest.raises(ProtocolError, match=r"^expected a continuation frame$"):
        protocol.send_message("")
    protocol.send_continuation(b"", fin=False)
    protocol.send_continuation(b"", fin=True)
    protocol.send_binary(b"")
    assert len(protocol.data_to_send()) == 4


@pytest.mark.parametrize("send", ["send_binary", "send_ping", "send_pong", "send_message"])
@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    "data",
    [
        memoryview(b"abcdefgh")[::2],
        memoryview(b"abcdefgh")[::-1],
        memoryview(array.array("I", [1, 2, 2**32 - 1])),
        memoryview(array.array("H", [1, 2, 3, 4]))[::2],
        memoryview(b"abcdefgh").cast("B", (2, 4)),
        memoryview(b""),
    ],
)
def test_views_of_any_shape_send_their_bytes(side: Side, send: str, data: Any) -> None:
    protocol = Protocol(side)
    getattr(protocol, send)(data)
    [result] = sent(protocol)
    assert result.data == data.tobytes()


@pytest.mark.parametrize("send", ["send_binary", "send_ping", "send_pong", "send_message"])
@pytest.mark.parametrize("data", [1, None, [b"a"]])
def test_what_is_not_bytes_is_refused_before_anything_is_sent(send: str, data: Any) -> None:
    protocol = Protocol(Side.CLIENT)
    with pytest.raises(TypeError, match=rf"must be bytes.*, not {type(data).__name__}"):
        getattr(protocol, send)(data)
    assert protocol.data_to_send() == []


# What each state admits

DATA = {
    "text": lambda protocol: protocol.send_text(b""),
    "binary": lambda protocol: protocol.send_binary(b""),
    "message": lambda protocol: protocol.send_message(""),
}

CONTROL = {
    "ping": lambda protocol: protocol.send_ping(b""),
    "pong": lambda protocol: protocol.send_pong(b""),
}

CLOSES = {"close": lambda protocol: protocol.send_close(1000)}


@pytest.mark.parametrize("name", [*DATA, *CONTROL, *CLOSES])
@pytest.mark.parametrize("state", [State.CONNECTING, State.CLOSED])
def test_nothing_is_sent_before_or_after(side: Side, state: State, name: str) -> None:
    protocol = Protocol(side, state=state)
    with pytest.raises(InvalidState, match=f"^connection is {state.name.lower()}$"):
        (DATA | CONTROL | CLOSES)[name](protocol)
    assert protocol.data_to_send() == []


@pytest.mark.parametrize("name", [*DATA, *CLOSES])
def test_no_data_after_a_close_frame(side: Side, name: str) -> None:
    protocol = Protocol(side)
    protocol.send_close(1000)
    protocol.data_to_send()
    with pytest.raises(InvalidState, match=r"^connection is closing$"):
        (DATA | CLOSES)[name](protocol)
    assert protocol.data_to_send() == []


def test_no_continuation_after_a_close_frame(side: Side) -> None:
    protocol = Protocol(side)
    protocol.send_text(b"", fin=False)
    protocol.send_close(1000)
    with pytest.raises(InvalidState, match=r"^connection is closing$"):
        protocol.send_continuation(b"", fin=True)


@pytest.mark.parametrize("name", CONTROL)
def test_control_frames_may_follow_a_close_frame(side: Side, name: str) -> None:
    protocol = Protocol(side)
    protocol.send_close(1000)
    CONTROL[name](protocol)
    assert len(protocol.data_to_send()) == 2


@pytest.mark.parametrize("name", CONTROL)
def test_nothing_follows_the_end_of_the_stream(name: str) -> None:
    protocol = Protocol(Side.SERVER)
    protocol.receive_data(closing(protocol))
    assert protocol.data_to_send()[-1] == SEND_EOF
    with pytest.raises(InvalidState):
        CONTROL[name](protocol)
    assert protocol.data_to_send() == []
