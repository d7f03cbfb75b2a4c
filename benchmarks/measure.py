"""
Measuring on a machine that isn't quiet.

Contenders run in turn, round after round, each time in a process of its own, so that whatever
else the machine does hits all of them. What is shown is the median over the rounds, and the
ratio to the first contender: times above 1 mean that the contender is slower than it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

__all__ = ["Contender", "Table", "alternate", "worker"]

Results = dict[str, float]


@dataclass
class Contender:
    """Something to measure: a name, and what measures it once."""

    name: str
    run: Callable[[], Results]


@dataclass
class Table:
    """The results of a benchmark."""

    title: str
    unit: str
    higher_is_better: bool = False
    #: By metric, by contender: one value for each round.
    values: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, contender: str, results: Results) -> None:
        """Note the results of one round."""
        for metric, value in results.items():
            self.values.setdefault(metric, {}).setdefault(contender, []).append(value)

    def medians(self) -> dict[str, dict[str, float]]:
        """By metric, by contender: the median over the rounds."""
        return {
            metric: {name: statistics.median(values) for name, values in row.items()}
            for metric, row in self.values.items()
        }

    def markdown(self) -> str:
        """The table, with the ratio of each contender to the first one."""
        rows = self.medians()
        names = list(next(iter(rows.values())))
        lines = [f"### {self.title} ({self.unit})", ""]
        lines.append("| | " + " | ".join(names) + " |")
        lines.append("|---|" + "---:|" * len(names))
        for metric, row in rows.items():
            first = row[names[0]]
            cells = []
            for name in names:
                value = row.get(name)
                if value is None:
                    cells.append("–")
                    continue
                times = value / first if self.higher_is_better else first / value
                cells.append(f"{_short(value)} ({times:.2f}×)")
            lines.append(f"| {metric} | " + " | ".join(cells) + " |")
        lines += ["", f"Times (×) are {names[0]}'s, more is better.", ""]
        return "\n".join(lines)


def alternate(table: Table, contenders: list[Contender], rounds: int) -> Table:
    """Run the contenders in turn, and tell how far it is."""
    for number in range(rounds):
        for contender in contenders:
            print(
                f"\r{table.title}: round {number + 1} of {rounds}, {contender.name}\x1b[K",
                end="",
                file=sys.stderr,
                flush=True,
            )
            table.add(contender.name, contender.run())
    print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    return table


def worker(module: str, *args: str, env: Mapping[str, str] | None = None) -> Results:
    """Run ``python -m benchmarks.MODULE ARGS`` and return the JSON that it prints."""
    process = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *args],
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    results: Results = json.loads(process.stdout)
    return results


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
