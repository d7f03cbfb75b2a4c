"""The examples of the README do what it shows."""

from __future__ import annotations

import doctest
import pathlib


def test_examples() -> None:
    readme = pathlib.Path(__file__).resolve().parent.parent / "README.md"
    results = doctest.testfile(str(readme), module_relative=False)
    assert results.attempted >= 5
    assert results.failed == 0
