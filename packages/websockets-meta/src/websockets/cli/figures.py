"""What was measured, in numbers."""

from __future__ import annotations

import array
import dataclasses
from typing import Any

__all__ = ["Sample", "percentile"]

PERCENTS = (0, 50, 90, 99, 100)


def percentile(ordered: array.array[float], percent: float) -> float:
    """Return the value below or at which so many percent of the values are.

    :param ordered: the values, in ascending order, one at least.
    :param percent: from 0 to 100.
    """
    last = len(ordered) - 1
    return ordered[min(last, round(percent / 100 * last))]


@dataclasses.dataclass
class Sample:
    """Messages that were sent and came back.

    :param in_flight: how many messages were on their way on each connection.
    :param size: the size of each, in bytes.
    :param seconds: how long it took.
    :param latencies: for each message, the seconds until it came back.
    """

    in_flight: int
    size: int
    seconds: float = 0.0
    latencies: array.array[float] = dataclasses.field(default_factory=lambda: array.array("d"))

    @property
    def rate(self) -> float:
        """Messages per second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentiles(self) -> dict[int, float]:
        """Map 0 (the minimum), 50, 90, 99 and 100 percent to seconds; empty without messages."""
        if not self.latencies:
            return {}
        ordered = array.array("d", sorted(self.latencies))
        return {percent: percentile(ordered, percent) for percent in PERCENTS}

    def as_json(self) -> dict[str, Any]:
        """Describe it as JSON has it, with times in milliseconds."""
        names = {0: "minimum", 50: "median", 90: "90%", 99: "99%", 100: "maximum"}
        return {
            "in_flight": self.in_flight,
            "size_bytes": self.size,
            "seconds": round(self.seconds, 3),
            "messages": len(self.latencies),
            "messages_per_second": round(self.rate, 1),
            "latency_ms": {
                names[percent]: round(seconds * 1000, 4)
                for percent, seconds in self.percentiles().items()
            },
        }

    def as_text(self) -> str:
        """Describe it for people, on three lines."""
        found = {key: f"{seconds * 1000:.3f}" for key, seconds in self.percentiles().items()}
        if not found:
            return "  no message came back"
        return (
            f"  latency     {found[50]} ms median, {found[90]} ms for 90%, {found[99]} ms for 99%\n"
            f"              {found[0]} ms minimum, {found[100]} ms maximum\n"
            f"  throughput  {self.rate:,.0f} messages/s, "
            f"{self.rate * self.size / 1e6:,.1f} MB/s in each direction"
        )
