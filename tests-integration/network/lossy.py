"""
A TCP proxy that makes a bad network of a good one.

It runs in a thread of its own, so that a test may block as it likes. Each of its methods has
taken effect when it returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Self

__all__ = ["LossyProxy"]

#: The bytes that are forwarded at a time, and the size of the sockets' buffers: small, so that a
#: network that stands still is full soon.
CHUNK = 2**13
BUFFER = 2**14


class LossyProxy:
    """
    Forwards connections from a port of its own to another one, on 127.0.0.1.

    :param target: the port to forward to.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        # Sockets that are accepted inherit it.
        set_buffers(self._listener)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._pause = 0.0
        self._sockets: list[socket.socket] = []
        self._forwarding: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._moving = asyncio.Event()
        self._moving.set()
        self._holding = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lossy proxy")

    # What tests call

    def freeze(self) -> None:
        """Forward nothing from now on, as if all packets were lost; the ends of streams neither."""
        self._holding.clear()
        self._run(self._moving.clear)

    def thaw(self) -> None:
        """Forward again, beginning with what was held."""
        self._run(self._moving.set)

    def slow_down(self, pause: float) -> None:
        """
        Make a slow link.

        :param pause: seconds before each chunk of 8 KiB.
        """
        self._pause = pause

    def wait_until_held(self) -> None:
        """Wait until something has come that isn't forwarded, since the network is frozen."""
        assert self._holding.wait(timeout=10)

    def reset(self) -> None:
        """Reset all connections, at both ends."""
        self._run(self._reset)

    def end(self) -> None:
        """End the streams of all connections, in both directions; forward nothing any more."""
        self._run(self._end)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._start)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._run(self._stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._listener.close()

    # What happens in the thread

    def _run(self, function: Callable[[], object]) -> None:
        """Call a function in the thread, and wait until what it cancelled is over."""

        async def call() -> None:
            function()
            await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(call(), self._loop).result(timeout=10)

    def _start(self) -> None:
        self._accepting = self._loop.create_task(self._accept())

    async def _accept(self) -> None:
        while True:
            near, _ = await self._loop.sock_accept(self._listener)
            far = socket.socket()
            far.setblocking(False)
            set_buffers(far)
            self._sockets += [near, far]
            await self._loop.sock_connect(far, ("127.0.0.1", self.target))
            for pair in ((near, far), (far, near)):
                task = self._loop.create_task(self._forward(*pair))
                self._forwarding.add(task)
                task.add_done_callback(self._forwarding.discard)

    async def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := await self._loop.sock_recv(source, CHUNK):
                await asyncio.sleep(self._pause)
                if not self._moving.is_set():
                    self._holding.set()
                    await self._moving.wait()
                await self._loop.sock_sendall(target, data)
            await self._moving.wait()
            target.shutdown(socket.SHUT_WR)

    def _stop_forwarding(self) -> None:
        for task in self._forwarding:
            task.cancel()

    def _reset(self) -> None:
        self._stop_forwarding()
        for sock in self._sockets:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._loop.remove_reader(sock)
            self._loop.remove_writer(sock)
            sock.close()
        self._sockets.clear()

    def _end(self) -> None:
        self._stop_forwarding()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)

    def _stop(self) -> None:
        self._reset()
        self._accepting.cancel()


def set_buffers(sock: socket.socket) -> None:
    """Make the buffers of a socket small."""
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, BUFFER)
