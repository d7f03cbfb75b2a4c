"""Several callers at once, and callers that give up."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, wait
from threading import Event

import pytest
from on_asyncio import AsyncioShell
from shells import PATIENCE


@pytest.fixture
def cancellable(shell):
    """A shell whose operations can be cancelled."""
    if not isinstance(shell, AsyncioShell):
        pytest.skip("threads can't be cancelled")
    return shell


@pytest.mark.parametrize("other", ["recv", "recv_streaming", "iterate"])
def test_only_one_receives(shell, ends, other):
    sender, receiver = ends
    receiving = {receiver.start("recv"), receiver.start(other)}
    refused, _ = wait(receiving, PATIENCE, FIRST_COMPLETED)
    (refused,) = refused
    (waiting,) = receiving - {refused}
    with pytest.raises(shell.errors.ConcurrencyError):
        refused.result()
    sender.send("for the other")
    sender.close()
    assert waiting.result(PATIENCE) in ("for the other", ["for the other"])


def test_messages_of_many_senders_arrive_whole(ends):
    first, second = ends
    messages = [f"{number} " * (number * 50) for number in range(1, 41)]
    receiving = second.start("iterate")
    for sending in [first.start("send", message) for message in messages]:
        sending.result(PATIENCE)
    first.close()
    assert sorted(receiving.result(PATIENCE)) == sorted(messages)


def test_nothing_gets_between_the_fragments_of_a_message(shell, ends):
    first, second = ends
    proceed = Event()
    fragments = first.start_slowly(["in ", "three ", "parts"], proceed)
    other = first.start("send", "another message")
    if not shell.senders_wait:
        with pytest.raises(shell.errors.ConcurrencyError):
            other.result(PATIENCE)
    # Control frames do.
    first.ping().result(PATIENCE)
    proceed.set()
    fragments.result(PATIENCE)
    assert second.recv() == "in three parts"
    if shell.senders_wait:
        other.result(PATIENCE)
        assert second.recv() == "another message"


def test_closing_between_the_fragments_of_a_message_fails_the_connection(shell, ends):
    first, second = ends
    proceed = Event()
    fragments = first.start_slowly(["never ", "completed"], proceed)
    closing = first.start("close")
    closed = second.closed()
    assert closed.rcvd.code == 1011
    closing.result(PATIENCE)
    proceed.set()
    with pytest.raises(shell.errors.ConnectionClosedError):
        fragments.result(PATIENCE)


def test_both_ends_send_more_than_fits_between_them(ends):
    """Neither receives before it has sent everything."""
    data = bytes(2**19)
    sending = [end.start("send", data) for end in ends for _ in range(2)]
    receiving = [end.start("recv") for end in ends]
    for each in receiving:
        assert each.result(PATIENCE) == data
    assert [end.recv() for end in ends] == [data, data]
    for each in sending:
        each.result(PATIENCE)


def test_a_receiver_that_is_cancelled_loses_nothing(cancellable, ends):
    sender, receiver = ends
    for message in ("first", "second"):
        receiving = receiver.start("recv")
        cancellable.settle()
        receiving.cancel()
        cancellable.settle()
        sender.send(message)
        assert receiver.recv() == message


def test_a_message_that_comes_as_the_receiver_is_cancelled_is_not_lost(cancellable, ends):
    sender, receiver = ends
    for number in range(40):
        sending = sender.start("send", f"message {number}")
        received = receiver.start("recv_for", number).result(PATIENCE)
        sending.result(PATIENCE)
        if received is None:
            received = receiver.recv()
        assert received == f"message {number}"


def test_a_sender_that_is_cancelled_leaves_no_part_of_a_message(cancellable, server):
    # With so little room for what is received, senders soon wait.
    client, handled = server.pair(max_queue=1)
    message = bytes(2**19)
    sending = [handled.start("send", message) for _ in range(20)]
    cancellable.settle()
    for each in sending:
        each.cancel()
    cancellable.settle()
    closing = handled.start("close")
    received = client.iterate()
    closing.result(PATIENCE)
    assert all(each == message for each in received)
    assert client.ended_with == (1000, "")


def test_who_closes_may_be_cancelled(cancellable, ends):
    first, second = ends
    closing = first.start("close", 4000, "enough")
    closing.cancel()
    cancellable.settle()
    second.closed()
    first.closed()
    assert first.ended_with in [(4000, "enough"), (1000, "")] or first.state == "CLOSED"


def test_closing_from_elsewhere_ends_what_waits(shell, ends):
    first, _ = ends
    receiving = first.start("recv")
    shell.settle()
    first.close(1001)
    with pytest.raises(shell.errors.ConnectionClosedOK):
        receiving.result(PATIENCE)
