"""What programs and people read is worded as in ``websockets`` 17.4.

The program in ``wording/`` runs on our package and on that of PyPI. ``differences.toml`` has the
cases that differ, with reasons: it can only shrink.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib

import pytest

HERE = pathlib.Path(__file__).parent
DIFFERENCES = tomllib.loads((HERE / "differences.toml").read_text())["difference"]


def run(python: str) -> dict[str, str]:
    """Map the name of each case to its text, as this Python's ``websockets`` has it."""
    command = [python, str(HERE / "wording")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def ours() -> dict[str, str]:
    return run(sys.executable)


@pytest.fixture(scope="module")
def theirs(ours: dict[str, str]) -> dict[str, str]:
    python = os.environ.get("WS_PEER_WEBSOCKETS")
    if python is None:
        pytest.skip("the environment of websockets isn't there: WS_PEER_WEBSOCKETS isn't set")
    return run(python)


def expected_different(name: str) -> bool:
    return any(re.fullmatch(one["cases"], name) for one in DIFFERENCES)


def test_wording_is_the_same(ours: dict[str, str], theirs: dict[str, str]) -> None:
    assert ours.keys() == theirs.keys()
    names = [name for name in theirs if not expected_different(name)]
    assert {name: ours[name] for name in names} == {name: theirs[name] for name in names}


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda one: one["cases"][:40])
def test_difference_is_still_one(
    ours: dict[str, str], theirs: dict[str, str], difference: dict[str, str]
) -> None:
    names = [name for name in theirs if re.fullmatch(difference["cases"], name)]
    assert names
    assert [name for name in names if ours[name] == theirs[name]] == []
