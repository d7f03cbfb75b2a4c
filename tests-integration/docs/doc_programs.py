"""Runs the whole programs of the documentation, as they stand but for their port."""

from __future__ import annotations

import ast
import builtins
import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator

from doc_blocks import Block
from doc_calls import defined

# Says in its log where it listens, and lets the operating system choose the port.
LISTENING = """\
import logging, sys
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
"""


def is_whole(block: Block) -> bool:
    """Whether nothing is missing: no name without a meaning, no dots in place of code."""
    try:
        compile(block.text, "block", "exec")
    except SyntaxError:
        return False
    tree = ast.parse(block.text)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    known = defined(tree) | imported(tree) | set(dir(builtins)) | {"__name__"}
    dots = any(isinstance(node, ast.Constant) and node.value is ... for node in ast.walk(tree))
    return names <= known and not dots


def imported(tree: ast.Module) -> set[str]:
    """The names that the block imports."""
    return {
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


def is_server(block: Block) -> bool:
    return "serve_forever()" in block.text


@contextlib.contextmanager
def running(block: Block) -> Iterator[str]:
    """Run a program that is a server; gives its URI."""
    program = LISTENING + block.text.replace("8765", "0")
    command = [sys.executable, "-u", "-W", "error", "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            found = (re.search(r"listening on 127\.0\.0\.1:(\d+)", line) for line in lines)
            yield f"ws://127.0.0.1:{next(match[1] for match in found if match)}"
        finally:
            process.kill()


def run(block: Block, uri: str) -> str:
    """Run a program that is a client of a server at that URI; gives what it prints."""
    program = re.sub(r"wss?://(localhost:8765|example\.com)/?", uri, block.text)
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout
