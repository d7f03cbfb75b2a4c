"""Masking, UTF-8 validation, the frame header: what each kernel does."""

from __future__ import annotations

import ctypes
import itertools
import os
import sys
import threading
from collections.abc import Iterator

import pytest
from framing import (
    BINARY,
    KEY,
    LENGTHS,
    TEXT,
    frame,
    opened,
    payload,
    scanned,
    validate,
)

from ws_sansio._kernels import (
    FrameHeader,
    PayloadBuffer,
    Source,
    Utf8Validator,
    encode_frame,
    payload_bytes,
    payload_text,
)
from ws_types import ConcurrencyError


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

    def test_is_not_opened_while_it_is_open(self) -> None:
        source = opened(b"abc")
        second = bytearray(b"de")
        with pytest.raises(ConcurrencyError, match="still being decoded"):
            source.open(second)
        second += b"can be resized, since nobody holds it"
        assert source.size == 3
        source.close()
        source.open(second)
        assert source.size == len(second)

    def test_closing_lets_go_of_the_buffer(self) -> None:
        data = bytearray(b"abc")
        source = opened(data)
        source.close()
        source.close()
        data += b"d"

    def test_stays_closed_where_it_can_not_be_opened(self) -> None:
        source = Source()
        view = memoryview(b"abc")
        view.release()
        with pytest.raises(ValueError, match="released memoryview"):
            source.open(view)
        with pytest.raises(TypeError):
            source.open("abc")
        source.open(b"de")
        assert source.size == 2

    @pytest.mark.parametrize("item", ["b", "c", "H", "i", "Q", "d", "?"])
    def test_items_of_other_types_are_bytes(self, item: str) -> None:
        data = frame(BINARY, b"abcdefghij")
        source, header, start = scanned(memoryview(data).cast(item))
        assert source.size == 16
        assert payload_bytes(source, header, start) == b"abcdefghij"

    def test_shapes_are_flattened(self) -> None:
        data = frame(BINARY, b"abcdefghij")
        view = memoryview(data).cast("B", (4, 4))
        source, header, start = scanned(view)
        assert payload_bytes(source, header, start) == b"abcdefghij"
        assert opened(memoryview(ctypes.c_uint32(5))).size == 4

    def test_strides_are_followed(self) -> None:
        source, header, start = scanned(memoryview(b"\x82_\x02_a_b_")[::2])
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


@pytest.mark.parametrize("start", [-1, 3, 4, 10**9])
def test_nothing_beyond_the_source_is_read(start: int) -> None:
    source, header, _ = scanned(b"\x82\x03ab")  # one byte is missing
    for kernel in (payload_bytes, payload_text):
        with pytest.raises(IndexError):
            kernel(source, header, start)
        with pytest.raises(IndexError):
            kernel(source, header, 2)
    buffer = PayloadBuffer()
    with pytest.raises(IndexError):
        buffer.append(source, header, start, 2, 0)
    with pytest.raises(IndexError):
        buffer.append(source, header, 2, -1, 0)
    if start > source.size or start < 0:
        with pytest.raises(IndexError):
            header.scan(source, start)
    source.close()
    with pytest.raises(IndexError):
        payload_bytes(source, header, 0)
    assert buffer.data == b""


@pytest.mark.parametrize("start", [-1, 3])
def test_nothing_beyond_the_buffer_is_validated(start: int) -> None:
    source, header, begin = scanned(frame(TEXT, b"ab"))
    buffer = PayloadBuffer()
    buffer.append(source, header, begin, 2, 0)
    with pytest.raises(IndexError):
        Utf8Validator().feed(buffer, start)


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
            assert validate(pieces, text=text, final=False) == found
            assert isinstance(validate(pieces[:-1], text=text, final=False), int)

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


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[bytes]]:
    """Has the system's randomness count, so that no key is there twice by chance."""
    numbers = itertools.count()
    drawn: set[bytes] = set()

    def urandom(size: int) -> bytes:
        keys = [next(numbers).to_bytes(4, "big") for _ in range(size // 4)]
        drawn.update(keys)
        return b"".join(keys)

    def use_up() -> None:
        for _ in range(1024):
            encode_frame(0x82, b"", True)

    with monkeypatch.context() as patch:
        patch.setattr(os, "urandom", urandom)
        use_up()
        yield drawn
    use_up()


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

    def test_keys_come_from_the_system(self, counted: set[bytes]) -> None:
        keys = [encode_frame(0x82, b"", True)[2:6] for _ in range(5000)]
        assert set(keys) <= counted
        assert len(set(keys)) == 5000

    def test_no_randomness(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def urandom(size: int) -> bytes:
            raise OSError("no randomness")

        with monkeypatch.context() as patch:
            patch.setattr(os, "urandom", urandom)
            with pytest.raises(OSError, match="no randomness"):
                [encode_frame(0x82, b"", True) for _ in range(5000)]
        assert len(encode_frame(0x82, b"", True)) == 6

    @pytest.mark.usefixtures("counted")
    def test_threads_do_not_share_keys(self) -> None:
        keys: list[bytes] = []

        def encode() -> None:
            keys.extend(encode_frame(0x82, b"", True)[2:] for _ in range(5000))

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            threads = [threading.Thread(target=encode) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            sys.setswitchinterval(interval)
        assert {len(key) for key in keys} == {4}
        assert len(set(keys)) == 20_000

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
