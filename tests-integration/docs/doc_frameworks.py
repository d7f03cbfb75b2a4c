"""Runs programs in the environment that has the frameworks, on our packages."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest

PYTHON = os.environ.get("WS_FRAMEWORKS")

needs_frameworks = pytest.mark.skipif(
    not PYTHON, reason="WS_FRAMEWORKS doesn't name the Python of an environment with the frameworks"
)

# Everything, uvicorn's lines and ours.
LOG = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"all": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["all"], "level": "INFO"},
}


def call(folder: pathlib.Path, *arguments: str, **env: str) -> str:
    """Run Python to its end; gives what it printed."""
    assert PYTHON is not None
    done = subprocess.run(
        [PYTHON, *arguments],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextlib.contextmanager
def running(folder: pathlib.Path, *arguments: str, until: str, **env: str) -> Iterator[str]:
    """Run Python; gives what it printed until a line matches. In the end it gets a SIGTERM."""
    assert PYTHON is not None
    with subprocess.Popen(
        [PYTHON, "-u", *arguments],
        cwd=folder,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield _read(process, until)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
        finally:
            process.kill()


def _read(process: subprocess.Popen[str], until: str) -> str:
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if re.search(until, line):
            return text
    raise AssertionError(text)


@contextlib.contextmanager
def uvicorn(
    folder: pathlib.Path, application: str, logs: pathlib.Path, **env: str
) -> Iterator[tuple[str, str]]:
    """Run an ASGI application on a free port; gives ``127.0.0.1:PORT``, and the log."""
    config = logs / "log.json"
    config.write_text(json.dumps(LOG))
    command = ["-m", "uvicorn", "--ws", "websockets-sansio", "--port", "0"]
    command += ["--log-config", str(config), application]
    address = re.compile(r"running on http://([\d.:]+)")
    with running(folder, *command, until=address.pattern, **env) as log:
        found = address.search(log)
        assert found is not None
        yield found[1], log
