"""Each recipe of the how-to for programs that require ``websockets``, run for real.

The folder of wheels plays the index: it has the PyPI package too, so that a recipe that doesn't
keep it out fails.
"""

from __future__ import annotations

import importlib.metadata
import json
import pathlib
import tomllib
import zipfile
from typing import TYPE_CHECKING

import pytest

from tools import shim as shim_tool
from tools.distributions import load

if TYPE_CHECKING:
    from .conftest import Environment

VERSION = load()["websockets-meta"].version
NEVER = "websockets ; sys_platform == 'never'"

PROJECT = """\
[project]
name = "application"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["program", "websockets-meta"]

[tool.uv]
package = false
no-index = true
find-links = [{links}]
override-dependencies = [{override}]
"""


def check(environment: Environment, shim: str | None, program: str = "program") -> None:
    """The program runs on our package, and the PyPI package isn't there."""
    done = environment.run(f"import {program}")
    assert done.stderr == ""
    assert done.stdout.split() == [f"17.4.{VERSION}", "ws_asyncio.client"]
    installed = environment.installed()
    assert installed.get("websockets") == shim
    assert installed["websockets-meta"] == VERSION
    # Both the PyPI package and the empty one can be called 17.4.
    if shim is not None:
        files = environment.run(
            "import importlib.metadata as metadata\n"
            "print({file.parts[0] for file in metadata.files('websockets')})"
        )
        assert files.stdout.strip() == f"{{'websockets-{shim}.dist-info'}}"


def project(environment: Environment, override: str) -> None:
    text = PROJECT.format(
        links=json.dumps(environment.links.as_posix()), override=json.dumps(override)
    )
    tomllib.loads(text)
    (environment.folder / "pyproject.toml").write_text(text)


def test_shim_holds_nothing_and_requires_websockets_meta(shim: pathlib.Path) -> None:
    assert shim.name == "websockets-17.4-py3-none-any.whl"
    with zipfile.ZipFile(shim) as archive:
        assert all("websockets-17.4.dist-info/" in name for name in archive.namelist())
        text = archive.read("websockets-17.4.dist-info/METADATA").decode()
    assert f"Requires-Dist: websockets-meta>={VERSION}\n" in text
    assert "Classifier: Private :: Do Not Upload\n" in text


@pytest.mark.parametrize("version", ["17.4+ws", "", "../17.4", '17"'])
def test_shim_of_no_version(tmp_path: pathlib.Path, version: str) -> None:
    with pytest.raises(ValueError, match="isn't a version"):
        shim_tool.build(version, tmp_path)


def test_pip_with_nothing_done_mixes_the_packages(environment: Environment) -> None:
    environment.install("websockets-meta", "program")
    assert "ImportError: " in environment.run("import program").stderr


def test_pip_with_the_shim_among_the_links_is_not_enough(
    environment: Environment, shim: pathlib.Path, theirs: pathlib.Path
) -> None:
    if theirs.name.endswith("-none-any.whl"):
        pytest.skip("the PyPI package isn't compiled for this platform")
    environment.install(f"--find-links={shim.parent}", "websockets-meta", "program")
    assert "ImportError: " in environment.run("import program").stderr


def test_pip_with_the_shim_installed_first(environment: Environment, shim: pathlib.Path) -> None:
    environment.install(str(shim))
    environment.install("program")
    check(environment, "17.4")
    environment.install("--upgrade", "program")
    check(environment, "17.4")


def test_pip_with_a_constraint(environment: Environment, shim: pathlib.Path) -> None:
    constraints = environment.folder / "constraints.txt"
    constraints.write_text(f"websockets @ {shim.as_uri()}\n")
    environment.install("--constraint", str(constraints), "program")
    check(environment, "17.4")
    options = ["--upgrade", "--upgrade-strategy=eager"]
    environment.install("--constraint", str(constraints), *options, "program")
    check(environment, "17.4")


def test_pip_without_dependencies(environment: Environment) -> None:
    environment.install("websockets-meta")
    environment.install("--no-deps", "program")
    check(environment, None)


def test_pip_with_wheels_of_ones_own(environment: Environment, shim: pathlib.Path) -> None:
    for path in environment.links.iterdir():
        if path.name.startswith(("ws_", "websockets_meta", "program")):
            (environment.folder / path.name).write_bytes(path.read_bytes())
    (environment.folder / shim.name).write_bytes(shim.read_bytes())
    environment.pip("install", "--no-index", f"--find-links={environment.folder}", "program")
    check(environment, "17.4")


def test_pip_with_an_older_shim(environment: Environment) -> None:
    environment.install(str(shim_tool.build("15.0", environment.folder)))
    environment.install("older_program")
    check(environment, "15.0", "older_program")


def test_uv_pip_with_an_override(environment: Environment) -> None:
    overrides = environment.folder / "overrides.txt"
    overrides.write_text(f"{NEVER}\n")
    options = ["--no-index", f"--find-links={environment.links}", f"--overrides={overrides}"]
    environment.uv("pip", "install", *options, "program", "older_program", "websockets-meta")
    check(environment, None)
    check(environment, None, "older_program")


@pytest.mark.parametrize("kept_out", ["left out", "shim"])
def test_uv_project_with_an_override(
    environment: Environment, shim: pathlib.Path, kept_out: str
) -> None:
    project(environment, NEVER if kept_out == "left out" else f"websockets @ {shim.as_uri()}")
    environment.uv("sync", "--active", "--python", environment.python)
    check(environment, None if kept_out == "left out" else "17.4")


def test_how_to_shows_the_overrides_that_are_tested() -> None:
    text = pathlib.Path(shim_tool.ROOT, "docs", "how-to", "drop-in.rst").read_text()
    assert text.count(NEVER) == 2
    assert "--overrides overrides.txt" in text
    assert "--constraint constraints.txt" in text
    assert importlib.metadata.version("websockets-meta") == VERSION
