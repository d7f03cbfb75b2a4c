"""The checks of built artifacts see what they are there to see."""

from __future__ import annotations

import pathlib
import shutil
import tarfile
import zipfile

import pytest

from tools import artifacts, wheelhouse
from tools.distributions import load

TYPES = load()["ws-types"]


@pytest.fixture
def wheel(tmp_path):
    """Return a copy of the pure wheel of ws-types."""
    return pathlib.Path(shutil.copy(wheelhouse.find(TYPES, "pure"), tmp_path))


@pytest.fixture
def sdist(tmp_path):
    """Return a copy of the sdist of ws-types."""
    return pathlib.Path(shutil.copy(wheelhouse.find(TYPES, "sdist"), tmp_path))


def test_what_was_built_is_right(wheel, sdist):
    assert artifacts.check_wheel(wheel, TYPES, "pure") == []
    assert artifacts.check_sdist(sdist, TYPES) == []


def test_stray_file_in_a_wheel(wheel):
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("ws_types/notes.txt", "")
    (problem,) = artifacts.check_wheel(wheel, TYPES, "pure")
    assert problem.endswith("has the stray file ws_types/notes.txt")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_file_that_is_there_twice(wheel):
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("ws_types/py.typed", "")
    (problem,) = artifacts.check_wheel(wheel, TYPES, "pure")
    assert problem.endswith("has ws_types/py.typed 2 times")


@pytest.mark.parametrize("name", ["ws_types/py.typed", "licenses/LICENSE"])
def test_missing_file_in_a_wheel(wheel, tmp_path, name):
    smaller = tmp_path / "smaller" / wheel.name
    smaller.parent.mkdir()
    with zipfile.ZipFile(wheel) as archive, zipfile.ZipFile(smaller, "w") as copy:
        for member in archive.namelist():
            if not member.endswith(name):
                copy.writestr(member, archive.read(member))
    (problem,) = artifacts.check_wheel(smaller, TYPES, "pure")
    assert "lacks" in problem
    assert problem.endswith(name)


def test_wrong_tag(wheel):
    other = wheel.with_name(wheel.name.replace("py3-none-any", "py3-none-linux_x86_64"))
    wheel.rename(other)
    (problem,) = artifacts.check_wheel(other, TYPES, "pure")
    assert problem.endswith("-py3-none-any.whl")


def test_stray_file_in_an_sdist(sdist, tmp_path):
    (tmp_path / "core").write_text("")
    plain = tmp_path / "plain.tar"
    with tarfile.open(sdist) as archive, tarfile.open(plain, "w") as copy:
        for member in archive.getmembers():
            copy.addfile(member, archive.extractfile(member))
        copy.add(tmp_path / "core", "ws_types-0.1.0/core")
    (problem,) = artifacts.check_sdist(plain, TYPES)
    assert problem.endswith("has the stray file ws_types-0.1.0/core")
