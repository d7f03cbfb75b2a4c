# cython: boundscheck=False, wraparound=False, cdivision=True
"""
Messages that have arrived and wait to be received.

The inbox is bounded twice: in messages, and in bytes of memory. It doesn't refuse anything,
because what one read brought has to go somewhere; it says when reading should stop
(:meth:`Inbox.is_full`) and when it may go on (:meth:`Inbox.has_room`).

Messages may come in pieces (:mod:`ws_sansio.fragments`), each of which counts. They can be taken
in pieces or put together, whichever way they came.
"""

from __future__ import annotations

import io
from collections import deque
from typing import Any

from .fragments import Fragment

__all__ = ["Inbox", "queue_limits"]


class Inbox:
    """
    A queue of messages, oldest first.

    :param high: the number of messages above which reading should stop; :data:`None` is no limit.
    :param low: the number at which it may go on; a quarter of *high* by default.
    :param max_bytes: the size in bytes above which reading should stop; it may go on at a quarter
        of it. :data:`None` is no limit.
    """

    def __init__(
        self, high: int | None = None, low: int | None = None, max_bytes: int | None = None
    ) -> None:
        if high is not None and high < 0:
            raise ValueError(f"max_queue must be at least 0 messages, not {high}")
        if low is None:
            low = 0 if high is None else high // 4
        if high is not None and not 0 <= low <= high:
            raise ValueError(f"max_queue's low-water mark must be between 0 and {high}, not {low}")
        if max_bytes is not None and max_bytes < 0:
            raise ValueError(f"max_queue_size must be at least 0 bytes, not {max_bytes}")
        self._high = -1 if high is None else high
        self._low = low
        self._max_bytes = -1 if max_bytes is None else max_bytes
        self._messages: deque[Any] = deque()
        # What was taken of a message that isn't all there. It isn't counted: the limit of messages
        # bounds it, and the rest has to have room.
        self._begun: io.StringIO | io.BytesIO | None = None
        #: The number of messages.
        self.count = 0
        #: Their size: characters of text weigh what they take in memory.
        self.size = 0

    def __len__(self) -> int:
        return self.count

    def put(self, messages: list[Any]) -> None:
        """Add messages."""
        for message in messages:
            self.size += _weight(message)
        self.count += len(messages)
        self._messages.extend(messages)

    def get(self) -> Any:
        """Take the oldest message; raises :exc:`IndexError` where there is none."""
        message = self._messages.popleft()
        self.count -= 1
        self.size -= _weight(message)
        return message

    def take_message(self) -> Any:
        """Take the oldest message, put together; :data:`None` where it isn't all there."""
        while self.count:
            item = self.get()
            if not isinstance(item, Fragment):
                return item
            if self._begun is None:
                self._begun = (
                    io.StringIO(newline="") if isinstance(item.data, str) else io.BytesIO()
                )
            self._begun.write(item.data)  # type: ignore[arg-type]
            if item.fin:
                message = self._begun.getvalue()
                self._begun = None
                return message
        return None

    def take_fragment(self) -> Fragment | None:
        """Take the oldest piece, or message as a piece; :data:`None` where there is none."""
        if self._begun is not None:
            begun = self._begun.getvalue()
            self._begun = None
            return Fragment(begun, False)
        if not self.count:
            return None
        item = self.get()
        return item if isinstance(item, Fragment) else Fragment(item, True)

    def clear(self) -> None:
        """Forget all messages."""
        self._messages.clear()
        self._begun = None
        self.count = 0
        self.size = 0

    def is_full(self) -> bool:
        """Whether reading should stop."""
        if 0 <= self._high < self.count:
            return True
        return 0 <= self._max_bytes < self.size

    def has_room(self) -> bool:
        """Whether reading, having stopped, may go on."""
        if self._high >= 0 and self.count > self._low:
            return False
        return self._max_bytes < 0 or self.size <= self._max_bytes // 4


def queue_limits(
    max_queue: int | None | tuple[int | None, int | None],
) -> tuple[int | None, int | None]:
    """
    Split *max_queue*, as programs give it, into what :class:`Inbox` takes.

    :param max_queue: the high-water mark in messages, or a tuple of that and the low one.
    :returns: both marks; :data:`None` where one wasn't given.
    """
    return max_queue if isinstance(max_queue, tuple) else (max_queue, None)


def _weight(message: Any) -> int:
    size: int = message.__sizeof__()
    return size
