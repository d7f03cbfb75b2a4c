"""The command line as a process: in a pipe, or in a pseudo-terminal."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

COMMAND = [sys.executable, "-W", "error", "-m", "websockets"]

#: Hides a module from the process that is started.
WITHOUT = (
    "import sys; sys.modules['{module}'] = None; "
    "from websockets.cli import main; main(sys.argv[1:])"
)


def run(*arguments: str, given: bytes = b"", **settings: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end, in a pipe."""
    settings = {"capture_output": True, "timeout": 30, "check": False, **settings}
    return subprocess.run([*COMMAND, *arguments], input=given, **settings)


class Served:
    """A server that runs as a process."""

    def __init__(self, *arguments: str) -> None:
        command = [*COMMAND, "serve", "--port", "0", *arguments]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        found = re.search(r"ws://\S+", self.process.stdout.readline())
        assert found is not None, self.process.communicate()
        self.uri = found[0]
        self.http = self.uri.replace("ws://", "http://")


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """An echo server."""
    one = Served("--quiet")
    yield one
    one.process.terminate()
    one.process.communicate()


class Terminal:
    """A command in a pseudo-terminal.

    :param arguments: its arguments.
    :param without: a module that it doesn't find.
    """

    def __init__(self, *arguments: str, without: str | None = None) -> None:
        pexpect = pytest.importorskip("pexpect")
        if not hasattr(pexpect, "spawn"):
            pytest.skip("there are no pseudo-terminals here")
        command = COMMAND
        if without is not None:
            command = [sys.executable, "-c", WITHOUT.format(module=without)]
        # Nobody answers questions about the position of the cursor.
        env = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
        self.child = pexpect.spawn(
            command[0], [*command[1:], *arguments], env=env, timeout=8, encoding="utf-8"
        )
        self.end = pexpect.EOF

    def expect(self, text: str) -> None:
        """Wait until this appears."""
        self.child.expect_exact(text)

    def type(self, line: str) -> None:
        """Type a line."""
        self.child.send(line + "\r")

    def finish(self) -> int:
        """Wait for the end, and return the exit code."""
        self.child.expect(self.end)
        self.child.close()
        code: int = self.child.exitstatus
        return code


def need(module: str) -> None:
    """Skip where an extra isn't installed."""
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} isn't installed")
