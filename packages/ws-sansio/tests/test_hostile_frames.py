"""
What a hostile peer may try with frames, and what it comes to.

The limits of memory are measured, with room for what an interpreter needs.
"""

from __future__ import annotations

from typing import Any

import pytest
from framing import BINARY, CLOSE, CONT, KEY, PING, TEXT, frame, header
from wiring import KIB, MIB, peak

from ws_sansio import Protocol, Side, State
from ws_types.codes import CloseCode
from ws_types.errors import PayloadTooBig, TooManyFragments
from ws_types.extension import Extension
from ws_types.frames import Frame

pytest_plugins = ["variants"]


def failed(protocol: Protocol, code: CloseCode) -> str:
    """A connection was failed; returns the reason."""
    assert protocol.state is State.CLOSING
    assert protocol.close_sent is not None
    assert protocol.close_sent.code == code
    return protocol.close_sent.reason


# Fragments, sizes, lengths


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_empty_fragments_are_counted(view: Any, opcode: int) -> None:
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(frame(opcode, fin=False))
    for _ in range(5000):
        server.receive_data(frame(CONT, fin=False))
        server.events_received()
    assert failed(server, CloseCode.MESSAGE_TOO_BIG) == (
        "fragmented message exceeds limit of 4096 frames"
    )
    assert isinstance(server.parser_exc, TooManyFragments)


def test_tiny_fragments_are_bounded_by_their_bytes() -> None:
    server = Protocol(Side.SERVER, view="messages", max_size=16 * KIB)
    flood = frame(BINARY, b"x", fin=False) + frame(CONT, b"x", fin=False) * (16 * KIB)
    assert peak(lambda: server.receive_data(flood)) < 512 * KIB
    assert failed(server, CloseCode.MESSAGE_TOO_BIG)
    server = Protocol(Side.SERVER, view="messages", max_size=16 * KIB)
    server.receive_data(flood[: 16 * KIB * 7])
    server.receive_data(frame(CONT))
    assert server.events_received() == [b"x" * (16 * KIB)]


@pytest.mark.parametrize("length", [2**20 + 1, 2**30, 2**32, 2**62, 2**63 - 1])
def test_a_huge_frame_is_refused_from_its_header(view: Any, length: int) -> None:
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(header(BINARY, length)[:-4])
    assert server.state is State.OPEN
    server.receive_data(KEY)
    assert failed(server, CloseCode.MESSAGE_TOO_BIG) == (
        f"frame with {length} bytes exceeds limit of 1048576 bytes"
    )
    assert isinstance(server.parser_exc, PayloadTooBig)


def test_a_huge_frame_that_is_announced_and_dribbled_reserves_nothing(view: Any) -> None:
    server = Protocol(Side.SERVER, view=view, max_size=None)

    def dribble() -> None:
        server.receive_data(header(BINARY, 2**30))
        for _ in range(1000):
            server.receive_data(b"x")

    assert peak(dribble) < 64 * KIB
    assert server.state is State.OPEN


@pytest.mark.parametrize("max_size", [None, 2**20])
@pytest.mark.parametrize("length", [2**63, 2**64 - 1])
def test_lengths_of_64_bits_are_refused(view: Any, length: int, max_size: int | None) -> None:
    server = Protocol(Side.SERVER, view=view, max_size=max_size)
    server.receive_data(header(BINARY, length))
    assert failed(server, CloseCode.PROTOCOL_ERROR) == "payload length exceeds 2**63 - 1"


def test_lengths_add_up_without_overflow(view: Any) -> None:
    server = Protocol(Side.SERVER, view=view, max_size=None)
    server.receive_data(frame(BINARY, b"x" * 10, fin=False) + header(CONT, 2**63 - 1))
    assert failed(server, CloseCode.MESSAGE_TOO_BIG)


@pytest.mark.parametrize(
    ("size", "form"), [(0, 2), (125, 2), (0, 8), (125, 8), (126, 8), (65535, 8)]
)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_lengths_have_their_shortest_form(view: Any, opcode: int, size: int, form: int) -> None:
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(frame(opcode, b"x" * size, form=form))
    assert failed(server, CloseCode.PROTOCOL_ERROR) == "payload length isn't in its shortest form"


@pytest.mark.parametrize("size", [126, 2**16])
@pytest.mark.parametrize("opcode", [PING, CLOSE])
def test_control_frames_are_short(view: Any, opcode: int, size: int) -> None:
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(header(opcode, size))
    assert failed(server, CloseCode.PROTOCOL_ERROR) == "control frame too long"


# Extensions


@pytest.mark.parametrize("rsv", [0x10, 0x20, 0x40, 0x70])
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, CLOSE])
def test_reserved_bits_that_were_not_negotiated_are_refused(
    view: Any, opcode: int, rsv: int
) -> None:
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(frame(opcode, rsv=rsv))
    assert failed(server, CloseCode.PROTOCOL_ERROR) == "reserved bits must be 0"
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(frame(TEXT, fin=False) + frame(CONT, rsv=rsv))
    assert failed(server, CloseCode.PROTOCOL_ERROR) == "reserved bits must be 0"


class Inflating(Extension):
    """Makes each byte a MiB, as far as the limit permits."""

    name = "inflate"  # type: ignore[assignment]

    def __init__(self, message_rsv: int | None) -> None:
        self.message_rsv = message_rsv
        self.limits: list[int | None] = []

    def encode(self, frame: Frame) -> Frame:
        return frame

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        if not frame.rsv1:
            return frame
        return Frame(frame.opcode, self.decode_message(frame.data, max_size=max_size), frame.fin)

    def decode_message(self, data: Any, *, max_size: int | None) -> bytes:
        self.limits.append(max_size)
        if max_size is not None and len(data) * MIB > max_size:
            raise PayloadTooBig(None, max_size)
        return bytes(len(data) * MIB)


@pytest.mark.parametrize("hook", [None, 0x40])
def test_extensions_are_told_the_limit_ahead(view: Any, hook: int | None) -> None:
    extension = Inflating(hook)
    server = Protocol(Side.SERVER, view=view, state=State.CONNECTING, max_size=MIB)
    server.extensions = [extension]
    server.state = State.OPEN
    server.receive_data(frame(BINARY, b"x", rsv=0x40))
    [event] = server.events_received()
    assert len(event if view == "messages" else event.data) == MIB
    assert peak(lambda: server.receive_data(frame(BINARY, b"x" * 1000, rsv=0x40))) < 256 * KIB
    assert failed(server, CloseCode.MESSAGE_TOO_BIG) == "frame exceeds limit of 1048576 bytes"
    assert extension.limits == [MIB, MIB]


# Text


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"", b"\xff"),
        (b"", b"\xc0"),  # overlong
        (b"\xe0", b"\x80"),
        (b"\xf0", b"\x80"),
        (b"\xed", b"\xa0"),  # a surrogate
        (b"\xf4", b"\x90"),  # beyond U+10FFFF
        (b"\xe2\x82", b"a"),
        (b"", b"\x80"),
    ],
)
@pytest.mark.parametrize("before", [b"", b"abcdefghijklmnopqrstuvwxyz", "\u20ac".encode()])
def test_bad_text_is_refused_at_its_first_bad_byte(
    view: Any, before: bytes, good: bytes, bad: bytes
) -> None:
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(frame(TEXT, before, fin=False))
    data = frame(CONT, good + bad + b"more", fin=False)
    end = 6 + len(good)
    server.receive_data(data[:end])
    assert server.state is State.OPEN
    server.receive_data(data[end : end + 1])
    assert failed(server, CloseCode.INVALID_DATA).endswith(f"at position {len(before)}")


def test_text_that_is_cut_off_is_refused(view: Any) -> None:
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(frame(TEXT, b"a\xe2", fin=False) + frame(CONT, b"\x82"))
    assert failed(server, CloseCode.INVALID_DATA) == "unexpected end of data at position 1"


# Input without end, or without sense


@pytest.mark.parametrize("last", [frame(3), frame(CLOSE)])
def test_what_follows_the_last_frame_is_not_buffered(view: Any, last: bytes) -> None:
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(last)
    server.data_to_send()
    server.events_received()

    data = frame(BINARY, bytes(KIB)) + frame(PING)

    def flood() -> None:
        for _ in range(1000):
            server.receive_data(data)

    assert peak(flood) < 64 * KIB
    assert server.data_to_send() == []
    assert server.events_received() == []


def test_no_input_raises() -> None:
    for first in range(256):
        for second in (0, 1, 2, 125, 126, 127, 128, 129, 130, 253, 254, 255):
            for side in Side:
                protocol = Protocol(side)
                protocol.receive_data(bytes([first, second]))
                protocol.receive_data(bytes(20))
                protocol.receive_eof()
                assert protocol.state is State.CLOSED
