"""How a connection fails: by what the peer sends, by an extension, by the program."""

from __future__ import annotations

from typing import Any

import pytest
from framing import BINARY, CLOSE, CONT, PING, PONG, TEXT, frame
from wiring import Doubling, Marking, closing, extended, no_cycles, sent, to

from ws_sansio import SEND_EOF, Protocol, Side, State
from ws_sansio.failures import forget_frames
from ws_types.codes import CloseCode, Opcode
from ws_types.errors import InvalidState
from ws_types.exceptions import ConnectionClosed, ConnectionClosedError
from ws_types.frames import Close, Frame

pytest_plugins = ["variants"]

# Bad input

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


# Extensions


def test_errors_of_an_extension_fail_the_connection() -> None:
    server = extended(Side.SERVER, "messages", Doubling(), max_size=4)
    server.receive_data(frame(TEXT, b"odd", rsv=0x40))
    assert server.close_sent == Close(1002, "odd")
    server = extended(Side.SERVER, "messages", Doubling(), max_size=4)
    server.receive_data(frame(TEXT, b"aabbccddee", rsv=0x40))
    assert server.close_sent is not None
    assert server.close_sent.code == 1009


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


# The program


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1011, 3000, 4999])
def test_a_program_fails_the_connection(side: Side, code: int) -> None:
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


def test_fail_without_a_close_frame(side: Side) -> None:
    protocol = Protocol(side)
    protocol.fail(CloseCode.ABNORMAL_CLOSURE)
    assert protocol.data_to_send() == ([SEND_EOF] if side is Side.SERVER else [])
    protocol.receive_eof()
    assert str(protocol.close_exc) == "no close frame received or sent"


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


# What is kept of them


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


def test_causes_that_go_in_circles_are_forgotten_too() -> None:
    one, other = ValueError(), ValueError()
    one.__cause__, other.__cause__ = other, one
    assert forget_frames(one) is one
