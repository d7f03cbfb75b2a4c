"""The tests refuse to run against an installed package that isn't the checkout's."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys

import pytest

from tools.distributions import ROOT

SOURCE = {"__init__.py": "implementation = 'c'\n", "headers.py": "X = 1\n", "headers.pxd": ""}


@pytest.fixture
def checkout(tmp_path):
    """Return a checkout of one distribution; it is installed, with a manifest, in ``site``."""
    folder = tmp_path / "packages" / "ws-types"
    installed = tmp_path / "site" / "ws_types"
    for place in (folder / "src" / "ws_types", installed):
        place.mkdir(parents=True)
        for name, text in SOURCE.items():
            (place / name).write_text(text)
    (folder / "tests").mkdir()
    shutil.copy(ROOT / "packages" / "ws-types" / "tests" / "conftest.py", folder / "tests")
    shutil.copy(ROOT / "packages" / "ws-types" / "pyproject.toml", folder)
    (folder / "tests" / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
    digests = {
        name: hashlib.sha256(SOURCE[name].encode()).hexdigest()
        for name in ("headers.py", "headers.pxd")
    }
    manifest = installed / "_compiled" / "manifest.json"
    manifest.parent.mkdir()
    manifest.write_text(json.dumps({"modules": ["headers"], "sources": digests}))
    return folder


def run_tests(checkout, **env):
    site = checkout.parent.parent / "site"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:asyncio"],
        cwd=checkout,
        env={"PYTHONPATH": str(site), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout


def test_header_says_which_build_runs(checkout):
    code, output = run_tests(checkout)
    assert code == 0, output
    site = checkout.parent.parent / "site"
    assert f"ws_types: c build, from {site / 'ws_types'}" in output


def test_edited_source(checkout):
    (checkout / "src" / "ws_types" / "headers.py").write_text("X = 2\n")
    code, output = run_tests(checkout)
    assert code == 4
    assert "ws_types is stale, install it again" in output


def test_new_source(checkout):
    (checkout / "src" / "ws_types" / "new.py").write_text("")
    code, output = run_tests(checkout)
    assert code == 4
    assert "ws_types is stale, install it again" in output


def test_extension_compiled_from_other_types(checkout):
    (checkout / "src" / "ws_types" / "headers.pxd").write_text("# other\n")
    code, output = run_tests(checkout)
    assert code == 4
    assert "were compiled from another" in output


def test_build_that_was_not_asked_for(checkout):
    code, output = run_tests(checkout, WS_TEST_BUILD="python")
    assert code == 4
    assert "WS_TEST_BUILD=python, but ws_types runs its 'c' build" in output
    code, output = run_tests(checkout, WS_TEST_BUILD="c")
    assert code == 0, output
