"""What pages refer to is there: objects of Python, files, other pages."""

from __future__ import annotations

import importlib
import re

import pytest
from doc_blocks import PAGES, ROOT

ROLE = re.compile(r":(?:func|class|meth|attr|exc|mod|data):`(?:[^`<]*<|~)?([\w.]+)>?`")
AUTOMODULE = re.compile(r"\.\. automodule:: ([\w.]+)\n(?:   :members:(.*)\n)?")
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


def documented() -> dict[str, list[str] | None]:
    """Map each module of the reference to the names that it has there; None: all of them."""
    found: dict[str, list[str] | None] = {}
    for page in (ROOT / "docs" / "reference").glob("*.rst"):
        for module in AUTOMODULE.finditer(page.read_text()):
            members = module[2]
            found[module[1]] = [] if members is None else re.findall(r"\w+", members) or None
    return found


def leads_somewhere(path: str) -> bool:
    """Whether the reference documents it, if it is ours."""
    modules = documented()
    if not path.startswith("ws_") or path in modules:
        return True
    module = next(
        (name for name in (path.rpartition(".")[0], path.rsplit(".", 2)[0]) if name in modules),
        None,
    )
    if module is None:
        return False
    names = modules[module]
    return names is None or path.removeprefix(f"{module}.").split(".")[0] in names


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


@pytest.mark.parametrize(
    ("path", "somewhere"),
    [
        ("ws_asyncio", True),
        ("ws_asyncio.server.serve", True),
        ("ws_sansio.protocol.Protocol.receive_data", True),
        ("TimeoutError", True),
        # They are there, but it isn't where the reference has them.
        ("ws_asyncio.serve", False),
        ("ws_sansio.Protocol.receive_data", False),
    ],
)
def test_what_is_in_the_reference(path, somewhere):
    assert leads_somewhere(path) is somewhere


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_references_of_a_page(page):
    text = page.read_text()
    missing = [path for path in ROLE.findall(text) if not exists(path) or not leads_somewhere(path)]
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
