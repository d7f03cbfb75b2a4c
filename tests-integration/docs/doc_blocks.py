"""Finds the code in the pages of the documentation and in the READMEs."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import textwrap
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *(page for page in (ROOT / "docs").rglob("*.rst") if "_build" not in page.parts),
        *(ROOT / "packages").glob("*/README.md"),
        *ROOT.glob("*.md"),
    ]
)

DIRECTIVE = re.compile(r"( *)\.\. code-block:: (\w+)$")
LITERAL = re.compile(r"( *)(?!\.\. )\S.*::$")
OPTION = re.compile(r" +:\w+:")
FENCE = re.compile(r"```(\w*)$")
INLINE = {".rst": re.compile(r"``([^`]+)``"), ".md": re.compile(r"(?<!`)`([^`]+)`(?!`)")}


@dataclasses.dataclass(frozen=True)
class Block:
    """A block of code, or code within a sentence: the language ``inline``."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    """Find the blocks of all pages in these languages."""
    return [block for page in PAGES for block in read(page) if block.language in languages]


def read(page: pathlib.Path) -> Iterator[Block]:
    """Find the blocks of a page, then the code in its sentences."""
    name = page.relative_to(ROOT).as_posix()
    lines = page.read_text().splitlines()
    find = _fences if page.suffix == ".md" else _directives
    prose = list(lines)
    for language, start, end in find(lines):
        text = textwrap.dedent("\n".join(lines[start:end])).strip("\n") + "\n"
        yield Block(name, start + 1, language, text)
        prose[start:end] = [""] * (end - start)
    text = "\n".join(prose)
    for found in INLINE[page.suffix].finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(name, line, "inline", re.sub(r"\s+", " ", found[1]))


def _fences(lines: list[str]) -> Iterator[tuple[str, int, int]]:
    """Where the blocks of Markdown are: language, first line, line after the last."""
    start, language = None, ""
    for number, line in enumerate(lines):
        if not (fence := FENCE.match(line)):
            continue
        if start is None:
            start, language = number + 1, fence[1]
        else:
            yield language, start, number
            start = None


def _directives(lines: list[str]) -> Iterator[tuple[str, int, int]]:
    """Where the blocks of reStructuredText are."""
    for number, line in enumerate(lines):
        if directive := DIRECTIVE.match(line):
            indent, language = len(directive[1]), directive[2]
        elif literal := LITERAL.match(line):
            indent, language = len(literal[1]), "python"
        else:
            continue
        start = number + 1
        while OPTION.match(lines[start]):
            start += 1
        end = start
        while end < len(lines) and (not lines[end] or _indent(lines[end]) > indent):
            end += 1
        yield language, start, end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
