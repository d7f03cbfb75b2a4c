"""Versions compare as the API level, and say which distribution it is."""

from __future__ import annotations

import importlib.metadata

import pytest

import websockets.version
from websockets.__about__ import __version__


def test_version_begins_with_the_api_level_and_ends_with_the_distribution() -> None:
    assert websockets.version.version == f"17.4.{__version__}"
    assert websockets.__version__ == websockets.version.version
    assert importlib.metadata.version("websockets-meta") == __version__


def test_first_number_is_that_of_the_api_level() -> None:
    assert int(websockets.__version__.split(".", 1)[0]) == 17


def test_comparison_as_text() -> None:
    # What programs do, right or wrong.
    assert websockets.__version__ >= "17.0"
    assert not websockets.__version__.startswith("13.")


def test_each_part_is_a_number() -> None:
    assert tuple(map(int, websockets.__version__.split("."))) >= (17, 4)  # noqa: RUF048


def test_comparison_with_packaging() -> None:
    version = pytest.importorskip("packaging.version").Version
    found = version(websockets.__version__)
    assert version("14") <= version("17.4") <= found < version("17.5")
    assert found in pytest.importorskip("packaging.specifiers").SpecifierSet(">=17.4,<18")


def test_tag_and_commit_are_there() -> None:
    assert websockets.version.tag == websockets.version.commit == websockets.version.version
