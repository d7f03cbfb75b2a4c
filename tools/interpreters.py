"""Finds the CPython versions that the project is tested on."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

VERSIONS = ("3.11", "3.12", "3.13")

#: The version that runs nox; sessions that need one version alone use it.
MAIN = f"{sys.version_info[0]}.{sys.version_info[1]}"


def works(command: str, version: str) -> bool:
    """Whether ``command`` is this version and runs: a shim of pyenv may not."""
    try:
        run = subprocess.run(
            [command, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return False
    return run.returncode == 0 and run.stdout.strip() == version


def expose() -> list[str]:
    """Put each version that pyenv has installed on PATH, where it isn't yet, and list the versions.

    The version that runs nox is always among them. Versions that are not found are listed too: nox
    says that it skips their sessions.
    """
    versions = list(VERSIONS) if MAIN in VERSIONS else [*VERSIONS, MAIN]
    root = pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv"), "versions")
    for version in versions:
        command = shutil.which(f"python{version}")
        if version == MAIN or (command is not None and works(command, version)):
            continue
        for folder in sorted(root.glob(f"{version}.*/bin"), reverse=True):
            if works(str(folder / f"python{version}"), version):
                os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
                break
    return versions
