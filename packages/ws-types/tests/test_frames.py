import array
import copy
import dataclasses
import os
import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws_types import frames
from ws_types.errors import PayloadTooBig, ProtocolError
from ws_types.frames import BINARY, CLOSE, CONT, PING, PONG, TEXT, Close, CloseCode, Frame, Opcode

KEY = b"\x00\x80\xff\x01"


class Input:
    """Bytes that arrive in pieces; its readers are generators, as the parser wants them."""

    def __init__(self):
        self.buffer = bytearray()
        self.ended = False

    def read_exact(self, size):
        while len(self.buffer) < size:
            if self.ended:
                raise EOFError(f"expected {size} bytes")
            yield
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data


def parse(pieces, *, mask=False, kind=Frame, **kwargs):
    """Parse one frame; return it, and what is left."""
    source = Input()
    parser = kind.parse(source.read_exact, mask=mask, **kwargs)
    try:
        for piece in pieces:
            next(parser)
            source.buffer += piece
        source.ended = True
        next(parser)
    except StopIteration as exc:
        return exc.value, bytes(source.buffer)
    raise AssertionError("the parser waits though the stream has ended")


def parse_in_three_modes(wire, **kwargs):
    """Parse whole, byte by byte, and with trailing bytes; all must agree."""
    frame, left = parse([wire], **kwargs)
    assert left == b""
    again, left = parse([wire[i : i + 1] for i in range(len(wire))], **kwargs)
    assert (again, left) == (frame, b"")
    again, left = parse([wire + b"more"], **kwargs)
    assert (again, left) == (frame, b"more")
    return frame


def masked(payload):
    return bytes(byte ^ KEY[i % 4] for i, byte in enumerate(payload))


# Parsing and serializing

SIZES = [0, 1, 2, *range(124, 130), *range(65534, 65538)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mask", [False, True])
def test_every_size_in_its_shortest_form(size, mask, monkeypatch):
    monkeypatch.setattr(os, "urandom", lambda size: KEY)
    payload = bytes(i % 251 for i in range(size))
    if size < 126:
        length = bytes([size | mask << 7])
    elif size < 65536:
        length = bytes([126 | mask << 7]) + size.to_bytes(2, "big")
    else:
        length = bytes([127 | mask << 7]) + size.to_bytes(8, "big")
    wire = b"\x82" + length + (KEY + masked(payload) if mask else payload)
    frame = Frame(BINARY, payload)
    assert frame.serialize(mask=mask) == wire
    assert parse([wire], mask=mask) == (frame, b"")


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("payload", [b"", b"a", b"abcdefghi", b"x" * 125])
@pytest.mark.parametrize("opcode", Opcode)
def test_three_modes(opcode, payload, mask):
    frame = Frame(opcode, payload)
    assert parse_in_three_modes(frame.serialize(mask=mask), mask=mask) == frame


def test_masking_key_is_fresh():
    frame = Frame(BINARY, bytes(8))
    keys = {frame.serialize(mask=True)[2:6] for _ in range(20)}
    assert len(keys) > 15


@given(
    st.builds(
        Frame,
        st.sampled_from([CONT, TEXT, BINARY]),
        st.binary(max_size=300),
        st.booleans(),
    )
    | st.builds(Frame, st.sampled_from([CLOSE, PING, PONG]), st.binary(max_size=125)),
    st.booleans(),
    st.data(),
)
def test_parsing_undoes_serializing(frame, mask, data):
    wire = frame.serialize(mask=mask)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)))))
    pieces = [wire[i:j] for i, j in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    assert parse([*pieces, b"rest"], mask=mask) in [(frame, b"rest"), (frame, b"")]


@given(st.binary(max_size=40), st.booleans())
def test_whatever_parses_serializes_to_itself(wire, mask):
    try:
        frame, left = parse([wire], mask=mask, max_size=20)
    except (ProtocolError, PayloadTooBig, EOFError):
        return
    if not mask:
        assert frame.serialize(mask=False) + left == wire


def test_fragments():
    assert parse_in_three_modes(b"\x01\x02ab") == Frame(TEXT, b"ab", fin=False)
    assert parse_in_three_modes(b"\x80\x02cd") == Frame(CONT, b"cd")


@pytest.mark.parametrize(
    ("wire", "mask", "text"),
    [
        (b"\x81\x00", True, "incorrect masking"),
        (b"\x81\x80", False, "incorrect masking"),
        (b"\xc1\x00", False, "reserved bits must be 0"),
        (b"\xa1\x00", False, "reserved bits must be 0"),
        (b"\x91\x00", False, "reserved bits must be 0"),
        (b"\x83\x00", False, "invalid opcode"),
        (b"\x8f\x00", False, "invalid opcode"),
        (b"\x89\x7e", False, "control frame too long"),
        (b"\x8a\xff", True, "control frame too long"),
        (b"\x09\x00", False, "fragmented control frame"),
        (b"\x81\x7e\x00\x7d", False, "payload length isn't in its shortest form"),
        (b"\x81\x7f" + bytes(6) + b"\xff\xff", False, "payload length isn't in its shortest form"),
        (b"\x81\x7f\x80" + bytes(7), False, "payload length exceeds 2**63 - 1"),
        (b"\x81\x7f" + b"\xff" * 8, False, "payload length exceeds 2**63 - 1"),
    ],
)
def test_violations_fail_as_soon_as_they_are_seen(wire, mask, text):
    # Nothing follows: the error doesn't wait for the payload.
    with pytest.raises(ProtocolError) as caught:
        parse([wire], mask=mask)
    assert str(caught.value) == text


def test_invalid_opcode_has_a_cause():
    with pytest.raises(ProtocolError) as caught:
        parse([b"\x83\x00"])
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize(
    "wire", [b"", b"\x81", b"\x81\x01", b"\x81\x7e\x00", b"\x81\x7f" + bytes(7)]
)
def test_end_of_the_stream_within_a_frame(wire):
    with pytest.raises(EOFError):
        parse([wire])


def test_end_of_the_stream_within_a_masking_key():
    with pytest.raises(EOFError):
        parse([b"\x81\x81abc"], mask=True)


def test_limit_is_applied_before_the_payload_is_read():
    assert parse([b"\x82\x04abcd"], max_size=4)[0].data == b"abcd"
    with pytest.raises(PayloadTooBig) as caught:
        parse([b"\x82\x05"], max_size=4)
    assert (caught.value.size, caught.value.max_size) == (5, 4)
    with pytest.raises(PayloadTooBig):
        parse([b"\x82\x7f\x7f" + b"\xff" * 7], max_size=2**62)
    with pytest.raises(PayloadTooBig):
        parse([b"\x89\x01"], max_size=0)


def test_every_size_is_allowed_without_a_limit():
    with pytest.raises(EOFError, match="9223372036854775807"):
        parse([b"\x82\x7f\x7f" + b"\xff" * 7])


class Append:
    """An extension that shows in which order extensions run."""

    def __init__(self, data):
        self.data = data

    def encode(self, frame):
        return dataclasses.replace(frame, data=frame.data + self.data, rsv1=True)

    def decode(self, frame, *, max_size=None):
        assert frame.data.endswith(self.data)
        data = frame.data.removesuffix(self.data)
        if max_size is not None and len(data) > max_size:
            raise PayloadTooBig(None, max_size)
        return dataclasses.replace(frame, data=data, rsv1=False)


def test_extensions_encode_in_order_and_decode_in_reverse():
    extensions = [Append(b"1"), Append(b"2")]
    frame = Frame(TEXT, b"abc")
    wire = frame.serialize(mask=False, extensions=extensions)
    assert wire == b"\xc1\x05abc12"
    assert parse([wire], extensions=extensions, max_size=5)[0] == frame
    with pytest.raises(PayloadTooBig):
        parse([b"\x81\x05abc12"], extensions=extensions, max_size=4)


def test_bits_that_no_extension_cleared_are_a_violation():
    with pytest.raises(ProtocolError, match="reserved bits must be 0"):
        parse([b"\xd1\x011"], extensions=[Append(b"1")])


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize(
    ("data", "payload"),
    [
        (bytearray(b"abcd"), b"abcd"),
        (memoryview(b"abcd"), b"abcd"),
        (memoryview(b"abcdefgh")[::2], b"aceg"),
        (memoryview(b"abcd")[::-1], b"dcba"),
        (memoryview(array.array("H", [0x6161, 0x6262])), b"aabb"),
        (memoryview(array.array("d", [0.0])), bytes(8)),
        (memoryview(b"abcd").cast("B", (2, 2)), b"abcd"),
        (memoryview(b""), b""),
    ],
)
def test_payloads_of_other_types_give_the_right_bytes(data, payload, mask):
    frame = Frame(BINARY, data)
    assert parse([frame.serialize(mask=mask)], mask=mask)[0].data == payload
    assert str(frame) == str(Frame(BINARY, payload))


@pytest.mark.parametrize("data", ["text", None, 5, [1]])
def test_payloads_that_are_not_bytes(data):
    with pytest.raises(TypeError, match="data must be bytes, bytearray or memoryview"):
        Frame(BINARY, data).serialize(mask=False)
    with pytest.raises(TypeError, match="data must be bytes, bytearray or memoryview"):
        str(Frame(BINARY, data))


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (Frame(TEXT, b"", rsv1=True), "reserved bits must be 0"),
        (Frame(TEXT, b"", rsv2=True), "reserved bits must be 0"),
        (Frame(TEXT, b"", rsv3=True), "reserved bits must be 0"),
        (Frame(PING, bytes(126)), "control frame too long"),
        (Frame(PONG, memoryview(array.array("d", range(16)))), "control frame too long"),
        (Frame(CLOSE, b"", fin=False), "fragmented control frame"),
    ],
)
def test_frames_that_may_not_be_sent(frame, text):
    for method in (frame.check, lambda: frame.serialize(mask=False)):
        with pytest.raises(ProtocolError) as caught:
            method()
        assert str(caught.value) == text


def test_frames_that_may_be_sent():
    Frame(PING, bytes(125)).check()
    Frame(CONT, bytes(126), fin=False).check()


def test_parser_makes_the_class_that_it_is_called_on():
    class Mine(Frame):
        pass

    assert type(parse([b"\x81\x00"], kind=Mine)[0]) is Mine


# How frames look


@pytest.mark.parametrize(
    ("frame", "shown"),
    [
        (Frame(TEXT, b"hello"), "TEXT 'hello' [5 bytes]"),
        (Frame(TEXT, b"it's"), 'TEXT "it\'s" [4 bytes]'),
        (Frame(TEXT, b"ab", fin=False, rsv1=True), "TEXT 'ab' [2 bytes, continued]"),
        (Frame(TEXT, b"\xff"), "TEXT ff [binary, 1 byte]"),
        (Frame(TEXT, b"a\t\r\n"), r"TEXT 'a\t\r\n' [4 bytes]"),
        (Frame(TEXT, b"\x1b[0m"), "TEXT 1b 5b 30 6d [binary, 4 bytes]"),
        (Frame(TEXT, b"\x7f"), "TEXT 7f [binary, 1 byte]"),
        (Frame(TEXT, "\x85".encode()), "TEXT c2 85 [binary, 2 bytes]"),
        (Frame(TEXT, "\u202e\u2028".encode()), r"TEXT '\u202e\u2028' [6 bytes]"),
        (Frame(TEXT, "é😀".encode()), "TEXT 'é😀' [6 bytes]"),
        (Frame(TEXT, b""), "TEXT '' [0 bytes]"),
        (Frame(BINARY, b"\x00\xff"), "BINARY 00 ff [2 bytes]"),
        (Frame(BINARY, b"abc"), "BINARY 'abc' [text, 3 bytes]"),
        (Frame(BINARY, b"", fin=False), "BINARY '' [0 bytes, continued]"),
        (Frame(CONT, b"ab"), "CONT 'ab' [text, 2 bytes]"),
        (Frame(CONT, b"\xff"), "CONT ff [binary, 1 byte]"),
        (Frame(PING, b""), "PING '' [0 bytes]"),
        (Frame(PING, b"\xff\xfe"), "PING ff fe [binary, 2 bytes]"),
        (Frame(PING, "é".encode()), "PING c3 a9 [binary, 2 bytes]"),
        (Frame(PONG, b"abc"), "PONG 'abc' [text, 3 bytes]"),
        (Frame(CLOSE, b"\x03\xe8bye"), "CLOSE 1000 (OK) bye [5 bytes]"),
        (Frame(CLOSE, b"\x03\xe8\n\x1b"), r"CLOSE 1000 (OK) \n\x1b [4 bytes]"),
        (Frame(CLOSE, b""), "CLOSE '' [0 bytes]"),
        (Frame(CLOSE, b"\x03"), "CLOSE 03 [binary, 1 byte]"),
        (Frame(CLOSE, b"\x03\xed"), "CLOSE 03 ed [binary, 2 bytes]"),
        (Frame(CLOSE, b"\x03\xe8\xff"), "CLOSE 03 e8 ff [binary, 3 bytes]"),
        (Frame(TEXT, b"a" * 73), f"TEXT '{'a' * 73}' [73 bytes]"),
        (Frame(TEXT, b"a" * 74), f"TEXT '{'a' * 47}...{'a' * 23}' [74 bytes]"),
        (Frame(TEXT, "é".encode() * 200), f"TEXT '{'é' * 47}...{'é' * 23}' [400 bytes]"),
        (Frame(BINARY, b"\xff" * 25), f"BINARY {'ff ' * 25}[25 bytes]"),
        (Frame(BINARY, b"\xff" * 26), f"BINARY {'ff ' * 16}... {'ff ' * 8}[26 bytes]"),
        (
            Frame(CLOSE, b"\x03\xe8" + b"x" * 100),
            f"CLOSE 1000 (OK) {'x' * 38}...{'x' * 24} [102 bytes]",
        ),
        (Frame(1, b"a"), "TEXT 'a' [1 byte]"),
        (Frame(3, b"a"), "reserved opcode 3 'a' [text, 1 byte]"),
    ],
    ids=repr,
)
def test_text(frame, shown):
    assert str(frame) == shown


def test_long_text_that_is_not_text_at_one_end():
    assert str(Frame(TEXT, b"\xff" + b"a" * 5000)).endswith("[binary, 5001 bytes]")
    assert str(Frame(TEXT, b"a" * 5000 + b"\xff")).endswith("[binary, 5001 bytes]")


@pytest.mark.parametrize("offset", range(4))
def test_long_text_may_be_cut_within_a_character(offset):
    data = b"a" * offset + "😀".encode() * 1000
    assert str(Frame(TEXT, data)).endswith(f"{'😀' * 23}' [{len(data)} bytes]")


@given(st.sampled_from(Opcode), st.binary(max_size=100), st.integers(1, 30), st.booleans())
def test_text_is_short_and_printable(opcode, data, times, fin):
    shown = str(Frame(opcode, data * times, fin=fin))
    assert shown.isprintable()
    assert len(shown) < 75 + 50


@pytest.mark.parametrize("size", [-5, 0, 1, 2, 5, 10, 12, 20, 30, 40, 75, 76, 200])
@pytest.mark.parametrize("data", [b"", b"a", b"a" * 300, b"\xff" * 300, b"\n" * 40])
def test_any_log_size(size, data, monkeypatch):
    monkeypatch.setattr(Frame, "MAX_LOG_SIZE", size)
    assert len(str(Frame(TEXT, data))) < max(size, 15) + 30


def test_log_size_comes_from_the_environment():
    code = "from ws_types.frames import Frame, TEXT; print(Frame(TEXT, b'a' * 100))"
    output = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
        env={**os.environ, "WEBSOCKETS_MAX_LOG_SIZE": "30"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert output == f"TEXT '{'a' * 17}...{'a' * 8}' [100 bytes]\n"


# Values


def test_frame_is_a_dataclass():
    frame = Frame(TEXT, b"a")
    assert repr(frame) == (
        "Frame(opcode=<Opcode.TEXT: 1>, data=b'a', fin=True, rsv1=False, rsv2=False, rsv3=False)"
    )
    assert dataclasses.replace(frame, fin=False) == Frame(TEXT, b"a", fin=False)
    assert Frame.__match_args__ == ("opcode", "data", "fin", "rsv1", "rsv2", "rsv3")
    names = tuple(field.name for field in dataclasses.fields(Frame))
    assert names == Frame.__match_args__


def test_equality_of_frames():
    assert Frame(TEXT, b"a") == Frame(1, bytearray(b"a"))
    assert Frame(TEXT, b"a") != Frame(TEXT, b"b")
    assert Frame(TEXT, b"a") != Frame(TEXT, b"a", rsv3=True)
    assert Frame(TEXT, b"a") != (TEXT, b"a")
    with pytest.raises(TypeError, match="unhashable"):
        hash(Frame(TEXT, b"a"))


def test_close_is_a_dataclass():
    close = Close(1000, "bye")
    assert repr(close) == "Close(code=1000, reason='bye')"
    assert dataclasses.replace(close, code=1001) == Close(CloseCode.GOING_AWAY, "bye")
    assert dataclasses.asdict(close) == {"code": 1000, "reason": "bye"}
    assert Close.__match_args__ == ("code", "reason")
    assert close != Close(1000, "")
    assert close != (1000, "bye")
    with pytest.raises(TypeError, match="unhashable"):
        hash(close)


@pytest.mark.parametrize("value", [Frame(TEXT, b"a", fin=False), Close(1000, "bye")])
def test_copies(value):
    assert copy.copy(value) == copy.deepcopy(value) == value
    assert pickle.loads(pickle.dumps(value)) == value


# Close


@pytest.mark.parametrize(
    ("close", "shown"),
    [
        (Close(1000, ""), "1000 (OK)"),
        (Close(CloseCode.PROTOCOL_ERROR, "why"), "1002 (protocol error) why"),
        (Close(1005, ""), "1005 (no status received [internal])"),
        (Close(999, ""), "999 (unknown)"),
        (Close(2000, "x"), "2000 (unknown) x"),
        (Close(3000, ""), "3000 (registered)"),
        (Close(3999, ""), "3999 (registered)"),
        (Close(4000, ""), "4000 (private use)"),
        (Close(4999, ""), "4999 (private use)"),
        (Close(5000, ""), "5000 (unknown)"),
        (Close(1000, "a\r\n\x1b[0m\u202e"), r"1000 (OK) a\r\n\x1b[0m\u202e"),
    ],
    ids=repr,
)
def test_text_of_close(close, shown):
    assert str(close) == shown


@pytest.mark.parametrize(
    ("payload", "close"),
    [
        (b"", Close(CloseCode.NO_STATUS_RCVD, "")),
        (b"\x03\xe8", Close(1000, "")),
        (b"\x03\xe8bye \xc3\xa9", Close(1000, "bye é")),
        (b"\x0b\xb8", Close(3000, "")),
        (b"\x13\x87", Close(4999, "")),
    ],
)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_parsing_close(payload, close, kind):
    assert Close.parse(kind(payload)) == close
    if payload:
        assert close.serialize() == payload


def test_close_that_is_too_short():
    with pytest.raises(ProtocolError, match=r"^close frame too short$"):
        Close.parse(b"\x03")


@pytest.mark.parametrize("reason", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80"])
def test_reason_that_is_not_utf_8(reason):
    with pytest.raises(UnicodeDecodeError):
        Close.parse(b"\x03\xe8" + reason)


@pytest.mark.parametrize(
    "code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
)
def test_codes_that_may_not_be_sent(code):
    close = Close(code, "")
    for method in (close.check, close.serialize, lambda: Close.parse(code.to_bytes(2, "big"))):
        with pytest.raises(ProtocolError, match=r"^invalid status code$"):
            method()


@given(
    st.sampled_from(sorted(frames.EXTERNAL_CLOSE_CODES)) | st.integers(3000, 4999),
    st.text(),
)
def test_parsing_undoes_serializing_close(code, reason):
    close = Close(code, reason)
    assert Close.parse(close.serialize()) == close


def test_module_has_the_names_of_codes():
    assert frames.CLOSE_CODE_EXPLANATIONS[1000] == "OK"
    assert (frames.CONT, frames.TEXT, frames.CTRL_OPCODES) == (0, 1, (8, 9, 10))
