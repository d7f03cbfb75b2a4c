"""Messages in pieces: from the wire to the type that a program asks for."""

from __future__ import annotations

import random
from typing import Any

import pytest
from framing import BINARY, CLOSE, CONT, TEXT, frame

from ws_sansio import Fragment, Protocol, Side, State
from ws_sansio.fragments import FragmentDecoder
from ws_sansio.inbox import Inbox
from ws_types.errors import InvalidState

SAMPLE = "a\u00e9\u20ac\U0001f600" * 40


def streaming(**settings: Any) -> Protocol:
    protocol = Protocol(Side.SERVER, view="messages", **settings)
    protocol.stream_fragments()
    return protocol


def seen(protocol: Protocol) -> list[Any]:
    """The events, with pieces as tuples."""
    return [
        (event.data, event.fin) if isinstance(event, Fragment) else event
        for event in protocol.events_received()
    ]


def cut(data: bytes, seed: int) -> list[bytes]:
    rng = random.Random(seed)
    marks = sorted(rng.choices(range(len(data) + 1), k=6))
    return [data[a:b] for a, b in zip([0, *marks], [*marks, len(data)], strict=True)]


def fragments(opcode: int, parts: list[bytes], rsv: int = 0) -> bytes:
    """The frames of a message."""
    frames = []
    for number, part in enumerate(parts):
        first = number == 0
        fin = number == len(parts) - 1
        frames.append(frame(opcode if first else CONT, part, fin=fin, rsv=rsv if first else 0))
    return b"".join(frames)


# From the wire


def test_each_frame_is_a_piece() -> None:
    protocol = streaming()
    for data, expected in [
        (frame(TEXT, b"one", fin=False), ("one", False)),
        (frame(CONT, b"", fin=False), ("", False)),
        (frame(CONT, b"two", fin=False), ("two", False)),
        (frame(CONT, b"", fin=True), ("", True)),
        (frame(BINARY, b"one", fin=False), (b"one", False)),
        (frame(CONT, b"two"), (b"two", True)),
        (frame(TEXT, b"whole"), "whole"),
    ]:
        protocol.receive_data(data)
        assert seen(protocol) == [expected]


@pytest.mark.parametrize("size", [1, 7, 10**6])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("seed", range(5))
def test_pieces_make_the_message(opcode: int, seed: int, size: int) -> None:
    data = SAMPLE.encode()
    wire = fragments(opcode, cut(data, seed)) + frame(BINARY, b"next")
    protocol = streaming()
    for start in range(0, len(wire), size):
        protocol.receive_data(wire[start : start + size])
    *pieces, following = protocol.events_received()
    assert following == b"next"
    assert [piece.fin for piece in pieces] == [False] * 6 + [True]
    joined = type(pieces[0].data)().join(piece.data for piece in pieces)
    assert joined == (SAMPLE if opcode == TEXT else data)


def test_a_frame_that_arrives_in_parts_is_a_piece() -> None:
    protocol = streaming()
    wire = frame(BINARY, b"x" * 1000, fin=False)
    protocol.receive_data(wire[:500])
    assert seen(protocol) == []
    protocol.receive_data(wire[500:])
    assert seen(protocol) == [(b"x" * 1000, False)]


def test_what_was_gathered_comes_out_when_streaming_starts() -> None:
    protocol = Protocol(Side.SERVER, view="messages")
    protocol.receive_data(frame(TEXT, b"a", fin=False) + frame(CONT, b"b\xc3", fin=False))
    protocol.receive_data(frame(CONT, b"\xa9c")[:-1])
    assert protocol.events_received() == []
    protocol.stream_fragments()
    assert seen(protocol) == [("ab\u00e9", False)]
    protocol.receive_data(frame(CONT, b"\xa9c")[-1:])
    assert seen(protocol) == [("c", True)]
    protocol.stream_fragments()
    assert seen(protocol) == []


def test_streaming_can_be_asked_for_during_the_handshake() -> None:
    protocol = Protocol(Side.SERVER, state=State.CONNECTING, view="messages")
    protocol.stream_fragments()
    protocol.state = State.OPEN
    protocol.receive_data(frame(TEXT, b"a", fin=False))
    assert seen(protocol) == [("a", False)]


def test_the_view_of_frames_has_no_need_of_it() -> None:
    with pytest.raises(InvalidState, match="view of messages"):
        Protocol(Side.SERVER).stream_fragments()


def test_pieces_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "websockets.server")
    streaming().receive_data(fragments(TEXT, [b"abc", b"def"]))
    assert [line for line in caplog.messages if line.startswith("<")] == [
        "< TEXT 'abc' [3 bytes, continued]",
        "< TEXT 'def' [3 bytes]",
    ]


@pytest.mark.parametrize(
    ("wire", "code", "reason"),
    [
        (fragments(TEXT, [b"ok", b"a\xff"]), 1007, "invalid start byte at position 3"),
        (fragments(TEXT, [b"ok\xc3", b""]), 1007, "unexpected end of data at position 2"),
        (frame(TEXT, b"ok", fin=False) + frame(TEXT, b""), 1002, "expected a continuation frame"),
        (fragments(BINARY, [b"x" * 60, b"x" * 41]), 1009, ""),
    ],
)
def test_rules_hold_while_streaming(wire: bytes, code: int, reason: str) -> None:
    protocol = streaming(max_size=100)
    protocol.receive_data(wire)
    assert protocol.close_sent is not None
    assert protocol.close_sent.code == code
    assert reason in protocol.close_sent.reason
    # What came before has been handed out.
    assert len(protocol.events_received()) == 1


def test_a_close_frame_within_a_message() -> None:
    protocol = streaming()
    protocol.receive_data(frame(TEXT, b"a", fin=False) + frame(CLOSE, b"\x03\xe8"))
    assert seen(protocol) == [("a", False)]
    assert protocol.close_rcvd is not None


# Compressed


def deflated(settings: Any = None) -> tuple[Protocol, Protocol]:
    ws_extensions = pytest.importorskip("ws_extensions")

    def end(side: Side) -> Protocol:
        protocol = Protocol(side, state=State.CONNECTING, view="messages", **settings or {})
        protocol.extensions = [ws_extensions.PerMessageDeflate(False, False, 15, 15)]
        protocol.state = State.OPEN
        return protocol

    return end(Side.CLIENT), end(Side.SERVER)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("late", [None, 0, 1, 3, 6])
def test_compressed_pieces_make_the_message(opcode: int, late: int | None) -> None:
    client, server = deflated()
    data = SAMPLE.encode()
    if late is None:
        server.stream_fragments()
    for seed in range(3):
        received: list[Any] = []
        parts = cut(data, seed)
        send = client.send_text if opcode == TEXT else client.send_binary
        send(parts[0], False)
        for part in parts[1:-1]:
            client.send_continuation(part, False)
        client.send_continuation(parts[-1], True)
        for number, chunk in enumerate(client.data_to_send()):
            if number == late:
                server.stream_fragments()
                received += server.events_received()
            server.receive_data(chunk)
            received += server.events_received()
        assert all(isinstance(event, Fragment) for event in received)
        assert received[-1].fin
        joined = type(received[0].data)().join(piece.data for piece in received)
        assert joined == (SAMPLE if opcode == TEXT else data)
        # Messages in one frame, and those of the other kind, go on as before.
        client.send_message("whole")
        server.receive_data(b"".join(client.data_to_send()))
        assert server.events_received() == ["whole"]


def test_limit_of_a_compressed_message_in_pieces_is_exact() -> None:
    for size, code in ((1000, None), (1001, 1009)):
        client, server = deflated({"max_size": 1000})
        server.stream_fragments()
        client.send_binary(b"x" * 500, False)
        client.send_continuation(b"x" * (size - 500), True)
        server.receive_data(b"".join(client.data_to_send()))
        assert (server.close_sent and server.close_sent.code) == code
    assert server.close_sent is not None
    assert "after reading 500 bytes" in server.close_sent.reason


def test_a_bomb_in_pieces_is_bounded() -> None:
    client, server = deflated()
    server.stream_fragments()
    client.send_binary(bytes(2**20), False)
    client.send_continuation(bytes(2**20), True)
    server.receive_data(b"".join(client.data_to_send()))
    assert server.close_sent is not None
    assert server.close_sent.code == 1009
    assert sum(len(piece.data) for piece in server.events_received()) <= 2**20


def test_position_of_an_error_in_compressed_text() -> None:
    client, server = deflated()
    server.stream_fragments()
    client.send_text("\u00e9a".encode() + b"\xc3", False)
    client.send_continuation(b"\xa9\xff", True)
    server.receive_data(b"".join(client.data_to_send()))
    assert server.close_sent is not None
    assert server.close_sent.code == 1007
    assert server.close_sent.reason == "invalid start byte at position 5"

    # It is forgotten with the message.
    client, server = deflated()
    server.stream_fragments()
    client.send_text("\u00e9a".encode(), False)
    client.send_continuation(b"b", True)
    client.send_text(b"ab\xff", compress=False)
    server.receive_data(b"".join(client.data_to_send()))
    assert server.close_sent is not None
    assert server.close_sent.reason == "invalid start byte at position 2"


def test_a_compressed_message_whose_first_fragment_is_empty() -> None:
    client, server = deflated()
    server.stream_fragments()
    client.send_text(b"", False)
    client.send_continuation(b"abc", True)
    server.receive_data(b"".join(client.data_to_send()))
    assert seen(server) == [("", False), ("abc", True)]


def test_garbage_that_was_gathered_fails_the_connection_when_streaming_starts() -> None:
    _, server = deflated()
    server.receive_data(frame(BINARY, b"\xff\xff\xff", fin=False, rsv=0x40))
    assert server.close_sent is None
    server.stream_fragments()
    assert server.close_sent is not None
    assert server.close_sent.code == 1002
    assert server.events_received() == []


# In the inbox


def put(inbox: Inbox, *pieces: Any) -> None:
    inbox.put([Fragment(*piece) if isinstance(piece, tuple) else piece for piece in pieces])


def test_the_inbox_puts_messages_together() -> None:
    inbox = Inbox(4)
    put(inbox, ("a\r", False), ("\nb", False), ("c", True), (b"a", False), (b"b", True), "whole")
    assert inbox.is_full()
    assert [inbox.take_message() for _ in range(4)] == ["a\r\nbc", b"ab", "whole", None]
    assert (inbox.count, inbox.size) == (0, 0)


def test_the_inbox_keeps_what_it_has_of_a_message() -> None:
    inbox = Inbox()
    put(inbox, ("a", False))
    assert inbox.take_message() is None
    # It doesn't count, or the rest might never have room.
    assert (inbox.count, inbox.size) == (0, 0)
    put(inbox, ("b", True))
    assert inbox.take_message() == "ab"


def test_the_inbox_gives_what_it_was_given_in_pieces() -> None:
    inbox = Inbox()
    put(inbox, ("a", False))
    assert inbox.take_message() is None
    put(inbox, ("b", True), "whole")
    taken = [inbox.take_fragment() for _ in range(4)]
    assert [(piece.data, piece.fin) for piece in taken[:3] if piece] == [
        ("a", False),
        ("b", True),
        ("whole", True),
    ]
    assert taken[3] is None


def test_the_inbox_forgets_what_it_has_of_a_message() -> None:
    inbox = Inbox()
    put(inbox, ("a", False))
    assert inbox.take_message() is None
    inbox.clear()
    assert inbox.take_fragment() is None


def test_pieces_weigh_what_they_hold() -> None:
    inbox = Inbox(max_bytes=10_000)
    put(inbox, (b"x" * 10_000, False))
    assert inbox.is_full()


# To the type that is asked for


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("decode", [None, True, False])
@pytest.mark.parametrize("text", [True, False])
def test_types(text: bool, decode: bool | None, seed: int) -> None:
    parts: list[Any] = cut(SAMPLE.encode(), seed)
    if text:
        parts = [SAMPLE[:seed], SAMPLE[seed:]]
    decoder = FragmentDecoder(decode)
    result = [
        decoder.data_of(Fragment(part, number == len(parts) - 1))
        for number, part in enumerate(parts)
    ]
    as_text = text if decode is None else decode
    joined: Any = ("" if as_text else b"").join(result)  # type: ignore[arg-type]
    assert joined == (SAMPLE if as_text else SAMPLE.encode())


def test_position_of_what_cannot_be_decoded() -> None:
    decoder = FragmentDecoder(True)
    assert decoder.data_of(Fragment(b"abc\xc3", False)) == "abc"
    with pytest.raises(UnicodeDecodeError) as caught:
        decoder.data_of(Fragment(b"\xa9\xff", True))
    assert caught.value.start == 5
    with pytest.raises(UnicodeDecodeError):
        FragmentDecoder(True).data_of(Fragment(b"\xc3", True))


def test_what_a_piece_looks_like() -> None:
    assert repr(Fragment("abc", True)) == "<Fragment: str[3], fin=True>"
