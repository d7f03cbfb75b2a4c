"""The measurement: what is counted, and what is said where there is nothing to measure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from websockets.asyncio.server import ServerConnection
from websockets.cli.arguments import parse
from websockets.cli.bench import NotAnEcho, bench, exchange
from websockets.cli.figures import Sample
from websockets.cli.opening import check_uri
from ws_asyncio.testing import serving


class Line:
    """A connection to a server that sends everything back, a second later by its clock."""

    def __init__(self, answer: Callable[[Any], Any] = lambda message: message) -> None:
        self.now, self.most = 100.0, 0
        self._answer = answer
        self._messages: list[Any] = []

    def clock(self) -> float:
        return self.now

    async def send(self, message: Any) -> None:
        self._messages.append(message)
        self.most = max(self.most, len(self._messages))

    async def recv(self) -> Any:
        if self._answer is None:
            await asyncio.Event().wait()
        self.now += 1.0
        return self._answer(self._messages.pop(0))


def run_exchange(line: Any, sample: Sample, until: float, patience: float = 20.0) -> None:
    asyncio.run(exchange(line, "x", sample, until=until, patience=patience, clock=line.clock))


def test_messages_are_sent_until_the_time_is_over() -> None:
    line, sample = Line(), Sample(1, 1)
    run_exchange(line, sample, until=105.0)
    assert list(sample.latencies) == [1.0] * 5
    assert line.most == 1


def test_as_many_are_on_their_way_as_asked_for() -> None:
    line, sample = Line(), Sample(3, 1)
    run_exchange(line, sample, until=105.0)
    # Those that were on their way when the time was over came back, too.
    assert list(sample.latencies) == [1.0, 2.0, *[3.0] * 5]
    assert line.most == 3


def test_another_answer_is_no_echo() -> None:
    with pytest.raises(NotAnEcho, match="doesn't send back what it gets"):
        run_exchange(Line(lambda message: "else"), Sample(1, 1), until=101.0)


def test_a_server_that_does_not_answer() -> None:
    line = Line()
    line._answer = None  # type: ignore[assignment]
    with pytest.raises(NotAnEcho, match=r"no message came back within 0\.01 seconds \(--timeout\)"):
        run_exchange(line, Sample(1, 1), until=101.0, patience=0.01)


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def shut(connection: ServerConnection) -> None:
    await connection.close(1011, "no \x1bway")


def measure(handler: Any, *arguments: str) -> int:
    """Run the command against a server."""

    async def main() -> int:
        async with serving(handler) as server:
            options = parse(["bench", "--seconds", "0.01", *arguments, server.uri])
            check_uri(options)
            return await asyncio.to_thread(bench, options)

    return asyncio.run(main())


def test_what_was_found_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert measure(echo, "--json", "--connections", "2", "--size", "5", "--binary") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["connections"] == 2
    assert (found["latency"]["in_flight"], found["throughput"]["in_flight"]) == (1, 64)
    assert found["latency"]["size_bytes"] == 5
    # One for each connection at least.
    assert found["latency"]["messages"] >= 2
    assert found["throughput"]["messages"] >= 128


def test_what_was_found_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert measure(echo, "--in-flight", "2") == 0
    out = capsys.readouterr().out
    assert "With 1 message of 64 bytes on their way:" in out
    assert "With 2 messages of 64 bytes on their way:" in out


def test_a_connection_that_is_closed_meanwhile(capsys: pytest.CaptureFixture[str]) -> None:
    assert measure(shut) == 3
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.startswith("websockets bench: received 1011 (internal error) no \\x1bway")
