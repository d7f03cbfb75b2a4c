"""How a message is sent: compressed or not, or prepared for many."""

from __future__ import annotations

import random
import zlib

import pytest
import raw
from libraries import only_ours

DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
RSV1 = 0x40
SHORT, LONG = "short", "long " * 100


@pytest.mark.parametrize(
    ("message", "compress", "compressed"),
    [
        pytest.param(LONG, None, True, id="long"),
        pytest.param(LONG, False, False, id="long-not", marks=only_ours),
        pytest.param(SHORT, None, False, id="short", marks=only_ours),
        pytest.param(SHORT, True, True, id="short-all-the-same", marks=only_ours),
        pytest.param([LONG, LONG], None, True, id="fragments"),
        pytest.param([LONG, LONG], False, False, id="fragments-not", marks=only_ours),
    ],
)
def test_messages_are_compressed_where_it_is_worth_it(facing, message, compress, compressed):
    connection, peer = facing(DEFLATE)
    connection.send(message, **({} if compress is None else {"compress": compress}))
    frame = peer.receive_frame()
    assert bool(frame.first & RSV1) is compressed
    if not compressed:
        assert LONG.encode().startswith(frame.payload) or frame.payload == SHORT.encode()


@only_ours
@pytest.mark.parametrize("compress", [None, True, False])
def test_messages_arrive_whether_they_are_compressed_or_not(ends, compress):
    sender, receiver = ends
    for message in (SHORT, LONG, b"binary", "", ["frag", "ments " * 50]):
        sender.send(message, compress=compress)
        whole = "".join(message) if isinstance(message, list) else message
        assert receiver.recv() == whole


@only_ours
@pytest.mark.parametrize("compress", [None, True, False])
def test_without_compression_nothing_is_compressed(facing, compress):
    connection, peer = facing(compression=None)
    connection.send(LONG, compress=compress)
    assert peer.receive_frame().payload == LONG.encode()


# Prepared messages


def inflate(data, bits):
    """Decompress what must be compressed within a window; in small steps, it has no other."""
    decompressor = zlib.decompressobj(-bits)
    whole, data = b"", data + b"\0\0\xff\xff"
    while step := decompressor.decompress(data, 100):
        whole, data = whole + step, decompressor.unconsumed_tail
    return whole


@only_ours
@pytest.mark.parametrize("message", [LONG, SHORT, "", b"binary " * 50])
def test_a_prepared_message_is_sent_to_many(shell, server, message):
    prepared = shell.library.prepared(message)
    pairs = [server.pair(compression=each) for each in ("deflate", None, "deflate")]
    for client, handled in pairs:
        for sender, receiver in ((client, handled), (handled, client)):
            sender.send("before")
            sender.send(prepared)
            sender.send(prepared)
            sender.send("after")
            received = [receiver.recv() for _ in range(4)]
            assert received == ["before", message, message, "after"]


@only_ours
def test_a_prepared_message_may_be_broadcast_and_sent(shell, server):
    client, handled = server.pair()
    prepared = shell.library.prepared(LONG.encode(), text=True)
    assert shell.broadcast([handled], prepared).sent == 1
    handled.send(prepared, compress=False)
    assert [client.recv(), client.recv()] == [LONG, LONG]


@only_ours
def test_a_prepared_message_is_compressed_as_each_peer_wants_it(shell, server):
    # What is repeated is further back than a window of 512 bytes reaches.
    data = random.Random(1).randbytes(1000) * 2
    prepared = shell.library.prepared(data)
    for bits in (12, 9, 12, 9):
        offer = DEFLATE.replace("\r", f"; server_max_window_bits={bits}\r")
        with raw.connect(server.port, offer) as peer:
            server.accept().send(prepared, compress=True)
            frame = peer.receive_frame()
            assert frame.first & RSV1
            assert inflate(frame.payload, bits) == data


@only_ours
def test_clients_mask_a_prepared_message_anew(shell, facing):
    connection, peer = facing(compression=None)
    prepared = shell.library.prepared(SHORT)
    connection.send(prepared)
    connection.send(prepared)
    first, second = peer.receive_frame(), peer.receive_frame()
    assert first.payload == second.payload == SHORT.encode()
    assert (first.key == second.key) is peer.masks


@only_ours
def test_a_prepared_message_is_text_or_binary_already(shell, ends):
    sender, receiver = ends
    prepared = shell.library.prepared(SHORT)
    with pytest.raises(TypeError, match="text"):
        sender.send(prepared, text=False)
    with pytest.raises(TypeError):
        shell.library.prepared([SHORT])
    with pytest.raises(UnicodeDecodeError):
        shell.library.prepared(b"\xff", text=True)
    sender.send(prepared)
    assert receiver.recv() == SHORT
