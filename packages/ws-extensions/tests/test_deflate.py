"""Compressed messages, and the state that they take (RFC 7692, section 7.2)."""

from __future__ import annotations

import os
import random
import threading
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw import TAIL, compress, compress_final, decompress, max_distance

from ws_extensions import deflate
from ws_extensions.deflate import MAX_FINAL_BLOCKS, Deflater, Inflater
from ws_types import PayloadTooBig, ProtocolError

ALL_BITS = range(8, 16)
TAKEOVER = pytest.mark.parametrize("takeover", [True, False], ids=["takeover", "no takeover"])

TEXT = b"".join(b"The %d%s of the flock. " % (n, b"th" if n % 7 else b"st") for n in range(400))

# From nothing to more than the windows, in what compresses and what doesn't.
payloads = st.one_of(
    st.binary(max_size=600),
    st.text(max_size=300).map(str.encode),
    st.tuples(st.binary(min_size=1, max_size=40), st.integers(0, 400)).map(lambda t: t[0] * t[1]),
)


@pytest.fixture(params=["zlib", "zlib-ng", "isal"])
def backend(request):
    if request.param != "zlib":
        pytest.importorskip({"zlib-ng": "zlib_ng", "isal": "isal"}[request.param])
    return request.param


@pytest.fixture(autouse=True)
def nothing_idle():
    deflate._idle.clear()
    yield
    deflate._idle.clear()


def cut(data, places):
    """Cut data in fragments at places, which may be beyond it and in any order."""
    ends = sorted(min(place, len(data)) for place in places)
    return [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]


def feed_fragments(feed, fragments, *args):
    return [
        feed(fragment, number == len(fragments), *args)
        for number, fragment in enumerate(fragments, 1)
    ]


class TestDeflater:
    @TAKEOVER
    @given(st.lists(payloads, max_size=6), st.integers(8, 15))
    def test_zlib_reads_it(self, takeover, messages, bits):
        deflater = Deflater(bits, takeover)
        inflater = zlib.decompressobj(wbits=-bits)
        for message in messages:
            if not takeover:
                inflater = zlib.decompressobj(wbits=-bits)
            assert inflater.decompress(deflater.feed(message, True) + TAIL) == message

    @TAKEOVER
    @given(
        st.lists(st.tuples(payloads, st.lists(st.integers(0, 700), max_size=4)), max_size=5),
        st.integers(8, 15),
    )
    def test_zlib_reads_fragments(self, takeover, messages, bits):
        deflater = Deflater(bits, takeover)
        inflater = zlib.decompressobj(wbits=-bits)
        for message, places in messages:
            if not takeover:
                inflater = zlib.decompressobj(wbits=-bits)
            sent = b"".join(feed_fragments(deflater.feed, cut(message, places)))
            assert inflater.decompress(sent + TAIL) == message

    @TAKEOVER
    @pytest.mark.parametrize("bits", ALL_BITS)
    def test_every_backend_stays_in_the_window(self, backend, takeover, bits):
        deflater = Deflater(bits, takeover, None, backend)
        rng = random.Random(bits)
        inflater = zlib.decompressobj(wbits=-bits)
        block = rng.randbytes(300)
        for size in (0, 1, 255, 256, 257, 511, 512, 513, 5000, 70_000):
            # Repetitions at every distance around the windows.
            message = (block + rng.randbytes(size % 1000) + TEXT * 9 + block)[:size]
            sent = deflater.feed(message, True)
            if not takeover:
                inflater = zlib.decompressobj(wbits=-bits)
            assert inflater.decompress(sent + TAIL) == message
            assert max_distance(sent + TAIL) <= 1 << bits

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    @pytest.mark.parametrize("bits", [8, 15])
    def test_takes_every_kind_of_bytes(self, kind, bits):
        assert decompress(Deflater(bits).feed(kind(TEXT), True)) == TEXT

    @pytest.mark.parametrize("bits", [8, 15])
    def test_takes_items_of_more_than_a_byte(self, bits):
        items = memoryview(b"abcdefgh" * 100).cast("Q")
        assert decompress(Deflater(bits).feed(items, True)) == b"abcdefgh" * 100

    @TAKEOVER
    @pytest.mark.parametrize("bits", [8, 15])
    def test_takes_bytes_that_are_not_contiguous(self, bits, takeover):
        deflater = Deflater(bits, takeover)
        assert decompress(deflater.feed(memoryview(TEXT)[::2], True)) == TEXT[::2]
        items = memoryview(b"abcdefgh" * 100).cast("Q")[::3]
        sent = Deflater(bits, takeover).feed(items, True)
        assert decompress(sent) == items.tobytes()

    @TAKEOVER
    def test_empty_message_is_one_byte_and_no_state(self, takeover):
        deflater = Deflater(15, takeover)
        assert deflater.feed(b"", True) == b"\x00"
        assert deflater.feed(b"", False) == b""
        assert deflater.feed(b"", True) == b"\x00"
        assert not deflate._idle

    def test_takeover_refers_to_earlier_messages(self):
        deflater = Deflater(15)
        noise = random.Random(1).randbytes(1000)
        assert len(deflater.feed(noise, True)) > 1000
        assert len(deflater.feed(noise, True)) < 50

    def test_no_takeover_refers_to_none(self):
        deflater = Deflater(15, takeover=False)
        noise = random.Random(1).randbytes(1000)
        for _ in range(2):
            sent = deflater.feed(noise, True)
            assert len(sent) > 1000
            assert decompress(sent) == noise

    def test_settings_are_used(self):
        stored = Deflater(15, settings={"level": 0}).feed(TEXT, True)
        assert len(stored) > len(TEXT) > len(Deflater(15, settings={"level": 1}).feed(TEXT, True))

    def test_backend_that_does_not_flush(self, monkeypatch):
        class Compressor:
            def compress(self, data):
                return b""

            def flush(self, mode):
                return b""

        monkeypatch.setattr(zlib, "compressobj", lambda **settings: Compressor())
        with pytest.raises(RuntimeError, match="zlib didn't flush"):
            Deflater(15).feed(b"x", True)


class TestSharing:
    """Without context takeover, compressors are shared."""

    def idle(self):
        return [compressor for compressors in deflate._idle.values() for compressor in compressors]

    def test_one_serves_many(self):
        for number in range(20):
            deflater = Deflater(12, False)
            for message in (TEXT[:number], TEXT):
                assert decompress(deflater.feed(message, True)) == message
        assert len(self.idle()) == 1

    def test_others_are_for_other_parameters(self):
        for bits in (9, 12):
            for settings in ({"level": 1}, {"level": 2}, {"level": 2, "memLevel": 5}):
                Deflater(bits, False, settings).feed(b"x", True)
        Deflater(9, False, {"memLevel": 5, "level": 2}).feed(b"x", True)
        assert len(self.idle()) == 6

    def test_fragmented_messages_do_not_meet(self):
        deflaters = [Deflater(15, False) for _ in range(8)]
        sent = [b""] * 8
        for start in range(0, len(TEXT), 1000):
            for number, deflater in enumerate(deflaters):
                sent[number] += deflater.feed(TEXT[start + number : start + 1000], False)
        for number, deflater in enumerate(deflaters):
            sent[number] += deflater.feed(b"" if number % 2 else b"end", True)
        for number in range(8):
            message = b"".join(
                TEXT[start + number : start + 1000] for start in range(0, len(TEXT), 1000)
            )
            assert decompress(sent[number]) == message + (b"" if number % 2 else b"end")
        # More were needed than are kept.
        assert len(self.idle()) == 2

    def test_message_that_ends_in_an_empty_fragment_is_forgotten(self, backend):
        deflater = Deflater(15, False, None, backend)
        noise = random.Random(1).randbytes(500)
        for _ in range(3):
            sent = deflater.feed(noise, False) + deflater.feed(b"", True)
            assert decompress(sent) == noise
            assert decompress(deflater.feed(noise, True)) == noise

    def test_one_that_failed_is_not_used_again(self):
        deflater = Deflater(12, False)
        deflater.feed(TEXT, True)
        assert len(self.idle()) == 1
        with pytest.raises(TypeError):
            deflater.feed("text", True)
        assert self.idle() == []
        assert decompress(deflater.feed(TEXT, True)) == TEXT

    def test_connection_that_dies_within_a_message_takes_its_own_along(self):
        deflater = Deflater(12, False)
        deflater.feed(TEXT, False)
        del deflater
        assert self.idle() == []

    def test_threads(self):
        wrong = []

        def work(number):
            deflater = Deflater(15, False)
            message = TEXT[number:] * 5
            for _ in range(20):
                if decompress(deflater.feed(message, True)) != message:
                    wrong.append(number)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert 1 <= len(self.idle()) <= 2


class TestInflater:
    @TAKEOVER
    @given(
        st.lists(st.tuples(payloads, st.lists(st.integers(0, 700), max_size=4)), max_size=5),
        st.integers(8, 15),
    )
    def test_reads_what_zlib_writes(self, takeover, messages, bits):
        inflater = Inflater(bits, takeover)
        compressor = zlib.compressobj(wbits=-max(bits, 9))
        for message, places in messages:
            if not takeover:
                compressor = zlib.compressobj(wbits=-max(bits, 9))
            sent = compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH)
            sent = sent.removesuffix(TAIL) or b"\x00"
            fragments = cut(sent, places)
            assert b"".join(feed_fragments(inflater.feed, fragments, len(message))) == message

    @TAKEOVER
    @pytest.mark.parametrize("bits", ALL_BITS)
    def test_every_backend(self, backend, takeover, bits):
        inflater = Inflater(bits, takeover, backend)
        deflater = Deflater(bits, takeover)
        for _ in range(2):
            for size in (0, 1, 256, 5000):
                sent = deflater.feed(TEXT[:size], True)
                assert inflater.feed(sent, True, size) == TEXT[:size]
            with pytest.raises(PayloadTooBig):
                Inflater(bits, takeover, backend).feed(compress(TEXT, bits), True, len(TEXT) - 1)

    @TAKEOVER
    @pytest.mark.parametrize(
        "size", [0, 1, 2, 125, 255, 256, 257, 4096, 16383, 16384, 16385, 100_000]
    )
    @pytest.mark.parametrize("level", [0, 1, 9])
    def test_limit_is_exact(self, takeover, size, level):
        noise = random.Random(size).randbytes(size)
        for message in (noise, bytes(size), (TEXT * 20)[:size]):
            sent = compress(message, level=level) or b"\x00"
            for limit in (size, size + 1, size + 2, 2**63 - 1, 2**63, 2**70, None):
                assert Inflater(15, takeover).feed(sent, True, limit) == message
            for limit in {size - 1, size - 2, size // 2, 0} - {size}:
                if limit < 0:
                    continue
                with pytest.raises(PayloadTooBig) as caught:
                    Inflater(15, takeover).feed(sent, True, limit)
                assert caught.value.max_size == limit
                assert caught.value.size is None

    @pytest.mark.parametrize("split", [1, 2, 50])
    def test_limit_is_that_of_a_fragment(self, split):
        sent = compress(TEXT)
        inflater = Inflater(15)
        first = inflater.feed(sent[:split], False, len(TEXT))
        left = len(TEXT) - len(first)
        assert first + inflater.feed(sent[split:], True, left) == TEXT
        inflater = Inflater(15)
        inflater.feed(sent[:split], False, len(TEXT))
        with pytest.raises(PayloadTooBig):
            inflater.feed(sent[split:], True, left - 1)

    @TAKEOVER
    def test_bomb_takes_little_memory(self, takeover):
        bomb = compress(bytes(1 << 20), level=9)
        assert len(bomb) < 1100
        inflater = Inflater(15, takeover)
        tracemalloc.start()
        try:
            with pytest.raises(PayloadTooBig):
                inflater.feed(bomb, True, 1000)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 100_000

    @TAKEOVER
    def test_payload_of_an_empty_message(self, takeover):
        inflater = Inflater(15, takeover)
        for sent in (b"\x00", b"", b"\x02\x00", b"\x00\x00\x00\xff\xff\x00"):
            assert inflater.feed(sent, True, 0) == b""
        assert inflater.feed(compress(TEXT), True, None) == TEXT

    @TAKEOVER
    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_takes_every_kind_of_bytes(self, takeover, kind):
        inflater = Inflater(15, takeover)
        assert inflater.feed(kind(compress(TEXT)), True, None) == TEXT
        assert inflater.feed(kind(compress_final(TEXT)), True, None) == TEXT
        assert inflater.feed(kind(compress(TEXT)), True, None) == TEXT

    @TAKEOVER
    @pytest.mark.parametrize("limit", [None, 100_000])
    @pytest.mark.parametrize(
        "sent",
        [
            b"\xff\xff",
            b"\x06",
            b"\x07\x00\x00",
            b"\x01\x05\x00\x00\x00hello",
            compress(TEXT) + b"garbage",
            compress_final(TEXT) + b"garbage",
            b"\x02\x04\x02",
        ],
    )
    def test_what_is_not_deflate_is_refused(self, takeover, sent, limit):
        with pytest.raises(ProtocolError, match="decompression failed") as caught:
            Inflater(15, takeover).feed(sent, True, limit)
        assert caught.value.__cause__ is None or isinstance(caught.value.__cause__, zlib.error)

    @TAKEOVER
    @given(st.binary(max_size=200), st.integers(0, 300), st.integers(8, 15))
    def test_anything_is_read_or_refused(self, takeover, sent, limit, bits):
        try:
            result = Inflater(bits, takeover).feed(sent, True, limit)
        except (PayloadTooBig, ProtocolError):
            return
        assert len(result) <= limit

    @given(st.integers(0, 2**32), st.integers(1, 3))
    def test_damage_does_no_harm(self, seed, count):
        rng = random.Random(seed)
        sent = bytearray(compress(TEXT))
        for _ in range(count):
            sent[rng.randrange(len(sent))] ^= 1 << rng.randrange(8)
        inflater = Inflater(15)
        try:
            for _ in range(2):
                assert len(inflater.feed(bytes(sent), True, 20_000)) <= 20_000
        except (PayloadTooBig, ProtocolError):
            pass

    def test_message_that_is_cut_off_is_refused_without_takeover(self):
        sent = compress(TEXT[:500])
        for end in range(1, len(sent) - 1):
            with pytest.raises(ProtocolError, match="decompression failed"):
                Inflater(15, False).feed(sent[:end], True, None)

    def test_bytes_too_many_are_refused_without_takeover(self):
        # With takeover, zlib can't say that a block isn't whole; the next message is in its place.
        for more in (b"\x00", b"\xff", b"\x04", b"\x00\x00"):
            with pytest.raises(ProtocolError, match="decompression failed"):
                Inflater(15, False).feed(compress(TEXT) + more, True, None)

    def test_reference_beyond_the_window_is_refused(self):
        # Beyond what was ever sent: it would read memory that isn't the peer's.
        noise = os.urandom(300)
        deflater = Deflater(15)
        deflater.feed(noise, True)
        sent = deflater.feed(noise, True)
        with pytest.raises(ProtocolError, match="decompression failed"):
            Inflater(15).feed(sent, True, None)

    def test_peer_that_takes_context_over_against_the_agreement_is_refused(self):
        deflater = Deflater(15)
        inflater = Inflater(15, takeover=False)
        noise = random.Random(1).randbytes(300)
        assert inflater.feed(deflater.feed(noise, True), True, None) == noise
        with pytest.raises(ProtocolError, match="decompression failed"):
            inflater.feed(deflater.feed(noise, True), True, None)


class TestFinalBlocks:
    """RFC 7692, section 7.2.3.4: a peer that can't flush otherwise ends its messages with them."""

    @TAKEOVER
    def test_example_of_the_rfc(self, takeover):
        inflater = Inflater(15, takeover)
        for _ in range(3):
            assert inflater.feed(bytes.fromhex("f348cdc9c9070000"), True, 5) == b"Hello"

    @TAKEOVER
    def test_two_blocks_in_a_message(self, takeover):
        # Section 7.2.3.5.
        inflater = Inflater(15, takeover)
        for _ in range(2):
            assert inflater.feed(bytes.fromhex("f248050000 00ffff cac9c90700"), True, 5) == b"Hello"

    @TAKEOVER
    def test_zero_byte_after_it_may_be_missing(self, takeover):
        inflater = Inflater(15, takeover)
        for _ in range(2):
            assert inflater.feed(compress_final(TEXT), True, len(TEXT)) == TEXT

    @TAKEOVER
    @pytest.mark.parametrize("sent", [b"\x01", b"\x03\x00", b"\x03\x00\x00", b"\x03\x00\x01"])
    def test_empty_message(self, takeover, sent):
        inflater = Inflater(15, takeover)
        for _ in range(2):
            assert inflater.feed(sent, True, 0) == b""
        assert inflater.feed(compress(TEXT), True, None) == TEXT

    @TAKEOVER
    @pytest.mark.parametrize(
        "sent", [b"\x01\x00", b"\x01\x00\x00", b"\x03", b"\x01\x02\x00\xfd\xff"]
    )
    def test_block_that_is_not_whole(self, takeover, sent):
        with pytest.raises(ProtocolError, match="decompression failed"):
            Inflater(15, takeover).feed(sent, True, None)

    @TAKEOVER
    @given(
        st.lists(st.tuples(payloads, st.booleans()), min_size=1, max_size=5),
        st.lists(st.integers(0, 900), max_size=5),
    )
    def test_mixed_with_others_in_fragments(self, takeover, parts, places):
        sent = b""
        for part, final in parts:
            sent += compress_final(part) if final else (compress(part) + TAIL)
        sent += b"\x00"
        message = b"".join(part for part, _ in parts)
        inflater = Inflater(15, takeover)
        for _ in range(2):
            fragments = cut(sent, places)
            assert b"".join(feed_fragments(inflater.feed, fragments, len(message))) == message

    def test_next_message_may_refer_to_it(self):
        noise = random.Random(2).randbytes(3000)
        inflater = Inflater(12)
        history = b""
        for start in range(0, 3000, 500):
            message = noise[start : start + 500] + noise[: start + 400]
            compressor = zlib.compressobj(wbits=-12, zdict=history)
            sent = compressor.compress(message) + compressor.flush(zlib.Z_FINISH)
            assert inflater.feed(sent + b"\x00", True, None) == message
            history = (history + message)[-4096:]
        # And so may one without a final block, and the next after that.
        compressor = zlib.compressobj(wbits=-12, zdict=history)
        for message in (noise[-2000:], noise[-2500:]):
            sent = compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH)
            assert inflater.feed(sent.removesuffix(TAIL), True, None) == message
            history = (history + message)[-4096:]
        compressor = zlib.compressobj(wbits=-12, zdict=history)
        sent = compressor.compress(noise[-1000:]) + compressor.flush(zlib.Z_FINISH)
        assert inflater.feed(sent, True, None) == noise[-1000:]

    def test_no_takeover_forgets_it(self):
        noise = random.Random(2).randbytes(500)
        inflater = Inflater(15, takeover=False)
        assert inflater.feed(compress_final(noise), True, None) == noise
        compressor = zlib.compressobj(wbits=-15, zdict=noise)
        sent = compressor.compress(noise) + compressor.flush(zlib.Z_FINISH)
        with pytest.raises(ProtocolError, match="decompression failed"):
            inflater.feed(sent, True, None)

    @TAKEOVER
    def test_limit_is_exact(self, takeover):
        sent = compress_final(TEXT) + compress_final(TEXT) + b"\x00"
        size = 2 * len(TEXT)
        for limit in (size, size + 1, None):
            assert Inflater(15, takeover).feed(sent, True, limit) == TEXT * 2
        for limit in (size - 1, len(TEXT) + 1, len(TEXT), len(TEXT) - 1, 0):
            with pytest.raises(PayloadTooBig) as caught:
                Inflater(15, takeover).feed(sent, True, limit)
            assert caught.value.max_size == limit

    @TAKEOVER
    def test_number_of_them_is_limited(self, takeover):
        inflater = Inflater(15, takeover)
        assert inflater.feed(b"\x03\x00" * MAX_FINAL_BLOCKS, True, 0) == b""
        with pytest.raises(ProtocolError, match="too many final blocks"):
            inflater.feed(b"\x03\x00" * 500_000, True, None)


@TAKEOVER
def test_half_a_message_is_not_sent_with_the_next(monkeypatch, takeover):
    """Ctrl-C may come between what compresses and what flushes."""

    class Interrupted:
        def __init__(self, compressor):
            self.compressor = compressor
            self.compress = compressor.compress

        def flush(self, mode):
            raise KeyboardInterrupt

    make = zlib.compressobj
    deflater = Deflater(15, takeover)
    monkeypatch.setattr(zlib, "compressobj", lambda **settings: Interrupted(make(**settings)))
    with pytest.raises(KeyboardInterrupt):
        deflater.feed(b"this is lost", True)
    monkeypatch.setattr(zlib, "compressobj", make)
    assert decompress(deflater.feed(TEXT, True)) == TEXT
