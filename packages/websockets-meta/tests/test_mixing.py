"""Files of the PyPI package in the same folder are an error, with the way out."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys

import pytest

import websockets
from websockets._mixing import check_unmixed


@pytest.mark.parametrize("name", ["imports.py", "speedups.c", "speedups.pyi"])
def test_file_of_the_other_package(tmp_path: pathlib.Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(ImportError) as caught:
        check_unmixed(str(tmp_path))
    assert str(tmp_path) in str(caught.value)
    assert f"from PyPI ({name})" in str(caught.value)
    assert "pip uninstall -y websockets websockets-meta\n" in str(caught.value)
    assert caught.value.name == "websockets"


def test_own_files_alone(tmp_path: pathlib.Path) -> None:
    (tmp_path / "frames.py").touch()
    check_unmixed(str(tmp_path))
    check_unmixed(*websockets.__path__)


def test_package_that_is_not_in_a_folder(tmp_path: pathlib.Path) -> None:
    check_unmixed(str(tmp_path / "archive.zip" / "websockets"))


@pytest.mark.parametrize("module", ["websockets", "websockets.frames"])
def test_import_of_a_mixed_package(tmp_path: pathlib.Path, module: str) -> None:
    mixed = shutil.copytree(pathlib.Path(websockets.__file__).parent, tmp_path / "websockets")
    (mixed / "imports.py").touch()
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "ImportError: " in done.stderr
    assert "pip install websockets-meta" in done.stderr


def test_import_of_the_other_package_over_ours(tmp_path: pathlib.Path) -> None:
    mixed = shutil.copytree(pathlib.Path(websockets.__file__).parent, tmp_path / "websockets")
    (mixed / "imports.py").touch()
    (mixed / "version.py").write_text("version = '17.4'\n")
    (mixed / "__init__.py").write_text("from .version import version as __version__\n")
    command = [sys.executable, "-c", "import websockets"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install websockets-meta" in done.stderr
