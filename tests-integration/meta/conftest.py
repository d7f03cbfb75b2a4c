"""Virtual environments, and the wheels that are installed into them.

One thing is fetched, the wheel of the PyPI package; everything is then installed offline.
"""

from __future__ import annotations

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import venv

import pytest

from tools import shim as shim_tool
from tools import wheelhouse
from tools.distributions import load

PROGRAM = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "1.0"
dependencies = ["{requirement}"]
"""


class Environment:
    """A virtual environment, and wheels that may be installed into it."""

    def __init__(self, folder: pathlib.Path, links: pathlib.Path) -> None:
        self.folder, self.links = folder, links
        venv.create(folder / "venv", with_pip=False)
        scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        self.python = str(scripts / "python")

    def pip(self, *arguments: str) -> str:
        """Run the pip of this environment's maker on it."""
        options = ["--isolated", "--disable-pip-version-check", "--python", self.python]
        return self.call(sys.executable, "-m", "pip", *options, *arguments)

    def install(self, *arguments: str) -> str:
        return self.pip("install", "--no-index", f"--find-links={self.links}", *arguments)

    def uv(self, *arguments: str) -> str:
        """Run uv on this environment."""
        env = {"VIRTUAL_ENV": str(self.folder / "venv"), "UV_CACHE_DIR": str(self.folder / "cache")}
        return self.call(find_uv(), "--offline", *arguments, **env)

    def call(self, *command: str, **env: str) -> str:
        """Run something in this environment's folder; what it printed comes with a failure."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **env},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self, program: str) -> subprocess.CompletedProcess[str]:
        command = [self.python, "-I", "-c", program]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def installed(self) -> dict[str, str]:
        """Map each distribution to its version."""
        program = (
            "import importlib.metadata as m\nfor d in m.distributions(): print(d.name, d.version)"
        )
        return dict(line.split() for line in self.run(program).stdout.splitlines())


def find_uv() -> str:
    found = shutil.which("uv", path=sysconfig.get_path("scripts")) or shutil.which("uv")
    if found is None:
        pytest.skip("uv isn't installed")
    return found


def make_program(folder: pathlib.Path, name: str, requirement: str) -> pathlib.Path:
    """Build the wheel of a program that requires ``websockets``."""
    source = folder / f"{name}-source"
    source.mkdir()
    (source / "pyproject.toml").write_text(PROGRAM.format(name=name, requirement=requirement))
    (source / f"{name}.py").write_text(
        "import websockets\nfrom websockets.asyncio.client import connect\n"
        "print(websockets.__version__, connect.__module__)\n"
    )
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    shutil.rmtree(source)
    (wheel,) = folder.glob(f"{name}-*.whl")
    return wheel


@pytest.fixture(scope="session")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The wheel of the PyPI package."""
    folder = tmp_path_factory.mktemp("theirs")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(folder), "websockets==17.4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("websockets-*.whl"))
    if not wheels:
        pytest.skip(f"websockets 17.4 can't be fetched: {done.stderr.strip()[-200:]}")
    return wheels[0]


@pytest.fixture(scope="session")
def links(tmp_path_factory: pytest.TempPathFactory, theirs: pathlib.Path) -> pathlib.Path:
    """What an index would have: all our wheels, the PyPI package, and programs that require it."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling isn't installed")
    folder = tmp_path_factory.mktemp("links")
    shutil.copy(theirs, folder)
    for distribution in load().values():
        path = wheelhouse.find(distribution, "pure")
        if path is None:
            pytest.skip(f"{distribution.name} has no wheel in dist/")
        shutil.copy(path, folder)
    make_program(folder, "program", "websockets>=13")
    make_program(folder, "older_program", "websockets>=13,<16")
    return folder


@pytest.fixture
def environment(tmp_path: pathlib.Path, links: pathlib.Path) -> Environment:
    """An empty environment."""
    return Environment(tmp_path, links)


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The empty wheel that stands in for the PyPI package."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling isn't installed")
    return shim_tool.build(folder=tmp_path_factory.mktemp("shim"))
