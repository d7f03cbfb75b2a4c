"""A small soak; ``nox -s soak`` runs a large one."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent

OPTIONS = ["--connections", "100", "--seconds", "5", "--pace", "0.2"]


@pytest.mark.skipif(not pathlib.Path("/proc/self/fd").is_dir(), reason="counts by way of /proc")
def test_nothing_is_lost_and_nothing_left() -> None:
    command = [sys.executable, str(HERE / "soak.py"), *OPTIONS]
    run = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stderr == ""
    assert "problems: []" in run.stdout
