"""What pages refer to is there: objects of Python, files, other pages."""

from __future__ import annotations

import importlib
import re

import pytest
from doc_blocks import PAGES, ROOT

ROLE = re.compile(r":(?:func|class|meth|attr|exc|mod|data):`~?([\w.]+)`")
LINK = re.compile(r"\]\(([^)#:\s]+)\)")
INCLUDED = re.compile(r"(?:literalinclude|image|figure):: (\S+)")


def exists(path: str) -> bool:
    """Whether a dotted path leads to a module, or to something in one."""
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ImportError:
            continue
        return _has(found, parts[length:])
    return _has(importlib.import_module("builtins"), parts)


def _has(found: object, names: list[str]) -> bool:
    for name in names:
        # Attributes that only instances have are in the annotations.
        if name in getattr(found, "__annotations__", ()):
            return True
        if not hasattr(found, name):
            return False
        found = getattr(found, name)
    return True


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("ws_asyncio", True),
        ("ws_asyncio.serve", True),
        ("ws_asyncio.server.Server.drain", True),
        ("TimeoutError", True),
        ("ws_asyncio.sevre", False),
        ("ws_asyncio.server.Server.drian", False),
        ("TimeoutErorr", False),
    ],
)
def test_what_exists(path, there):
    assert exists(path) is there


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_references_of_a_page(page):
    text = page.read_text()
    missing = [path for path in ROLE.findall(text) if not exists(path)]
    named = LINK.findall(text) if page.suffix == ".md" else INCLUDED.findall(text)
    missing += [path for path in named if not (page.parent / path).exists()]
    assert missing == []


def test_each_example_is_on_a_page():
    included = {
        (page.parent / path).resolve()
        for page in PAGES
        for path in INCLUDED.findall(page.read_text())
    }
    examples = {path for path in (ROOT / "docs" / "examples").rglob("*.py") if path.read_text()}
    assert examples - included == set()
