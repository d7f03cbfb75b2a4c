"""The tests that the documentation shows pass, with pytest as a user runs it."""

from __future__ import annotations

import pathlib
import subprocess
import sys

from doc_examples import EXAMPLES

SETTINGS = """\
[pytest]
filterwarnings = error
asyncio_default_fixture_loop_scope = function
"""


def test_tests_of_a_handler(tmp_path: pathlib.Path) -> None:
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    example = (EXAMPLES / "testing_pytest.py").read_text()
    (tmp_path / "test_adding.py").write_text(example)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "4 passed" in run.stdout
