"""
The clients of a soak: each opens connections, one after the other, and ends them in a random way.

What a client sends comes back, and what the server pushes comes in between: it checks that nothing
is missing. Broadcasts may leave out a client that is slow; they have to come in order.
Connections that end gracefully have to have got everything.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import random
import socket
from typing import Any

import health
import traffic

import ws_asyncio
from ws_types.exceptions import ConnectionClosed

__all__ = ["Clients"]

#: How connections end, and how often in a hundred.
ENDINGS = {"close": 50, "closed by the server": 20, "abort": 12, "aborted": 10, "half-close": 8}

#: Messages on the way at once, at most, for each client.
WINDOW = 8


class Clients:
    """
    A number of clients.

    :param uri: the server.
    :param count: how many there are.
    :param seed: of everything random; each client has a generator of its own.
    :param pace: seconds between the messages of a client, on average.
    """

    def __init__(self, uri: str, count: int, seed: int, pace: float) -> None:
        self.uri = uri
        self.pace = pace
        self.census = health.Census()
        self.errors: list[str] = []
        self.messages = 0
        self.bytes = 0
        self.pushed = 0
        self.broadcasts = 0
        self.endings: collections.Counter[str] = collections.Counter()
        self.open = 0
        self._generators = [random.Random(f"{seed} {number}") for number in range(count)]
        self._running: list[asyncio.Task[None]] = []
        self.stopping = False
        # A listening socket holds no more at once.
        self._connecting = asyncio.Semaphore(200)

    def start(self) -> None:
        """Let all clients begin."""
        self.stopping = False
        self._running = [asyncio.create_task(self._live(rng)) for rng in self._generators]

    async def stop(self) -> None:
        """Let all clients end what they have begun, and close."""
        self.stopping = True
        await asyncio.gather(*self._running)
        self._running.clear()

    async def _live(self, rng: random.Random) -> None:
        while not self.stopping:
            settings: dict[str, Any] = {
                "compression": rng.choice(["deflate", None]),
                "max_queue": rng.choice([1, 4, 16, None]),
                "write_limit": rng.choice([0, 1000, 32768]),
                # A machine that is busy with all of them at once is no failure.
                "open_timeout": 60,
            }
            try:
                async with self._connecting:
                    connection = await ws_asyncio.connect(self.uri, **settings)
            except Exception as exc:
                self.errors.append(f"client, opening: {exc!r}")
                return
            self.census.add(connection)
            self.open += 1
            talk = Talk(self, connection, rng)
            del connection
            try:
                await talk.run()
            except Exception as exc:
                self.errors.append(f"client, {talk.ending}: {exc!r}")
            finally:
                self.open -= 1
                self.endings[talk.ending] += 1
                del talk


class Talk:
    """
    What goes over one connection.

    :param clients: the clients that it is one of.
    :param connection: the connection.
    :param rng: its random generator.
    """

    def __init__(
        self, clients: Clients, connection: ws_asyncio.ClientConnection, rng: random.Random
    ) -> None:
        self.clients = clients
        self.connection = connection
        self.rng = rng
        (self.ending,) = rng.choices(list(ENDINGS), list(ENDINGS.values()))
        self.sent: collections.deque[int] = collections.deque()
        self._room = asyncio.Semaphore(WINDOW)

    async def run(self) -> None:
        """Talk, and end it."""
        receiving = asyncio.create_task(self._receive())
        try:
            number = await self._send(self.rng.randrange(1, 40))
            await self._end(number)
        except ConnectionClosed:
            if self.ending not in ("abort", "aborted", "half-close"):
                raise
        finally:
            await receiving
        if self.ending in ("close", "closed by the server"):
            if self.sent:
                raise traffic.CorruptError(f"{len(self.sent)} messages never came back")
            expected = 1000 if self.ending == "close" else 4000
            if self.connection.close_code != expected:
                raise traffic.CorruptError(f"the close code is {self.connection.close_code}")

    async def _send(self, count: int) -> int:
        for number in range(count):
            if self.clients.stopping:
                return number
            await self._room.acquire()
            message = traffic.compose("echo", number, traffic.random_body(self.rng))
            self.sent.append(number)
            await self.connection.send(traffic.random_form(message, self.rng))
            self.clients.messages += 1
            self.clients.bytes += len(message)
            if self.rng.random() < 0.05:
                await (await self.connection.ping())
            await asyncio.sleep(self.rng.expovariate(1 / self.clients.pace))
        return count

    async def _receive(self) -> None:
        pushed = traffic.Sequence()
        last_broadcast = -1
        try:
            # What isn't a normal end is looked at by :meth:`run`.
            with contextlib.suppress(ConnectionClosed):
                async for message in self.connection:
                    kind, number = traffic.read(message)
                    if kind == "push":
                        pushed.check(number)
                        self.clients.pushed += 1
                    elif kind == "broadcast":
                        if number <= last_broadcast:
                            raise traffic.CorruptError(f"broadcast {number} came late")
                        last_broadcast = number
                        self.clients.broadcasts += 1
                    else:
                        self._came_back(number)
        except BaseException:
            self.connection.transport.abort()
            raise
        finally:
            # Nobody waits for what won't come any more.
            for _ in range(WINDOW):
                self._room.release()

    def _came_back(self, number: int) -> None:
        due = self.sent.popleft()
        if number != due:
            raise traffic.CorruptError(f"message {number} came where {due} was due")
        self._room.release()

    async def _end(self, number: int) -> None:
        connection = self.connection
        match self.ending:
            case "close":
                # Each message that comes back makes room.
                for _ in range(WINDOW):
                    await self._room.acquire()
                await connection.close()
            case "closed by the server":
                await connection.send(traffic.compose("close", number, ""))
                await connection.wait_closed()
            case "abort":
                connection.transport.abort()
            case "aborted":
                await connection.send(traffic.compose("abort", number, ""))
                await connection.wait_closed()
            case "half-close":
                # Behind the connection's back, as a network does it.
                with contextlib.suppress(OSError):
                    connection.transport.get_extra_info("socket").shutdown(socket.SHUT_WR)
                await connection.wait_closed()
