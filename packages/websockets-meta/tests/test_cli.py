"""The command line as a whole: exit codes, and an output that nobody reads."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

import pytest

from websockets import cli


@pytest.mark.parametrize(
    ("outcome", "code"),
    [(0, 0), (3, 3), (SystemExit(2), 2), (KeyboardInterrupt(), 130)],
    ids=["success", "failure", "exit", "interruption"],
)
def test_exit_codes(
    outcome: int | BaseException, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(options: argparse.Namespace) -> int:
        assert options.uri == "ws://localhost/"
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(cli, "run", run)
    with pytest.raises(SystemExit) as raised:
        cli.main(["ws://localhost/"])
    assert raised.value.code == code


@pytest.mark.parametrize(
    "program",
    ["cli.main(['serve', '--port', '0'])", "cli.run = print; cli.main(['ws://localhost/'])"],
    ids=["at once", "at the end"],
)
def test_nobody_reads_the_output(program: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", f"from websockets import cli; {program}"],
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=30,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")
