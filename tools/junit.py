"""Sums up the JUnit reports that every pytest run leaves in ``reports/junit``.

``python -m tools.junit`` prints a line for each run, and last ``N passed, N failed, N skipped``.
"""

from __future__ import annotations

import dataclasses
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

from .distributions import ROOT

FOLDER = ROOT / "reports" / "junit"


@dataclasses.dataclass
class Counts:
    """How the tests of one run, or of all, ended; an error counts as a failure."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other: Counts) -> None:
        """Add the counts of another run."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self) -> str:
        text = f"{self.passed} passed, {self.failed} failed"
        return f"{text}, {self.skipped} skipped" if self.skipped else text


def count(path: pathlib.Path) -> Counts:
    """Read one report."""
    counts = Counts()
    # The reports are our own: no other party wrote this XML.
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):  # noqa: S314
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        counts.add(Counts(int(suite.get("tests", 0)) - failed - skipped, failed, skipped))
    return counts


def clear() -> None:
    """Forget the reports of earlier runs."""
    for path in FOLDER.glob("*.xml"):
        path.unlink()


def summarize() -> Counts:
    """Print a line for each report, and return the sum."""
    total = Counts()
    for path in sorted(FOLDER.glob("*.xml")):
        counts = count(path)
        total.add(counts)
        print(f"  {path.stem}: {counts}")
    return total


if __name__ == "__main__":
    result = summarize()
    print(result)
    sys.exit(1 if result.failed else 0)
