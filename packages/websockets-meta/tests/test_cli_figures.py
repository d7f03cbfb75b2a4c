"""Numbers of a measurement, and how it is made, on a clock of the test's own."""

from __future__ import annotations

import array
import itertools
from typing import Any

import pytest

from websockets.cli.bench import NotAnEcho, exchange
from websockets.cli.figures import Sample, percentile


def test_percentiles_are_values_that_were_measured() -> None:
    ordered = array.array("d", range(1, 101))
    assert [percentile(ordered, percent) for percent in (0, 50, 99, 100)] == [1, 51, 99, 100]
    assert percentile(array.array("d", [7]), 90) == 7


def test_a_sample_without_messages() -> None:
    sample = Sample(1, 64)
    assert sample.rate == 0
    assert sample.as_text() == "  no message came back"
    assert sample.as_json()["latency_ms"] == {}


def test_a_sample_in_text_and_json() -> None:
    sample = Sample(2, 1000, 2.0, array.array("d", [0.003, 0.001, 0.002]))
    assert "2.000 ms median" in sample.as_text()
    assert "0.0 MB/s in each direction" in sample.as_text()
    found = sample.as_json()
    assert found["messages_per_second"] == 1.5
    assert found["latency_ms"] == {
        "minimum": 1.0, "median": 2.0, "90%": 3.0, "99%": 3.0, "maximum": 3.0
    }  # fmt: skip


class Fake:
    """A connection that answers what it is told to."""

    def __init__(self, answer: Any = None) -> None:
        self.sent: list[Any] = []
        self.most = self.received = 0
        self.answer = answer

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        self.most = max(self.most, len(self.sent) - self.received)

    async def recv(self) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        self.received += 1
        return self.sent[self.received - 1] if self.answer is None else self.answer


@pytest.mark.asyncio
async def test_so_many_are_on_their_way_and_all_come_back() -> None:
    fake: Any = Fake()
    sample = Sample(3, 1)
    ticks = itertools.count()
    await exchange(fake, "x", sample, until=10, patience=1, clock=lambda: next(ticks))
    assert fake.most == 3
    assert fake.received == len(fake.sent) == len(sample.latencies)
    assert min(sample.latencies) > 0


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "why"), [("other", "doesn't send back"), (TimeoutError(), "within 1 seconds")]
)
async def test_a_server_that_is_no_echo(answer: Any, why: str) -> None:
    fake: Any = Fake(answer)
    with pytest.raises(NotAnEcho, match=why):
        await exchange(fake, "x", Sample(1, 1), until=1, patience=1)
