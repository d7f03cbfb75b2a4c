"""What the build hook makes of a small distribution, and how the tests notice a stale one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile

import pytest

from tools import wheelhouse
from tools.distributions import ROOT

PROBLEM = wheelhouse.find_compiler_problem()
needs_compiler = pytest.mark.skipif(PROBLEM is not None, reason=f"no C compiler: {PROBLEM}")

SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "ws-toy"
version = "1.0"
requires-python = ">=3.11"

[tool.hatch.build]
ignore-vcs = true
exclude = ["__pycache__", "_compiled", ".*"]

[tool.hatch.build.targets.wheel]
packages = ["src/ws_toy"]
exclude = ["*.pyx", "*.pxd", "*.h", "*.c", "*.so", "*.pyd"]

[tool.hatch.build.targets.wheel.hooks.custom]
package = "ws_toy"
modules = ["_kernels", "codec"]
"""

FILES = {
    "__init__.py": "",
    "py.typed": "",
    "toy.h": "static int toy_add(int a, int b) { return a + b; }\n",
    "_kernels.pyx": 'cdef extern from "toy.h":\n    int toy_add(int a, int b)\n'
    "cpdef int add(int a, int b):\n    return toy_add(a, b)\n",
    "_kernels.pxd": "cpdef int add(int a, int b)\n",
    "_kernels.py": "def add(a, b):\n    return a + b\n",
    "codec.py": "from ._kernels import add\n"
    "def twice(data: bytes):\n    return add(len(data), len(data))\n",
    "codec.pxd": "from ._kernels cimport add\n",
}

SOURCES = {"ws_toy/__init__.py", "ws_toy/_kernels.py", "ws_toy/codec.py", "ws_toy/py.typed"}


@pytest.fixture
def toy(tmp_path):
    """Return a distribution that has a .pyx and its twin, a .py and its .pxd, and a header."""
    folder = tmp_path / "toy"
    package = folder / "src" / "ws_toy"
    package.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    shutil.copy(ROOT / "packages" / "ws-types" / "hatch_build.py", folder)
    for name, text in FILES.items():
        (package / name).write_text(text)
    return folder


def build(folder, **env):
    """Build the wheel; return the run, and the wheel if there is one."""
    run = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "out"],
        cwd=folder,
        env={**{k: v for k, v in os.environ.items() if not k.startswith("WS_")}, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return run, next((folder / "out").glob("*.whl"), None)


def contents(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


@needs_compiler
def test_compiled_wheel(toy):
    run, wheel = build(toy, WS_BUILD="require")
    assert run.returncode == 0, run.stdout
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    assert wheel.name.startswith(f"ws_toy-1.0-{python}-{python}-")
    assert contents(wheel) == SOURCES | {
        f"ws_toy/_compiled/_kernels{SUFFIX}",
        f"ws_toy/_compiled/codec{SUFFIX}",
        "ws_toy/_compiled/manifest.json",
    }
    # Nothing is left in the source folder.
    assert {path.name for path in (toy / "src" / "ws_toy").iterdir()} == set(FILES)


@needs_compiler
def test_compiled_modules_run_and_take_any_bytes_like(toy):
    _, wheel = build(toy, WS_BUILD="require")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(toy / "site")
    code = (
        "import ws_toy; ws_toy.__path__.insert(0, ws_toy.__path__[0] + '/_compiled')\n"
        "from ws_toy import _kernels, codec\n"
        "print(codec.twice(bytearray(3)), _kernels.add(1, 2), codec.__file__, _kernels.__file__)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=toy / "site", capture_output=True, text=True, check=True
    )
    twice, three, *files = run.stdout.split()
    assert (twice, three) == ("6", "3")
    assert all(file.endswith(SUFFIX) for file in files)


@needs_compiler
def test_manifest_names_the_digest_of_each_source(toy):
    _, wheel = build(toy, WS_BUILD="require")
    with zipfile.ZipFile(wheel) as archive:
        manifest = json.loads(archive.read("ws_toy/_compiled/manifest.json"))
    compiled = {"_kernels.pyx", "_kernels.pxd", "codec.py", "codec.pxd", "toy.h"}
    assert manifest == {
        "modules": ["_kernels", "codec"],
        "sources": {name: hashlib.sha256(FILES[name].encode()).hexdigest() for name in compiled},
    }


@needs_compiler
def test_build_is_reproducible(toy):
    _, wheel = build(toy, WS_BUILD="require")
    first = wheel.read_bytes()
    wheel.unlink()
    _, wheel = build(toy, WS_BUILD="require")
    assert wheel.read_bytes() == first


def test_pure_wheel_on_request(toy):
    _, wheel = build(toy, WS_BUILD="pure")
    assert wheel.name == "ws_toy-1.0-py3-none-any.whl"
    assert contents(wheel) == SOURCES


def test_no_compiler_warns_and_builds_the_pure_wheel(toy):
    run, wheel = build(toy, CC="/nonexistent/cc")
    assert run.returncode == 0
    assert "ws_toy is not compiled, the wheel is pure Python" in run.stdout
    assert wheel.name == "ws_toy-1.0-py3-none-any.whl"
    assert contents(wheel) == SOURCES


def test_code_that_does_not_compile_warns_and_builds_the_pure_wheel(toy):
    (toy / "src" / "ws_toy" / "_kernels.pyx").write_text("cdef int broken(:\n")
    run, wheel = build(toy)
    assert "ws_toy is not compiled, the wheel is pure Python" in run.stdout
    assert contents(wheel) == SOURCES


def test_require_fails_without_a_compiler(toy):
    run, wheel = build(toy, CC="/nonexistent/cc", WS_BUILD="require")
    assert run.returncode != 0
    assert wheel is None
    assert "WS_BUILD=require, and ws_toy can't be compiled" in run.stdout


def test_unknown_mode_is_refused(toy):
    run, wheel = build(toy, WS_BUILD="always")
    assert run.returncode != 0
    assert wheel is None
    assert "WS_BUILD must be unset, 'require' or 'pure', not 'always'" in run.stdout


def test_listed_module_that_is_missing_is_an_error(toy):
    (toy / "src" / "ws_toy" / "codec.py").unlink()
    run, wheel = build(toy)
    assert run.returncode != 0
    assert wheel is None
    assert "neither codec.pyx nor codec.py" in run.stdout


def test_nothing_to_compile_gives_a_pure_wheel_even_where_it_is_required(toy):
    text = PYPROJECT.replace('["_kernels", "codec"]', "[]")
    (toy / "pyproject.toml").write_text(text)
    run, wheel = build(toy, WS_BUILD="require")
    assert "ws_toy lists no modules to compile: the wheel is pure" in run.stdout
    assert wheel.name == "ws_toy-1.0-py3-none-any.whl"
