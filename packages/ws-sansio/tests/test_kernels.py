"""Masking, UTF-8 validation, the frame header: what each kernel does."""

from __future__ import annotations

import os
import random

import pytest
from forms import INSTALLED, PURE, needs_both, outcome
from framing import BINARY, KEY, TEXT, frame, payload

from ws_sansio._kernels import (
    FrameHeader,
    PayloadBuffer,
    Source,
    Utf8Validator,
    encode_frame,
    payload_bytes,
    payload_text,
)

LENGTHS = [*range(70), 125, 126, 127, 128, 511, 512, 513, 4095, 4096, 4097, 65535, 65536]


def opened(data: object, forms: object = INSTALLED) -> Source:
    source = forms.Source()  # type: ignore[attr-defined]
    source.open(data)
    return source  # type: ignore[no-any-return]


def scanned(data: bytes, forms: object = INSTALLED) -> tuple[Source, FrameHeader, int]:
    source = opened(data, forms)
    header = forms.FrameHeader()  # type: ignore[attr-defined]
    return source, header, header.scan(source, 0)


class TestSource:
    @pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
    def test_takes_bytes_like(self, make: type) -> None:
        source = opened(make(b"abc"))
        assert source.size == 3
        source.close()
        assert source.size == 0

    @pytest.mark.parametrize("data", ["text", 5, None, [1, 2]])
    def test_refuses_everything_else(self, data: object) -> None:
        with pytest.raises(TypeError, match="must be bytes, bytearray, or memoryview"):
            opened(data)

    def test_opening_again_lets_go_of_what_was_open(self) -> None:
        first = bytearray(b"abc")
        source = opened(first)
        source.open(b"d")
        first += b"can be resized, since nobody holds it"
        assert source.size == 1

    def test_items_of_other_types_are_bytes(self) -> None:
        view = memoryview(b"abcdefgh").cast("I")
        assert opened(view).size == 8

    def test_strides_are_followed(self) -> None:
        source, header, start = scanned(memoryview(b"\x82_\x02_a_b_")[::2])  # type: ignore[arg-type]
        assert payload_bytes(source, header, start) == b"ab"


class TestFrameHeader:
    @pytest.mark.parametrize("masked", [False, True])
    @pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
    def test_reads_each_form(self, size: int, masked: bool) -> None:
        data = frame(BINARY, bytes(size), fin=False, rsv=0x40, key=KEY if masked else None)
        _, header, start = scanned(data)
        assert header.complete
        assert (header.first, header.masked, header.length) == (0x42, masked, size)
        assert header.key == (KEY if masked else b"")
        assert len(data) - start == size

    @pytest.mark.parametrize("size", [0, 126, 65536])
    def test_goes_on_wherever_it_was_cut(self, size: int) -> None:
        data = frame(BINARY, bytes(size))
        head = len(data) - size
        for cut in range(1, head):
            header = FrameHeader()
            assert header.scan(opened(data[:cut]), 0) == cut
            assert not header.complete
            assert header.partial() == cut
            rest = opened(b"before" + data[cut:])
            assert header.scan(rest, 6) == 6 + head - cut
            assert header.complete
            assert header.partial() == 0
            assert (header.length, header.key) == (size, KEY)

    def test_byte_by_byte(self) -> None:
        header = FrameHeader()
        data = frame(BINARY, bytes(65536))[:14]
        for i in range(13):
            header.scan(opened(data[i : i + 1]), 0)
            assert not header.complete
        header.scan(opened(data[13:]), 0)
        assert header.length == 65536

    def test_lengths_of_64_bits(self) -> None:
        _, header, _ = scanned(b"\x82\x7f" + b"\xff" * 8)
        assert header.length == 2**64 - 1

    def test_describes_a_frame_that_was_not_on_the_wire(self) -> None:
        header = FrameHeader()
        header.describe(0x81, 5)
        assert (header.first, header.length, header.masked, header.complete) == (0x81, 5, 0, 1)
        header.reset()
        assert not header.complete


class TestPayload:
    @pytest.mark.parametrize("size", LENGTHS)
    @pytest.mark.parametrize("key", [KEY, None])
    def test_bytes_are_unmasked(self, size: int, key: bytes | None) -> None:
        expected = payload(size)
        source, header, start = scanned(frame(BINARY, expected, key=key))
        assert payload_bytes(source, header, start) == expected

    @pytest.mark.parametrize("size", LENGTHS)
    @pytest.mark.parametrize("key", [KEY, None])
    def test_text_is_decoded(self, size: int, key: bytes | None) -> None:
        for data in (payload(size, TEXT), b"q" * size):
            source, header, start = scanned(frame(TEXT, data, key=key))
            assert payload_text(source, header, start) == data.decode()

    def test_single_characters_stay_what_they_are(self) -> None:
        # The interpreter shares strings of one character: none may be written to.
        for code in range(128):
            source, header, start = scanned(frame(TEXT, bytes([code])))
            assert payload_text(source, header, start) == chr(code)
        assert [ord(chr(code)) for code in range(128)] == list(range(128))

    @pytest.mark.parametrize("bad", [b"\xff", b"ab\xc0\x80", b"\xed\xa0\x80", b"\xe2\x82"])
    def test_text_that_is_not_utf8(self, bad: bytes) -> None:
        source, header, start = scanned(frame(TEXT, bad))
        with pytest.raises(UnicodeDecodeError) as found:
            payload_text(source, header, start)
        with pytest.raises(UnicodeDecodeError) as expected:
            bad.decode()
        assert str(found.value) == str(expected.value)


class TestPayloadBuffer:
    @pytest.mark.parametrize("text", [False, True])
    @pytest.mark.parametrize("step", [1, 3, 8, 1000, 5000, 40000])
    def test_pieces_make_the_payload(self, step: int, text: bool) -> None:
        for data in (payload(40001, TEXT), b"ascii" * 8000, b"ascii" * 5000 + "é".encode()):
            source, header, start = scanned(frame(TEXT, data))
            buffer = PayloadBuffer()
            if text:
                buffer.expect_text()
            for offset in range(0, len(data), step):
                count = min(step, len(data) - offset)
                buffer.append(source, header, start + offset, count, offset)
            assert buffer.size == len(data)
            assert buffer.data == data
            taken = buffer.take_text() if text else buffer.take_bytes()
            assert taken == (data.decode() if text else data)
            assert buffer.size == 0
            assert buffer.data == b""

    def test_unmasked_pieces(self) -> None:
        data = b"x" * 5000
        source, header, start = scanned(frame(TEXT, data, key=None))
        for text in (False, True):
            buffer = PayloadBuffer()
            if text:
                buffer.expect_text()
            buffer.append(source, header, start, 2000, 0)
            buffer.append(source, header, start + 2000, 3000, 2000)
            assert (buffer.take_text() if text else buffer.take_bytes()) in (data, data.decode())

    @pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 6000])
    def test_text_can_be_taken_as_bytes_and_bytes_as_text(self, size: int) -> None:
        data = b"x" * size
        source, header, start = scanned(frame(TEXT, data))
        buffer = PayloadBuffer()
        buffer.expect_text()
        buffer.append(source, header, start, size, 0)
        assert buffer.take_bytes() == data
        buffer.append(source, header, start, size, 0)
        assert buffer.take_text() == data.decode()

    def test_what_was_taken_is_not_written_to(self) -> None:
        source, header, start = scanned(frame(BINARY, b"x" * 6000))
        buffer = PayloadBuffer()
        buffer.append(source, header, start, 6000, 0)
        first = buffer.take_bytes()
        buffer.append(source, header, start, 6000, 0)
        buffer.append(source, header, start, 6000, 0)
        assert first == b"x" * 6000

    def test_text_that_turns_out_wrong_when_taken(self) -> None:
        source, header, start = scanned(frame(TEXT, b"\xff"))
        buffer = PayloadBuffer()
        buffer.append(source, header, start, 1, 0)
        with pytest.raises(UnicodeDecodeError):
            buffer.take_text()


def validate(pieces: list[bytes], forms: object = INSTALLED, text: bool = False) -> object:
    """Feed pieces; returns the offset, or where and why it failed."""
    validator = forms.Utf8Validator()  # type: ignore[attr-defined]
    buffer = forms.PayloadBuffer()  # type: ignore[attr-defined]
    if text:
        buffer.expect_text()
    try:
        for piece in pieces:
            before = buffer.size
            source, header, start = scanned(frame(TEXT, piece), forms)
            buffer.append(source, header, start, len(piece), 0)
            validator.feed(buffer, before)
        validator.finish()
    except UnicodeDecodeError as exc:
        return validator.offset + exc.start, exc.reason
    return validator.offset


class TestUtf8Validator:
    # Each is wrong at its last byte, and right before it (Unicode, table 3-7).
    WRONG = (
        *(
            "80",
            "bf",
            "c0",
            "c1",
            "f5",
            "ff",
            "e080",
            "e09f",
            "eda0",
            "edbf",
            "f080",
            "f08f",
            "f490",
        ),
        *("c241", "e28241", "f09f9841", "c2c2", "e2c2", "f0c2", "e282e2", "f09f98f0"),
    )

    @pytest.mark.parametrize("wrong", WRONG)
    @pytest.mark.parametrize("text", [False, True])
    def test_the_first_wrong_byte_is_noticed(self, wrong: str, text: bool) -> None:
        data = bytes.fromhex(wrong)
        for before in (b"", b"a", b"abcdefghijk", "é".encode(), b"x" * 4095):
            with pytest.raises(UnicodeDecodeError) as expected:
                (before + data).decode()
            found = expected.value.start, expected.value.reason
            assert validate([before + data], text=text) == found
            # At once: nothing that could follow is waited for.
            pieces = [before, *(data[i : i + 1] for i in range(len(data)))]
            assert validate(pieces, text=text) == found
            assert could_go_on(pieces[:-1])

    def test_positions(self) -> None:
        assert validate([b"abc\xff"]) == (3, "invalid start byte")
        assert validate([b"ab", b"\xe2\x82", b"A"]) == (2, "invalid continuation byte")
        assert validate(["é".encode(), b"\xc3"]) == (2, "unexpected end of data")

    def test_all_characters(self) -> None:
        text = "".join(chr(code) for code in range(0, 0x110000, 97) if not 0xD800 <= code < 0xE000)
        data = text.encode()
        for step in (1, 2, 3, 5, 8, 13, len(data)):
            pieces = [data[i : i + step] for i in range(0, len(data), step)]
            assert validate(pieces) == len(data)

    def test_can_be_used_again(self) -> None:
        validator = Utf8Validator()
        buffer = PayloadBuffer()
        source, header, start = scanned(frame(TEXT, b"\xc3"))
        buffer.append(source, header, start, 1, 0)
        validator.feed(buffer, 0)
        validator.reset()
        validator.finish()
        assert validator.offset == 0


def could_go_on(pieces: list[bytes]) -> bool:
    """Whether nothing is wrong yet."""
    result = validate(pieces)
    return isinstance(result, int) or result[1] == "unexpected end of data"  # type: ignore[index]


class TestEncodeFrame:
    @pytest.mark.parametrize("size", LENGTHS)
    def test_unmasked(self, size: int) -> None:
        data = payload(size)
        assert encode_frame(0x82, data, False) == frame(BINARY, data, key=None)

    @pytest.mark.parametrize("size", LENGTHS)
    def test_masked(self, size: int) -> None:
        data = payload(size)
        encoded = encode_frame(0x02, data, True)
        head = len(frame(BINARY, data)) - size
        key = encoded[head - 4 : head]
        assert encoded == frame(BINARY, data, fin=False, key=key)

    @pytest.mark.parametrize("text", ["", "a", "ascii", "é€😀", "x" * 70000])
    def test_text_goes_in_utf8(self, text: str) -> None:
        assert encode_frame(0x81, text, False) == frame(TEXT, text.encode(), key=None)

    @pytest.mark.parametrize("make", [bytearray, memoryview, lambda data: memoryview(data)[::1]])
    def test_bytes_like(self, make: type) -> None:
        assert encode_frame(0x82, make(b"abc"), False) == b"\x82\x03abc"

    def test_strides_and_items_of_other_types(self) -> None:
        assert encode_frame(0x82, memoryview(b"a_b_")[::2], False) == b"\x82\x02ab"
        assert encode_frame(0x82, memoryview(b"abcd").cast("H"), False) == b"\x82\x04abcd"

    @pytest.mark.parametrize("data", [5, None, [b"a"], object()])
    def test_refuses_everything_else(self, data: object) -> None:
        with pytest.raises(TypeError, match="must be bytes, bytearray, or memoryview"):
            encode_frame(0x82, data, False)

    def test_surrogates_are_refused(self) -> None:
        with pytest.raises(UnicodeEncodeError):
            encode_frame(0x81, "a\ud800", False)

    def test_keys_do_not_repeat(self) -> None:
        # 4,000 keys of 32 bits: two are alike by chance once in 500 runs; ten never.
        keys = [encode_frame(0x82, b"", True)[2:6] for _ in range(4000)]
        assert len(set(keys)) > 3990
        # Every bit is set about half of the time.
        for bit in range(32):
            ones = sum(int.from_bytes(key, "big") >> bit & 1 for key in keys)
            assert 1700 < ones < 2300

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork()")
    @pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
    def test_a_child_has_keys_of_its_own(self) -> None:
        encode_frame(0x82, b"", True)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writer, b"".join(encode_frame(0x82, b"", True)[2:6] for _ in range(8)))
            os._exit(0)
        os.close(writer)
        os.waitpid(child, 0)
        ours = b"".join(encode_frame(0x82, b"", True)[2:6] for _ in range(8))
        theirs = os.read(reader, 100)
        os.close(reader)
        assert len(theirs) == 32
        assert ours != theirs


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
