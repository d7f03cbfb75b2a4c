"""
Who gets a message that goes to many.

A broadcast waits for nobody. A connection whose output isn't taken fast enough would have it pile
up in memory, so there is a bound for each, and a policy for those above it; and whatever isn't sent
is reported. Shells add how a message is sent, and how a connection is closed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal, TypeAlias

from ws_types.codes import CloseCode
from ws_types.errors import ConcurrencyError, InvalidState
from ws_types.typing import DataLike, LoggerLike

from .logs import escape
from .prepared import PreparedMessage
from .states import State

__all__ = ["MAX_WAITING", "TOO_SLOW", "BroadcastReport", "Distribution", "Slow", "prepare"]

#: How many bytes of output may wait on a connection that a message is broadcast to.
MAX_WAITING: Final = 2**20

#: The close code and reason for those who are too slow, where the policy is to close.
TOO_SLOW: Final = (CloseCode.TRY_AGAIN_LATER, "too slow for what is broadcast")

Slow: TypeAlias = Literal["skip", "close"] | Callable[[Any], object]


class BroadcastReport:
    """
    What became of a message that was broadcast.

    Connections that weren't open aren't in it.
    """

    __slots__ = ("closed", "failed", "sent", "skipped")

    def __init__(self) -> None:
        #: The number of connections that it was sent to.
        self.sent: int = 0
        #: The connections that didn't get it: too slow, or in the middle of a fragmented message.
        self.skipped: list[Any] = []
        #: The connections that are being closed because they are too slow.
        self.closed: list[Any] = []
        #: The connections that it couldn't be sent to, and why.
        self.failed: list[tuple[Any, Exception]] = []

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: sent={self.sent}, skipped={len(self.skipped)}, "
            f"closed={len(self.closed)}, failed={len(self.failed)}>"
        )


def prepare(message: DataLike | PreparedMessage, text: bool | None) -> PreparedMessage:
    """
    Make what is broadcast.

    :raises TypeError: if *message* can't be, or *text* is given for a message that is prepared.
    """
    if isinstance(message, PreparedMessage):
        if text is not None:
            raise TypeError("text is for PreparedMessage() to be told, not for broadcast()")
        return message
    if not isinstance(message, (str, bytes, bytearray, memoryview)):
        raise TypeError("data must be str or bytes")
    return PreparedMessage(message, text=text)


class Distribution:
    """
    One broadcast.

    :param limit: bytes of output that may wait on a connection, above which it is slow;
        :data:`None` is no limit.
    :param slow: what becomes of slow connections: they are skipped, closed, or given to a function.
    :raises ValueError: if *limit* or *slow* isn't one of these.
    """

    def __init__(self, limit: int | None, slow: Slow) -> None:
        if limit is not None and limit < 0:
            raise ValueError(f"limit must be None or at least 0 bytes, not {limit}")
        if slow not in ("skip", "close") and not callable(slow):
            raise ValueError(f"slow must be 'skip', 'close', or a function, not {slow!r}")
        self.report = BroadcastReport()
        self._limit = limit
        self._slow = slow
        self._exceptions: list[Exception] = []
        self._reasons: Counter[str] = Counter()
        self._logger: LoggerLike | None = None

    def run(
        self,
        connections: Iterable[Any],
        *,
        waiting: Callable[[Any], int],
        send: Callable[[Any], None],
        close: Callable[[Any], None],
    ) -> None:
        """
        Send the message to all connections that are open and fast enough.

        :param waiting: tells how many bytes of output wait on a connection.
        :param send: sends the message on a connection, without waiting. Raises
            :exc:`~ws_types.errors.ConcurrencyError` in the middle of a fragmented message.
        :param close: starts to close a connection, without waiting.
        """
        limit = self._limit
        report = self.report
        # A function for slow connections may change the set that they are in.
        for connection in tuple(connections):
            if connection.protocol.state is not State.OPEN:
                continue
            if limit is not None and waiting(connection) > limit:
                self._handle_slow(connection, close)
                continue
            try:
                send(connection)
            except InvalidState:
                pass  # another thread has closed it
            except ConcurrencyError as exc:
                report.skipped.append(connection)
                self._note(connection, exc, str(exc))
            except Exception as exc:
                self._failed(connection, exc, "failed to write message")
            else:
                report.sent += 1

    def finish(self, raise_exceptions: bool) -> BroadcastReport:
        """
        Tell the outcome, with one line in the log where a connection didn't get the message.

        :param raise_exceptions: whether to raise instead of logging.
        :raises ExceptionGroup: if a connection didn't get the message, and *raise_exceptions* is
            true.
        """
        if self._exceptions and raise_exceptions:
            raise ExceptionGroup("skipped broadcast", self._exceptions)
        if self._reasons:
            assert self._logger is not None
            reasons = "; ".join(
                reason if count == 1 else f"{reason} ({count} connections)"
                for reason, count in self._reasons.items()
            )
            self._logger.warning("skipped broadcast: %s", reasons)
        return self.report

    def _handle_slow(self, connection: Any, close: Callable[[Any], None]) -> None:
        if self._slow == "skip":
            self.report.skipped.append(connection)
            error = BufferError("too much output waits")
            self._note(connection, error, str(error))
            return
        try:
            if self._slow == "close":
                close(connection)
            else:
                self._slow(connection)
        except Exception as exc:
            self._failed(connection, exc, "failed to deal with a slow connection")
            return
        if self._slow == "close":
            self.report.closed.append(connection)
            self._count(connection, "closed, too much output waits")
        else:
            self.report.skipped.append(connection)

    def _failed(self, connection: Any, exc: Exception, what: str) -> None:
        self.report.failed.append((connection, exc))
        error = RuntimeError(what)
        error.__cause__ = exc
        self._note(connection, error, f"{what}: {type(exc).__name__}: {escape(str(exc))}")

    def _note(self, connection: Any, error: Exception, reason: str) -> None:
        self._exceptions.append(error)
        self._count(connection, reason)

    def _count(self, connection: Any, reason: str) -> None:
        self._reasons[reason] += 1
        if self._logger is None:
            self._logger = connection.logger
