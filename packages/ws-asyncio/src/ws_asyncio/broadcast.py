"""One message to many connections, without waiting for any of them."""

from __future__ import annotations

from collections.abc import Iterable

from ws_sansio.broadcasting import (
    MAX_WAITING,
    TOO_SLOW,
    BroadcastReport,
    Distribution,
    Slow,
    prepare,
)
from ws_sansio.prepared import PreparedMessage
from ws_types.typing import DataLike

from .connection import Connection

__all__ = ["BroadcastReport", "broadcast"]


def broadcast(
    connections: Iterable[Connection],
    message: DataLike | PreparedMessage,
    *,
    text: bool | None = None,
    raise_exceptions: bool = False,
    limit: int | None = MAX_WAITING,
    slow: Slow = "skip",
    compress: bool | None = None,
) -> BroadcastReport:
    """
    Send a message to many connections.

    It is encoded once, and compressed once for each set of parameters that was negotiated. It
    leaves at the end of the event loop's turn. Nobody is waited for: what a connection doesn't take
    is buffered, within *limit*.

    Connections that aren't open don't get the message; nor do those in the middle of a fragmented
    message, and slow ones. The latter two are in the report, and there is a line in the log.

    :param connections: the connections.
    :param message: :class:`str` goes as text, bytes-like as binary.
    :param text: :data:`True` sends bytes-like as text, :data:`False` :class:`str` as binary.
    :param raise_exceptions: whether to raise an exception, in the end, if an open connection was
        skipped or failed.
    :param limit: how many bytes of output may wait on a connection, this message not included;
        above it, it is slow. :data:`None` is no limit.
    :param slow: what becomes of slow connections: ``"skip"``; ``"close"``, with code 1013; or a
        function that is called with the connection, which counts as skipped.
    :param compress: as for :meth:`~ws_asyncio.sending.Sender.send`.
    :returns: how many connections it was sent to, and which didn't get it.
    :raises ExceptionGroup: if *raise_exceptions* is true: one exception for each such connection.
    :raises TypeError: if *message* can't be sent.
    :raises UnicodeError: if what is to go as text isn't UTF-8, or can't be.
    :raises ValueError: if *limit* or *slow* is of no use.
    """
    prepared = prepare(message, text)
    distribution = Distribution(limit, slow)
    queued: list[Connection] = []

    def send(connection: Connection) -> None:
        if connection._queue(prepared, compress):
            queued.append(connection)

    distribution.run(connections, waiting=_waiting, send=send, close=_close)
    if queued:
        queued[0].loop.call_soon(_flush, queued)
    return distribution.finish(raise_exceptions)


def _flush(connections: list[Connection]) -> None:
    for connection in connections:
        if connection._gathered:
            connection._flush()


def _waiting(connection: Connection) -> int:
    return connection.buffered_output


def _close(connection: Connection) -> None:
    connection._start_closing(*TOO_SLOW)
