"""The examples of the README do what it says."""

from __future__ import annotations

import doctest
import pathlib

import pytest


def test_examples_of_the_readme() -> None:
    readme = pathlib.Path(__file__).resolve().parent.parent / "README.md"
    if not readme.exists():
        pytest.skip("the tests run without the files of the distribution")
    results = doctest.testfile(str(readme), module_relative=False)
    assert results.attempted > 5
    assert results.failed == 0
