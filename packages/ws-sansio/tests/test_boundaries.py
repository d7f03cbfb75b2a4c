"""The boundary matrix: sizes around which something changes, in each way to arrive; limits."""

from __future__ import annotations

from typing import Any

import pytest
from forms import INSTALLED
from framing import BINARY, CONT, PING, SIZES, TEXT, cuts, decode, frame, payload

from ws_sansio.assembler import Assembler, ExtensionChain, FrameAssembler, MessageAssembler
from ws_sansio.codec import FrameDecoder
from ws_types import Extension, Frame, PayloadTooBig
from ws_types.typing import BytesLike


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("view", ["messages", "frames"])
class TestBoundaries:
    """Sizes around which something changes, in each way to arrive."""

    def test_one_frame(self, size: int, opcode: int, masked: bool, view: str) -> None:
        data = payload(size, opcode)
        wire = frame(opcode, data, **({} if masked else {"key": None}))
        after = frame(PING, b"after", **({} if masked else {"key": None}))
        for chunks in cuts(wire + after[:3]):
            events, controls, error = decode(
                INSTALLED, [*chunks, after[3:]], view=view, masked=masked
            )
            assert error is None
            assert controls == [(PING, b"after")]
            if view == "messages":
                assert events == [data.decode() if opcode == TEXT else data]
            else:
                assert [(e.opcode, e.data, e.fin) for e in events] == [
                    (opcode, data, True),
                    (PING, b"after", True),
                ]

    def test_two_fragments(self, size: int, opcode: int, masked: bool, view: str) -> None:
        data = payload(size, opcode)
        key = {} if masked else {"key": None}
        for cut in {0, 1, size // 2, size}:
            first, second = data[:cut], data[cut:]
            wire = frame(opcode, first, fin=False, **key) + frame(CONT, second, **key)
            for chunks in cuts(wire):
                events, _, error = decode(INSTALLED, chunks, view=view, masked=masked)
                assert error is None
                if view == "messages":
                    assert events == [data.decode() if opcode == TEXT else data]
                else:
                    assert [(e.opcode, e.data, e.fin) for e in events] == [
                        (opcode, first, False),
                        (CONT, second, True),
                    ]


class Double(Extension):
    """Doubles payloads, by both interfaces; its bit is RSV1."""

    name = "x-double"  # type: ignore[assignment]
    message_rsv = 0x40

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        return Frame(frame.opcode, self.decode_message(frame.data, max_size=max_size), frame.fin)

    def decode_message(self, data: BytesLike, *, max_size: int | None) -> bytes:
        if max_size is not None and 2 * len(data) > max_size:
            raise PayloadTooBig(2 * len(data), max_size)
        return bytes(data) * 2


def run(outcome: Assembler, assembler: Assembler, chunks: list[bytes]) -> Any:
    """The sizes of what comes out, or the text of the error."""
    decoder = FrameDecoder(assembler, True)
    try:
        for chunk in chunks:
            decoder.receive(chunk)
    except PayloadTooBig as exc:
        return str(exc)
    return [len(getattr(event, "data", event)) for event in outcome.take_events()]


LIMIT = 300


@pytest.mark.parametrize("over", [-1, 0, 1, 2])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
class TestLimits:
    """Exact to the byte, from one below the limit to two above it."""

    @pytest.mark.parametrize("view", ["messages", "frames"])
    def test_of_messages_in_one_frame(self, over: int, opcode: int, view: str) -> None:
        size = LIMIT + over
        for chunks in cuts(frame(opcode, payload(size, opcode))):
            for limits in ((LIMIT, None), (None, LIMIT), (LIMIT, LIMIT)):
                events, _, error = decode(
                    INSTALLED, chunks, view=view, max_message=limits[0], max_fragment=limits[1]
                )
                if over <= 0:
                    assert (len(events), error) == (1, None)
                else:
                    text = f"frame with {size} bytes exceeds limit of {LIMIT} bytes"
                    assert (events, error) == ([], ("PayloadTooBig", text, 0))

    @pytest.mark.parametrize("view", ["messages", "frames"])
    @pytest.mark.parametrize("first", [0, 1, 200, 299])
    def test_of_messages_in_fragments(self, over: int, opcode: int, view: str, first: int) -> None:
        data = b"x" * (LIMIT + over)
        wire = frame(opcode, data[:first], fin=False) + frame(CONT, data[first:])
        for chunks in cuts(wire):
            _, _, error = decode(INSTALLED, chunks, view=view, max_message=LIMIT)
            if over <= 0:
                assert error is None
            else:
                after = f" after reading {first} bytes" if first else ""
                size = len(data) - first
                text = f"frame with {size} bytes{after} exceeds limit of {LIMIT} bytes"
                assert error[:2] == ("PayloadTooBig", text)

    def test_of_what_an_extension_makes(self, over: int, opcode: int) -> None:
        half = LIMIT // 2 + over
        for chunks in cuts(frame(opcode, b"x" * half, rsv=0x40)):
            for by in ("hook", "chain of messages", "chain of frames"):
                outcome: Assembler
                if by == "hook":
                    outcome = assembler = MessageAssembler(LIMIT, None, Double())
                else:
                    kind = MessageAssembler if "messages" in by else FrameAssembler
                    outcome = kind(LIMIT)
                    assembler = ExtensionChain(outcome, [Double()])  # type: ignore[assignment]
                if over <= 0:
                    assert run(outcome, assembler, chunks) == [2 * half]
                else:
                    text = f"frame with {2 * half} bytes exceeds limit of {LIMIT} bytes"
                    assert run(outcome, assembler, chunks) == text
