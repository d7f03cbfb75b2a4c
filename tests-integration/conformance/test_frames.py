"""What goes over the wire, frame by frame, told by a peer that does it by hand."""

from __future__ import annotations

import socket

import pytest
import raw
from shells import PATIENCE

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
FIN = 0x80


def assert_failed(closing, peer, code):
    """Check that a connection fails for what was sent to it, and hang up."""
    assert peer.receive_close_code() == code
    peer.sock.close()
    closed = closing.result(PATIENCE)
    assert (closed.rcvd, closed.sent.code) == (None, code)


# What we send


def test_clients_mask_each_frame_with_a_key_of_its_own(facing):
    connection, peer = facing(compression=None)
    for _ in range(20):
        connection.send("message")
    frames = [peer.receive_frame() for _ in range(20)]
    assert {frame.payload for frame in frames} == {b"message"}
    keys = {frame.key for frame in frames}
    assert len(keys) == 1 if peer.masks else len(keys) == 20
    assert (None in keys) is peer.masks


@pytest.mark.parametrize(
    ("size", "kind"), [(0, 0), (125, 125), (126, 126), (65535, 126), (65536, 127)]
)
def test_lengths_are_as_short_as_they_can_be(facing, size, kind):
    connection, peer = facing(compression=None)
    data = (b"0123456789" * (size // 10 + 1))[:size]
    sending = connection.start("send", data)
    frame = peer.receive_frame()
    assert (frame.first, frame.kind, frame.payload) == (FIN | BINARY, kind, data)
    sending.result(PATIENCE)


def test_a_frame_for_each_fragment(facing):
    connection, peer = facing(compression=None)
    connection.send(["a", "b", "c"])
    frames = []
    while not frames or not frames[-1].first & FIN:
        frames.append(peer.receive_frame())
    assert [frame.first & 0xF for frame in frames] == [TEXT] + [0] * (len(frames) - 1)
    assert b"".join(frame.payload for frame in frames) == b"abc"


def test_a_pong_for_a_ping(facing):
    connection, peer = facing()
    for payload in (b"", b"\0\xff", b"x" * 125):
        peer.send_frame(PING, payload)
        frame = peer.receive_frame()
        assert (frame.first, frame.payload) == (FIN | PONG, payload)
        assert (frame.key is None) is peer.masks
    assert connection.state == "OPEN"


# What we receive


def test_a_frame_byte_by_byte(facing):
    connection, peer = facing()
    receiving = connection.start("recv")
    text = "naïve ☕".encode()
    for byte in peer.frame(TEXT, text):
        peer.send(bytes([byte]))
    assert receiving.result(PATIENCE) == "naïve ☕"


def test_several_frames_at_once(facing):
    connection, peer = facing()
    peer.send(b"".join(peer.frame(TEXT, letter) for letter in (b"a", b"b", b"c")))
    assert [connection.recv() for _ in range(3)] == ["a", "b", "c"]


@pytest.mark.parametrize(("kind", "size"), [(126, 2), (127, 8)])
def test_lengths_that_are_longer_than_they_need_to_be(facing, kind, size):
    connection, peer = facing()
    closing = connection.start("closed")
    peer.send(bytes([FIN | TEXT, peer.masks << 7 | kind]) + (1).to_bytes(size) + peer.masked(b"a"))
    assert_failed(closing, peer, 1002)


def test_a_frame_that_is_announced_and_does_not_come(facing):
    connection, peer = facing()
    closing = connection.start("closed")
    peer.send(bytes([FIN | BINARY, peer.masks << 7 | 127]) + (2**62).to_bytes(8) + bytes(4))
    assert_failed(closing, peer, 1009)


def test_masks_where_they_do_not_belong(facing):
    connection, peer = facing()
    closing = connection.start("closed")
    peer.masks = not peer.masks
    peer.send_frame(TEXT, b"a")
    assert_failed(closing, peer, 1002)


def test_what_comes_with_the_response_is_received(shell):
    with raw.listen() as listener:
        connecting = shell.start_connecting(listener.uri)
        with listener.accept(then=b"\x81\x05hello\x81\x05again"):
            client = connecting.result(PATIENCE)
            assert [client.recv(), client.recv()] == ["hello", "again"]


def test_what_comes_with_the_request_is_received(server):
    with raw.dial(server.port) as peer:
        frame = b"\x81\x85" + bytes(4) + b"hello"
        peer.send(raw.HANDSHAKE.encode() + b"\r\n" + frame)
        assert server.accept().recv() == "hello"


# Closing


@pytest.mark.parametrize("code", [1000, 1014, 4999])
def test_a_close_frame_is_answered_with_the_same(facing, code):
    connection, peer = facing()
    closing = connection.start("closed")
    payload = code.to_bytes(2) + "a réason".encode()
    peer.send_frame(CLOSE, payload)
    assert peer.receive_close() == payload
    peer.sock.close()
    assert closing.result(PATIENCE).rcvd_then_sent
    assert connection.ended_with == (code, "a réason")


@pytest.mark.parametrize("code", [0, 1005, 1015, 5000])
def test_codes_that_nobody_may_send(facing, code):
    connection, peer = facing()
    closing = connection.start("closed")
    peer.send_frame(CLOSE, code.to_bytes(2))
    assert_failed(closing, peer, 1002)


def test_a_close_frame_without_a_code(shell, facing):
    connection, peer = facing()
    closing = connection.start("closed")
    peer.send_frame(CLOSE, b"")
    assert peer.receive_close() == b""
    peer.sock.close()
    assert isinstance(closing.result(PATIENCE), shell.errors.ConnectionClosedOK)
    assert connection.ended_with == (1005, "")


def test_nothing_counts_after_a_close_frame(facing):
    connection, peer = facing()
    peer.send_frame(CLOSE, b"\x03\xe8")
    peer.send_frame(TEXT, b"late")
    assert peer.receive_close() == b"\x03\xe8"
    peer.sock.shutdown(socket.SHUT_WR)
    assert connection.iterate() == []
    assert connection.ended_with == (1000, "")
    assert peer.receive_rest() == b""


def test_what_the_peer_sends_before_it_closes_too_is_received(facing):
    connection, peer = facing()
    closing = connection.start("close")
    assert peer.receive_close_code() == 1000
    peer.send_frame(TEXT, b"last words")
    peer.send_frame(CLOSE, b"\x03\xe8")
    peer.sock.shutdown(socket.SHUT_WR)
    closing.result(PATIENCE)
    assert connection.iterate() == ["last words"]


def test_pings_are_answered_until_the_peer_closes_too(facing):
    """Only who has received a Close frame needn't (RFC 6455, section 5.5.2)."""
    connection, peer = facing()
    closing = connection.start("close")
    assert peer.receive_close_code() == 1000
    peer.send_frame(PING, b"still there?")
    peer.send_frame(CLOSE, b"\x03\xe8")
    peer.send_frame(PING, b"and now?")
    peer.sock.shutdown(socket.SHUT_WR)
    frame = peer.receive_frame()
    assert (frame.first, frame.payload) == (FIN | PONG, b"still there?")
    assert peer.receive_rest() == b""
    closing.result(PATIENCE)
    assert connection.ended_with == (1000, "")


def test_a_peer_that_does_not_answer_a_close_frame(facing):
    connection, peer = facing(close_timeout=0.05)
    connection.close()
    assert connection.ended_with == (1006, "")
    assert connection.closed().sent.code == 1000
    assert peer.receive_close_code() == 1000
    assert peer.receive_rest() == b""


def test_a_peer_that_does_not_hang_up(facing):
    connection, peer = facing(close_timeout=0.05)
    closing = connection.start("close")
    assert peer.receive_close_code() == 1000
    peer.send_frame(CLOSE, b"\x03\xe8")
    closing.result(PATIENCE)
    assert connection.ended_with == (1000, "")
    assert peer.receive_rest() == b""


# Ends that nobody announced

#: A frame, how much of it is sent, and whether the end is a reset.
CUTS = {
    "between messages": (TEXT, b"", True, 0, False),
    "in a head": (TEXT, b"hello", True, 1, False),
    "in a length": (TEXT, bytes(300), True, 3, False),
    "in a payload": (TEXT, b"hello", True, -1, False),
    "between fragments": (TEXT, b"hello", False, None, False),
    "in a close frame": (CLOSE, b"\x03\xe8", True, -1, False),
    "between messages, reset": (TEXT, b"", True, 0, True),
    "in a payload, reset": (TEXT, b"hello", True, -1, True),
}


@pytest.mark.parametrize(("opcode", "payload", "fin", "end", "reset"), CUTS.values(), ids=CUTS)
def test_the_peer_ends_abruptly(shell, facing, opcode, payload, fin, end, reset):
    connection, peer = facing()
    peer.send_frame(TEXT, b"whole")
    assert connection.recv() == "whole"
    receiving, pinging = connection.start("recv"), connection.ping_in_vain()
    peer.send(peer.frame(opcode, payload, fin=fin)[:end])
    if reset:
        peer.reset()
    else:
        peer.sock.close()
    with pytest.raises(shell.errors.ConnectionClosedError) as caught:
        receiving.result(PATIENCE)
    assert (caught.value.rcvd, caught.value.sent) == (None, None)
    pinging.result(PATIENCE)
    assert connection.ended_with == (1006, "")
    with pytest.raises(shell.errors.ConnectionClosedError):
        connection.send("late")
