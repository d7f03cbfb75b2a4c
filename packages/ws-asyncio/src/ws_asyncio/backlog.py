"""
Output over TLS, a slice at a time.

A TLS transport, of asyncio's event loop and of uvloop, passes on what is written to the transport
below, however much that is, and doesn't count what waits there. So it can't be told whether a
ping behind a large message has left, or whether that message makes progress. Here, what is
written waits, and goes out a slice at a time, each when the ones before have left the TLS
layer. What can't be seen is bounded: a slice, and the 64 KiB of the transport below.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

__all__ = ["SLICE", "Backlog"]

#: The most bytes that are written at once: two records of TLS.
SLICE: Final = 2**15


class Backlog:
    """
    What waits to be written to a TLS transport.

    :param transport: the transport.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        # It asks to pause as soon as anything waits in the TLS layer, and no longer.
        transport.set_write_buffer_limits(1, 0)
        self._transport = transport
        self._parts: deque[memoryview] = deque()
        self._closing = False
        #: The bytes that wait here.
        self.size = 0
        #: Whether the transport has asked to pause.
        self.paused = False

    def write(self, data: bytes) -> None:
        """Write *data*, now or later."""
        if self._parts or self.paused or len(data) > SLICE:
            self._parts.append(memoryview(data))
            self.size += len(data)
            self.go_on()
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Close the transport, behind what was written."""
        self._closing = True
        self.go_on()

    def go_on(self) -> None:
        """Write what the transport takes."""
        while self._parts and not self.paused:
            part = self._parts.popleft()
            if len(part) > SLICE:
                self._parts.appendleft(part[SLICE:])
                part = part[:SLICE]
            self.size -= len(part)
            # The transport may ask to pause within.
            self._transport.write(part)
        if self._closing and not self._parts:
            self._transport.close()
