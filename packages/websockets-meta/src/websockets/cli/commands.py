"""Which command runs, and what is said where it fails."""

from __future__ import annotations

import argparse
import sys

from ws_types.errors import InvalidURI, WebSocketException

from .bench import bench
from .explain import explain
from .opening import check_uri
from .serve import serve
from .talk import talk

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run a command.

    :param options: the options of the command line.
    :returns: the exit code.
    :raises BrokenPipeError: if nobody reads the output.
    """
    if options.command == "serve":
        return serve(options)
    try:
        check_uri(options)
    except InvalidURI as exc:
        print(f"websockets: {explain(exc)}", file=sys.stderr)
        return 2
    try:
        return bench(options) if options.command == "bench" else talk(options)
    except BrokenPipeError:
        raise
    except (OSError, WebSocketException, ImportError) as exc:
        reason = explain(exc, options.timeout)
        print(f"Failed to connect to {options.shown_uri}: {reason}.", file=sys.stderr)
        return 1
