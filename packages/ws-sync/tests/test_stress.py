"""
Many threads on one connection: nothing is lost, reordered or torn, and everything ends.

``WS_STRESS`` is the number of rounds; a few by default.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading

import pytest
from kit import Task, pair, until

from ws_sync.connection import Connection
from ws_types.exceptions import ConnectionClosed

ROUNDS = int(os.environ.get("WS_STRESS", "3"))
SENDERS = 4
MESSAGES = 40


def send_all(connection: Connection, sender: int, seed: int) -> None:
    sizes = random.Random(seed * SENDERS + sender)
    for number in range(MESSAGES):
        size = sizes.choice([0, 10, 1000, 100_000])
        connection.send(f"{sender} {number} ".encode() + bytes(size))


def receive_all(connection: Connection) -> dict[int, list[int]]:
    received: dict[int, list[int]] = {sender: [] for sender in range(SENDERS)}
    for _ in range(SENDERS * MESSAGES):
        message = connection.recv(timeout=20)
        assert isinstance(message, bytes)
        sender, number, rest = message.split(b" ", 2)
        assert rest == bytes(len(rest))
        received[int(sender)].append(int(number))
    return received


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_many_threads_send_while_one_receives_on_both_sides(seed: int) -> None:
    order = {sender: list(range(MESSAGES)) for sender in range(SENDERS)}
    with pair(max_queue=4) as ends:
        receiving = [Task(receive_all, connection) for connection in ends]
        sending = [
            Task(send_all, connection, sender, seed)
            for connection in ends
            for sender in range(SENDERS)
        ]
        pinging = [Task(connection.ping().wait, 20) for connection in ends for _ in range(5)]
        for task in receiving:
            assert task.result() == order
        for task in sending:
            task.result()
        for ping in pinging:
            assert ping.result()


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_everything_ends_when_anybody_closes(seed: int) -> None:
    def work(connection: Connection, kind: int) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                if kind == 0:
                    connection.recv()
                elif kind == 1:
                    connection.send(bytes(50_000))
                else:
                    connection.ping().wait(0.01)

    with pair(close_timeout=5) as ends:
        tasks = [Task(work, connection, kind) for connection in ends for kind in range(3)]
        pause = threading.Event()
        pause.wait(random.Random(seed).random() / 50)
        closing = [Task(connection.close) for connection in ends for _ in range(2)]
        for task in [*closing, *tasks]:
            task.result()
        # The last that waited for a socket closes it, which may be the watchman.
        until(lambda: [connection.fileno() for connection in ends] == [-1, -1])
