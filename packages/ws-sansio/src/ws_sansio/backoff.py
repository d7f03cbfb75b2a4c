"""
When a client tries again, and when it doesn't.

:class:`Attempts` decides; it reads no clock and doesn't sleep. Delays grow exponentially, so that a
server which comes back isn't overrun, and the first is random, so that clients that lost it in the
same moment don't return in the same moment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from typing import Final

from ws_types.errors import InvalidMessage, ProxyError
from ws_types.exceptions import ConnectionClosed, InvalidProxyStatus, InvalidStatus
from ws_types.headers import Headers
from ws_types.http11 import Response
from ws_types.typing import LoggerLike

from .failures import forget_frames
from .handshake import parse_http_date
from .logs import escape

__all__ = ["MAX_RETRY_AFTER", "Attempts", "backoff", "process_exception", "retry_after"]

INITIAL_DELAY: Final = float(os.environ.get("WEBSOCKETS_BACKOFF_INITIAL_DELAY", "5"))
MIN_DELAY: Final = float(os.environ.get("WEBSOCKETS_BACKOFF_MIN_DELAY", "3.1"))
MAX_DELAY: Final = float(os.environ.get("WEBSOCKETS_BACKOFF_MAX_DELAY", "90"))
FACTOR: Final = float(os.environ.get("WEBSOCKETS_BACKOFF_FACTOR", "1.618"))

MAX_RETRY_AFTER: Final = 3600.0
"""The longest wait, in seconds, that a server may ask for: a mistake of its mustn't stop a client
for a year."""

# Internal Server Error, Bad Gateway, Service Unavailable, Gateway Timeout: they may pass.
_PASSING = frozenset({500, 502, 503, 504})
_TOO_MANY_REQUESTS = 429


def backoff(
    initial_delay: float = INITIAL_DELAY,
    min_delay: float = MIN_DELAY,
    max_delay: float = MAX_DELAY,
    factor: float = FACTOR,
) -> Generator[float, None, None]:
    """
    Generate the delays between attempts to connect, in seconds.

    The defaults come from the environment: ``WEBSOCKETS_BACKOFF_INITIAL_DELAY`` (5),
    ``WEBSOCKETS_BACKOFF_MIN_DELAY`` (3.1), ``WEBSOCKETS_BACKOFF_MAX_DELAY`` (90) and
    ``WEBSOCKETS_BACKOFF_FACTOR`` (1.618).

    :param initial_delay: the first delay is random, and at most this.
    :param min_delay: the second delay.
    :param max_delay: the longest delay.
    :param factor: by how much a delay is longer than the one before.
    """
    # Imported late because it costs more than all the rest.
    import random

    yield random.random() * initial_delay  # noqa: S311 (nobody gains by guessing it)
    delay = min_delay
    while True:
        yield min(delay, max_delay)
        delay = min(delay * factor, max_delay)


def process_exception(exc: Exception) -> Exception | None:
    """
    Tell failures that may pass from those that won't.

    The network (:exc:`OSError`, which includes timeouts and TLS), connections that end too early,
    and the statuses 500, 502, 503 and 504 may pass, those of a proxy too; so does 429 (:rfc:`6585`)
    if its ``Retry-After`` invites to come back.

    :param exc: the failure.
    :returns: None to try again, or the exception to raise.
    """
    # A connection that has just been opened may be closed while the program still sets it up.
    if isinstance(exc, (OSError, ConnectionClosed)):
        return None
    if isinstance(exc, (InvalidMessage, ProxyError)) and isinstance(
        exc.__cause__, (EOFError, OSError)
    ):
        return None
    if isinstance(exc, (InvalidStatus, InvalidProxyStatus)) and _may_pass(exc.response):
        return None
    return exc


def _may_pass(response: Response) -> bool:
    if response.status_code == _TOO_MANY_REQUESTS:
        return retry_after(response.headers) is not None
    return response.status_code in _PASSING


def retry_after(headers: Headers) -> float | None:
    """
    How long a server asks to wait (:rfc:`9110#section-10.2.3`).

    A date is taken relative to the response's own ``Date``, so that clocks need not agree.

    :param headers: the headers of its response.
    :returns: seconds, from 0 to :data:`MAX_RETRY_AFTER`; None if it doesn't say so in a way that
        can be understood.
    """
    values = headers.get_all("Retry-After")
    if len(values) != 1:
        return None
    value = values[0]
    if value.isascii() and value.isdecimal():
        # So many digits are more than the limit, and few enough to be read in no time.
        return min(float(value[:10]), MAX_RETRY_AFTER) if len(value) <= 10 else MAX_RETRY_AFTER
    then = parse_http_date(value)
    now = parse_http_date(", ".join(headers.get_all("Date")))
    if then is None or now is None:
        return None
    return min(max(then - now, 0.0), MAX_RETRY_AFTER)


class Attempts:
    """
    Attempts to connect, one after another, until one succeeds.

    Call :meth:`begin` before each, and :meth:`succeeded` or :meth:`failed` after it. Success starts
    all over: delays and bounds are those of a row of failures.

    :param delays: returns a generator of delays in seconds, such as :func:`backoff`. Where one
        ends, there are no more attempts.
    :param process_exception: decides on each failure, as :func:`process_exception` does; it may
        raise too.
    :param max_attempts: how many attempts may fail in a row; None is no limit.
    :param max_elapsed: seconds after the start of the first attempt of a row in which another may
        start; None is no limit.
    :param logger: where to log failures.
    :raises ValueError: if there is to be no attempt at all.
    """

    def __init__(
        self,
        delays: Callable[[], Generator[float, None, None]] = backoff,
        process_exception: Callable[[Exception], Exception | None] = process_exception,
        *,
        max_attempts: int | None = None,
        max_elapsed: float | None = None,
        logger: LoggerLike,
    ) -> None:
        if max_attempts is not None and max_attempts < 1:
            raise ValueError(f"max_attempts must be None or at least 1, not {max_attempts}")
        if max_elapsed is not None and not max_elapsed >= 0:
            raise ValueError(f"max_elapsed must be None or at least 0 seconds, not {max_elapsed}")
        self._make_delays = delays
        self._process_exception = process_exception
        self._max_attempts = max_attempts
        self._max_elapsed = max_elapsed
        self._logger = logger
        #: What made the last attempt fail that was followed by another, without its traceback.
        self.last_failure: Exception | None = None
        self._delays: Generator[float, None, None] | None = None
        self._started: float | None = None
        self._count = 0

    def begin(self, now: float) -> None:
        """An attempt starts at the time *now*, in seconds."""
        if self._started is None:
            self._started = now
        self._count += 1

    def succeeded(self) -> None:
        """The attempt succeeded."""
        self._started = self._delays = None
        self._count = 0

    def failed(self, exc: Exception, now: float) -> float:
        """
        The attempt failed.

        :param exc: why.
        :param now: the time, in seconds.
        :returns: the seconds to wait before the next attempt: the delay, after what the server
            asked for with ``Retry-After``.
        :raises Exception: if there is none: the failure, or what *process_exception* made of it.
        """
        error: Exception | None = None
        try:
            error = self._process_exception(exc)
            if error is None:
                delay = self._next_delay(exc, now)
                if delay is not None:
                    self.last_failure = forget_frames(exc)
                    self._log("reconnecting in %.1f seconds", delay, exc)
                    return delay
                self._log("giving up after %d attempts", self._count, exc)
                error = exc
            if error is exc:
                raise exc
            raise error from exc
        finally:
            # The traceback of what is raised leads here: it mustn't lead back.
            del exc, error

    def _next_delay(self, exc: Exception, now: float) -> float | None:
        if self._max_attempts is not None and self._count >= self._max_attempts:
            return None
        if self._delays is None:
            self._delays = self._make_delays()
        delay = next(self._delays, None)
        if delay is None:
            return None
        if isinstance(exc, (InvalidStatus, InvalidProxyStatus)):
            delay += retry_after(exc.response.headers) or 0
        assert self._started is not None
        if self._max_elapsed is not None and now + delay > self._started + self._max_elapsed:
            return None
        return delay

    def _log(self, outcome: str, value: float, exc: Exception) -> None:
        kind = type(exc)
        name = kind.__qualname__
        if kind.__module__ != "builtins":
            name = f"{kind.__module__}.{name}"
        self._logger.info(f"connect failed; {outcome}: %s: %s", value, name, escape(str(exc)))
