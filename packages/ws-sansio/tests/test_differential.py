"""Whatever arrives, however it arrives, on whichever form: the same comes out."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from forms import INSTALLED, PURE, needs_both
from framing import BINARY, CLOSE, CONT, PING, PONG, TEXT, decode, frame
from hypothesis import example, given, settings
from hypothesis import strategies as st

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


@needs_both
@settings(max_examples=400)
@given(streams, cuttings, limits, st.sampled_from(["messages", "frames"]), st.booleans())
@example(frame(TEXT, b"\xed\xa0\x80"), [7, 8], {}, "messages", True)
def test_both_forms_agree(
    stream: bytes, positions: list[int], limit: dict[str, int], view: str, masked: bool
) -> None:
    chunks = cut(stream, positions)
    compiled = comparable(decode(INSTALLED, chunks, view=view, masked=masked, **limit))
    interpreted = comparable(decode(PURE, chunks, view=view, masked=masked, **limit))
    assert compiled == interpreted


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
