"""The extension and its factories, as a protocol uses them (RFC 7692)."""

from __future__ import annotations

import gc
import itertools
import random
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw import TAIL, compress, compress_final, decompress, max_distance

from ws_extensions import (
    ClientPerMessageDeflateFactory,
    Extension,
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
    enable_client_permessage_deflate,
    enable_server_permessage_deflate,
)
from ws_types import (
    DuplicateParameter,
    Frame,
    InvalidParameterName,
    InvalidParameterValue,
    NegotiationError,
    Opcode,
    PayloadTooBig,
    ProtocolError,
)

TEXT = b"A message that says the same thing again, the same thing again. " * 40


def pair(local_no_context=False, remote_no_context=False, local_bits=15, remote_bits=15, **options):
    """Return the extension as each side has it."""
    return (
        PerMessageDeflate(remote_no_context, local_no_context, remote_bits, local_bits, **options),
        PerMessageDeflate(local_no_context, remote_no_context, local_bits, remote_bits),
    )


def fragments(data, places=(), opcode=Opcode.BINARY):
    ends = sorted(min(place, len(data)) for place in places)
    parts = [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]
    return [
        Frame(opcode if number == 0 else Opcode.CONT, part, fin=number == len(parts) - 1)
        for number, part in enumerate(parts)
    ]


class TestExtension:
    def test_name_and_bit(self):
        extension = PerMessageDeflate(False, False, 15, 15)
        assert isinstance(extension, Extension)
        assert extension.name == "permessage-deflate"
        assert extension.message_rsv == 0x40

    def test_repr(self):
        assert repr(PerMessageDeflate(False, True, 15, 12, {"memLevel": 5})) == (
            "PerMessageDeflate(remote_no_context_takeover=False, local_no_context_takeover=True, "
            "remote_max_window_bits=15, local_max_window_bits=12)"
        )

    @pytest.mark.parametrize("bits", [0, 7, 16, -15, True])
    def test_window_out_of_range(self, bits):
        with pytest.raises(ValueError, match="remote_max_window_bits must be between 8 and 15"):
            PerMessageDeflate(False, False, bits, 15)
        with pytest.raises(ValueError, match="local_max_window_bits must be between 8 and 15"):
            PerMessageDeflate(False, False, 15, bits)

    def test_settings_may_not_have_the_window(self):
        with pytest.raises(ValueError, match="set local_max_window_bits instead"):
            PerMessageDeflate(False, False, 15, 15, {"wbits": -15})

    def test_threshold_out_of_range(self):
        with pytest.raises(ValueError, match="threshold must not be negative"):
            PerMessageDeflate(False, False, 15, 15, threshold=-1)

    def test_unknown_backend(self):
        with pytest.raises(ValueError, match="backend must be one of"):
            PerMessageDeflate(False, False, 15, 15, backend="gzip")  # type: ignore[arg-type]

    @pytest.mark.parametrize("bits", [12, 15])
    def test_memory_before_there_is_a_message(self, bits):
        # What Python and the types allocate once isn't counted.
        kept = [PerMessageDeflate(False, False, bits, bits, {"memLevel": 5})]
        gc.collect()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            kept += [PerMessageDeflate(False, False, bits, bits) for _ in range(100)]
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        # The rest of the 1 KiB that compression may add to an idle connection is headers.
        assert grown / 100 < 256

    def test_freed_without_the_garbage_collector(self):
        gc.collect()
        gc.disable()
        try:
            ours, theirs = pair()
            theirs.decode_message(ours.encode_message(TEXT, text=True), max_size=None)
            for frame in fragments(TEXT, [10]):
                theirs.decode(ours.encode(frame))
            del ours, theirs, frame
            assert gc.collect() == 0
        finally:
            gc.enable()


class TestFrames:
    @pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
    def test_message_in_a_frame(self, opcode):
        frame = Frame(opcode, TEXT)
        sent = PerMessageDeflate(False, False, 15, 15).encode(frame)
        assert sent == Frame(opcode, compress(TEXT), rsv1=True)
        assert frame == Frame(opcode, TEXT)
        assert PerMessageDeflate(False, False, 15, 15).decode(sent) == frame
        assert sent.rsv1

    def test_rsv1_is_set_on_the_first_fragment_only(self):
        ours, theirs = pair()
        sent = [ours.encode(frame) for frame in fragments(TEXT, [100, 100, 2000])]
        assert [frame.rsv1 for frame in sent] == [True, False, False, False]
        assert [frame.opcode for frame in sent] == [Opcode.BINARY] + [Opcode.CONT] * 3
        assert [frame.fin for frame in sent] == [False, False, False, True]
        assert decompress(b"".join(frame.data for frame in sent)) == TEXT
        read = [theirs.decode(frame) for frame in sent]
        assert not any(frame.rsv1 for frame in read)
        assert read == fragments(TEXT, [100, 100, 2000])

    @pytest.mark.parametrize("opcode", [Opcode.PING, Opcode.PONG, Opcode.CLOSE])
    def test_control_frames_are_left_alone(self, opcode):
        ours, theirs = pair()
        frame = Frame(opcode, b"\x03\xe8same same same same same")
        assert ours.encode(frame) is frame
        assert theirs.decode(frame) is frame
        # Within a message too.
        first, last = fragments(TEXT, [10])
        theirs.decode(ours.encode(first))
        assert ours.encode(frame) is frame
        assert theirs.decode(frame) is frame
        assert theirs.decode(ours.encode(last)).data == TEXT[10:]

    def test_rsv1_of_a_control_frame_is_left_for_the_check(self):
        frame = Frame(Opcode.PING, b"", rsv1=True)
        assert PerMessageDeflate(False, False, 15, 15).decode(frame) is frame
        with pytest.raises(ProtocolError, match="reserved bits must be 0"):
            frame.check()

    @pytest.mark.parametrize("compressed", [True, False])
    def test_rsv1_of_a_continuation_frame_is_refused(self, compressed):
        extension = PerMessageDeflate(False, False, 15, 15)
        extension.decode(Frame(Opcode.TEXT, b"\x00", fin=False, rsv1=compressed))
        with pytest.raises(ProtocolError, match="RSV1 is set in a continuation frame"):
            extension.decode(Frame(Opcode.CONT, b"\x00", rsv1=True))

    def test_message_without_rsv1_is_not_compressed(self):
        ours, theirs = pair()
        noise = random.Random(3).randbytes(500)
        assert theirs.decode(ours.encode(Frame(Opcode.BINARY, noise))).data == noise
        for frame in [*fragments(TEXT), *fragments(TEXT, [10, 20])]:
            assert theirs.decode(frame) is frame
        # What was said before it counts still.
        again = ours.encode(Frame(Opcode.BINARY, noise))
        assert len(again.data) < 50
        assert theirs.decode(again).data == noise

    def test_bits_of_other_extensions_are_kept(self):
        ours, theirs = pair()
        frame = Frame(Opcode.TEXT, TEXT, fin=False, rsv2=True)
        sent = ours.encode(frame)
        assert (sent.rsv1, sent.rsv2, sent.rsv3) == (True, True, False)
        assert theirs.decode(sent) == frame
        frame = Frame(Opcode.CONT, b"", rsv3=True)
        sent = ours.encode(frame)
        assert (sent.rsv1, sent.rsv2, sent.rsv3) == (False, False, True)
        assert theirs.decode(sent) == frame

    def test_continuation_of_nothing_is_left_for_the_check_of_the_order(self):
        extension = PerMessageDeflate(False, False, 15, 15)
        frame = Frame(Opcode.CONT, b"x")
        assert extension.decode(frame) is frame
        assert extension.encode(frame) is frame

    @pytest.mark.parametrize("size", [0, 1, 1000])
    def test_limit_is_exact(self, size):
        sent = Frame(Opcode.TEXT, compress(b"a" * size) or b"\x00", rsv1=True)
        for limit in (size, size + 1, None):
            read = PerMessageDeflate(False, False, 15, 15).decode(sent, max_size=limit)
            assert read.data == b"a" * size
        if size:
            with pytest.raises(PayloadTooBig, match=rf"frame exceeds limit of {size - 1} bytes"):
                PerMessageDeflate(False, False, 15, 15).decode(sent, max_size=size - 1)

    def test_what_is_not_deflate_is_refused(self):
        with pytest.raises(ProtocolError, match="decompression failed") as caught:
            PerMessageDeflate(False, False, 15, 15).decode(Frame(Opcode.TEXT, b"\xff", rsv1=True))
        assert isinstance(caught.value.__cause__, zlib.error)


class TestMessages:
    @given(
        st.lists(
            st.tuples(
                st.binary(max_size=600) | st.binary(max_size=9).map(lambda data: data * 99),
                st.lists(st.integers(0, 700), max_size=3),
                st.booleans(),
                st.booleans(),
            ),
            max_size=8,
        ),
        st.booleans(),
        st.integers(8, 15),
        st.sampled_from([0, 1, 100]),
    )
    def test_hook_and_frames_mix(self, messages, no_context, bits, threshold):
        ours, theirs = pair(no_context, no_context, bits, bits, threshold=threshold)
        for message, places, hook_out, hook_in in messages:
            if hook_out:
                encoded = ours.encode_message(message, text=False)
                data = message if encoded is None else encoded
                sent = [Frame(Opcode.BINARY, data, rsv1=encoded is not None)]
            else:
                sent = [ours.encode(frame) for frame in fragments(message, places)]
            if hook_in and sent[0].rsv1:
                joined = b"".join(frame.data for frame in sent)
                read = theirs.decode_message(joined, max_size=len(message))
            else:
                left = len(message)
                read = b""
                for frame in sent:
                    read += theirs.decode(frame, max_size=left - len(read)).data
            assert read == message

    def test_hook_gives_the_bytes_of_the_frame(self):
        hook, classic = (PerMessageDeflate(False, False, 12, 12) for _ in range(2))
        for message in (TEXT, b"", b"x", TEXT):
            encoded = hook.encode_message(message, text=True)
            assert encoded == classic.encode(Frame(Opcode.TEXT, message)).data

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    @pytest.mark.parametrize(("size", "compressed"), [(0, False), (99, False), (100, True)])
    def test_threshold(self, kind, size, compressed):
        extension = PerMessageDeflate(False, False, 15, 15, threshold=100)
        data = kind(bytes(size))
        assert (extension.encode_message(data, text=False) is not None) is compressed
        frame = Frame(Opcode.BINARY, data)
        assert (extension.encode(frame) is not frame) is compressed

    def test_threshold_counts_bytes(self):
        extension = PerMessageDeflate(False, False, 15, 15, threshold=100)
        assert extension.encode_message(memoryview(bytes(104)).cast("Q"), text=False) is not None

    def test_fragmented_messages_are_compressed_whatever_the_threshold(self):
        ours, theirs = pair(threshold=100)
        sent = [ours.encode(frame) for frame in fragments(b"a" * 20, [10])]
        assert sent[0].rsv1
        assert b"".join(theirs.decode(frame).data for frame in sent) == b"a" * 20

    def test_no_threshold_compresses_even_empty_messages(self):
        assert PerMessageDeflate(False, False, 15, 15).encode_message(b"", text=True) == b"\x00"

    def test_limit_of_a_message(self):
        extension = PerMessageDeflate(False, False, 15, 15)
        assert extension.decode_message(compress(TEXT), max_size=len(TEXT)) == TEXT
        with pytest.raises(PayloadTooBig):
            extension.decode_message(compress(TEXT), max_size=len(TEXT) - 1)

    def test_settings(self):
        ours, theirs = pair(compress_settings={"level": 0})
        encoded = ours.encode_message(TEXT, text=True)
        assert len(encoded) > len(TEXT)
        assert theirs.decode_message(encoded, max_size=None) == TEXT

    @pytest.mark.parametrize(("backend", "module"), [("zlib-ng", "zlib_ng"), ("isal", "isal")])
    def test_backends(self, backend, module):
        pytest.importorskip(module)
        ours, theirs = pair(backend=backend)
        for _ in range(2):
            encoded = ours.encode_message(TEXT, text=True)
            assert theirs.decode_message(encoded, max_size=len(TEXT)) == TEXT
            encoded = theirs.encode_message(TEXT, text=True)
            assert ours.decode_message(encoded, max_size=len(TEXT)) == TEXT

    def test_final_block(self):
        extension = PerMessageDeflate(False, False, 15, 15)
        assert extension.decode_message(compress_final(TEXT) + b"\x00", max_size=None) == TEXT
        frames = fragments(compress_final(TEXT) + b"\x00", [50, 90], Opcode.TEXT)
        frames[0].rsv1 = True
        assert b"".join(extension.decode(frame).data for frame in frames) == TEXT

    def test_windows_of_both_sides(self):
        noise = random.Random(4).randbytes(1000)
        ours, theirs = pair(False, False, 8, 9)
        sent = ours.encode_message(noise[:250] * 4, text=False)
        assert max_distance(sent + TAIL) <= 256
        assert theirs.decode_message(sent, max_size=None) == noise[:250] * 4
        sent = theirs.encode_message(noise * 2, text=False)
        assert max_distance(sent + TAIL) <= 512
        assert ours.decode_message(sent, max_size=None) == noise * 2


class TestClientFactory:
    def test_defaults(self):
        factory = ClientPerMessageDeflateFactory()
        assert factory.name == "permessage-deflate"
        assert factory.get_request_params() == [("client_max_window_bits", None)]

    def test_all_parameters(self):
        factory = ClientPerMessageDeflateFactory(True, True, 8, 15, {"memLevel": 4})
        assert factory.get_request_params() == [
            ("server_no_context_takeover", None),
            ("client_no_context_takeover", None),
            ("server_max_window_bits", "8"),
            ("client_max_window_bits", "15"),
        ]

    @pytest.mark.parametrize("name", ["server_max_window_bits", "client_max_window_bits"])
    @pytest.mark.parametrize("bits", [7, 16, False])
    def test_window_out_of_range(self, name, bits):
        with pytest.raises(ValueError, match=f"{name} must be between 8 and 15"):
            ClientPerMessageDeflateFactory(**{name: bits})

    def test_settings(self):
        with pytest.raises(ValueError, match="set client_max_window_bits instead"):
            ClientPerMessageDeflateFactory(compress_settings={"wbits": 15})
        with pytest.raises(ValueError, match="invalid compress_settings"):
            ClientPerMessageDeflateFactory(compress_settings={"level": 17})

    def test_response(self):
        factory = ClientPerMessageDeflateFactory(threshold=7, compress_settings={"level": 1})
        params = [
            ("client_no_context_takeover", None),
            ("server_max_window_bits", "10"),
            ("client_max_window_bits", "8"),
        ]
        extension = factory.process_response_params(params, [])
        assert repr(extension) == repr(PerMessageDeflate(False, True, 10, 8))
        assert (extension.threshold, extension.compress_settings) == (7, {"level": 1})

    def test_empty_response(self):
        extension = ClientPerMessageDeflateFactory().process_response_params([], [])
        assert repr(extension) == repr(PerMessageDeflate(False, False, 15, 15))

    @pytest.mark.parametrize(
        ("params", "error"),
        [
            ([("mode", None)], InvalidParameterName),
            ([("client_max_window_bits", None)], InvalidParameterValue),
            ([("server_max_window_bits", "16")], InvalidParameterValue),
            ([("server_no_context_takeover", None)] * 2, DuplicateParameter),
        ],
    )
    def test_response_that_is_refused(self, params, error):
        with pytest.raises(error):
            ClientPerMessageDeflateFactory().process_response_params(params, [])

    def test_accepted_twice(self):
        factory = ClientPerMessageDeflateFactory()
        accepted = [factory.process_response_params([], [])]
        with pytest.raises(NegotiationError, match="received duplicate permessage-deflate"):
            factory.process_response_params([], accepted)


class TestServerFactory:
    def test_defaults(self):
        params, extension = ServerPerMessageDeflateFactory().process_request_params([], [])
        assert params == []
        assert repr(extension) == repr(PerMessageDeflate(False, False, 15, 15))

    @pytest.mark.parametrize("name", ["server_max_window_bits", "client_max_window_bits"])
    @pytest.mark.parametrize("bits", [7, 16, True])
    def test_window_out_of_range(self, name, bits):
        with pytest.raises(ValueError, match=f"{name} must be between 8 and 15"):
            ServerPerMessageDeflateFactory(**{name: bits})

    def test_settings(self):
        with pytest.raises(ValueError, match="set server_max_window_bits instead"):
            ServerPerMessageDeflateFactory(compress_settings={"wbits": 15})

    def test_required_window_has_to_be_given(self):
        with pytest.raises(ValueError, match="but client_max_window_bits isn't configured"):
            ServerPerMessageDeflateFactory(require_client_max_window_bits=True)

    def test_offer(self):
        factory = ServerPerMessageDeflateFactory(True, False, 12, 11, threshold=7)
        offer = [("client_no_context_takeover", None), ("client_max_window_bits", None)]
        params, extension = factory.process_request_params(offer, [])
        assert params == [
            ("server_no_context_takeover", None),
            ("client_no_context_takeover", None),
            ("server_max_window_bits", "12"),
            ("client_max_window_bits", "11"),
        ]
        assert repr(extension) == repr(PerMessageDeflate(True, True, 11, 12))
        assert extension.threshold == 7

    def test_required_window(self):
        factory = ServerPerMessageDeflateFactory(
            client_max_window_bits=11, require_client_max_window_bits=True
        )
        with pytest.raises(NegotiationError, match="required client_max_window_bits"):
            factory.process_request_params([], [])
        params, _ = factory.process_request_params([("client_max_window_bits", None)], [])
        assert params == [("client_max_window_bits", "11")]

    @pytest.mark.parametrize(
        ("params", "error"),
        [
            ([("mode", None)], InvalidParameterName),
            ([("server_max_window_bits", None)], InvalidParameterValue),
            ([("client_max_window_bits", "7")], InvalidParameterValue),
            ([("client_max_window_bits", None)] * 2, DuplicateParameter),
        ],
    )
    def test_offer_that_is_declined(self, params, error):
        with pytest.raises(error):
            ServerPerMessageDeflateFactory().process_request_params(params, [])

    def test_offered_twice(self):
        factory = ServerPerMessageDeflateFactory()
        accepted = [factory.process_request_params([], [])[1]]
        with pytest.raises(NegotiationError, match="skipped duplicate permessage-deflate"):
            factory.process_request_params([], accepted)


class TestEnable:
    @pytest.mark.parametrize(
        "enable", [enable_client_permessage_deflate, enable_server_permessage_deflate]
    )
    def test_added_last_unless_it_is_there(self, enable):
        class Other:
            name = "other"

        (added,) = enable(None)
        assert added.name == "permessage-deflate"
        assert (added.compress_settings, added.threshold) == ({"memLevel": 5}, 0)
        other = Other()
        given = (other,)
        result = enable(given)
        assert (given, result[0], len(result)) == ((other,), other, 2)
        assert enable(result) is result
        assert enable([], threshold=64)[0].threshold == 64

    def test_client_lets_the_server_choose(self):
        (factory,) = enable_client_permessage_deflate([])
        assert factory.get_request_params() == [("client_max_window_bits", None)]

    def test_connections_share_the_factory(self):
        (first,) = enable_client_permessage_deflate(None, threshold=64)
        (second,) = enable_client_permessage_deflate([], threshold=64)
        assert first is second

    def test_server_saves_memory(self):
        (factory,) = enable_server_permessage_deflate([])
        params, _ = factory.process_request_params([("client_max_window_bits", None)], [])
        assert params == [("server_max_window_bits", "12"), ("client_max_window_bits", "12")]


@pytest.mark.parametrize(
    ("server", "client"),
    [
        *itertools.product(
            [
                (False, False, None, None),
                (True, False, 8, 9),
                (False, True, 9, 8),
                (True, True, 15, 15),
            ],
            [
                (False, False, None, None),
                (False, False, None, True),
                (True, False, None, True),
                (False, True, 8, 8),
                (True, True, 10, 12),
            ],
        )
    ],
)
def test_what_is_negotiated_works_in_both_directions(server, client):
    client_factory = ClientPerMessageDeflateFactory(*client)
    response, at_server = ServerPerMessageDeflateFactory(*server).process_request_params(
        client_factory.get_request_params(), []
    )
    at_client = client_factory.process_response_params(response, [])
    assert at_client.local_max_window_bits <= at_server.remote_max_window_bits
    assert at_server.local_max_window_bits <= at_client.remote_max_window_bits
    for sender, receiver in ((at_client, at_server), (at_server, at_client)):
        for _ in range(3):
            sent = sender.encode_message(TEXT, text=True)
            assert receiver.decode_message(sent, max_size=len(TEXT)) == TEXT
            assert max_distance(sent + TAIL) <= 1 << sender.local_max_window_bits
