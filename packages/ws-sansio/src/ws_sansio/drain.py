"""When the connections of a server that is being drained are closed."""

from __future__ import annotations

__all__ = ["drain_times"]


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
