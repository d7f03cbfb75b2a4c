"""Frames on the wire: which are accepted, how they are refused, and how they are encoded."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from forms import INSTALLED
from framing import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    SIZES,
    TEXT,
    cuts,
    decode,
    frame,
    header,
    payload,
)

from ws_sansio.assembler import ExtensionChain, FrameAssembler, MessageAssembler
from ws_sansio.codec import FrameDecoder, FrameEncoder
from ws_types import ConcurrencyError, Extension, Frame, PayloadTooBig, ProtocolError
from ws_types.typing import BytesLike


def refused(data: bytes, view: str = "messages", masked: bool = True) -> str:
    """The error that frames are refused with, the same however they arrive."""
    errors = set()
    for chunks in cuts(data):
        _, _, error = decode(INSTALLED, chunks, view=view, masked=masked)
        assert error is not None
        errors.add(error[:2])
    assert len(errors) == 1
    kind, text = errors.pop()
    return f"{kind}: {text}"


class TestHeader:
    @pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
    def test_unknown_opcodes(self, opcode: int) -> None:
        assert refused(frame(opcode)) == "ProtocolError: invalid opcode"

    @pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG, CLOSE])
    @pytest.mark.parametrize("rsv", [0x40, 0x20, 0x10, 0x70])
    def test_reserved_bits(self, opcode: int, rsv: int) -> None:
        assert refused(frame(opcode, rsv=rsv)) == "ProtocolError: reserved bits must be 0"

    @pytest.mark.parametrize("rsv", [0x40, 0x20, 0x10])
    def test_reserved_bits_of_a_continuation(self, rsv: int) -> None:
        data = frame(TEXT, b"a", fin=False) + frame(CONT, b"b", rsv=rsv)
        assert refused(data) == "ProtocolError: reserved bits must be 0"

    @pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
    def test_control_frames_are_not_fragmented(self, opcode: int) -> None:
        data = frame(opcode, fin=False)
        assert refused(data) == "ProtocolError: fragmented control frame"

    @pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
    @pytest.mark.parametrize("size", [126, 65536])
    def test_control_frames_are_short(self, opcode: int, size: int) -> None:
        assert refused(header(opcode, size)) == "ProtocolError: control frame too long"

    @pytest.mark.parametrize("masked", [False, True])
    @pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG, CLOSE])
    def test_a_server_wants_masks_and_a_client_none(self, opcode: int, masked: bool) -> None:
        data = frame(opcode, key=None if masked else bytes(4))
        assert refused(data, masked=masked) == "ProtocolError: incorrect masking"

    @pytest.mark.parametrize(("size", "form"), [(0, 2), (125, 2), (0, 8), (126, 8), (65535, 8)])
    def test_lengths_are_in_their_shortest_form(self, size: int, form: int) -> None:
        data = frame(BINARY, bytes(size), form=form)
        assert refused(data) == "ProtocolError: payload length isn't in its shortest form"

    @pytest.mark.parametrize("length", [2**63, 2**64 - 1])
    def test_the_highest_bit_of_a_length_is_0(self, length: int) -> None:
        data = header(BINARY, length)
        assert refused(data) == "ProtocolError: payload length exceeds 2**63 - 1"

    def test_the_largest_length_there_is_takes_no_memory(self) -> None:
        events, _, error = decode(INSTALLED, [header(BINARY, 2**63 - 1), b"x"])
        assert (events, error) == ([], None)


class TestOrder:
    def test_continuation_of_nothing(self) -> None:
        assert refused(frame(CONT)) == "ProtocolError: unexpected continuation frame"

    def test_continuation_of_a_complete_message(self) -> None:
        data = frame(TEXT, b"a") + frame(CONT, b"b")
        assert refused(data) == "ProtocolError: unexpected continuation frame"

    @pytest.mark.parametrize("opcode", [TEXT, BINARY])
    def test_a_message_in_the_middle_of_another(self, opcode: int) -> None:
        data = frame(TEXT, b"a", fin=False) + frame(opcode, b"b")
        assert refused(data) == "ProtocolError: expected a continuation frame"

    def test_control_frames_in_the_middle_of_a_message(self) -> None:
        data = frame(TEXT, b"a", fin=False) + frame(PING, b"p") + frame(PONG) + frame(CONT, b"b")
        for chunks in cuts(data):
            events, controls, error = decode(INSTALLED, chunks)
            assert (events, controls, error) == (["ab"], [(PING, b"p"), (PONG, b"")], None)

    def test_nothing_counts_after_a_close_frame(self) -> None:
        data = frame(CLOSE, b"\x03\xe8bye") + frame(TEXT, b"late") + frame(15)
        for chunks in cuts(data):
            events, controls, error = decode(INSTALLED, chunks)
            assert (events, controls, error) == ([], [(CLOSE, b"\x03\xe8bye")], None)


class TestDecoder:
    def test_a_decoder_that_failed_drops_what_follows(self) -> None:
        decoder = FrameDecoder(MessageAssembler(), True)
        with pytest.raises(ProtocolError):
            decoder.receive(frame(15))
        assert decoder.finished
        decoder.receive(frame(TEXT, b"late"))
        assert decoder.assembler.events == []

    def test_a_decoder_that_was_stopped_drops_what_follows(self) -> None:
        decoder = FrameDecoder(MessageAssembler(), True)
        decoder.stop()
        decoder.receive(frame(TEXT, b"late"))
        assert decoder.assembler.events == []

    def test_what_came_before_an_error_is_kept(self) -> None:
        for chunks in cuts(frame(TEXT, b"fine") + frame(15) + frame(TEXT, b"late")):
            events, _, error = decode(INSTALLED, chunks)
            assert events == ["fine"]
            assert error is not None

    def test_knows_when_a_frame_is_complete(self) -> None:
        data = frame(TEXT, b"ab")
        decoder = FrameDecoder(MessageAssembler(), True)
        assert decoder.at_boundary()
        for i in range(len(data) - 1):
            decoder.receive(data[i : i + 1])
            assert not decoder.at_boundary()
        decoder.receive(data[-1:])
        assert decoder.at_boundary()

    def test_the_buffer_may_be_used_again(self) -> None:
        decoder = FrameDecoder(MessageAssembler(), True)
        buffer = bytearray(frame(BINARY, b"first") + frame(BINARY, b"second")[:8])
        decoder.receive(memoryview(buffer))
        buffer[:] = bytes(len(buffer))
        buffer += b"nobody holds it"
        decoder.receive(frame(BINARY, b"second")[8:])
        assert decoder.assembler.events == [b"first", b"second"]

    def test_input_of_another_type_is_the_callers_mistake(self) -> None:
        decoder = FrameDecoder(MessageAssembler(), True)
        with pytest.raises(TypeError):
            decoder.receive("text")  # type: ignore[arg-type]
        decoder.receive(frame(TEXT, b"goes on"))
        assert decoder.assembler.events == ["goes on"]

    @pytest.mark.parametrize("data", [frame(15), frame(TEXT, b"\xff"), frame(CLOSE, b"x")])
    def test_the_buffer_is_let_go_of_after_an_error(self, data: bytes) -> None:
        decoder = FrameDecoder(MessageAssembler(), True)
        buffer = bytearray(data)
        with pytest.raises((ProtocolError, UnicodeDecodeError)):
            decoder.receive(buffer)
        buffer += b"nobody holds it"

    def test_there_has_to_be_an_assembler(self) -> None:
        decoder = FrameDecoder(None, True)  # type: ignore[arg-type]
        with pytest.raises(AttributeError):
            decoder.receive(frame(TEXT, b"a"))

    def test_it_has_to_be_initialised(self) -> None:
        with pytest.raises(AttributeError):
            FrameDecoder.__new__(FrameDecoder).receive(frame(TEXT, b"a"))
        with pytest.raises(AttributeError):
            FrameEncoder.__new__(FrameEncoder).append(b"a")
        for kind in (MessageAssembler, FrameAssembler, ExtensionChain):
            assembler = kind.__new__(kind)
            for data in (frame(TEXT), frame(TEXT, b"a"), frame(PING)):
                # An error of some kind, not a crash.
                with suppress(AttributeError, PayloadTooBig, ProtocolError):
                    FrameDecoder(assembler, True).receive(data)


class Calls(Extension):
    """Calls something whenever it decodes; changes nothing."""

    name = "x-calls"  # type: ignore[assignment]
    message_rsv = 0x40

    def __init__(self) -> None:
        self.call: Callable[[], object] = lambda: None

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        self.call()
        return Frame(frame.opcode, frame.data, frame.fin)

    def decode_message(self, data: BytesLike, *, max_size: int | None) -> bytes:
        self.call()
        return bytes(data)


def make(by_message: bool) -> tuple[Calls, MessageAssembler, FrameDecoder]:
    extension = Calls()
    if by_message:
        outcome = MessageAssembler(extension=extension)
        return extension, outcome, FrameDecoder(outcome, True)
    outcome = MessageAssembler()
    return extension, outcome, FrameDecoder(ExtensionChain(outcome, [extension]), True)


@pytest.mark.parametrize("by_message", [False, True])
class TestExtensionsThatMeddle:
    WIRE = frame(TEXT, b"one", rsv=0x40) + frame(TEXT, b"two", rsv=0x40) + frame(PING)

    @pytest.mark.parametrize("inner", [b"", b"\x81", frame(PING), frame(TEXT, b"inner")])
    def test_decoding_while_decoding(self, by_message: bool, inner: bytes) -> None:
        extension, outcome, decoder = make(by_message)
        extension.call = lambda: decoder.receive(inner)
        with pytest.raises(ConcurrencyError):
            decoder.receive(self.WIRE)
        assert decoder.finished
        assert outcome.events == []

    def test_decoding_while_decoding_does_no_harm(self, by_message: bool) -> None:
        extension, outcome, decoder = make(by_message)

        def call() -> None:
            with suppress(ConcurrencyError):
                decoder.receive(frame(TEXT, b"inner"))

        extension.call = call
        for chunks in ([self.WIRE], [self.WIRE[:5], self.WIRE[5:]]):
            for chunk in chunks:
                decoder.receive(chunk)
            assert outcome.take_events() == ["one", "two"]

    def test_the_buffer_stays_while_it_is_decoded(self, by_message: bool) -> None:
        extension, outcome, decoder = make(by_message)
        buffer = bytearray(self.WIRE)
        view = memoryview(buffer)

        def call() -> None:
            with suppress(BufferError):
                view.release()
            with suppress(BufferError):
                buffer.clear()

        extension.call = call
        decoder.receive(view)
        assert outcome.events == ["one", "two"]
        assert outcome.controls == [(PING, b"")]

    def test_stopping_while_decoding(self, by_message: bool) -> None:
        extension, outcome, decoder = make(by_message)
        extension.call = decoder.stop
        decoder.receive(self.WIRE)
        assert outcome.events == ["one"]

    def test_errors_of_any_kind_end_it(self, by_message: bool) -> None:
        def fail() -> None:
            raise KeyboardInterrupt

        extension, outcome, decoder = make(by_message)
        extension.call = fail
        buffer = bytearray(self.WIRE)
        with pytest.raises(KeyboardInterrupt):
            decoder.receive(buffer)
        buffer += b"nobody holds it"
        decoder.receive(frame(TEXT, b"late"))
        assert outcome.events == []


class TestEncoder:
    def test_a_chunk_for_each_frame(self) -> None:
        encoder = FrameEncoder(False)
        encoder.data(TEXT, "text", True)
        encoder.data(BINARY, b"binary", True)
        assert encoder.frame(0x80 | PING, b"ping") == 6
        encoder.append(b"")
        expected = [
            frame(TEXT, b"text", key=None),
            frame(BINARY, b"binary", key=None),
            frame(PING, b"ping", key=None),
            b"",
        ]
        assert encoder.take() == expected
        assert encoder.take() == []

    def test_fragments(self) -> None:
        encoder = FrameEncoder(False)
        encoder.data(TEXT, b"a", False)
        assert encoder.fragmenting
        encoder.data(CONT, b"b", False)
        encoder.data(CONT, b"c", True)
        assert not encoder.fragmenting
        assert b"".join(encoder.take()) == (
            frame(TEXT, b"a", fin=False, key=None)
            + frame(CONT, b"b", fin=False, key=None)
            + frame(CONT, b"c", key=None)
        )

    def test_fragments_out_of_order(self) -> None:
        encoder = FrameEncoder(True)
        with pytest.raises(ProtocolError, match="unexpected continuation frame"):
            encoder.data(CONT, b"", True)
        encoder.data(TEXT, b"", False)
        with pytest.raises(ProtocolError, match="expected a continuation frame"):
            encoder.data(BINARY, b"", True)

    def test_what_cannot_be_sent_changes_nothing(self) -> None:
        encoder = FrameEncoder(False)
        for data in (5, "\ud800"):
            with pytest.raises((TypeError, UnicodeEncodeError)):
                encoder.data(TEXT, data, False)
        assert not encoder.fragmenting
        assert encoder.take() == []

    @pytest.mark.parametrize("size", SIZES)
    def test_what_a_client_encodes_a_server_decodes(self, size: int) -> None:
        encoder = FrameEncoder(True)
        encoder.data(BINARY, payload(size), True)
        events, _, error = decode(INSTALLED, encoder.take())
        assert (events, error) == ([payload(size)], None)
