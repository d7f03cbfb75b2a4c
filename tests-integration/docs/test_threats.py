"""The tests that the page on security names are there."""

from __future__ import annotations

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]

NAMED = re.compile(r"``([\w/.-]+\.py)::(test_\w+)``")


def test_each_named_test_exists() -> None:
    page = (ROOT / "docs" / "explanation" / "security.rst").read_text()
    named = NAMED.findall(page)
    assert len(named) > 40
    missing = []
    for path, name in named:
        folder = ROOT if path.startswith("tests-integration") else ROOT / "packages"
        source = (folder / path).read_text() if (folder / path).is_file() else ""
        if f"def {name}(" not in source:
            missing.append(f"{path}::{name}")
    assert missing == []


def test_each_row_names_a_test() -> None:
    page = (ROOT / "docs" / "explanation" / "security.rst").read_text()
    table = page[page.index("What was tried") :]
    rows = table.split("   * - ")[2:]
    assert len(rows) > 20
    assert [row for row in rows if not NAMED.search(row)] == []
