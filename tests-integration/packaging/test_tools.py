"""The tools that the noxfile rests on."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tools import distributions, junit, wheelhouse


@pytest.fixture
def copy(tmp_path):
    """Return a distribution of one module, to edit."""
    one = distributions.load()["ws-types"]
    folder = tmp_path / "ws-types"
    (folder / "src" / "ws_types").mkdir(parents=True)
    (folder / "tests").mkdir()
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "CHANGELOG.md"):
        (folder / name).write_text(name)
    (folder / "src" / "ws_types" / "headers.py").write_text("")
    return distributions.Distribution("ws-types", folder, one.metadata)


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("src/ws_types/headers.py", {"sdist", "pure", "compiled"}),
        ("src/ws_types/headers.pxd", {"sdist", "pure", "compiled"}),
        ("hatch_build.py", {"sdist", "pure", "compiled"}),
        ("README.md", {"sdist", "pure", "compiled"}),
        ("tests/test_headers.py", {"sdist"}),
        ("CHANGELOG.md", {"sdist"}),
        ("src/ws_types/__pycache__/headers.pyc", set()),
        (".nox/junk", set()),
    ],
)
def test_what_was_edited_is_built_again_and_nothing_else(copy, path, kinds):
    before = {kind: wheelhouse.source_key(copy, kind) for kind in wheelhouse.KINDS}
    edited = copy.folder / path
    edited.parent.mkdir(parents=True, exist_ok=True)
    edited.write_text("edited")
    after = {kind: wheelhouse.source_key(copy, kind) for kind in wheelhouse.KINDS}
    assert {kind for kind in before if before[kind] != after[kind]} == kinds


def test_flags_of_the_compiler_are_part_of_the_key(copy, monkeypatch):
    before = wheelhouse.source_key(copy, "compiled")
    monkeypatch.setenv("WS_BUILD_CFLAGS", "-fsanitize=address")
    assert wheelhouse.source_key(copy, "compiled") != before


def test_counts_of_a_report(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "def test_a(): pass\n"
        "def test_b(): pass\n"
        "def test_c(): assert 0\n"
        "@pytest.fixture\n"
        "def broken(): raise ValueError\n"
        "def test_d(broken): pass\n"
        "@pytest.mark.skip(reason='why not')\n"
        "def test_e(): pass\n"
        "@pytest.mark.xfail\n"
        "def test_f(): assert 0\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "--junit-xml=report.xml", "-p", "no:asyncio"]
    subprocess.run(command, cwd=tmp_path, stdout=subprocess.DEVNULL, check=False)
    counts = junit.count(tmp_path / "report.xml")
    assert str(counts) == "2 passed, 2 failed, 2 skipped"


def test_skips_are_named_only_where_there_are_some():
    assert str(junit.Counts(3, 0, 0)) == "3 passed, 0 failed"
