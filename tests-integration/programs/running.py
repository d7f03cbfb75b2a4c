"""Runs a program in the environment of the programs."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
from collections.abc import Iterator

import pytest

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = os.environ.get("WS_PROGRAMS")

needs_programs = pytest.mark.skipif(
    not PYTHON, reason="WS_PROGRAMS doesn't name the Python of an environment with the programs"
)


@contextlib.contextmanager
def running(script: str) -> Iterator[str]:
    """Run a program; gives the URI that it listens on."""
    assert PYTHON is not None
    command = [PYTHON, "-W", "ignore", str(HERE / script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            port = next(int(line[5:]) for line in lines if line.startswith("port "))
            yield f"ws://127.0.0.1:{port}"
        finally:
            process.kill()
