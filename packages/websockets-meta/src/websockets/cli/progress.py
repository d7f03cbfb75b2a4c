"""A live display of what is being measured, on standard error."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

__all__ = ["NoProgress", "PlainProgress", "RichProgress", "make_progress"]


class NoProgress:
    """Where nobody watches."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def update(self, what: str, done: float, total: float, rate: float) -> None:
        """Show how far it is.

        :param what: what is measured.
        :param done: seconds that have passed.
        :param total: seconds that it takes.
        :param rate: messages per second so far.
        """

    def close(self) -> None:
        """Take the display away."""


class PlainProgress(NoProgress):
    """One line, written again and again."""

    def update(self, what: str, done: float, total: float, rate: float) -> None:
        """Show how far it is."""
        line = f"{what}: {min(done, total):.1f} of {total:g} s, {rate:,.0f} messages/s"
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Clear the line."""
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


class RichProgress(NoProgress):
    """A bar for each of the measurements, from rich.

    :raises ImportError: if rich isn't installed.
    """

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress: Any = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[rate]:,.0f} messages/s"),
            console=Console(stderr=True),
            transient=True,
        )
        self._bars: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def update(self, what: str, done: float, total: float, rate: float) -> None:
        """Show how far it is."""
        if what not in self._bars:
            self._bars[what] = self._progress.add_task(what, total=total, rate=rate)
        self._progress.update(self._bars[what], completed=min(done, total), rate=rate)

    def close(self) -> None:
        """Take the bars away."""
        self._progress.stop()


def make_progress() -> NoProgress:
    """Choose the best display that there is."""
    if not sys.stderr.isatty():
        return NoProgress()
    try:
        return RichProgress()
    except ImportError:
        return PlainProgress()
