"""
The deadlines of one connection.

Three things must not take for ever: the opening handshake, the closing handshake with the end
of the stream and of the transport, and a silent peer (:mod:`ws_sansio.keepalive`). Which of the
three counts follows from the state, so that at most one is running.

The end has one deadline, from the first moment when it is expected: what the peer makes of it in
between (a close frame, the end of its stream) doesn't move it. It outlives the connection, since
output that the peer doesn't take keeps a transport alive.

Also here, because it decides when a ping has left: how much output the network has taken.
"""

from __future__ import annotations

from .keepalive import Keepalive
from .states import State

__all__ = ["Deadlines"]


class Deadlines:
    """
    When a connection has to be looked after, as data.

    :param open_timeout: seconds for the opening handshake.
    :param close_timeout: seconds for the closing handshake and the end of the stream.
    :param ping_interval: seconds between keepalive pings.
    :param ping_timeout: seconds of silence after a keepalive ping that mean a dead peer.

    :data:`None` is no limit, for each.
    """

    def __init__(
        self,
        open_timeout: float | None = None,
        close_timeout: float | None = None,
        ping_interval: float | None = None,
        ping_timeout: float | None = None,
    ) -> None:
        for name, value in (
            ("open_timeout", open_timeout),
            ("close_timeout", close_timeout),
            ("ping_interval", ping_interval),
            ("ping_timeout", ping_timeout),
        ):
            if value is not None and not value >= 0:
                raise ValueError(f"{name} must be None or at least 0 seconds, not {value!r}")
        if ping_interval == 0:
            # Without a timeout, a ping would always be due.
            raise ValueError("ping_interval must be None or more than 0 seconds, not 0")
        self.open_timeout = open_timeout
        self.close_timeout = close_timeout
        self.keepalive = Keepalive(ping_interval, ping_timeout)
        #: The time last told; :data:`None` before any: without a clock, nothing is due.
        self.now: float | None = None
        self._state: State | None = None
        #: Whether the opening or the end has taken too long: the transport is to be dropped.
        self.passed = False
        self._open_by: float | None = None
        self._end_by: float | None = None
        #: Bytes that were handed out and that the network hasn't taken yet.
        self.pending = 0
        # The bytes handed out since a ping was queued, and how many of them end with that ping.
        self._since_ping = 0
        self._ping_size = 0

    def tell(self, now: float, state: State) -> None:
        """The time is *now*, and the connection is in *state*."""
        self.now = now
        if state is self._state:
            return
        self._state = state
        self._open_by = None
        self.keepalive.stop()
        if state is State.OPEN:
            self.keepalive.start(now)
        elif state is not State.CONNECTING:
            self._expect_end(now)
        elif self.open_timeout is not None:
            self._open_by = now + self.open_timeout

    def refused(self) -> None:
        """The opening handshake failed: the stream has to end, as after a closing handshake."""
        if self.now is not None:
            self._expect_end(self.now)

    def _expect_end(self, now: float) -> None:
        if self._end_by is None and self.close_timeout is not None:
            self._end_by = now + self.close_timeout

    def next(self) -> float | None:
        """When the connection has to be looked after next."""
        if self.passed:
            return None
        if self._end_by is not None:
            return self._end_by
        return self._open_by if self._open_by is not None else self.keepalive.deadline

    def expired(self, now: float) -> bool:
        """Whether the opening or the end has taken too long. True once only."""
        deadline = self._open_by if self._end_by is None else self._end_by
        if self.passed or deadline is None or now < deadline:
            return False
        self.passed = True
        return True

    def ping_queued(self, size: int) -> None:
        """The next *size* bytes handed out end with a keepalive ping."""
        self._ping_size = size
        self._since_ping = 0

    def handed_out(self, size: int) -> None:
        """*size* bytes are on their way to the network. Need not be told while none wait."""
        self.pending += size
        if self._ping_size:
            self._since_ping += size

    def output_pending(self, size: int, now: float | None) -> None:
        """*size* bytes of all those handed out are still to be taken by the network."""
        progressed = size < self.pending
        self.pending = size
        if now is None:
            return
        if self._ping_size and size <= self._since_ping - self._ping_size:
            self._ping_size = 0
            self.keepalive.left(now)
        elif progressed:
            self.keepalive.progress(now)
        self.keepalive.output(size > 0, now)

    @property
    def tracking(self) -> bool:
        """Whether :meth:`handed_out` has to be told of output."""
        return self._ping_size > 0 or self.pending > 0
