"""Run a command beside others, and show what it printed when they are done."""

from __future__ import annotations

import pathlib
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence


def start(
    command: Sequence[str], folder: pathlib.Path, env: Mapping[str, str]
) -> Callable[[], int]:
    """Start a command in ``folder``; returns what waits for it, shows its output, and its code."""
    output = tempfile.TemporaryFile()  # noqa: SIM115 (it is closed when it was shown)
    process = subprocess.Popen(
        command, cwd=folder, env=env, stdout=output, stderr=subprocess.STDOUT
    )

    def finish() -> int:
        code = process.wait()
        with output:
            output.seek(0)
            print(output.read().decode(errors="replace"), flush=True)
        return code

    return finish
