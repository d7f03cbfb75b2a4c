"""Type checkers understand a program that uses the names, and report a wrong use of them."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import re
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).parent / "typed"
RIGHT, WRONG = FOLDER / "right.py", FOLDER / "wrong.py"
MARKED = {
    number
    for number, line in enumerate(WRONG.read_text().splitlines(), 1)
    if line.endswith("  # wrong")
}


def run(tmp_path: pathlib.Path, module: str, *arguments: str) -> str:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} isn't installed")
    # Elsewhere, so that no configuration and no source folder of the checkout is found.
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def mypy(tmp_path: pathlib.Path, path: pathlib.Path) -> dict[int, str]:
    """Return the errors by line."""
    options = ["--strict", f"--cache-dir={tmp_path}", "--no-error-summary"]
    printed = run(tmp_path, "mypy", *options, str(path))
    found = re.findall(r"^.*?:(\d+): error: (.*)$", printed, re.MULTILINE)
    assert found or not printed, printed
    return {int(line): message for line, message in found}


def pyright(tmp_path: pathlib.Path, path: pathlib.Path) -> dict[int, str]:
    """Return the errors by line."""
    (tmp_path / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))
    copy = tmp_path / path.name
    copy.write_text(path.read_text())
    try:
        printed = run(tmp_path, "pyright", "--outputjson", "--pythonpath", sys.executable)
        report = json.loads(printed)
    except (AssertionError, json.JSONDecodeError) as exc:
        pytest.skip(f"pyright doesn't run here (it fetches its program from npm): {exc}")
    assert report["summary"]["filesAnalyzed"] == 1
    return {
        one["range"]["start"]["line"] + 1: one["message"]
        for one in report["generalDiagnostics"]
        if one["severity"] == "error"
    }


CHECKERS = pytest.mark.parametrize("check", [mypy, pyright])


@CHECKERS
def test_right_use_is_understood(tmp_path, check):
    assert check(tmp_path, RIGHT) == {}


@CHECKERS
def test_each_wrong_use_is_reported(tmp_path, check):
    assert set(check(tmp_path, WRONG)) == MARKED
