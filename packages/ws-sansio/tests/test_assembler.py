"""From frames to messages: limits, text, extensions."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from forms import INSTALLED
from framing import BINARY, CLOSE, CONT, PING, TEXT, cuts, decode, frame, header

from ws_sansio.assembler import (
    MAX_EMPTY_FRAGMENTS,
    Assembler,
    ExtensionChain,
    FrameAssembler,
    MessageAssembler,
)
from ws_sansio.codec import FrameDecoder
from ws_types import Extension, Frame, Opcode, PayloadTooBig, ProtocolError
from ws_types.typing import BytesLike

VIEWS = ["messages", "frames"]


def error_of(data: bytes, **options: Any) -> Any:
    """The error, the same however the data arrives."""
    errors = {decode(INSTALLED, chunks, **options)[2] for chunks in cuts(data)}
    assert len(errors) == 1
    return errors.pop()


@pytest.mark.parametrize("view", VIEWS)
class TestLimits:
    def test_the_largest_message(self, view: str) -> None:
        assert error_of(frame(BINARY, bytes(10)), view=view, max_message=10) is None
        kind, text, _ = error_of(frame(BINARY, bytes(11)), view=view, max_message=10)
        assert (kind, text) == ("PayloadTooBig", "frame with 11 bytes exceeds limit of 10 bytes")

    def test_the_largest_fragment(self, view: str) -> None:
        options = {"view": view, "max_message": 10, "max_fragment": 4}
        fragments = frame(TEXT, b"abcd", fin=False) + frame(CONT, b"efgh", fin=False)
        assert error_of(fragments + frame(CONT, b"ij"), **options) is None
        assert error_of(fragments + frame(CONT, b"ijk"), **options)[1] == (
            "frame with 3 bytes after reading 8 bytes exceeds limit of 10 bytes"
        )
        assert error_of(frame(TEXT, b"abcde"), **options)[1] == (
            "frame with 5 bytes exceeds limit of 4 bytes"
        )

    def test_a_limit_of_0(self, view: str) -> None:
        assert error_of(frame(TEXT), view=view, max_message=0) is None
        assert error_of(frame(TEXT, b"a"), view=view, max_message=0) is not None

    def test_a_limit_below_0_is_0(self, view: str) -> None:
        options = {"view": view, "max_message": -1, "max_fragment": -(2**70)}
        assert error_of(frame(BINARY), **options) is None
        assert error_of(frame(BINARY, b"a"), **options)[1] == (
            "frame with 1 bytes exceeds limit of 0 bytes"
        )

    def test_limits_beyond_what_a_frame_can_have(self, view: str) -> None:
        assert error_of(frame(TEXT, b"a"), view=view, max_message=2**70) is None

    def test_the_limit_is_applied_from_the_header(self, view: str) -> None:
        events, _, error = decode(INSTALLED, [header(BINARY, 2**30)], view=view, max_message=2**20)
        assert events == []
        assert error[0] == "PayloadTooBig"

    def test_a_limit_counts_a_message_anew(self, view: str) -> None:
        data = frame(TEXT, b"abc", fin=False) + frame(CONT, b"de")
        assert error_of(data * 5, view=view, max_message=5) is None

    def test_nothing_is_reserved_for_what_is_announced(self, view: str) -> None:
        # 1 GiB is announced, and a few bytes come.
        assembler = MessageAssembler() if view == "messages" else FrameAssembler()
        decoder = FrameDecoder(assembler, True)
        tracemalloc.start()
        try:
            decoder.receive(header(BINARY, 2**30))
            for _ in range(3000):
                decoder.receive(b"x")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 50_000

    def test_empty_fragments_are_counted(self, view: str) -> None:
        start = frame(TEXT, b"a", fin=False)
        empty = frame(CONT, fin=False)
        for end in (frame(CONT, b"b"), frame(CONT)):
            enough = [start, empty * MAX_EMPTY_FRAGMENTS, end]
            assert decode(INSTALLED, [*enough, *enough], view=view)[2] is None
        _, _, error = decode(INSTALLED, [start, empty * (MAX_EMPTY_FRAGMENTS + 1)], view=view)
        assert error[:2] == (
            "TooManyFragments",
            f"fragmented message exceeds limit of {MAX_EMPTY_FRAGMENTS} frames",
        )

    def test_fragments_with_data_are_not(self, view: str) -> None:
        count = 3 * MAX_EMPTY_FRAGMENTS
        data = frame(BINARY, b"x", fin=False) + frame(CONT, b"x", fin=False) * (count - 1)
        assert decode(INSTALLED, [data], view=view, max_message=count)[2] is None


def test_many_small_fragments_weigh_what_they_hold() -> None:
    decoder = FrameDecoder(MessageAssembler(), True)
    decoder.receive(frame(BINARY, b"x", fin=False))
    data = frame(CONT, b"x", fin=False)
    tracemalloc.start()
    try:
        for _ in range(20_000):
            decoder.receive(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000


@pytest.mark.parametrize("view", VIEWS)
class TestText:
    def test_characters_cut_by_fragments(self, view: str) -> None:
        data = "é€😀".encode()
        for cut in range(len(data)):
            wire = frame(TEXT, data[:cut], fin=False) + frame(CONT, data[cut:])
            for chunks in cuts(wire):
                events, _, error = decode(INSTALLED, chunks, view=view)
                assert error is None
                if view == "messages":
                    assert events == ["é€😀"]

    def test_the_first_wrong_byte_ends_it(self, view: str) -> None:
        # The frame isn't complete, nor is the message.
        for bad, reason in (
            (b"\xc0", "invalid start byte"),
            (b"\xe0\x9f", "invalid continuation byte"),
            (b"\xed\xa0", "invalid continuation byte"),
            (b"\xf4\x90", "invalid continuation byte"),
        ):
            wire = frame(TEXT, b"ab" + bad + bytes(100), fin=False)
            right = 7 + len(bad)  # up to the first wrong byte
            for size in range(right + 1, len(wire)):
                for chunks in ([wire[:size]], [wire[:right], wire[right:size]]):
                    _, _, error = decode(INSTALLED, chunks, view=view)
                    assert error == ("UnicodeDecodeError", reason, 2)
            assert decode(INSTALLED, [wire[:right]], view=view)[2] is None

    @pytest.mark.parametrize("cut", [0, 1, 2, 3])
    def test_positions_count_from_the_start_of_the_message(self, view: str, cut: int) -> None:
        data = b"abcde" + b"\xed\xa0\x80"
        wire = frame(TEXT, data[: 5 + cut], fin=False) + frame(CONT, data[5 + cut :])
        assert error_of(wire, view=view) == ("UnicodeDecodeError", "invalid continuation byte", 5)

    def test_characters_that_never_end(self, view: str) -> None:
        expected = ("UnicodeDecodeError", "unexpected end of data", 1)
        assert error_of(frame(TEXT, b"a\xe2\x82"), view=view) == expected
        wire = frame(TEXT, b"a\xe2", fin=False) + frame(CONT, b"\x82")
        assert error_of(wire, view=view) == expected

    def test_binary_may_be_anything(self, view: str) -> None:
        wire = frame(BINARY, b"\xff\xc0", fin=False) + frame(CONT, b"\xed\xa0")
        assert error_of(wire, view=view) is None

    def test_text_after_text(self, view: str) -> None:
        wire = frame(TEXT, b"\xc3", fin=False) + frame(CONT, b"\xa9") + frame(TEXT, b"a\xff")
        assert error_of(wire, view=view) == ("UnicodeDecodeError", "invalid start byte", 1)


@pytest.mark.parametrize("view", VIEWS)
class TestClose:
    @pytest.mark.parametrize(
        ("data", "text"),
        [
            (b"\x03", "close frame too short"),
            (b"\x03\xe7", "invalid status code"),
            (b"\x03\xed", "invalid status code"),
            (b"\x13\x88", "invalid status code"),
        ],
    )
    def test_nonsense(self, view: str, data: bytes, text: str) -> None:
        events, controls, error = decode(INSTALLED, [frame(CLOSE, data)], view=view)
        assert (events, controls) == ([], [])
        assert error[:2] == ("ProtocolError", text)

    def test_reasons_are_utf8(self, view: str) -> None:
        # The position isn't confused with that in a message that was in progress.
        wire = frame(TEXT, b"abc", fin=False) + frame(CLOSE, b"\x03\xe8\xff")
        assert error_of(wire, view=view) == ("UnicodeDecodeError", "invalid start byte", 0)


class Swap(Extension):
    """Swaps the case of text, and marks frames with RSV2."""

    name = "x-swap"  # type: ignore[assignment]

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        if frame.opcode in (Opcode.PING, Opcode.PONG, Opcode.CLOSE):
            return frame
        if not frame.rsv2:
            raise ProtocolError("not swapped")
        return Frame(frame.opcode, bytes(frame.data).swapcase(), frame.fin)


class Repeat(Extension):
    """Repeats each frame, within the limit that it is told."""

    name = "x-repeat"  # type: ignore[assignment]

    def __init__(self, times: int) -> None:
        self.times = times
        self.limits: list[int | None] = []

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        self.limits.append(max_size)
        data = bytes(frame.data) * self.times
        return Frame(frame.opcode, data, frame.fin, frame.rsv1, frame.rsv2, frame.rsv3)


class Append(Extension):
    """Appends something, and takes RSV1."""

    name = "x-append"  # type: ignore[assignment]

    def __init__(self, suffix: bytes) -> None:
        self.suffix = suffix
        self.bits: list[tuple[bool, bool, bool]] = []

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        self.bits.append((frame.rsv1, frame.rsv2, frame.rsv3))
        data = bytes(frame.data) + self.suffix
        return Frame(frame.opcode, data, frame.fin, False, frame.rsv2, frame.rsv3)


class Hook(Extension):
    """The message-level hook: repeats messages."""

    name = "x-hook"  # type: ignore[assignment]
    message_rsv = 0x40

    def __init__(self, times: int = 2) -> None:
        self.times = times

    def decode_message(self, data: BytesLike, *, max_size: int | None) -> bytes:
        size = len(data) * self.times
        if max_size is not None and size > max_size:
            raise PayloadTooBig(size, max_size)
        return bytes(data) * self.times


def run(assembler: Assembler, outcome: Assembler, chunks: list[bytes]) -> Any:
    decoder = FrameDecoder(assembler, True)
    try:
        for chunk in chunks:
            decoder.receive(chunk)
    except Exception as exc:
        return outcome.take_events(), f"{type(exc).__name__}: {exc}"
    return outcome.take_events(), None


class TestExtensionChain:
    def test_frames_pass_through_extensions(self) -> None:
        wire = frame(TEXT, b"AB", rsv=0x20, fin=False) + frame(CONT, b"cd", rsv=0x20)
        for chunks in cuts(wire):
            outcome: Assembler = MessageAssembler()
            assert run(ExtensionChain(outcome, [Swap()]), outcome, chunks) == (["abCD"], None)
            outcome = FrameAssembler()
            events, error = run(ExtensionChain(outcome, [Swap()]), outcome, chunks)
            assert error is None
            assert [(e.data, e.fin, e.rsv2) for e in events] == [
                (b"ab", False, False),
                (b"CD", True, False),
            ]

    def test_the_last_extension_comes_first(self) -> None:
        outcome = FrameAssembler()
        chain = ExtensionChain(outcome, [Append(b"2"), Append(b"1")])
        events, error = run(chain, outcome, [frame(TEXT, b"ab")])
        assert (error, events[0].data) == (None, b"ab12")

    @pytest.mark.parametrize("rsv", [0, 0x40, 0x20, 0x10, 0x70])
    def test_extensions_see_the_reserved_bits(self, rsv: int) -> None:
        extension = Append(b"")
        outcome = FrameAssembler()
        _, error = run(ExtensionChain(outcome, [extension]), outcome, [frame(TEXT, b"ab", rsv=rsv)])
        assert extension.bits == [(rsv & 0x40 != 0, rsv & 0x20 != 0, rsv & 0x10 != 0)]
        assert (error is None) is (rsv & 0x30 == 0)

    def test_errors_of_extensions(self) -> None:
        outcome = FrameAssembler()
        _, error = run(ExtensionChain(outcome, [Swap()]), outcome, [frame(TEXT, b"ab")])
        assert error == "ProtocolError: not swapped"

    @pytest.mark.parametrize("rsv", [0x40, 0x20, 0x10])
    def test_reserved_bits_that_nobody_took(self, rsv: int) -> None:
        outcome = FrameAssembler()
        _, error = run(ExtensionChain(outcome, [Repeat(1)]), outcome, [frame(TEXT, b"a", rsv=rsv)])
        assert error == "ProtocolError: reserved bits must be 0"

    def test_extensions_are_told_the_limit_that_is_left(self) -> None:
        repeat = Repeat(2)
        outcome = MessageAssembler(10, 8)
        wire = frame(BINARY, b"abc", fin=False) + frame(CONT, b"de")
        assert run(ExtensionChain(outcome, [repeat]), outcome, [wire]) == ([b"abcabcdede"], None)
        assert repeat.limits == [8, 4]

    def test_no_limit(self) -> None:
        repeat = Repeat(1)
        outcome = MessageAssembler()
        run(ExtensionChain(outcome, [repeat]), outcome, [frame(BINARY, b"abc")])
        assert repeat.limits == [None]

    def test_the_limit_holds_for_what_comes_out(self) -> None:
        outcome = MessageAssembler(10)
        chain = ExtensionChain(outcome, [Repeat(3)])
        _, error = run(chain, outcome, [frame(BINARY, b"abcd")])
        assert error == "PayloadTooBig: frame with 12 bytes exceeds limit of 10 bytes"

    def test_what_comes_in_is_bounded_too(self) -> None:
        outcome = MessageAssembler(1000)
        _, error = run(ExtensionChain(outcome, [Repeat(0)]), outcome, [header(BINARY, 2000)])
        # The limit is that which was configured, not that on what is encoded.
        assert error == "PayloadTooBig: frame with 2000 bytes exceeds limit of 1000 bytes"
        wire = frame(BINARY, bytes(1000), fin=False) + header(CONT, 700)
        _, error = run(ExtensionChain(outcome, [Repeat(0)]), outcome, [wire])
        assert error == (
            "PayloadTooBig: frame with 700 bytes after reading 1000 bytes "
            "exceeds limit of 1000 bytes"
        )

    @pytest.mark.parametrize("rsv", [0, 0x40])
    def test_what_comes_in_may_be_somewhat_larger(self, rsv: int) -> None:
        class Shrink(Append):
            def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
                return Frame(frame.opcode, bytes(frame.data)[:1000], frame.fin)

        for limits in ((1000, None), (None, 1000)):
            outcome = MessageAssembler(*limits)
            chain = ExtensionChain(outcome, [Shrink(b"")])
            events, error = run(chain, outcome, [frame(BINARY, bytes(1100), rsv=rsv)])
            assert (error, len(events[0])) == (None, 1000)
            _, error = run(chain, outcome, [header(BINARY, 1300, rsv=rsv)])
            assert error == "PayloadTooBig: frame with 1300 bytes exceeds limit of 1000 bytes"

    def test_text_is_judged_after_decoding(self) -> None:
        outcome = MessageAssembler()
        _, error = run(ExtensionChain(outcome, [Repeat(2)]), outcome, [frame(TEXT, b"\xff")])
        assert error is not None
        assert "invalid start byte" in error

    def test_control_frames_pass_too(self) -> None:
        outcome = FrameAssembler()
        chain = ExtensionChain(outcome, [Repeat(2)])
        events, _ = run(chain, outcome, [frame(PING, b"ab")])
        assert events[0].data == b"abab"
        assert outcome.controls == [(PING, b"abab")]


class TestMessageHook:
    def test_messages_with_its_bit_are_decoded(self) -> None:
        wire = frame(TEXT, b"ab", rsv=0x40) + frame(BINARY, b"c", rsv=0x40) + frame(TEXT, b"as is")
        for chunks in cuts(wire):
            outcome = MessageAssembler(extension=Hook())
            assert run(outcome, outcome, chunks) == (["abab", b"cc", "as is"], None)

    def test_fragments_are_put_together_first(self) -> None:
        wire = frame(TEXT, b"a", rsv=0x40, fin=False) + frame(PING) + frame(CONT, b"b")
        for chunks in cuts(wire):
            outcome = MessageAssembler(extension=Hook())
            assert run(outcome, outcome, chunks) == (["abab"], None)

    def test_the_bit_belongs_to_the_first_frame(self) -> None:
        wire = frame(TEXT, b"a", rsv=0x40, fin=False) + frame(CONT, b"b", rsv=0x40)
        outcome = MessageAssembler(extension=Hook())
        _, error = run(outcome, outcome, [wire])
        assert error == "ProtocolError: reserved bits must be 0"

    @pytest.mark.parametrize("rsv", [0x20, 0x60, 0x10])
    def test_other_bits_have_no_meaning(self, rsv: int) -> None:
        outcome = MessageAssembler(extension=Hook())
        _, error = run(outcome, outcome, [frame(TEXT, b"a", rsv=rsv)])
        assert error == "ProtocolError: reserved bits must be 0"

    @pytest.mark.parametrize(("size", "fits"), [(4, True), (5, True), (6, False)])
    def test_limits_are_exact(self, size: int, fits: bool) -> None:
        for fragmented in (False, True):
            wire = frame(BINARY, bytes(size - 1), rsv=0x40, fin=not fragmented)
            if fragmented:
                wire += frame(CONT, b"")
            outcome = MessageAssembler(2 * 4, extension=Hook())
            _, error = run(outcome, outcome, [wire])
            assert (error is None) is fits
            # Messages that aren't encoded have the same limit, from the header on.
            outcome = MessageAssembler(4, extension=Hook())
            _, error = run(outcome, outcome, [frame(BINARY, bytes(size - 1))])
            assert (error is None) is fits

    def test_the_limit_of_fragments_holds_for_a_single_frame(self) -> None:
        for chunks in cuts(frame(BINARY, bytes(6), rsv=0x40)):
            outcome = MessageAssembler(100, 10, Hook())
            _, error = run(outcome, outcome, chunks)
            assert error == "PayloadTooBig: frame with 12 bytes exceeds limit of 10 bytes"

    def test_fragments_share_the_limit_of_messages(self) -> None:
        for first in (b"", b"a"):
            wire = frame(BINARY, first, rsv=0x40, fin=False) + frame(CONT, bytes(10))
            for chunks in cuts(wire):
                outcome = MessageAssembler(100, 10, Hook())
                events, error = run(outcome, outcome, chunks)
                assert error is None
                assert len(events[0]) == 2 * len(first) + 20

    def test_what_does_not_gain_may_be_somewhat_larger(self) -> None:
        class Shrink(Hook):
            def decode_message(self, data: BytesLike, *, max_size: int | None) -> bytes:
                return bytes(data)[:1000]

        outcome = MessageAssembler(1000, extension=Shrink())
        _, error = run(outcome, outcome, [frame(BINARY, bytes(1100), rsv=0x40)])
        assert error is None
        _, error = run(outcome, outcome, [header(BINARY, 1300, rsv=0x40)])
        assert error == "PayloadTooBig: frame with 1300 bytes exceeds limit of 1000 bytes"

    def test_text_is_judged_after_decoding(self) -> None:
        outcome = MessageAssembler(extension=Hook())
        _, error = run(outcome, outcome, [frame(TEXT, b"\xff", rsv=0x40)])
        assert error is not None
        assert "invalid start byte" in error

    def test_encoded_text_is_not_judged(self) -> None:
        class Invert(Hook):
            def decode_message(self, data: BytesLike, *, max_size: int | None) -> bytes:
                return bytes(byte ^ 0xFF for byte in bytes(data))

        encoded = bytes(byte ^ 0xFF for byte in "héllo".encode())
        for wire in (
            frame(TEXT, encoded, rsv=0x40),
            frame(TEXT, encoded[:2], rsv=0x40, fin=False) + frame(CONT, encoded[2:]),
        ):
            for chunks in cuts(wire):
                outcome = MessageAssembler(extension=Invert())
                assert run(outcome, outcome, chunks) == (["héllo"], None)

    def test_without_a_limit(self) -> None:
        limits = []

        class Note(Hook):
            def decode_message(self, data: BytesLike, *, max_size: int | None) -> bytes:
                limits.append(max_size)
                return bytes(data)

        outcome = MessageAssembler(None, None, Note())
        assert run(outcome, outcome, [frame(BINARY, b"a", rsv=0x40)]) == ([b"a"], None)
        assert limits == [None]


def test_the_base_makes_nothing() -> None:
    with pytest.raises(NotImplementedError):
        FrameDecoder(Assembler(), True).receive(frame(TEXT, b"a"))
