"""Frames as they leave: one chunk each, masked, through the extensions."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from framing import BINARY, TEXT, frame
from wiring import Doubling, Marking, extended

from ws_sansio import Protocol, Side
from ws_types.codes import Opcode
from ws_types.errors import ProtocolError
from ws_types.frames import Close, Frame

pytest_plugins = ["variants"]


def test_one_chunk_for_each_frame(side: Side) -> None:
    protocol = Protocol(side)
    protocol.send_text(b"a", fin=False)
    protocol.send_ping(b"p")
    protocol.send_continuation(b"b", fin=True)
    protocol.send_binary(memoryview(b"c"))
    protocol.send_pong(bytearray(b"q"))
    chunks = protocol.data_to_send()
    assert len(chunks) == 5
    reader = Protocol(Side(1 - side))
    reader.receive_data(b"".join(chunks))
    assert reader.events_received() == [
        Frame(Opcode.TEXT, b"a", fin=False),
        Frame(Opcode.PING, b"p"),
        Frame(Opcode.CONT, b"b"),
        Frame(Opcode.BINARY, b"c"),
        Frame(Opcode.PONG, b"q"),
    ]
    assert protocol.data_to_send() == []


def test_a_close_frame_holds_what_was_sent_and_no_more() -> None:
    server = Protocol(Side.SERVER)
    server.send_close(1000, "bye")
    assert server.data_to_send() == [b"\x88\x05\x03\xe8bye"]
    assert server.close_sent == Close(1000, "bye")


# Masks


def test_clients_mask_and_servers_do_not() -> None:
    server, client = Protocol(Side.SERVER), Protocol(Side.CLIENT)
    server.send_text(b"hello")
    assert server.data_to_send() == [b"\x81\x05hello"]
    client.send_text(b"hello")
    [chunk] = client.data_to_send()
    assert chunk[:2] == b"\x81\x85"
    assert len(chunk) == 11


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


# Control frames


@pytest.mark.parametrize("method", ["send_ping", "send_pong"])
def test_control_frames_have_125_bytes_at_most(side: Side, method: str) -> None:
    protocol = Protocol(side)
    send = getattr(protocol, method)
    send(bytes(125))
    for data in (bytes(126), bytearray(126), memoryview(bytes(128)).cast("Q")):
        with pytest.raises(ProtocolError, match=r"^control frame too long$"):
            send(data)
    assert len(protocol.data_to_send()) == 1


@pytest.mark.parametrize("method", ["send_ping", "send_pong"])
def test_control_frames_take_no_text(side: Side, method: str) -> None:
    # 125 characters can be more bytes than a control frame has.
    protocol = Protocol(side)
    with pytest.raises(TypeError, match="not str"):
        getattr(protocol, method)("\u00e9" * 125)
    assert protocol.data_to_send() == []


# Extensions


def test_extensions_apply_in_order_and_are_undone_in_reverse(view: Any) -> None:
    extensions = Marking("a"), Marking("b")
    client = extended(Side.CLIENT, view, *extensions)
    server = extended(Side.SERVER, view, *extensions)
    server.send_text(b"hi")
    assert server.data_to_send() == [b"\xc1\x04bahi"]
    client.send_text(b"hi")
    client.send_binary(b"x", fin=False)
    client.send_ping(b"p")
    client.send_continuation(b"y", fin=True)
    server.receive_data(b"".join(client.data_to_send()))
    events = server.events_received()
    if view == "messages":
        assert events == ["hi", b"xy"]
    else:
        assert [event.data for event in events] == [b"hi", b"x", b"p", b"y"]
    assert len(server.data_to_send()) == 1


@pytest.mark.parametrize("debug", [False, True])
def test_the_hook_for_messages_gets_whole_messages(
    debug: bool, caplog: pytest.LogCaptureFixture
) -> None:
    if debug:
        caplog.set_level(logging.DEBUG, "websockets.server")
    server = extended(Side.SERVER, "messages", Doubling())
    server.send_message("hi")
    server.send_message(b"x")
    server.send_text(b"a", fin=False)
    server.send_continuation(b"b", fin=True)
    assert server.data_to_send() == [b"\xc1\x04hhii", b"\x82\x01x", b"\x01\x01a", b"\x80\x01b"]
    server.receive_data(frame(TEXT, b"hhii", rsv=0x40) + frame(BINARY, b"xx"))
    assert server.events_received() == ["hi", b"xx"]
    assert ("> TEXT 'hi' [2 bytes]" in caplog.text) is debug


@pytest.mark.parametrize("send", ["send_text", "send_binary", "send_message"])
def test_any_message_can_bypass_the_hook(send: str) -> None:
    server = extended(Side.SERVER, "messages", Doubling())
    for options in ({}, {"compress": False}):
        getattr(server, send)(b"hi", **options)
    assert [chunk[2:] for chunk in server.data_to_send()] == [b"hhii", b"hi"]


@pytest.mark.parametrize(("names", "payload"), [("a", b"ahi"), ("ab", b"bahi")])
def test_nothing_bypasses_extensions_without_the_hook(
    view: Any, names: str, payload: bytes
) -> None:
    server = extended(Side.SERVER, view, *map(Marking, names))
    server.send_message("hi", compress=False)
    assert server.data_to_send() == [frame(TEXT, payload, rsv=0x40, key=None)]


class Telling(Doubling):
    """Says what it was given instead of it."""

    def encode(self, frame: Frame) -> Frame:
        return Frame(frame.opcode, b"frame", frame.fin)

    def encode_message(self, data: Any, *, text: bool, force: bool = False) -> bytes:
        return b"text" if text else b"binary"


@pytest.mark.parametrize("compress", [None, True])
def test_the_hook_is_told_which_messages_are_text(compress: bool | None) -> None:
    server = extended(Side.SERVER, "messages", Telling())
    for message in ("hi", b"hi"):
        server.send_message(message, compress=compress)
    assert [chunk[2:] for chunk in server.data_to_send()] == [b"text", b"binary"]


def test_control_frames_reach_an_extension_with_the_hook_in_the_view_of_frames_alone(
    view: Any,
) -> None:
    server = extended(Side.SERVER, view, Telling())
    server.send_ping(b"p")
    server.send_close(1000)
    payloads = [b"p", b"\x03\xe8"] if view == "messages" else [b"frame", b"frame"]
    assert [chunk[2:] for chunk in server.data_to_send()] == payloads


class Reserving(Marking):
    """Sets reserved bits."""

    def __init__(self, bits: int) -> None:
        super().__init__("r")
        self.rsv = bool(bits & 0x40), bool(bits & 0x20), bool(bits & 0x10)

    def encode(self, frame: Frame) -> Frame:
        return Frame(frame.opcode, frame.data, frame.fin, *self.rsv)


@pytest.mark.parametrize("bits", [0x00, 0x10, 0x20, 0x40, 0x70])
def test_extensions_may_set_each_reserved_bit(bits: int) -> None:
    server = extended(Side.SERVER, "frames", Reserving(bits))
    server.send_binary(b"x")
    assert server.data_to_send() == [frame(BINARY, b"x", rsv=bits, key=None)]
