"""How the connections of a server are closed: with what, and when, where they are many."""

from __future__ import annotations

from ws_types.codes import CloseCode
from ws_types.errors import ProtocolError
from ws_types.frames import Close

__all__ = ["check_close", "drain_times"]


def check_close(code: CloseCode | int, reason: str) -> None:
    """
    Check a close code and a reason before they are sent to many.

    :raises ProtocolError: if they can't be sent (RFC 6455, sections 5.5 and 7.4).
    """
    if len(Close(code, reason).serialize()) > 125:
        raise ProtocolError("control frame too long")


def drain_times(count: int, now: float, timeout: float, spread: float | None) -> list[float]:
    """
    Spread the closing of connections over a period, so that their clients don't come back at once.

    Connections have until the start of the period to finish by themselves.

    :param count: how many connections there are.
    :param now: the time, in seconds.
    :param timeout: seconds until all are closed.
    :param spread: the last seconds of these, in which they are closed; None is all of them, 0
        closes them together at the end.
    :returns: a time for each, in order, the last of them being ``now + timeout``.
    :raises ValueError: if *timeout* is negative, or *spread* isn't between 0 and *timeout*.
    """
    if not 0 <= timeout < float("inf"):
        raise ValueError(f"timeout must be at least 0 seconds and finite, not {timeout}")
    if spread is None:
        spread = timeout
    if not 0 <= spread <= timeout:
        raise ValueError(f"spread must be between 0 and timeout ({timeout}) seconds, not {spread}")
    end = now + timeout
    return [end - spread * (count - i) / count for i in range(1, count + 1)]
