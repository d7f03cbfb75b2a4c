"""
Pings and pongs: what is asked, answered, held back and matched (RFC 6455, sections 5.5.2, 5.5.3).

A peer that sends pings and never reads must not fill our memory with pongs: while too much output
waits, a pong is held back, and a newer one replaces it.
"""

from __future__ import annotations

import os

from ws_types.codes import Opcode
from ws_types.errors import ConcurrencyError

from .deadlines import Deadlines
from .output import Output

__all__ = ["PingRegistry", "Pings"]


class PingRegistry:
    """Pings that wait for their pong. As many as a program sends, and no more."""

    def __init__(self) -> None:
        self._sent: dict[bytes, float | None] = {}

    def __len__(self) -> int:
        return len(self._sent)

    def unused_payload(self) -> bytes:
        """A payload that no ping in the registry has."""
        while True:
            payload = os.urandom(4)
            if payload not in self._sent:
                return payload

    def add(self, payload: bytes, now: float | None) -> None:
        """
        A ping is about to be sent.

        :raises ConcurrencyError: if another ping with this payload waits for its pong.
        """
        if payload in self._sent:
            raise ConcurrencyError("already waiting for a pong with the same data")
        self._sent[payload] = now

    def forget(self, payload: bytes | None) -> None:
        """No longer wait for the pong that answers *payload*, if any does."""
        if payload is not None:
            self._sent.pop(payload, None)

    def acknowledge(self, payload: bytes, now: float | None) -> list[tuple[bytes, float]]:
        """
        A pong was received.

        :returns: payload and round-trip time, in seconds, of each ping that it answers: that
            with its payload, and those sent before (section 5.5.3 lets a peer answer only the
            latest ping). The time is :data:`math.nan` where no clock was given.
        """
        if payload not in self._sent:
            return []
        answered = []
        for earlier in list(self._sent):
            sent_at = self._sent.pop(earlier)
            known = sent_at is not None and now is not None
            answered.append((earlier, now - sent_at if known else float("nan")))  # type: ignore[operator]
            if earlier == payload:
                break
        return answered


class Pings:
    """
    The pings and pongs of one connection.

    :param output: where they leave.
    :param deadlines: the clock of the connection, with its keepalive.
    """

    def __init__(self, output: Output, deadlines: Deadlines) -> None:
        self.deadlines = deadlines
        #: The round-trip time of the last ping that was answered, in seconds; 0 before any was.
        self.latency = 0.0
        #: Pings whose pong was received and not fetched: payload and round-trip time in seconds.
        self.answered: list[tuple[bytes, float]] = []
        self.registry = PingRegistry()
        self._output = output
        self._held_pong: bytes | None = None

    def send_keepalive(self, now: float) -> None:
        """Send the keepalive ping that is due."""
        keepalive = self.deadlines.keepalive
        # One without an answer, where there is no timeout, isn't waited for any longer.
        self.registry.forget(keepalive.payload)
        payload = self.registry.unused_payload()
        self.registry.add(payload, now)
        self._output.frame(Opcode.PING, payload)
        if keepalive.timeout is not None:
            # The ping leaves behind what nobody has taken yet.
            self.deadlines.ping_queued(self._output.size())
        keepalive.sent(payload, now)

    def answer(self, data: bytes, write_limit: int) -> None:
        """A ping was received: send its pong, or hold it back above *write_limit* bytes."""
        if self.deadlines.pending > write_limit:
            # Section 5.5.3: only the latest ping needs an answer.
            self._held_pong = data
        else:
            self._output.frame(Opcode.PONG, data)

    def release(self, allowed: bool) -> None:
        """Output has drained: send the pong that was held back, where that is still allowed."""
        if self._held_pong is not None:
            payload, self._held_pong = self._held_pong, None
            if allowed:
                self._output.frame(Opcode.PONG, payload)

    def received_pong(self, data: bytes, now: float | None) -> None:
        """A pong was received."""
        if not len(self.registry):
            return
        answered = self.registry.acknowledge(data, now)
        if answered and now is not None:
            self.latency = answered[-1][1]
        keepalive = self.deadlines.keepalive
        for ping in answered:
            if ping[0] == keepalive.payload:
                told = self.deadlines.now
                assert told is not None  # or there would be no keepalive ping
                keepalive.pong(ping[0], told)
            else:
                self.answered.append(ping)

    def take_answered(self) -> list[tuple[bytes, float]]:
        """Empty :attr:`answered`."""
        answered = self.answered
        if answered:
            self.answered = []
        return answered
