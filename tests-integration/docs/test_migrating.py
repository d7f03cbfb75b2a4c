"""The table of modules says where the names of ``websockets`` are."""

from __future__ import annotations

import importlib
import re

import pytest
from doc_blocks import ROOT

ROW = re.compile(r"   \* - (``websockets\.\S.*)\n     - ``(\w[\w.]*)``")


def modules() -> dict[str, str]:
    """Map each module of ``websockets`` that the table names to where it leads."""
    page = (ROOT / "docs" / "how-to" / "migrating.rst").read_text()
    found = {}
    for old, new in ROW.findall(page):
        first, *others = re.findall(r"``([\w.]+)``", old)
        parent = first.rpartition(".")[0]
        for name in (first, *(parent + other for other in others)):
            found[name] = new
    return found


def test_the_table_is_found():
    assert len(modules()) >= 15


@pytest.mark.parametrize(("old", "new"), modules().items())
def test_names_are_the_same_objects(old, new):
    source, target = importlib.import_module(old), importlib.import_module(new)
    assert [
        name for name in source.__all__ if getattr(source, name) is not getattr(target, name)
    ] == []
