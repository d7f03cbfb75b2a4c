"""Whatever arrives, however it arrives, on whichever form: the same comes out."""

from __future__ import annotations

import random
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from forms import INSTALLED, PURE, needs_both, outcome
from framing import (
    BINARY,
    CLOSE,
    CONT,
    KEY,
    LENGTHS,
    PING,
    PONG,
    TEXT,
    decode,
    frame,
    opened,
    payload,
    scanned,
    validate,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ws_types import Extension, Frame, PayloadTooBig
from ws_types.typing import BytesLike

payloads = st.one_of(
    st.binary(max_size=140),
    st.text(max_size=60).map(str.encode),
    st.integers(0, 300).map(lambda size: b"ascii " * size),
    st.sampled_from([b"\xed\xa0", b"\xf4\x90", b"\xc0", b"a\xe2\x82", b"\x82\xac"]),
)
keys = st.sampled_from([bytes(4), b"\x01\x02\x03\x04", b"\xff\x80\x7f\x00"])


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A message: one frame, or fragments with control frames between them."""
    opcode = draw(st.sampled_from([TEXT, BINARY]))
    data = draw(payloads)
    wire = b""
    while draw(st.booleans()):
        cut = draw(st.integers(0, len(data)))
        wire += frame(opcode, data[:cut], fin=False, key=draw(keys))
        opcode, data = CONT, data[cut:]
        if draw(st.booleans()):
            wire += draw(controls())
    return wire + frame(opcode, data, key=draw(keys))


@st.composite
def controls(draw: st.DrawFn) -> bytes:
    opcode = draw(st.sampled_from([PING, PONG]))
    return frame(opcode, draw(st.binary(max_size=125)), key=draw(keys))


@st.composite
def oddities(draw: st.DrawFn) -> bytes:
    """Frames that may be illegal, each in one way or several."""
    return frame(
        draw(st.integers(0, 15)),
        draw(payloads),
        fin=draw(st.booleans()),
        rsv=draw(st.sampled_from([0, 0, 0, 0x40, 0x20, 0x10])),
        key=draw(st.one_of(keys, st.none())),
        form=draw(st.sampled_from([None, None, None, 8])),
    )


closes = st.one_of(
    st.tuples(st.integers(0, 5000), st.text(max_size=20)).map(
        lambda close: frame(CLOSE, close[0].to_bytes(2, "big") + close[1].encode())
    ),
    st.binary(max_size=3).map(lambda data: frame(CLOSE, data)),
)
streams = st.lists(
    st.one_of(messages(), messages(), messages(), controls(), oddities(), closes), max_size=6
).map(b"".join)


def cut(stream: bytes, positions: list[int]) -> list[bytes]:
    bounds = sorted({0, len(stream), *(position % (len(stream) + 1) for position in positions)})
    return [stream[a:b] for a, b in pairwise(bounds)]


def comparable(result: tuple[Any, Any, Any]) -> Any:
    events, control_frames, error = result
    return [str(event) if hasattr(event, "rsv1") else event for event in events], (
        control_frames,
        error,
    )


cuttings = st.one_of(st.lists(st.integers(0, 10_000), max_size=8), st.just(list(range(2000))))
limits = st.sampled_from([{}, {"max_message": 50}, {"max_message": 200, "max_fragment": 20}])


@settings(max_examples=400)
@given(streams, cuttings, limits, st.sampled_from(["messages", "frames"]))
@example(frame(TEXT, b"\xed\xa0\x80"), [7, 8], {}, "messages")
@example(frame(TEXT, b"x" * 700, fin=False) + frame(CONT, b"\xc3"), [300, 600], {}, "messages")
@example(frame(TEXT, b"ab", fin=False) + frame(CLOSE, b"\x03\xe8\xff"), [], {}, "frames")
def test_any_cutting_gives_the_same(
    stream: bytes, positions: list[int], limit: dict[str, int], view: str
) -> None:
    whole = comparable(decode(INSTALLED, [stream], view=view, **limit))
    parts = comparable(decode(INSTALLED, cut(stream, positions), view=view, **limit))
    assert parts == whole


class Reverse(Extension):
    """Reverses payloads and doubles them, by both interfaces; its bit is RSV1."""

    name = "x-reverse"  # type: ignore[assignment]
    message_rsv = 0x40

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        if frame.rsv1:
            data = self.decode_message(frame.data, max_size=max_size)
            return Frame(frame.opcode, data, frame.fin, False, frame.rsv2, frame.rsv3)
        return frame

    def decode_message(self, data: BytesLike, *, max_size: int | None) -> bytes:
        if max_size is not None and 2 * len(data) > max_size:
            raise PayloadTooBig(2 * len(data), max_size)
        return bytes(data)[::-1] * 2


def assemblers(forms: SimpleNamespace, view: str, limit: dict[str, int]) -> tuple[Any, Any]:
    """What the decoder feeds, and where events are found."""
    if view == "hook":
        outcome = forms.MessageAssembler(**limit, extension=Reverse())
        return outcome, outcome
    kind = forms.MessageAssembler if "messages" in view else forms.FrameAssembler
    outcome = kind(**limit)
    return forms.ExtensionChain(outcome, [Reverse()]) if "chain" in view else outcome, outcome


def trace(
    forms: SimpleNamespace, chunks: list[Any], view: str, masked: bool, limit: dict[str, int]
) -> list[Any]:
    """All that can be seen after each chunk."""
    assembler, outcome = assemblers(forms, view, limit)
    decoder = forms.FrameDecoder(assembler, masked)
    seen: list[Any] = []
    for chunk in chunks:
        try:
            decoder.receive(chunk)
        except Exception as exc:
            seen.append((type(exc).__name__, str(exc), exc.args))
        seen.append(list(map(repr, outcome.take_events())))
        seen.append(list(outcome.controls))
        seen.append((bool(decoder.finished), bool(decoder.at_boundary())))
        for each in (assembler, outcome):
            seen.append((each.opcode, each.rsv, each.size, each.text_offset))
    return seen


VIEWS = ["messages", "frames", "hook", "chain of messages", "chain of frames"]


@needs_both
@settings(max_examples=600)
@given(streams, cuttings, limits, st.sampled_from(VIEWS), st.booleans())
@example(frame(TEXT, b"\xed\xa0\x80"), [7, 8], {}, "messages", True)
@example(frame(TEXT, b"x" * 25, rsv=0x40), [9], {"max_message": 50}, "hook", True)
@example(frame(TEXT, b"x" * 26, rsv=0x40), [9], {"max_message": 50}, "chain of frames", True)
def test_both_forms_agree(
    stream: bytes, positions: list[int], limit: dict[str, int], view: str, masked: bool
) -> None:
    chunks = cut(stream, positions)
    compiled = trace(INSTALLED, chunks, view, masked, limit)
    assert compiled == trace(PURE, chunks, view, masked, limit)


@settings(max_examples=300)
@given(streams, cuttings, limits, st.sampled_from(VIEWS[2:]))
@example(frame(TEXT, b"x" * 6, rsv=0x40), [9], {"max_message": 100, "max_fragment": 10}, "hook")
def test_any_cutting_gives_the_same_with_extensions(
    stream: bytes, positions: list[int], limit: dict[str, int], view: str
) -> None:
    def run(chunks: list[bytes]) -> Any:
        assembler, result = assemblers(INSTALLED, view, limit)
        decoder = INSTALLED.FrameDecoder(assembler, True)
        error = None
        try:
            for chunk in chunks:
                decoder.receive(chunk)
        except Exception as exc:
            error = type(exc), getattr(exc, "reason", str(exc))
        return list(map(repr, result.take_events())), result.controls, error

    assert run(cut(stream, positions)) == run([stream])


@given(
    st.lists(st.one_of(st.text(max_size=200), st.binary(max_size=200)), max_size=8),
    st.booleans(),
    cuttings,
)
def test_decoding_undoes_encoding(
    sent: list[str | bytes], masked: bool, positions: list[int]
) -> None:
    encoder = INSTALLED.FrameEncoder(masked)
    for message in sent:
        encoder.data(TEXT if isinstance(message, str) else BINARY, message, True)
    stream = b"".join(encoder.take())
    events, _, error = decode(INSTALLED, cut(stream, positions), masked=masked)
    assert (events, error) == (sent, None)


@needs_both
class TestTwins:
    """The compiled form and the interpreted one agree on everything."""

    def test_payloads(self) -> None:
        rng = random.Random(6455)
        for size in LENGTHS:
            for alignment in range(8):
                data = rng.randbytes(alignment) + frame(
                    rng.choice([TEXT, BINARY]), rng.randbytes(size), key=rng.randbytes(4)
                )
                results = []
                for forms in (INSTALLED, PURE):
                    source = opened(bytearray(data), forms)
                    header = forms.FrameHeader()
                    start = header.scan(source, alignment)
                    results.append(
                        (
                            start,
                            outcome(forms.payload_bytes, source, header, start),
                            outcome(forms.payload_text, source, header, start),
                        )
                    )
                assert results[0] == results[1]

    def test_headers(self) -> None:
        rng = random.Random(7692)
        for _ in range(3000):
            data = rng.randbytes(rng.randrange(20))
            cut = rng.randrange(len(data) + 1)
            results = []
            for forms in (INSTALLED, PURE):
                header = forms.FrameHeader()
                states = []
                for piece in (data[:cut], data[cut:]):
                    if header.complete:
                        break
                    position = header.scan(opened(piece, forms), 0)
                    states.append((position, header.complete, header.partial()))
                    if header.complete:
                        states.append(
                            (header.first, bool(header.masked), header.form, header.length)
                        )
                        states.append(header.key)
                results.append(states)
            assert results[0] == results[1]

    @pytest.mark.parametrize("text", [False, True])
    def test_validators(self, text: bool) -> None:
        rng = random.Random(3629)
        starts = b"\x00a\x7f\x80\x8f\x90\x9f\xa0\xbf\xc1\xc2\xdf\xe0\xed\xef\xf0\xf1\xf4\xf5\xff"
        for _ in range(20000):
            data = bytes(rng.choices(starts, k=rng.randrange(1, 12)))
            cut = rng.randrange(len(data) + 1)
            pieces = [data[:cut], data[cut:]]
            assert validate(pieces, INSTALLED, text) == validate(pieces, PURE, text)

    def test_encoding(self) -> None:
        for data in (
            b"",
            b"abc",
            "text",
            "é",
            "\ud800",
            5,
            memoryview(b"abcdef")[::2],
            b"x" * 70000,
        ):
            assert outcome(INSTALLED.encode_frame, 0x82, data, False) == outcome(
                PURE.encode_frame, 0x82, data, False
            )

    def test_encoding_in_pieces_of_any_type(self) -> None:
        """Masked, with the same keys: lengths, alignments, and types of buffers."""
        rng = random.Random(8441)
        for size in LENGTHS:
            raw = rng.randbytes(size + 8)
            for alignment in range(8):
                view = memoryview(raw)[alignment : alignment + size]
                for data in (bytes(view), bytearray(view), view, view[::-1], view[::2]):
                    encoded = INSTALLED.encode_frame(0x82, data, True)
                    key = encoded[len(encoded) - len(bytes(data)) - 4 :][:4]
                    assert encoded == frame(BINARY, bytes(data), key=key)

    @pytest.mark.parametrize("text", [False, True])
    @pytest.mark.parametrize("masked", [False, True])
    def test_buffers(self, text: bool, masked: bool) -> None:
        rng = random.Random(9220)
        for size in (1, 511, 512, 513, 1025, 4096, 9000):
            for content in (b"a" * size, payload(size, TEXT), rng.randbytes(size)):
                data = frame(BINARY, content, key=KEY if masked else None)
                bounds = sorted({0, size, *(rng.randrange(size + 1) for _ in range(5))})
                results = []
                for forms in (INSTALLED, PURE):
                    source, header, start = scanned(data, forms)
                    buffer = forms.PayloadBuffer()
                    if text:
                        buffer.expect_text()
                    states = []
                    for a, b in pairwise(bounds):
                        buffer.append(source, header, start + a, b - a, a)
                        states.append((buffer.size, buffer.data))
                    take = buffer.take_text if text else buffer.take_bytes
                    results.append((states, outcome(take), buffer.size, buffer.data))
                assert results[0] == results[1]
