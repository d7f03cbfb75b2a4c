"""
Is the peer alive? And how far away is it? (RFC 6455, section 5.5.2)

:class:`Keepalive` sends a ping every *interval* and takes the peer for dead when it hears
nothing for *timeout* afterwards. A busy connection is not a dead one, so:

- any byte received is a sign of life, not only the pong, which may wait behind a long message;
- the wait starts when the ping has left, not when it was queued behind other output;
- while the ping hasn't left, output that gets shorter is a sign of life; only output that makes
  no progress is a failure;
- while we ourselves don't read (the receive queue is full) nothing can be heard, and nothing is
  waited for but output that makes no progress;
- where we were late ourselves (a blocked event loop, a suspended process), what has arrived
  meanwhile is read first.

It passes through three phases::

    IDLE --(interval passed, ping queued)--> LEAVING --(ping has left)--> WAITING
      ^                                                                     |
      +------------------------(pong received)------------------------------+

Like all of this package it reads no clock: times are seconds of a monotonic clock, and come
from outside.
"""

from __future__ import annotations

import enum

__all__ = ["GRACE", "Keepalive", "Phase"]

#: A deadline handled later than this, in seconds, was missed by our own fault; and how long
#: input that piled up meanwhile is given to be read.
GRACE = 1.0


class Phase(enum.Enum):
    """Where the keepalive is between one ping and the next."""

    IDLE = "no ping is out"
    LEAVING = "a ping waits behind other output"
    WAITING = "a ping has left"


class Keepalive:
    """
    Decides when to ping, and when to give up.

    :param interval: seconds between pings; :data:`None` sends none.
    :param timeout: seconds of silence after a ping that mean a dead peer; :data:`None` never
        gives up.
    """

    def __init__(self, interval: float | None, timeout: float | None) -> None:
        self.interval = interval
        self.timeout = timeout
        self.phase = Phase.IDLE
        #: When something was last received; :data:`None` before the first byte.
        self.last_received: float | None = None
        #: When this wants to be called; :data:`None` is never.
        self.deadline: float | None = None
        #: The payload of the ping that is out.
        self.payload: bytes | None = None
        self._sent_at = 0.0
        # The last sign of life, or the last reason why there could be none.
        self._alive_at = 0.0
        self._paused = False
        self._output_waits = False
        self._missed_by = 0.0

    def start(self, now: float) -> None:
        """The connection is open."""
        if self.interval is not None:
            self._alive_at = now
            self.deadline = now + self.interval

    def stop(self) -> None:
        """The connection is closing: other deadlines count from here on."""
        self.phase = Phase.IDLE
        self.deadline = None

    def due(self, now: float) -> bool:
        """Whether a ping has to be sent now. Send it, and tell :meth:`sent`."""
        return self.phase is Phase.IDLE and self.deadline is not None and now >= self.deadline

    def sent(self, payload: bytes, now: float) -> None:
        """The ping that was due is queued."""
        assert self.interval is not None
        self._missed_by = 0.0
        self.payload = payload
        self._sent_at = now
        if self.timeout is None:
            self.deadline = now + self.interval
            return
        self.phase = Phase.LEAVING
        self._alive_at = now
        self.deadline = now + self.timeout

    def left(self, now: float) -> None:
        """The ping has been handed to the network: the wait for its pong starts."""
        if self.phase is Phase.LEAVING:
            assert self.timeout is not None
            self.phase = Phase.WAITING
            self._alive_at = now
            self._missed_by = 0.0
            self.deadline = now + self.timeout

    def progress(self, now: float) -> None:
        """Output got shorter."""
        if self.phase is Phase.LEAVING or self._paused:
            self._alive_at = now

    def output(self, waits: bool, now: float) -> None:
        """Whether output waits to be taken by the network."""
        if waits and not self._output_waits and self._paused:
            self._alive_at = now
        self._output_waits = waits

    def pong(self, payload: bytes, now: float) -> float | None:
        """
        A pong was received.

        :returns: the round-trip time, in seconds, where it answers our ping.
        """
        if payload != self.payload:
            return None
        self.payload = None
        if self.phase is not Phase.IDLE:
            assert self.interval is not None
            self.phase = Phase.IDLE
            self.deadline = max(now, self._sent_at + self.interval)
        return now - self._sent_at

    def pause(self) -> None:
        """Reading has stopped: the peer can't be heard, but output is looked after."""
        self._paused = True

    def resume(self, now: float) -> None:
        """Reading goes on."""
        self._paused = False
        self._alive_at = max(self._alive_at, now)
        self._missed_by = 0.0
        if self.phase is Phase.WAITING:
            assert self.timeout is not None
            self.deadline = now + self.timeout

    def give_up(self, now: float) -> str | None:
        """
        Why the connection has to be failed, at *now*; :data:`None` where it hasn't.

        To be asked once :attr:`deadline` has passed and no ping is due. Moves the deadline.
        """
        if self.phase is Phase.IDLE or self.deadline is None or now < self.deadline:
            return None
        assert self.timeout is not None
        if self._paused and self.phase is Phase.WAITING and not self._output_waits:
            self.deadline = now + self.timeout
            return None
        missed_by = max(now - self.deadline, self._missed_by)
        alive_at = self._alive_at
        if self.last_received is not None and self.last_received > alive_at:
            alive_at = self.last_received
        if now < alive_at + self.timeout:
            self._missed_by = 0.0
            self.deadline = alive_at + self.timeout
            return None
        if missed_by > GRACE and not self._missed_by:
            self._missed_by = missed_by
            self.deadline = now + GRACE
            return None
        silence = now - alive_at
        if self._missed_by:
            return f"keepalive ping timeout: our side was blocked for {missed_by:.1f} s"
        if self.phase is Phase.LEAVING or self._paused:
            return f"keepalive ping timeout: output made no progress for {silence:.1f} s"
        return f"keepalive ping timeout: peer was silent for {silence:.1f} s"
