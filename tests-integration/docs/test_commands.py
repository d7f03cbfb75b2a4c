"""Commands in the documentation name what there is: sessions, modules, options, distributions."""

from __future__ import annotations

import pytest
from doc_blocks import Block, blocks
from doc_commands import complaints


def lines(block: Block) -> list[str]:
    """The commands of a block: what stands behind a prompt."""
    if block.language == "inline":
        return [block.text] if " " in block.text else []
    return [line[2:] for line in block.text.splitlines() if line.startswith("$ ")]


def test_commands():
    found = [(block, line) for block in blocks("console", "inline") for line in lines(block)]
    wrong = []
    for block, line in found:
        try:
            wrong += [f"{block}: {complaint}" for complaint in complaints(line)]
        except ValueError:
            # A sentence may quote half of a quotation.
            assert block.language == "inline"
    assert wrong == []
    assert len([line for block, line in found if block.language == "console"]) > 30


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("nox -s demmo", "there is no session demmo"),
        ("python3 run.py tset", "there is no session tset"),
        ("nox -s 'tests-3.11(compield)'", "there is no session tests-3.11(compield)"),
        ("python -m benchmark sync", "there is no module benchmark"),
        ("python -m benchmarks.idle_thread", "there is no module benchmarks.idle_thread"),
        ("python tutorial_rom.py", "there is no tutorial_rom.py"),
        ("pip install ./packages/ws-typos", "there is no ./packages/ws-typos"),
        ("pip install ws-asincio", "there is no distribution ws-asincio"),
        ("pip install 'ws-asyncio[sock]'", "ws-asyncio has no extra sock"),
        (
            "echo a | websockets --cuont 1 ws://localhost/ > out",
            "websockets: unrecognized arguments: --cuont",
        ),
        (
            "python -m websockets bench --size x ws://localhost/",
            "websockets bench: argument --size: 'x' isn't a whole number",
        ),
    ],
)
def test_what_is_wrong_is_found(line, complaint):
    (found,) = complaints(line)
    assert found.startswith(complaint)
