"""Messages: what can be sent, and what is received."""

from __future__ import annotations

from queue import SimpleQueue
from threading import Event

import pytest
from shells import PATIENCE

MESSAGES = ["text", "", "naïve ☕ 👋🏽", "é" * 40000, b"binary", b"", bytes(range(256)) * 300]


@pytest.mark.parametrize("message", MESSAGES, ids=range(len(MESSAGES)))
def test_a_message_arrives_as_what_it_was_sent_as(ends, message):
    sender, receiver = ends
    sender.send(message)
    assert receiver.recv() == message


@pytest.mark.parametrize("make", [bytearray, memoryview])
def test_what_is_like_bytes_is_binary(ends, make):
    sender, receiver = ends
    sender.send(make(b"binary"))
    received = receiver.recv()
    assert received == b"binary"
    assert type(received) is bytes


def test_bytes_as_text(ends):
    sender, receiver = ends
    sender.send("naïve".encode(), text=True)
    assert receiver.recv() == "naïve"


def test_text_as_binary(ends):
    sender, receiver = ends
    sender.send("naïve", text=False)
    assert receiver.recv() == "naïve".encode()


@pytest.mark.parametrize("message", ["naïve", "naïve".encode()])
def test_received_as_asked_for(ends, message):
    sender, receiver = ends
    sender.send(message)
    assert receiver.recv(decode=True) == "naïve"
    sender.send(message)
    assert receiver.recv(decode=False) == "naïve".encode()


def test_binary_that_is_to_be_text_and_is_none(shell, ends):
    sender, receiver = ends
    sender.send(b"\xff")
    with pytest.raises(shell.errors.ConnectionClosedError) as caught:
        receiver.recv(decode=True)
    assert caught.value.sent.code == 1007


def test_order_is_kept(ends):
    sender, receiver = ends
    receiving = receiver.start("iterate")
    messages = [f"message {number}" for number in range(500)]
    for message in messages:
        sender.send(message)
    sender.close()
    assert receiving.result(PATIENCE) == messages


@pytest.mark.parametrize("message", [5, None, object(), {"a": "dictionary"}])
def test_what_cannot_be_sent(ends, message):
    sender, receiver = ends
    with pytest.raises(TypeError):
        sender.send(message)
    sender.send("still open")
    assert receiver.recv() == "still open"


# Fragments


@pytest.mark.parametrize(
    "fragments", [["a", "", "b"], ["one"], [b"a", bytearray(b"b")], [b"", b""]]
)
def test_fragments_are_one_message(ends, fragments):
    sender, receiver = ends
    sender.send(fragments)
    assert receiver.recv() == fragments[0][:0].join(fragments)


def test_fragments_from_a_generator(ends):
    sender, receiver = ends
    sender.send(letter for letter in "abc")
    assert receiver.recv() == "abc"


def test_no_fragments_are_no_message(ends):
    sender, receiver = ends
    sender.send([])
    sender.send("after")
    assert receiver.recv() == "after"


def test_fragments_as_text_or_as_binary(ends):
    sender, receiver = ends
    sender.send([b"na", "ïve".encode()], text=True)
    assert receiver.recv() == "naïve"
    sender.send(["na", "ïve"], text=False)
    assert receiver.recv() == "naïve".encode()


@pytest.mark.parametrize("fragments", [["text", b"binary"], [b"binary", "text"], ["text", 5]])
def test_fragments_of_several_kinds_fail_the_connection(shell, ends, fragments):
    sender, receiver = ends
    with pytest.raises(TypeError):
        sender.send(fragments)
    closed = receiver.closed()
    assert isinstance(closed, shell.errors.ConnectionClosedError)
    assert closed.rcvd.code == 1011


def test_a_first_fragment_that_cannot_be_sent_leaves_the_connection_open(ends):
    sender, receiver = ends
    with pytest.raises(TypeError):
        sender.send([5])
    sender.send("still open")
    assert receiver.recv() == "still open"


def test_an_error_between_fragments_fails_the_connection(shell, ends):
    sender, receiver = ends

    def fragments():
        yield "first"
        raise LookupError("no second")

    with pytest.raises(LookupError, match="no second"):
        sender.send(fragments())
    closed = receiver.closed()
    assert isinstance(closed, shell.errors.ConnectionClosedError)
    assert closed.rcvd.code == 1011


# Fragments, as they come


def test_fragments_before_the_message_is_complete(ends):
    sender, receiver = ends
    for message in (["ab", "cd"], [b"ab", b"cd"]):
        proceed, fragments = Event(), SimpleQueue()
        sending = sender.start_slowly(message, proceed)
        receiving = receiver.start("recv_streaming", into=fragments)
        assert fragments.get(timeout=PATIENCE) == message[0]
        assert not receiving.done()
        proceed.set()
        sending.result(PATIENCE)
        assert [fragment for fragment in receiving.result(PATIENCE) if fragment] == message


def test_fragments_that_are_there_already(ends):
    sender, receiver = ends
    sender.send(["ab", "cd", "ef"])
    assert [fragment for fragment in receiver.recv_streaming() if fragment] == ["ab", "cd", "ef"]
    sender.send([b"ab", b"cd"])
    assert [fragment for fragment in receiver.recv_streaming() if fragment] == [b"ab", b"cd"]


def test_a_whole_message_is_one_fragment(ends):
    sender, receiver = ends
    sender.send("whole")
    assert receiver.recv_streaming() == ["whole"]
    sender.send("")
    assert receiver.recv_streaming() == [""]


@pytest.mark.parametrize("message", [["na", "ï", "ve"], [b"na", "ï".encode(), b"ve"]])
def test_fragments_as_asked_for(ends, message):
    sender, receiver = ends
    sender.send(message)
    assert "".join(receiver.recv_streaming(True)) == "naïve"
    sender.send(message)
    assert b"".join(receiver.recv_streaming(False)) == "naïve".encode()


def test_characters_split_between_fragments(ends):
    sender, receiver = ends
    encoded = "☕👋".encode()
    fragments = [encoded[i : i + 1] for i in range(len(encoded))]
    sender.send(fragments, text=True)
    assert "".join(receiver.recv_streaming()) == "☕👋"
    sender.send(fragments, text=True)
    assert receiver.recv() == "☕👋"


def test_fragments_and_messages_take_turns(ends):
    sender, receiver = ends
    for message in (["a", "b"], "c", ["d", "e"], "f"):
        sender.send(message)
    assert "".join(receiver.recv_streaming()) == "ab"
    assert receiver.recv() == "c"
    assert receiver.recv() == "de"
    assert receiver.recv_streaming() == ["f"]


# Waiting


def test_nothing_arrives_in_time(ends):
    sender, receiver = ends
    with pytest.raises(TimeoutError):
        receiver.recv(timeout=0.01)
    sender.send("late")
    assert receiver.recv(timeout=10) == "late"


def test_no_time_at_all(shell, ends):
    sender, receiver = ends
    sender.send("there")
    receiving = receiver.start("recv")
    assert receiving.result(PATIENCE) == "there"
    with pytest.raises(TimeoutError):
        receiver.recv(timeout=0)


def test_messages_that_came_before_the_end_are_received(shell, ends):
    sender, receiver = ends
    sender.send("first")
    sender.send("second")
    sender.close()
    assert [receiver.recv(), receiver.recv()] == ["first", "second"]
    with pytest.raises(shell.errors.ConnectionClosedOK):
        receiver.recv()


def test_iteration_ends_with_the_connection(ends):
    sender, receiver = ends
    sender.send("first")
    sender.send(b"second")
    sender.close(1001)
    assert receiver.iterate() == ["first", b"second"]


def test_iteration_raises_where_the_end_was_no_normal_one(shell, ends):
    sender, receiver = ends
    sender.close(1008, "rules")
    with pytest.raises(shell.errors.ConnectionClosedError):
        receiver.iterate()
