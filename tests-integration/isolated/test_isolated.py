"""Each distribution in an environment of its own, with what it declares and nothing else.

Siblings come from ``dist/``. Wheels of released versions, put into ``dist/released``, are tried
too: the oldest and the newest that the declared ranges admit.
"""

from __future__ import annotations

import functools
import json
import os
import pathlib
import subprocess
import sys
import venv

import pytest

from tools import releases, wheelhouse
from tools.distributions import Distribution, load

DISTRIBUTIONS = load()
RELEASED = wheelhouse.DIST / "released"
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"

#: What ``import ws_sansio`` may not load: I/O, and what costs time.
HEAVY = {
    "asyncio",
    "email.utils",
    "http.client",
    "http.server",
    "importlib.metadata",
    "secrets",
    "socket",
    "ssl",
    "urllib.request",
    "zlib",
}

LIST_MODULES = """
import importlib, json, pkgutil, sys
package = importlib.import_module(sys.argv[1])
names = {module.name for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")}
print(json.dumps([package.__name__, *sorted(names)]))
"""

NEWLY_LOADED = """
import json, sys
before = set(sys.modules)
__import__(sys.argv[1])
import threading
print(json.dumps([sorted(set(sys.modules) - before), threading.active_count()]))
"""


def closure(name: str) -> list[str]:
    """Return the siblings that a distribution needs, those of its siblings included."""
    needed: dict[str, None] = {}
    for sibling in DISTRIBUTIONS[name].siblings:
        needed.update(dict.fromkeys([*closure(sibling), sibling]))
    return list(needed)


def local_wheel(name: str, build: str) -> pathlib.Path:
    kind = "compiled" if build == "compiled" and DISTRIBUTIONS[name].modules else "pure"
    path = wheelhouse.find(DISTRIBUTIONS[name], kind, PYTHON)
    if path is None:
        pytest.skip(f"{name} has no {kind} wheel: no C compiler?")
    return path


class Environment:
    """A virtual environment that holds one distribution."""

    def __init__(self, folder: pathlib.Path) -> None:
        venv.create(folder, with_pip=False)
        self.python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"

    def install(self, wheels: list[str], links: list[pathlib.Path]) -> None:
        """Install with the pip of the running environment; nothing comes from an index."""
        options = ["--quiet", "--disable-pip-version-check", "--no-index"]
        options += [f"--find-links={folder}" for folder in links]
        command = [sys.executable, "-m", "pip", "--isolated", "--python", str(self.python)]
        subprocess.run([*command, "install", *options, *wheels], check=True)

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.python), "-I", "-W", "error", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ["PATH"], **env},
        )


@functools.cache
def environment(folder: pathlib.Path, name: str, build: str) -> Environment:
    made = Environment(folder / f"{name}-{build}")
    links = [wheelhouse.folder_of("compiled", PYTHON)] if build == "compiled" else []
    made.install([str(local_wheel(name, build))], [*links, wheelhouse.folder_of("pure")])
    return made


@pytest.fixture(scope="session")
def environments(tmp_path_factory):
    """Make the environment of a distribution and a build, once."""
    return functools.partial(environment, tmp_path_factory.mktemp("environments"))


@pytest.mark.parametrize("build", ["compiled", "pure"])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_each_module_imports_alone(environments, name, build):
    package = DISTRIBUTIONS[name].package
    isolated = environments(name, build)
    listing = isolated.run("-c", LIST_MODULES, package)
    assert listing.returncode == 0, listing.stderr
    modules = json.loads(listing.stdout)
    assert len(modules) > 1
    failures = {}
    for module in modules:
        done = isolated.run("-c", f"import {module}")
        if done.returncode or done.stdout or done.stderr:
            failures[module] = done.stdout + done.stderr
    assert failures == {}


@pytest.mark.parametrize("build", ["compiled", "pure"])
@pytest.mark.parametrize("name", [name for name, one in DISTRIBUTIONS.items() if one.modules])
def test_the_build_that_is_installed_is_the_one_that_runs(environments, name, build):
    package = DISTRIBUTIONS[name].package
    done = environments(name, build).run("-c", f"import {package}; print({package}.implementation)")
    assert (done.stdout.strip(), done.stderr) == ("c" if build == "compiled" else "python", "")


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_nothing_undeclared_is_installed(environments, name):
    done = environments(name, "pure").run(
        "-c",
        "import importlib.metadata, json\n"
        "print(json.dumps([one.name for one in importlib.metadata.distributions()]))",
    )
    assert set(json.loads(done.stdout)) == {name, *closure(name)}


@pytest.mark.parametrize("build", ["compiled", "pure"])
@pytest.mark.parametrize("package", ["ws_types", "ws_sansio"])
def test_core_loads_nothing_heavy_and_starts_no_thread(environments, package, build):
    done = environments("ws-sansio", build).run("-c", NEWLY_LOADED, package)
    assert done.returncode == 0, done.stderr
    loaded, threads = json.loads(done.stdout)
    assert HEAVY.intersection(loaded) == set()
    assert threads == 1


def available(name: str) -> dict[str, pathlib.Path]:
    """Map each version of a distribution that has a wheel here to that wheel."""
    wheels = {
        path.name.split("-")[1]: path
        for path in RELEASED.glob(f"{name.replace('-', '_')}-*-py3-none-any.whl")
    }
    return {**wheels, DISTRIBUTIONS[name].version: local_wheel(name, "pure")}


@pytest.mark.parametrize(
    ("name", "sibling"),
    [(name, sibling) for name, one in DISTRIBUTIONS.items() for sibling in one.siblings],
)
def test_oldest_and_newest_sibling_that_the_range_admits(tmp_path, name, sibling):
    one: Distribution = DISTRIBUTIONS[name]
    wheels = available(sibling)
    versions = releases.ends(one.siblings[sibling], list(wheels))
    assert versions, f"{name} admits none of {sorted(wheels)} of {sibling}"
    for version in versions:
        made = Environment(tmp_path / version)
        links = [wheelhouse.folder_of("pure"), RELEASED]
        made.install(
            [str(local_wheel(name, "pure")), str(wheels[version])],
            [folder for folder in links if folder.is_dir()],
        )
        done = made.run("-c", f"import {one.package}")
        assert (done.returncode, done.stderr) == (0, "")
