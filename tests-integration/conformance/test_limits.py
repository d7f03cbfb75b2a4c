"""Sizes, compression, frames that break the rules, and what waits to be received."""

from __future__ import annotations

import select
import socket
import zlib
from concurrent import futures

import pytest
import raw
from shells import PATIENCE


@pytest.fixture(params=[None, "deflate"], ids=["plain", "compressed"])
def compression(request):
    return request.param


@pytest.fixture(params=["client", "server"])
def limited(request, shell, compression):
    """Make the two ends of a connection, the second of which is limited."""

    def serve(**limits):
        at_server = limits if request.param == "server" else {}
        return shell.serve(compression=compression, **at_server)

    def connect(server, **limits):
        at_client = limits if request.param == "client" else {}
        client, handled = server.pair(compression=compression, **at_client)
        return (handled, client) if request.param == "client" else (client, handled)

    return serve, connect


def test_messages_up_to_the_limit(shell, limited):
    serve, connect = limited
    with serve(max_size=1000) as server:
        sender, receiver = connect(server, max_size=1000)
        for message in (b"x" * 1000, "x" * 1000, ["x" * 500, "x" * 499]):
            sender.send(message)
            assert len(receiver.recv()) in (999, 1000)
        receiving = receiver.start("recv")
        sender.send(b"x" * 1001)
        with pytest.raises(shell.errors.ConnectionClosedError) as caught:
            receiving.result(PATIENCE)
        assert caught.value.sent.code == 1009
        assert sender.closed().rcvd.code == 1009


def test_fragments_that_reach_the_limit(limited):
    serve, connect = limited
    with serve(max_size=1000) as server:
        sender, receiver = connect(server, max_size=1000)
        sender.send(["x" * 500, "x" * 500])
        assert receiver.recv() == "x" * 1000


def test_fragments_beyond_the_limit(shell, limited):
    serve, connect = limited
    with serve(max_size=1000) as server:
        sender, receiver = connect(server, max_size=1000)
        receiving = receiver.start("recv")
        # The end may come before everything is sent.
        sending = sender.start("send", ["x" * 500, "x" * 500, "x"])
        with pytest.raises(shell.errors.ConnectionClosedError) as caught:
            receiving.result(PATIENCE)
        assert caught.value.sent.code == 1009
        assert sending.exception(PATIENCE) is None or isinstance(
            sending.exception(), shell.errors.ConnectionClosedError
        )


def test_limit_by_default(limited):
    serve, connect = limited
    with serve() as server:
        sender, receiver = connect(server)
        sender.send(b"x" * 2**20)
        assert receiver.recv() == b"x" * 2**20
        receiving = receiver.start("closed")
        sender.send(b"x" * (2**20 + 1))
        assert receiving.result(PATIENCE).sent.code == 1009


def test_no_limit(limited):
    serve, connect = limited
    with serve(max_size=None) as server:
        sender, receiver = connect(server, max_size=None)
        receiving = receiver.start("recv")
        sender.send(b"x" * 2**22)
        assert receiving.result(PATIENCE) == b"x" * 2**22


def test_messages_wait_to_be_received(limited):
    serve, connect = limited
    messages = [f"{number} " * 2000 for number in range(200)]
    with serve(max_queue=2) as server:
        sender, receiver = connect(server, max_queue=2)
        sending = [sender.start("send", message) for message in messages[:100]]
        received = [receiver.recv() for _ in sending]
        for each in sending:
            each.result(PATIENCE)
        assert sorted(received) == sorted(messages[:100])


def test_a_peer_that_sends_more_than_is_received_is_held_back(facing):
    connection, peer = facing(max_queue=2)
    # Without this, there would be room for hundreds of messages on the way.
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**16)
    frame = peer.frame(2, bytes(2**16))
    frames = memoryview(frame * 500)
    sent = 0
    while sent < len(frames) and select.select([], [peer.sock], [], 0.1)[1]:
        sent += peer.sock.send(frames[sent : sent + 2**16])
    assert sent < len(frames)
    receiving = connection.start("iterate")
    count = sent // len(frame) + 1
    peer.send(frames[sent : count * len(frame)])
    peer.send_frame(8, b"\x03\xe8")
    assert peer.receive_close_code() == 1000
    peer.sock.close()
    assert receiving.result(PATIENCE) == [bytes(2**16)] * count


def test_a_peer_that_receives_nothing_holds_senders_back(facing):
    connection, peer = facing(compression=None)
    message = bytes(2**16)
    sending = [connection.start("send", message)]
    while futures.wait(sending[-1:], 0.1).done:
        assert len(sending) < 500
        sending.append(connection.start("send", message))
    for each in sending:
        assert peer.receive_frame().payload == message
        each.result(PATIENCE)


# Compression


@pytest.mark.parametrize("at_client", [None, "deflate"])
@pytest.mark.parametrize("at_server", [None, "deflate"])
def test_compression_is_agreed_on(shell, at_client, at_server):
    with shell.serve(compression=at_server) as server:
        client, handled = server.pair(compression=at_client)
        agreed = bool(at_client and at_server)
        header = client.raw.response.headers.get("Sec-WebSocket-Extensions", "")
        assert header.startswith("permessage-deflate") is agreed
        for sender, receiver in ((client, handled), (handled, client)):
            for message in ("over " * 1000, b"and over", ["in ", "parts " * 100, ""], ""):
                sender.send(message)
                whole = message if isinstance(message, str | bytes) else "".join(message)
                assert receiver.recv() == whole


def test_compression_of_no_such_name(shell):
    with (
        pytest.raises(ValueError, match="unsupported compression: gzip"),
        shell.serve(compression="gzip"),
    ):
        pass
    with pytest.raises(ValueError, match="unsupported compression: gzip"):
        shell.connect("ws://127.0.0.1/", compression="gzip")


def test_what_inflates_beyond_the_limit(shell):
    compressor = zlib.compressobj(wbits=-15)
    bomb = compressor.compress(bytes(100_000)) + compressor.flush(zlib.Z_SYNC_FLUSH)
    with shell.serve(max_size=10_000) as server:
        with raw.connect(server.port, "Sec-WebSocket-Extensions: permessage-deflate\r\n") as peer:
            handled = server.accept()
            peer.send_frame(2, bomb[:-4], rsv=4)
            assert peer.receive_close_code() == 1009
        assert handled.closed().sent.code == 1009


# Frames


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([(1, b"\xff", {})], 1007),
        ([(1, b"", {"rsv": 4})], 1002),
        ([(0, b"", {})], 1002),
        ([(1, b"a", {"fin": False}), (1, b"b", {})], 1002),
        ([(3, b"", {})], 1002),
        ([(9, b"", {"fin": False})], 1002),
        ([(8, b"\x03", {})], 1002),
        ([(8, b"\x03\xee", {})], 1002),
        ([(8, b"\x03\xe8\xff", {})], 1007),
    ],
    ids=[
        *("not UTF-8", "reserved bit", "continuation of nothing", "not continued", "opcode"),
        *("fragmented ping", "half a code", "code for nobody", "reason that isn't UTF-8"),
    ],
)
def test_frames_that_break_the_rules(server, frames, code):
    with raw.connect(server.port) as peer:
        closing = server.accept().start("closed")
        for opcode, payload, options in frames:
            peer.send_frame(opcode, payload, **options)
        assert peer.receive_close_code() == code
    assert closing.result(PATIENCE).sent.code == code


def test_a_frame_without_a_mask(server):
    with raw.connect(server.port) as peer:
        handled = server.accept()
        peer.send(b"\x81\x01a")
        assert peer.receive_close_code() == 1002
    assert handled.closed().sent.code == 1002
