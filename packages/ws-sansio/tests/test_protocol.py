"""Frames, messages, control frames, the closing handshake and failures, after the handshake."""

from __future__ import annotations

import logging
import uuid
from typing import Any

import pytest
from framing import BINARY, CLOSE, CONT, PING, PONG, TEXT, frame
from wiring import Marking, no_cycles, sent

from ws_sansio import SEND_EOF, Protocol, Side, State
from ws_types.codes import CloseCode, Opcode
from ws_types.errors import (
    ConcurrencyError,
    InvalidState,
    PayloadTooBig,
    ProtocolError,
    TooManyFragments,
)
from ws_types.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from ws_types.extension import Extension
from ws_types.frames import Close, Frame

SIDES = [Side.CLIENT, Side.SERVER]
VIEWS = ["frames", "messages"]


def to(protocol: Protocol, opcode: int, payload: bytes = b"", **options: Any) -> bytes:
    """A frame as this protocol has to receive it."""
    if protocol.side is Side.CLIENT:
        options.setdefault("key", None)
    return frame(opcode, payload, **options)


def closing(protocol: Protocol, code: int = 1000, reason: bytes = b"") -> bytes:
    return to(protocol, CLOSE, code.to_bytes(2, "big") + reason)


@pytest.fixture(params=SIDES, ids=["client", "server"])
def side(request: pytest.FixtureRequest) -> Side:
    side: Side = request.param
    return side


@pytest.fixture(params=VIEWS)
def view(request: pytest.FixtureRequest) -> Any:
    return request.param


# What is known


def test_starts_open_without_a_handshake(side: Side, view: Any) -> None:
    protocol = Protocol(side, view=view)
    assert protocol.state is State.OPEN
    assert protocol.side is side
    assert protocol.view == view
    assert protocol.data_to_send() == []
    assert protocol.events_received() == []
    assert protocol.pings_answered() == []
    assert protocol.next_deadline is None
    assert protocol.last_received is None
    assert protocol.latency == 0
    assert not protocol.close_expected()
    assert not protocol.timed_out
    assert (protocol.extensions, protocol.subprotocol) == ([], None)
    assert (protocol.close_rcvd, protocol.close_sent) == (None, None)
    assert protocol.close_rcvd_then_sent is None
    assert (protocol.handshake_exc, protocol.parser_exc) == (None, None)


def test_default_loggers_are_named_after_the_side() -> None:
    assert Protocol(Side.CLIENT).logger is logging.getLogger("websockets.client")
    assert Protocol(Side.SERVER).logger is logging.getLogger("websockets.server")
    logger = logging.getLogger("another")
    assert Protocol(Side.CLIENT, logger=logger).logger is logger


def test_ids_are_unique_and_stay() -> None:
    one, other = Protocol(Side.CLIENT), Protocol(Side.CLIENT)
    assert isinstance(one.id, uuid.UUID)
    assert one.id == one.id
    assert one.id != other.id
    other.id = one.id
    assert other.id == one.id


def test_max_size_has_two_forms() -> None:
    protocol = Protocol(Side.SERVER, max_size=10)
    assert (protocol.max_message_size, protocol.max_fragment_size) == (10, None)
    protocol = Protocol(Side.SERVER, max_size=(10, 4))
    assert (protocol.max_message_size, protocol.max_fragment_size) == (10, 4)
    protocol = Protocol(Side.SERVER, max_size=None)
    assert (protocol.max_message_size, protocol.max_fragment_size) == (None, None)
    assert Protocol(Side.SERVER).max_message_size == 2**20


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


# Sending


def test_one_chunk_for_each_frame(side: Side) -> None:
    protocol = Protocol(side)
    protocol.send_text(b"a", fin=False)
    protocol.send_ping(b"p")
    protocol.send_continuation(b"b", fin=True)
    protocol.send_binary(memoryview(b"c"))
    protocol.send_pong(bytearray(b"q"))
    chunks = protocol.data_to_send()
    assert len(chunks) == 5
    reader = Protocol(Side(1 - side))
    reader.receive_data(b"".join(chunks))
    assert reader.events_received() == [
        Frame(Opcode.TEXT, b"a", fin=False),
        Frame(Opcode.PING, b"p"),
        Frame(Opcode.CONT, b"b"),
        Frame(Opcode.BINARY, b"c"),
        Frame(Opcode.PONG, b"q"),
    ]
    assert protocol.data_to_send() == []


def test_clients_mask_and_servers_do_not() -> None:
    server, client = Protocol(Side.SERVER), Protocol(Side.CLIENT)
    server.send_text(b"hello")
    assert server.data_to_send() == [b"\x81\x05hello"]
    client.send_text(b"hello")
    [chunk] = client.data_to_send()
    assert chunk[:2] == b"\x81\x85"
    assert len(chunk) == 11


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
def test_send_message(
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


@pytest.mark.parametrize("method", ["send_ping", "send_pong"])
def test_control_frames_have_125_bytes_at_most(side: Side, method: str) -> None:
    protocol = Protocol(side)
    send = getattr(protocol, method)
    send(bytes(125))
    for data in (bytes(126), bytearray(126), memoryview(bytes(128)).cast("Q")):
        with pytest.raises(ProtocolError, match=r"^control frame too long$"):
            send(data)
    assert len(protocol.data_to_send()) == 1


@pytest.mark.parametrize("method", ["send_ping", "send_pong"])
def test_control_frames_take_no_text(side: Side, method: str) -> None:
    # 125 characters can be more bytes than a control frame has.
    protocol = Protocol(side)
    with pytest.raises(TypeError, match="not str"):
        getattr(protocol, method)("\u00e9" * 125)
    assert protocol.data_to_send() == []


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


def test_pings_are_answered_in_order(side: Side, view: Any) -> None:
    protocol = Protocol(side, view=view)
    protocol.receive_data(to(protocol, PING, b"1") + to(protocol, PING, b"") + to(protocol, PONG))
    assert sent(protocol) == [Frame(Opcode.PONG, b"1"), Frame(Opcode.PONG, b"")]


BAD = {
    "masking": (None, 1002, "incorrect masking"),
    "reserved bits": (frame(TEXT, rsv=0x40), 1002, "reserved bits must be 0"),
    "opcode": (frame(3), 1002, "invalid opcode"),
    "control fragment": (frame(PING, fin=False), 1002, "fragmented control frame"),
    "continuation": (frame(CONT), 1002, "unexpected continuation frame"),
    "not continued": (
        frame(TEXT, fin=False) + frame(TEXT),
        1002,
        "expected a continuation frame",
    ),
    "short close": (frame(CLOSE, b"\x03"), 1002, "close frame too short"),
    "close 1005": (frame(CLOSE, b"\x03\xed"), 1002, "invalid status code"),
    "close 999": (frame(CLOSE, b"\x03\xe7"), 1002, "invalid status code"),
    "close text": (frame(CLOSE, b"\x03\xe8\xff"), 1007, "invalid start byte at position 0"),
    "text": (frame(TEXT, b"ab\xff"), 1007, "invalid start byte at position 2"),
    "text at its end": (frame(TEXT, b"a\xe2\x82"), 1007, "unexpected end of data at position 1"),
    "size": (
        frame(TEXT, bytes(11)),
        1009,
        "frame with 11 bytes exceeds limit of 10 bytes",
    ),
    "size of fragments": (
        frame(BINARY, bytes(8), fin=False) + frame(CONT, bytes(3)),
        1009,
        "frame with 3 bytes after reading 8 bytes exceeds limit of 10 bytes",
    ),
    "length": (frame(TEXT, b"a", form=2), 1002, "payload length isn't in its shortest form"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("cut", [False, True], ids=["whole", "byte by byte"])
def test_bad_input_fails_the_connection(name: str, cut: bool, view: Any) -> None:
    data, code, reason = BAD[name]
    if data is None:
        data = frame(TEXT, key=None)
    protocol = Protocol(Side.SERVER, view=view, max_size=10)
    for piece in [data[i : i + 1] for i in range(len(data))] if cut else [data]:
        protocol.receive_data(piece)
    assert protocol.state is State.CLOSING
    assert protocol.close_sent == Close(code, reason)
    assert sent(protocol) == [Frame(Opcode.CLOSE, Close(code, reason).serialize()), SEND_EOF]
    assert protocol.close_expected()
    assert protocol.parser_exc is not None
    # Nothing counts after that.
    protocol.receive_data(frame(TEXT, b"more") + frame(PING) + frame(CLOSE))
    events = protocol.events_received()
    assert all(event.fin is False for event in events)  # fragments, in the view of frames
    assert protocol.data_to_send() == []
    protocol.receive_eof()
    assert protocol.state is State.CLOSED
    assert (protocol.close_code, protocol.close_reason) == (1006, "")
    exc = protocol.close_exc
    assert type(exc) is ConnectionClosedError
    assert exc.__cause__ is protocol.parser_exc
    assert (exc.rcvd, exc.sent) == (None, Close(code, reason))


def test_what_precedes_bad_input_counts(view: Any) -> None:
    protocol = Protocol(Side.SERVER, view=view)
    protocol.receive_data(frame(TEXT, b"a") + frame(PING, b"p") + frame(3))
    assert len(protocol.events_received()) == (1 if view == "messages" else 2)
    pong, close, end = sent(protocol)
    assert pong == Frame(Opcode.PONG, b"p")
    assert (close.opcode, end) == (Opcode.CLOSE, SEND_EOF)


def test_a_client_lets_the_server_end_the_stream() -> None:
    client = Protocol(Side.CLIENT)
    client.receive_data(frame(3, key=None))
    [close] = sent(client)
    assert close.opcode is Opcode.CLOSE
    client.receive_eof()
    assert client.data_to_send() == [SEND_EOF]


def test_too_many_empty_fragments(view: Any) -> None:
    protocol = Protocol(Side.SERVER, view=view)
    protocol.receive_data(frame(TEXT, fin=False) + frame(CONT, fin=False) * 4096)
    assert protocol.state is State.CLOSING
    assert isinstance(protocol.parser_exc, TooManyFragments)
    assert protocol.close_sent is not None
    assert protocol.close_sent.code == CloseCode.MESSAGE_TOO_BIG


def test_limit_of_fragments(view: Any) -> None:
    protocol = Protocol(Side.SERVER, view=view, max_size=(None, 4))
    protocol.receive_data(frame(BINARY, bytes(4), fin=False) + frame(CONT, bytes(4)))
    assert protocol.state is State.OPEN
    protocol.receive_data(frame(BINARY, bytes(5)))
    assert isinstance(protocol.parser_exc, PayloadTooBig)


# The closing handshake


def test_closing_handshake_begun_by_the_client() -> None:
    client, server = Protocol(Side.CLIENT), Protocol(Side.SERVER)
    client.send_close(1000, "bye")
    assert client.state is State.CLOSING
    assert client.close_expected()
    [chunk] = client.data_to_send()
    server.receive_data(chunk)
    # The server answers, with the same payload, and ends the stream.
    assert server.state is State.CLOSING
    assert server.close_expected()
    assert server.close_code is None
    assert server.close_reason is None
    answer, end = server.data_to_send()
    assert (answer, end) == (b"\x88\x05\x03\xe8bye", SEND_EOF)
    client.receive_data(answer)
    assert client.state is State.CLOSING
    assert client.data_to_send() == []
    client.receive_eof()
    assert client.state is State.CLOSED
    assert client.data_to_send() == [SEND_EOF]
    server.receive_eof()
    assert server.state is State.CLOSED
    assert server.data_to_send() == []
    for protocol, received_first in ((client, False), (server, True)):
        assert (protocol.close_code, protocol.close_reason) == (1000, "bye")
        exc = protocol.close_exc
        assert type(exc) is ConnectionClosedOK
        close = Close(1000, "bye")
        assert (exc.rcvd, exc.sent, exc.rcvd_then_sent) == (close, close, received_first)
        assert exc.__cause__ is None
        assert not protocol.close_expected()


def test_closing_handshake_begun_by_the_server() -> None:
    client, server = Protocol(Side.CLIENT), Protocol(Side.SERVER)
    server.send_close(1001)
    [chunk] = server.data_to_send()
    client.receive_data(chunk)
    [answer] = client.data_to_send()  # the server ends the stream first
    server.receive_data(answer)
    assert server.data_to_send() == [SEND_EOF]
    client.receive_eof()
    assert client.data_to_send() == [SEND_EOF]
    server.receive_eof()
    assert client.close_code == server.close_code == 1001
    assert type(client.close_exc) is type(server.close_exc) is ConnectionClosedOK
    assert client.close_exc.rcvd_then_sent is True
    assert server.close_exc.rcvd_then_sent is False


def test_both_sides_close_at_once() -> None:
    client, server = Protocol(Side.CLIENT), Protocol(Side.SERVER)
    client.send_close(1000)
    server.send_close(1011, "oops")
    [from_client], [from_server] = client.data_to_send(), server.data_to_send()
    client.receive_data(from_server)
    server.receive_data(from_client)
    assert client.data_to_send() == []
    assert server.data_to_send() == [SEND_EOF]
    client.receive_eof()
    server.receive_eof()
    assert (client.close_code, client.close_reason) == (1011, "oops")
    assert (server.close_code, server.close_reason) == (1000, "")
    assert type(client.close_exc) is type(server.close_exc) is ConnectionClosedError
    assert client.close_rcvd_then_sent is server.close_rcvd_then_sent is False


def test_close_without_a_code(side: Side) -> None:
    protocol = Protocol(side)
    protocol.send_close()
    assert protocol.close_sent == Close(CloseCode.NO_STATUS_RCVD, "")
    assert sent(protocol) == [Frame(Opcode.CLOSE, b"")]
    protocol.receive_data(to(protocol, CLOSE))
    assert protocol.close_rcvd == Close(CloseCode.NO_STATUS_RCVD, "")
    protocol.receive_eof()
    assert protocol.close_code == CloseCode.NO_STATUS_RCVD
    assert type(protocol.close_exc) is ConnectionClosedOK


def test_an_empty_close_frame_is_answered_by_one(side: Side) -> None:
    protocol = Protocol(side)
    protocol.receive_data(to(protocol, CLOSE))
    assert sent(protocol)[0] == Frame(Opcode.CLOSE, b"")


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 4999])
def test_codes_that_can_be_sent(side: Side, code: int) -> None:
    protocol = Protocol(side)
    protocol.send_close(code, "r")
    assert sent(protocol) == [Frame(Opcode.CLOSE, code.to_bytes(2, "big") + b"r")]
    ok = code in (1000, 1001)
    protocol.receive_data(closing(protocol, code))
    protocol.receive_eof()
    assert type(protocol.close_exc) is (ConnectionClosedOK if ok else ConnectionClosedError)


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65536])
def test_codes_that_cannot_be_sent(side: Side, code: int) -> None:
    protocol = Protocol(side)
    for send in (protocol.send_close, protocol.fail):
        if send == protocol.fail and code == 1006:
            continue  # which sends no close frame
        with pytest.raises(ProtocolError, match=r"^invalid status code$"):
            send(code)
    assert protocol.data_to_send() == []
    assert protocol.state is State.OPEN


def test_reasons_that_cannot_be_sent(side: Side) -> None:
    protocol = Protocol(side)
    with pytest.raises(ProtocolError, match=r"^cannot send a reason without a code$"):
        protocol.send_close(None, "reason")
    with pytest.raises(ProtocolError, match=r"^control frame too long$"):
        protocol.send_close(1000, "x" * 124)
    assert protocol.state is State.OPEN
    assert protocol.data_to_send() == []
    protocol.send_close(1000, "x" * 123)


def test_data_behind_a_close_frame_is_dropped(side: Side, view: Any) -> None:
    protocol = Protocol(side, view=view)
    protocol.receive_data(closing(protocol) + to(protocol, TEXT, b"late") + to(protocol, PING))
    protocol.receive_data(to(protocol, TEXT, b"later") + b"\xff" * 100)
    events = protocol.events_received()
    assert events == ([] if view == "messages" else [Frame(Opcode.CLOSE, b"\x03\xe8")])
    frames = [item for item in sent(protocol) if item != SEND_EOF]
    assert frames == [Frame(Opcode.CLOSE, b"\x03\xe8")]
    assert protocol.parser_exc is None


def test_data_and_pings_still_count_after_we_sent_a_close_frame(side: Side, view: Any) -> None:
    protocol = Protocol(side, view=view)
    protocol.send_close(1000)
    protocol.data_to_send()
    protocol.receive_data(to(protocol, TEXT, b"late") + to(protocol, PING, b"p"))
    assert protocol.events_received()[0] == (
        "late" if view == "messages" else Frame(Opcode.TEXT, b"late")
    )
    assert sent(protocol) == [Frame(Opcode.PONG, b"p")]


def test_close_in_the_middle_of_a_message(side: Side, view: Any) -> None:
    protocol = Protocol(side, view=view)
    protocol.receive_data(to(protocol, TEXT, b"\xe2", fin=False) + closing(protocol))
    assert protocol.parser_exc is None
    protocol.receive_eof()
    assert type(protocol.close_exc) is ConnectionClosedOK


def test_close_exc_belongs_to_closed_connections(side: Side) -> None:
    protocol = Protocol(side)
    with pytest.raises(AssertionError):
        protocol.close_exc  # noqa: B018
    protocol.send_close(1000)
    with pytest.raises(AssertionError):
        protocol.close_exc  # noqa: B018


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


# Failing the connection


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1011, 3000, 4999])
def test_fail(side: Side, code: int) -> None:
    protocol = Protocol(side)
    protocol.fail(code, "why")
    end = [SEND_EOF] if side is Side.SERVER else []
    assert sent(protocol) == [Frame(Opcode.CLOSE, code.to_bytes(2, "big") + b"why"), *end]
    assert protocol.state is State.CLOSING
    assert protocol.close_expected()
    protocol.receive_data(to(protocol, TEXT, b"more") + closing(protocol))
    assert protocol.events_received() == []
    protocol.receive_eof()
    exc = protocol.close_exc
    assert type(exc) is ConnectionClosedError
    assert (exc.rcvd, exc.sent) == (None, Close(code, "why"))
    # It was meant: there is nothing unexpected about its end.
    assert exc.__cause__ is None
    assert protocol.parser_exc is None


def test_a_message_that_is_no_text_is_refused(side: Side) -> None:
    protocol = Protocol(side, view="messages", close_timeout=10)
    with pytest.raises(UnicodeDecodeError) as caught:
        b"ab\xff".decode()
    protocol.refuse_message(caught.value, now=5.0)
    assert protocol.close_sent == Close(CloseCode.INVALID_DATA, "invalid start byte at position 2")
    assert protocol.next_deadline == 15.0
    protocol.receive_eof()
    assert protocol.close_exc.__cause__ is caught.value


def test_a_message_is_not_refused_after_the_end(side: Side) -> None:
    protocol = Protocol(side, view="messages")
    protocol.receive_eof()
    before = protocol.parser_exc
    protocol.refuse_message(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"))
    assert protocol.parser_exc is before
    assert protocol.close_sent is None


def test_fail_without_a_close_frame(side: Side) -> None:
    protocol = Protocol(side)
    protocol.fail(CloseCode.ABNORMAL_CLOSURE)
    assert protocol.data_to_send() == ([SEND_EOF] if side is Side.SERVER else [])
    protocol.receive_eof()
    assert str(protocol.close_exc) == "no close frame received or sent"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("x" * 200, "x" * 123),
        ("\u00e9" * 100, "\u00e9" * 61),
        ("\U0001f600" * 40, "\U0001f600" * 30),
        ("a\nb\x1b[2J", "a\\nb\\x1b[2J"),
        ("\ud800", "\\ud800"),
    ],
)
def test_reasons_of_failures_are_made_to_fit(side: Side, reason: str, expected: str) -> None:
    protocol = Protocol(side)
    protocol.fail(1011, reason)
    assert protocol.close_sent == Close(1011, expected)
    assert sent(protocol)[0] == Frame(Opcode.CLOSE, b"\x03\xf3" + expected.encode())


def test_fail_while_closing_sends_no_other_close_frame() -> None:
    server = Protocol(Side.SERVER)
    server.send_close(1000)
    server.data_to_send()
    server.fail(1011)
    assert server.data_to_send() == [SEND_EOF]
    server.fail(1011)
    assert server.data_to_send() == []
    client = Protocol(Side.CLIENT)
    client.send_close(1000)
    client.data_to_send()
    client.fail(1011)
    assert client.data_to_send() == []


def test_fail_when_closed_does_nothing(side: Side) -> None:
    protocol = Protocol(side)
    protocol.receive_eof()
    protocol.data_to_send()
    protocol.fail(1011)
    assert protocol.data_to_send() == []
    assert protocol.state is State.CLOSED


def test_fail_during_the_opening_handshake_is_a_mistake(side: Side) -> None:
    protocol = Protocol(side, state=State.CONNECTING)
    with pytest.raises(InvalidState, match=r"^connection is connecting$"):
        protocol.fail(1011)


# The end of the stream


def test_unexpected_end_of_stream(side: Side) -> None:
    protocol = Protocol(side)
    protocol.receive_eof()
    assert protocol.state is State.CLOSED
    assert protocol.data_to_send() == [SEND_EOF]
    assert protocol.close_code == 1006
    assert protocol.close_reason == ""
    exc = protocol.close_exc
    assert type(exc) is ConnectionClosedError
    assert isinstance(exc.__cause__, EOFError)
    assert str(exc.__cause__) == "unexpected end of stream"
    assert str(exc) == "no close frame received or sent"


@pytest.mark.parametrize("length", range(1, 8))
def test_end_of_stream_in_the_middle_of_a_frame(length: int, view: Any) -> None:
    protocol = Protocol(Side.SERVER, view=view)
    protocol.receive_data(frame(TEXT, b"hi")[:length])
    protocol.receive_eof()
    assert isinstance(protocol.parser_exc, EOFError)
    assert str(protocol.parser_exc) == "stream ends in the middle of a frame"


def test_end_of_stream_without_an_answer_to_our_close_frame(side: Side) -> None:
    protocol = Protocol(side)
    protocol.send_close(1000)
    protocol.receive_eof()
    assert isinstance(protocol.parser_exc, EOFError)
    assert type(protocol.close_exc) is ConnectionClosedError
    assert str(protocol.close_exc) == "sent 1000 (OK); no close frame received"


def test_data_after_the_end_of_the_stream_is_a_mistake(side: Side) -> None:
    protocol = Protocol(side)
    protocol.receive_eof()
    protocol.receive_eof()
    assert protocol.data_to_send() == [SEND_EOF]
    with pytest.raises(EOFError, match=r"^stream ended$"):
        protocol.receive_data(b"")


# Extensions


class Doubling(Extension):
    """Has a hook for messages: writes each byte twice, except for messages that begin with x."""

    name = "double"  # type: ignore[assignment]
    message_rsv = 0x40

    def encode(self, frame: Frame) -> Frame:
        return frame

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        return frame

    def encode_message(self, data: Any, *, text: bool) -> bytes | None:
        data = bytes(data)
        return None if data[:1] == b"x" else bytes(b for byte in data for b in (byte, byte))

    def decode_message(self, data: Any, *, max_size: int | None) -> bytes:
        if len(data) % 2:
            raise ProtocolError("odd")
        result = bytes(data[::2])
        if max_size is not None and len(result) > max_size:
            raise PayloadTooBig(len(result), max_size)
        return result


def extended(side: Side, view: Any, *extensions: Extension, **settings: Any) -> Protocol:
    protocol = Protocol(side, state=State.CONNECTING, view=view, **settings)
    protocol.extensions = list(extensions)
    protocol.state = State.OPEN
    return protocol


def test_extensions_apply_in_order_and_are_undone_in_reverse(view: Any) -> None:
    extensions = Marking("a"), Marking("b")
    client = extended(Side.CLIENT, view, *extensions)
    server = extended(Side.SERVER, view, *extensions)
    server.send_text(b"hi")
    assert server.data_to_send() == [b"\xc1\x04bahi"]
    client.send_text(b"hi")
    client.send_binary(b"x", fin=False)
    client.send_ping(b"p")
    client.send_continuation(b"y", fin=True)
    server.receive_data(b"".join(client.data_to_send()))
    events = server.events_received()
    if view == "messages":
        assert events == ["hi", b"xy"]
    else:
        assert [event.data for event in events] == [b"hi", b"x", b"p", b"y"]
    assert len(server.data_to_send()) == 1


@pytest.mark.parametrize("debug", [False, True])
def test_hook_for_messages(debug: bool, caplog: pytest.LogCaptureFixture) -> None:
    if debug:
        caplog.set_level(logging.DEBUG, "websockets.server")
    server = extended(Side.SERVER, "messages", Doubling())
    server.send_message("hi")
    server.send_message(b"x")
    server.send_text(b"a", fin=False)
    server.send_continuation(b"b", fin=True)
    assert server.data_to_send() == [b"\xc1\x04hhii", b"\x82\x01x", b"\x01\x01a", b"\x80\x01b"]
    server.receive_data(frame(TEXT, b"hhii", rsv=0x40) + frame(BINARY, b"xx"))
    assert server.events_received() == ["hi", b"xx"]
    assert ("> TEXT 'hi' [2 bytes]" in caplog.text) is debug


def test_errors_of_an_extension_fail_the_connection() -> None:
    server = extended(Side.SERVER, "messages", Doubling(), max_size=4)
    server.receive_data(frame(TEXT, b"odd", rsv=0x40))
    assert server.close_sent == Close(1002, "odd")
    server = extended(Side.SERVER, "messages", Doubling(), max_size=4)
    server.receive_data(frame(TEXT, b"aabbccddee", rsv=0x40))
    assert server.close_sent is not None
    assert server.close_sent.code == 1009


# Pings of the program


def test_pongs_are_matched_with_pings(side: Side) -> None:
    protocol = Protocol(side, view="messages")
    for number, payload in enumerate((b"1", b"2", b"3")):
        protocol.send_ping(payload, now=10.0 + number)
    protocol.receive_data(to(protocol, PONG, b"2"), now=11.5)
    # A pong answers the pings before its own.
    assert protocol.pings_answered() == [(b"1", 1.5), (b"2", 0.5)]
    assert protocol.latency == 0.5
    protocol.receive_data(to(protocol, PONG, b"2") + to(protocol, PONG, b"?"), now=12.0)
    assert protocol.pings_answered() == []
    protocol.receive_data(to(protocol, PONG, b"3"), now=12.25)
    assert protocol.pings_answered() == [(b"3", 0.25)]
    assert protocol.latency == 0.25


def test_no_two_pings_with_the_same_payload(side: Side) -> None:
    protocol = Protocol(side, view="messages")
    protocol.send_ping(b"1")
    with pytest.raises(ConcurrencyError, match="already waiting for a pong with the same data"):
        protocol.send_ping(bytearray(b"1"))
    assert len(protocol.data_to_send()) == 1
    assert protocol.unused_ping() != b"1"
    protocol.receive_data(to(protocol, PONG, b"1"))
    protocol.send_ping(b"1")


def test_round_trip_is_not_a_number_without_a_clock(side: Side) -> None:
    protocol = Protocol(side, view="messages")
    protocol.send_ping(b"1")
    protocol.receive_data(to(protocol, PONG, b"1"))
    [(payload, round_trip)] = protocol.pings_answered()
    assert payload == b"1"
    assert round_trip != round_trip
    assert protocol.latency == 0


def test_view_of_frames_leaves_pongs_to_its_reader(side: Side) -> None:
    protocol = Protocol(side)
    protocol.send_ping(b"1")
    protocol.send_ping(b"1")
    protocol.receive_data(to(protocol, PONG, b"1"))
    assert protocol.pings_answered() == []


# References


def ended(side: Side, data: bytes | None = None, view: Any = "messages") -> Protocol:
    protocol = Protocol(side, view=view)
    if data is not None:
        protocol.receive_data(data)
    protocol.receive_eof()
    protocol.data_to_send()
    return protocol


def raised(protocol: Protocol) -> Protocol:
    with pytest.raises(ConnectionClosed):
        raise protocol.close_exc
    return protocol


@pytest.mark.parametrize("name", [name for name in BAD if BAD[name][0] is not None])
def test_failed_connections_are_freed_at_once(name: str, view: Any) -> None:
    with no_cycles(lambda: raised(ended(Side.SERVER, BAD[name][0], view))) as reference:
        assert reference() is None


@pytest.mark.parametrize("data", [None, frame(TEXT, b"a"), frame(TEXT, b"a")[:3], frame(CLOSE)])
def test_ended_connections_are_freed_at_once(data: bytes | None, view: Any) -> None:
    with no_cycles(lambda: raised(ended(Side.SERVER, data, view))) as reference:
        assert reference() is None


def test_open_connections_are_freed_at_once(side: Side, view: Any) -> None:
    with no_cycles(lambda: Protocol(side, view=view)) as reference:
        assert reference() is None
    with no_cycles(lambda: extended(side, view, Doubling(), Marking("m"))) as reference:
        assert reference() is None


def test_a_kept_exception_keeps_no_frames() -> None:
    protocol = ended(Side.SERVER, frame(CLOSE, b"\x03\xe8\xff"))
    link: BaseException | None = protocol.parser_exc
    assert link is not None
    while link is not None:
        assert link.__traceback__ is None
        link = link.__cause__ or link.__context__


class Broken(Marking):
    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        raise LookupError("a bug")


def test_a_bug_in_an_extension_fails_the_connection(
    view: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server = extended(Side.SERVER, view, Broken("b"))
    server.receive_data(frame(PONG) + frame(TEXT))
    assert server.close_sent == Close(1011, "")
    assert isinstance(server.parser_exc, LookupError)
    [record] = caplog.records
    assert (record.levelname, record.message) == ("ERROR", "parser failed")
    assert record.exc_info is not None


@pytest.mark.parametrize("max_size", [-1, (None, -1), (-1, None)])
def test_limits_below_0_are_refused(max_size: Any) -> None:
    with pytest.raises(ValueError, match="max_size must be None or at least 0 bytes, not -1"):
        Protocol(Side.SERVER, max_size=max_size)
