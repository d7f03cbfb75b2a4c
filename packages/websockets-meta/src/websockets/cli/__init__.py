"""The command line: ``websockets``, or ``python -m websockets``."""

from __future__ import annotations

import os
import sys
from typing import Any

from .arguments import parse
from .commands import run

__all__ = ["main"]


def main(argv: list[str] | None = None) -> None:
    """Run the command line.

    :param argv: the arguments, without the name of the program; those of the process by default.
    :raises SystemExit: always, with the exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        # Terminals that can't show a character get an escape.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
        # What is buffered fails here rather than at the end of the interpreter, which would say so.
        sys.stdout.flush()
    except KeyboardInterrupt:
        # A second Ctrl-C, or one before anything ran.
        code = 130
    except BrokenPipeError:
        # Who read our output has gone; what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)


def _run(argv: list[str]) -> Any:
    try:
        return run(parse(argv))
    except SystemExit as exc:
        # Help was shown, or what is wrong with the arguments.
        return exc.code
