"""
What a hostile peer may try, and what it comes to: one test, or a few, for each class of attack.

The limits of memory are measured, with room for what an interpreter needs; those of time are
held by the size of the input: what isn't linear would not end within the timeout of the tests.
"""

from __future__ import annotations

import array
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from framing import BINARY, CLOSE, CONT, KEY, PING, TEXT, frame, header
from wiring import (
    URI,
    Factory,
    one_by_one,
    request_bytes,
    requested,
    requesting,
    response_bytes,
    sent,
)

from ws_sansio import SEND_EOF, ClientProtocol, Protocol, ServerProtocol, Side, State
from ws_types.codes import CloseCode, Opcode
from ws_types.errors import InvalidMessage, PayloadTooBig, SecurityError, TooManyFragments
from ws_types.extension import Extension
from ws_types.frames import Close, Frame
from ws_types.http11 import MAX_BODY_SIZE, MAX_HEAD_SIZE, MAX_LINE_LENGTH
from ws_types.uri import WebSocketURI

KIB, MIB = 2**10, 2**20


@pytest.fixture(params=["frames", "messages"])
def view(request: pytest.FixtureRequest) -> Any:
    return request.param


def peak(function: Callable[[], object]) -> int:
    """The bytes that a call had allocated at most, beyond those before it."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        function()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def failed(protocol: Protocol, code: CloseCode) -> str:
    """A connection was failed; returns the reason."""
    assert protocol.state is State.CLOSING
    assert protocol.close_sent is not None
    assert protocol.close_sent.code == code
    return protocol.close_sent.reason


# Ping floods


def test_ping_flood_from_a_peer_that_never_reads(view: Any) -> None:
    server = Protocol(Side.SERVER, view=view, write_limit=1000)
    unsent = 0
    flood = b"".join(frame(PING, number.to_bytes(4, "big") + bytes(121)) for number in range(1000))
    for _ in range(10):
        server.receive_data(flood)
        server.events_received()
        # One read is answered before anyone can say that nothing leaves.
        unsent += sum(map(len, server.data_to_send()))
        server.output_pending(unsent)
    assert unsent == 1000 * 127  # the pongs of the first read alone


def test_pongs_held_back_are_replaced_by_the_newest() -> None:
    server = Protocol(Side.SERVER, write_limit=1000)
    server.output_pending(1001)
    for number in range(5):
        server.receive_data(frame(PING, bytes([number])))
    assert server.data_to_send() == []
    server.output_pending(1001)
    assert server.data_to_send() == []
    server.output_pending(1000)
    assert sent(server) == [Frame(Opcode.PONG, bytes([4]))]
    server.output_pending(0)
    assert server.data_to_send() == []
    server.receive_data(frame(PING, b"a") + frame(PING, b"b"))
    assert sent(server) == [Frame(Opcode.PONG, b"a"), Frame(Opcode.PONG, b"b")]


def test_a_pong_held_back_is_not_sent_after_the_end() -> None:
    server = Protocol(Side.SERVER, write_limit=1000)
    server.output_pending(1001)
    server.receive_data(frame(PING, b"p"))
    server.receive_data(frame(CLOSE))
    assert sent(server)[-1] == SEND_EOF
    server.output_pending(0)
    assert server.data_to_send() == []


def test_a_pong_held_back_is_sent_while_closing() -> None:
    server = Protocol(Side.SERVER, write_limit=1000)
    server.output_pending(1001)
    server.receive_data(frame(PING, b"p"))
    server.send_close(1000)
    assert len(server.data_to_send()) == 1
    server.output_pending(0)
    assert sent(server) == [Frame(Opcode.PONG, b"p")]


# The opening handshake


@pytest.mark.parametrize("hosts", [[], ["a", "b"], ["a", "a"]])
def test_a_request_has_one_host(hosts: list[str]) -> None:
    more = [("Host", host) for host in hosts]
    server, request = requested(request_bytes(*more, without=["Host"]))
    assert server.accept(request).status_code == 400


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://example.com", 101),
        ("https://example.com", 403),  # another port
        ("http://evil.example", 403),
        ("http://example.com.evil.example", 403),
        ("http://evil.example/example.com", 403),
        ("http://example.com@evil.example", 403),
        ("null", 403),
    ],
)
def test_same_origin_refuses_other_pages(origin: str, status: int) -> None:
    data = request_bytes(("Host", "example.com:80"), ("Origin", origin), without=["Host"])
    server, request = requested(data, origins=["same-origin"])
    assert server.accept(request).status_code == status


def test_heads_are_bounded_as_a_whole() -> None:
    server = ServerProtocol()
    many = [(f"X-{number}", "x" * 4000) for number in range(MAX_HEAD_SIZE // 4000 + 1)]
    server.receive_data(request_bytes(*many))
    assert isinstance(server.handshake_exc, SecurityError)
    assert server.data_to_send()[0].startswith(b"HTTP/1.1 431 ")


def test_two_thousand_headers() -> None:
    server = ServerProtocol()
    server.receive_data(request_bytes(*((f"X-{number}", "") for number in range(2000))))
    assert isinstance(server.handshake_exc, SecurityError)
    assert server.data_to_send()[0].startswith(b"HTTP/1.1 431 ")
    client = requesting()
    client.receive_data(response_bytes(client, *((f"X-{number}", "") for number in range(2000))))
    assert isinstance(client.handshake_exc, InvalidMessage)
    assert isinstance(client.handshake_exc.__cause__, SecurityError)


@pytest.mark.parametrize("ending", [b"\r\n\r\n", b""])
def test_a_head_at_its_limits_that_comes_byte_by_byte(ending: bytes) -> None:
    """Each byte of the head is looked at once, or this takes hours."""
    server = ServerProtocol()
    line = b"GET /" + b"x" * (MAX_LINE_LENGTH - 30) + b" HTTP/1.1"
    fields = [b"X: " + b"y" * (MAX_LINE_LENGTH - 20)] * (MAX_HEAD_SIZE // MAX_LINE_LENGTH - 2)
    data = b"\r\n".join([line, *fields]) + ending
    for byte in one_by_one(data):
        server.receive_data(byte)
    assert len(server.events_received()) == (1 if ending else 0)


def test_a_request_that_dribbles_has_its_deadline() -> None:
    server = ServerProtocol(open_timeout=10)
    server.handle_deadline(100.0)
    for second, byte in enumerate(one_by_one(request_bytes())[:9]):
        server.receive_data(byte, now=101.0 + second)
    assert server.next_deadline == 110.0
    server.handle_deadline(110.0)
    assert server.timed_out
    assert server.state is State.CLOSED
    assert isinstance(server.handshake_exc, TimeoutError)
    assert server.data_to_send() == [SEND_EOF]


def test_a_line_without_end_is_not_buffered() -> None:
    server = ServerProtocol()

    def flood() -> None:
        for _ in range(1000):
            server.receive_data(bytes(KIB))

    assert peak(flood) < 256 * KIB
    assert server.handshake_exc is not None


def test_what_follows_a_refused_request_is_not_buffered() -> None:
    server, request = requested(request_bytes(without=["Upgrade"]))
    server.send_response(server.accept(request))

    def flood() -> None:
        for _ in range(1000):
            server.receive_data(bytes(KIB))

    assert peak(flood) < 64 * KIB


def test_what_comes_before_the_response_is_bounded() -> None:
    server, _ = requested(request_bytes())

    def flood() -> None:
        for _ in range(1000):
            server.receive_data(bytes(KIB))

    assert peak(flood) < 4 * MAX_HEAD_SIZE
    assert isinstance(server.handshake_exc, SecurityError)
    assert server.data_to_send()[0].startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.1 403 Forbidden\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 99999999\r\n\r\n",
    ],
)
def test_bodies_of_responses_are_bounded(head: str) -> None:
    client = requesting()
    client.receive_data(head.encode())

    def flood() -> None:
        for _ in range(2 * MAX_BODY_SIZE // 1024):
            client.receive_data(bytes(1024))

    assert peak(flood) < 4 * MAX_BODY_SIZE
    assert isinstance(client.handshake_exc, InvalidMessage)
    assert isinstance(client.handshake_exc.__cause__, SecurityError)


LISTS = ["Connection", "Upgrade", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "run", [" ", "\t", ",", ", ", " ,", ";", "; ", "a ", '"', '\\"', "a;a=", "="]
)
def test_runs_of_separators_take_linear_time(name: str, run: str) -> None:
    """A grammar that backtracks would take longer than the universe has."""
    value = "a" + run * ((MAX_LINE_LENGTH - 100) // len(run)) + "a"
    server, request = requested(
        request_bytes((name, value), without=[name]),
        subprotocols=["a"],
        extensions=[Factory()],
    )
    assert server.accept(request).status_code in (101, 400, 426)
    client = requesting(subprotocols=["a"], extensions=[Factory()])
    client.receive_data(response_bytes(client, (name, value), without=[name]))
    assert client.state is State.OPEN or client.handshake_exc is not None


def test_thousands_of_offers_take_linear_time() -> None:
    offers = ", ".join(["x-mark; level=9"] * 450)
    more = [("Sec-WebSocket-Extensions", offers)] * 8
    server, request = requested(request_bytes(*more), extensions=[Factory()])
    assert server.accept(request).status_code == 101
    assert server.extensions == []


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "\r\nHost: evil"])
def test_nothing_that_a_caller_passes_adds_a_line(bad: str) -> None:
    text = f"a{bad}b"
    uri = WebSocketURI(False, "example.com", 80, f"/{text}", "")
    client = ClientProtocol(uri)
    with pytest.raises(ValueError, match="invalid"):
        client.send_request(client.connect())
    assert client.data_to_send() == []
    with pytest.raises(ValueError, match="invalid"):
        ClientProtocol(WebSocketURI(False, text, 80, "/", "")).connect()
    with pytest.raises(ValueError, match="invalid"):
        ClientProtocol(URI, origin=text).connect()  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="invalid"):
        ClientProtocol(URI, subprotocols=[text])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="invalid"):
        ClientProtocol(URI).connect().headers["X"] = text
    with pytest.raises(ValueError, match="invalid"):
        ClientProtocol(URI).connect().headers[text] = "x"
    server, request = requested(
        request_bytes(("Sec-WebSocket-Protocol", "a")), select_subprotocol=lambda *_: text
    )
    assert server.accept(request).status_code == 500
    assert isinstance(server.handshake_exc, ValueError)
    server, request = requested(request_bytes())
    response = server.accept(request)
    response.reason_phrase = text
    with pytest.raises(ValueError, match="invalid"):
        server.send_response(response)
    assert server.data_to_send() == []
    assert server.state is State.CONNECTING


# Fragments, sizes, lengths


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_empty_fragments_are_counted(view: Any, opcode: int) -> None:
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(frame(opcode, fin=False))
    for _ in range(5000):
        server.receive_data(frame(CONT, fin=False))
        server.events_received()
    assert failed(server, CloseCode.MESSAGE_TOO_BIG) == (
        "fragmented message exceeds limit of 4096 frames"
    )
    assert isinstance(server.parser_exc, TooManyFragments)


def test_tiny_fragments_are_bounded_by_their_bytes() -> None:
    server = Protocol(Side.SERVER, view="messages", max_size=16 * KIB)
    flood = frame(BINARY, b"x", fin=False) + frame(CONT, b"x", fin=False) * (16 * KIB)
    assert peak(lambda: server.receive_data(flood)) < 512 * KIB
    assert failed(server, CloseCode.MESSAGE_TOO_BIG)
    server = Protocol(Side.SERVER, view="messages", max_size=16 * KIB)
    server.receive_data(flood[: 16 * KIB * 7])
    server.receive_data(frame(CONT))
    assert server.events_received() == [b"x" * (16 * KIB)]


@pytest.mark.parametrize("length", [2**20 + 1, 2**30, 2**32, 2**62, 2**63 - 1])
def test_a_huge_frame_is_refused_from_its_header(view: Any, length: int) -> None:
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(header(BINARY, length)[:-4])
    assert server.state is State.OPEN
    server.receive_data(KEY)
    assert failed(server, CloseCode.MESSAGE_TOO_BIG) == (
        f"frame with {length} bytes exceeds limit of 1048576 bytes"
    )
    assert isinstance(server.parser_exc, PayloadTooBig)


def test_a_huge_frame_that_is_announced_and_dribbled_reserves_nothing(view: Any) -> None:
    server = Protocol(Side.SERVER, view=view, max_size=None)

    def dribble() -> None:
        server.receive_data(header(BINARY, 2**30))
        for _ in range(1000):
            server.receive_data(b"x")

    assert peak(dribble) < 64 * KIB
    assert server.state is State.OPEN


@pytest.mark.parametrize("max_size", [None, 2**20])
@pytest.mark.parametrize(
    ("length", "code"),
    [(2**63, CloseCode.PROTOCOL_ERROR), (2**64 - 1, CloseCode.PROTOCOL_ERROR)],
)
def test_lengths_of_64_bits(view: Any, length: int, code: CloseCode, max_size: int | None) -> None:
    server = Protocol(Side.SERVER, view=view, max_size=max_size)
    server.receive_data(header(BINARY, length))
    assert failed(server, code) == "payload length exceeds 2**63 - 1"


def test_lengths_add_up_without_overflow(view: Any) -> None:
    server = Protocol(Side.SERVER, view=view, max_size=None)
    server.receive_data(frame(BINARY, b"x" * 10, fin=False) + header(CONT, 2**63 - 1))
    assert failed(server, CloseCode.MESSAGE_TOO_BIG)


@pytest.mark.parametrize(
    ("size", "form"), [(0, 2), (125, 2), (0, 8), (125, 8), (126, 8), (65535, 8)]
)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_lengths_have_their_shortest_form(view: Any, opcode: int, size: int, form: int) -> None:
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(frame(opcode, b"x" * size, form=form))
    assert failed(server, CloseCode.PROTOCOL_ERROR) == "payload length isn't in its shortest form"


@pytest.mark.parametrize("size", [126, 2**16])
@pytest.mark.parametrize("opcode", [PING, CLOSE])
def test_control_frames_are_short(view: Any, opcode: int, size: int) -> None:
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(header(opcode, size))
    assert failed(server, CloseCode.PROTOCOL_ERROR) == "control frame too long"


@pytest.mark.parametrize("rsv", [0x10, 0x20, 0x40, 0x70])
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, CLOSE])
def test_reserved_bits_that_were_not_negotiated(view: Any, opcode: int, rsv: int) -> None:
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(frame(opcode, rsv=rsv))
    assert failed(server, CloseCode.PROTOCOL_ERROR) == "reserved bits must be 0"
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(frame(TEXT, fin=False) + frame(CONT, rsv=rsv))
    assert failed(server, CloseCode.PROTOCOL_ERROR) == "reserved bits must be 0"


class Inflating(Extension):
    """Makes each byte a MiB, as far as the limit permits."""

    name = "inflate"  # type: ignore[assignment]

    def __init__(self, message_rsv: int | None) -> None:
        self.message_rsv = message_rsv
        self.limits: list[int | None] = []

    def encode(self, frame: Frame) -> Frame:
        return frame

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        if not frame.rsv1:
            return frame
        return Frame(frame.opcode, self.decode_message(frame.data, max_size=max_size), frame.fin)

    def decode_message(self, data: Any, *, max_size: int | None) -> bytes:
        self.limits.append(max_size)
        if max_size is not None and len(data) * MIB > max_size:
            raise PayloadTooBig(None, max_size)
        return bytes(len(data) * MIB)


@pytest.mark.parametrize("hook", [None, 0x40])
def test_extensions_are_told_the_limit_ahead(view: Any, hook: int | None) -> None:
    extension = Inflating(hook)
    server = Protocol(Side.SERVER, view=view, state=State.CONNECTING, max_size=MIB)
    server.extensions = [extension]
    server.state = State.OPEN
    server.receive_data(frame(BINARY, b"x", rsv=0x40))
    [event] = server.events_received()
    assert len(event if view == "messages" else event.data) == MIB
    assert peak(lambda: server.receive_data(frame(BINARY, b"x" * 1000, rsv=0x40))) < 256 * KIB
    assert failed(server, CloseCode.MESSAGE_TOO_BIG) == "frame exceeds limit of 1048576 bytes"
    assert extension.limits == [MIB, MIB]


# Text


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"", b"\xff"),
        (b"", b"\xc0"),  # overlong
        (b"\xe0", b"\x80"),
        (b"\xf0", b"\x80"),
        (b"\xed", b"\xa0"),  # a surrogate
        (b"\xf4", b"\x90"),  # beyond U+10FFFF
        (b"\xe2\x82", b"a"),
        (b"", b"\x80"),
    ],
)
@pytest.mark.parametrize("before", [b"", b"abcdefghijklmnopqrstuvwxyz", "\u20ac".encode()])
def test_bad_text_is_refused_at_its_first_bad_byte(
    view: Any, before: bytes, good: bytes, bad: bytes
) -> None:
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(frame(TEXT, before, fin=False))
    data = frame(CONT, good + bad + b"more", fin=False)
    end = 6 + len(good)
    server.receive_data(data[:end])
    assert server.state is State.OPEN
    server.receive_data(data[end : end + 1])
    assert failed(server, CloseCode.INVALID_DATA).endswith(f"at position {len(before)}")


def test_text_that_is_cut_off(view: Any) -> None:
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(frame(TEXT, b"a\xe2", fin=False) + frame(CONT, b"\x82"))
    assert failed(server, CloseCode.INVALID_DATA) == "unexpected end of data at position 1"


# What a program passes


@pytest.mark.parametrize("send", ["send_binary", "send_ping", "send_pong", "send_message"])
@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    "data",
    [
        memoryview(b"abcdefgh")[::2],
        memoryview(b"abcdefgh")[::-1],
        memoryview(array.array("I", [1, 2, 2**32 - 1])),
        memoryview(array.array("H", [1, 2, 3, 4]))[::2],
        memoryview(b"abcdefgh").cast("B", (2, 4)),
        memoryview(b""),
    ],
)
def test_views_of_any_shape_send_their_bytes(side: Side, send: str, data: Any) -> None:
    protocol = Protocol(side)
    getattr(protocol, send)(data)
    [result] = sent(protocol)
    assert result.data == data.tobytes()


def test_views_of_wide_items_are_measured_in_bytes() -> None:
    server = Protocol(Side.SERVER)
    data = memoryview(array.array("I", range(32)))
    assert len(data) <= 125 < data.nbytes
    with pytest.raises(Exception, match=r"^control frame too long$"):
        server.send_ping(data)


def test_masking_keys_do_not_repeat() -> None:
    client = Protocol(Side.CLIENT)
    for _ in range(1000):
        client.send_binary(b"")
    assert len({chunk[2:] for chunk in client.data_to_send()}) > 990


def test_masking_keys_differ_between_connections() -> None:
    chunks = set()
    for _ in range(100):
        client = Protocol(Side.CLIENT)
        client.send_binary(b"x")
        chunks |= set(client.data_to_send())
    assert len(chunks) > 90


def test_a_close_frame_holds_what_was_sent_and_no_more() -> None:
    server = Protocol(Side.SERVER)
    server.send_close(1000, "bye")
    assert server.data_to_send() == [b"\x88\x05\x03\xe8bye"]
    assert server.close_sent == Close(1000, "bye")


# Input without end


@pytest.mark.parametrize("last", [frame(3), frame(CLOSE)])
def test_what_follows_the_last_frame_is_not_buffered(view: Any, last: bytes) -> None:
    server = Protocol(Side.SERVER, view=view)
    server.receive_data(last)
    server.data_to_send()
    server.events_received()

    data = frame(BINARY, bytes(KIB)) + frame(PING)

    def flood() -> None:
        for _ in range(1000):
            server.receive_data(data)

    assert peak(flood) < 64 * KIB
    assert server.data_to_send() == []
    assert server.events_received() == []


def test_no_input_raises() -> None:
    for first in range(256):
        for second in (0, 1, 2, 125, 126, 127, 128, 129, 130, 253, 254, 255):
            for side in Side:
                protocol = Protocol(side)
                protocol.receive_data(bytes([first, second]))
                protocol.receive_data(bytes(20))
                protocol.receive_eof()
                assert protocol.state is State.CLOSED
