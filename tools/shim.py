"""Builds a wheel that is called ``websockets``, holds nothing, and requires ``websockets-meta``.

Programs that require ``websockets`` are satisfied by it, and installers leave the PyPI package of
that name alone. It is for private use, never for publication (its classifier makes an index refuse
it). It goes into ``dist/shim/``, with version 17.4, or another for programs that ask for an older
one::

    python -m tools.shim
    python -m tools.shim 15.0
"""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
import tempfile

from .distributions import ROOT, load

FOLDER = ROOT / "dist" / "shim"
VERSION = "17.4"

PROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "websockets"
version = "{version}"
description = "Stands in for the PyPI package websockets: requires websockets-meta, holds nothing"
requires-python = "{python}"
classifiers = ["Private :: Do Not Upload"]
dependencies = ["websockets-meta{range}"]

[tool.hatch.build.targets.wheel]
bypass-selection = true
"""


def build(version: str = VERSION, folder: pathlib.Path = FOLDER) -> pathlib.Path:
    """Build the wheel into a folder, and return it.

    :param version: what it passes for: digits and dots.
    :raises ValueError: if the version is another kind of thing.
    :raises SystemExit: if it can't be built.
    """
    if re.fullmatch(r"\d+(\.\d+)*", version) is None:
        raise ValueError(f"{version!r} isn't a version of digits and dots")
    meta = load()["websockets-meta"]
    project = PROJECT.format(
        version=version,
        python=meta.metadata["project"]["requires-python"],
        range=f">={meta.version}",
    )
    with tempfile.TemporaryDirectory(prefix="shim-") as work:
        pathlib.Path(work, "pyproject.toml").write_text(project)
        run = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "out"],
            cwd=work,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if run.returncode:
            raise SystemExit(f"{run.stdout}\nthe shim couldn't be built")
        (wheel,) = pathlib.Path(work, "out").iterdir()
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / wheel.name
        target.write_bytes(wheel.read_bytes())
    return target


if __name__ == "__main__":
    for number in sys.argv[1:] or [VERSION]:
        print(build(number))
