"""Holds commands in the documentation against what there is."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator

from doc_blocks import ROOT
from doc_calls import FOREIGN

from websockets.cli.arguments import parse

SEPARATORS = {"|", "<", ">", "&&", ";"}
# Options of the interpreter, in front of -m or a file.
FLAGS = {"-W": 1, "-X": 1}


def complaints(line: str) -> Iterator[str]:
    """What is wrong with a line of a shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    command: list[str] = []
    skip = False
    for word in [*lexer, ";"]:
        if word in ("<", ">"):
            skip = True
        elif word in SEPARATORS:
            yield from _command(command)
            command, skip = [], False
        elif skip:
            skip = False
        else:
            command.append(word)


def _command(words: list[str]) -> Iterator[str]:
    if words and words[0] in CHECKS:
        yield from CHECKS[words[0]](words[1:])


def _websockets(arguments: list[str]) -> Iterator[str]:
    if not arguments:
        return
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            parse(arguments)
    except SystemExit as exc:
        if exc.code:
            yield said.getvalue().splitlines()[-2]


def _python(arguments: list[str]) -> Iterator[str]:
    while arguments and arguments[0] in FLAGS:
        arguments = arguments[1 + FLAGS[arguments[0]] :]
    if not arguments or arguments[0] == "-c":
        return
    if arguments[0] == "run.py":
        yield from _session(arguments[1:])
    elif arguments[0] == "-m":
        yield from _module(arguments[1], arguments[2:])
    elif not any((folder / arguments[0]).is_file() for folder in (ROOT, ROOT / "docs/examples")):
        yield f"there is no {arguments[0]}"


def _module(name: str, arguments: list[str]) -> Iterator[str]:
    if name in CHECKS:
        yield from CHECKS[name](arguments)
    elif (ROOT / name.split(".")[0]).is_dir():
        # Of this checkout: it can be looked at without running it.
        path = ROOT / name.replace(".", "/")
        if not (path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()):
            yield f"there is no module {name}"
    elif name not in FOREIGN and importlib.util.find_spec(name.split(".")[0]) is None:
        yield f"there is no module {name}"


def _nox(arguments: list[str]) -> Iterator[str]:
    if arguments[:1] == ["-s"]:
        yield from _session(arguments[1:])


def _session(arguments: list[str]) -> Iterator[str]:
    if not arguments or arguments[0].startswith("-") or arguments[0] == "SESSION":
        return
    name = re.sub(r"(-3\.\d+)?(\((compiled|pure)\))?$", "", arguments[0])
    if name not in sessions():
        yield f"there is no session {name}"


def sessions() -> set[str]:
    """The sessions of the noxfile, and what run.py adds."""
    names = {"test"}
    for node in ast.parse((ROOT / "noxfile.py").read_text()).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            if ast.unparse(decorator).startswith("nox.session"):
                found = re.search(r"name='([^']+)'", ast.unparse(decorator))
                names.add(found[1] if found else node.name)
    return names


def _pip(arguments: list[str]) -> Iterator[str]:
    if arguments[:1] != ["install"]:
        return
    for argument in arguments[1:]:
        if argument.startswith("./"):
            if not (ROOT / argument / "pyproject.toml").is_file():
                yield f"there is no {argument}"
        elif found := re.fullmatch(r"(ws-\w+|websockets-meta)(?:\[([\w,-]+)\])?", argument):
            yield from _requirement(found[1], found[2])


def _requirement(name: str, extras: str | None) -> Iterator[str]:
    path = ROOT / "packages" / name / "pyproject.toml"
    if not path.is_file():
        yield f"there is no distribution {name}"
        return
    project = tomllib.loads(path.read_text())["project"]
    known = project.get("optional-dependencies", {})
    for extra in extras.split(",") if extras else []:
        if extra not in known:
            yield f"{name} has no extra {extra}"


CHECKS: dict[str, Callable[[list[str]], Iterator[str]]] = {
    "nox": _nox,
    "pip": _pip,
    "python": _python,
    "python3": _python,
    "websockets": _websockets,
}
