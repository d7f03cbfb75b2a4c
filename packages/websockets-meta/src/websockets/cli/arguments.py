"""The arguments of the command line: what there is, what it means, and help that teaches by
examples.
"""

from __future__ import annotations

import argparse
import difflib
import math
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ws_sansio.grammar import validate_subprotocols
from ws_types.headers import Headers, check_header_value

from ..version import version

__all__ = ["parse"]

COMMANDS = ("connect", "serve", "bench")

OVERVIEW = """\
usage: websockets [options] URI             talk to a server
       websockets serve [options] [FOLDER]  run a server that echoes messages
       websockets bench [options] URI       measure an echo server
"""

CONNECT = """\
Connects to a WebSocket server. What you type is sent, a message for each line; what the server
sends is shown. Ctrl-D or Ctrl-C closes the connection.

In a pipe, each line of standard input is a message, and each message that arrives is a line of
standard output: text with what isn't printable written as an escape, binary in hexadecimal.
"""

CONNECT_EXAMPLES = """\
examples:
  websockets wss://example.com/chat
  websockets --header 'Authorization: Bearer 1234' --subprotocol chat ws://localhost:8000/
  websockets --json ws://localhost:8000/          check what is sent, lay out what arrives
  echo hello | websockets --count 1 ws://localhost:8765/
  websockets ws://localhost:8765/ < messages.txt > answers.txt

other commands:
  websockets serve --help                         a server to try things out with
  websockets bench --help                         latency and throughput of a server

exit codes:
  0  the connection ended normally        3  it ended with an error
  1  it couldn't be opened                2  the arguments, or the input, are wrong
  130  interrupted, in a pipe or while measuring
"""

SERVE = """\
Runs a server that sends each message back, until Ctrl-C. It also answers browsers: with the files
of a folder, or, without one, with a page to try the server out.
"""

SERVE_EXAMPLES = """\
examples:
  websockets serve                       ws://localhost:8765/, and a page at http://localhost:8765/
  websockets serve --port 8000 public/   a folder with pages that connect to ws://localhost:8000/

Only this machine can reach it, unless --host says otherwise (0.0.0.0: everybody who can reach this
machine can read the folder then). Hidden files and links that lead out of the folder aren't served.
"""

BENCH = """\
Measures a server that sends each message back, such as "websockets serve": first the time from a
message to its echo, with one message on its way; then the messages per second, with many.
"""

BENCH_EXAMPLES = """\
examples:
  websockets bench ws://localhost:8765/
  websockets bench --connections 50 --size 1024 --seconds 10 wss://example.com/echo
  websockets bench --json ws://localhost:8765/ > result.json
"""


class Parser(argparse.ArgumentParser):
    """A parser whose errors point to the help."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {message}\nTry: {self.prog} --help\n")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse arguments.

    :param argv: the arguments, without the name of the program.
    :returns: the options; ``command`` is ``"connect"``, ``"serve"`` or ``"bench"``.
    :raises SystemExit: if there is nothing to do but to show help, the version, or an error.
    """
    command, rest = (argv[0], argv[1:]) if argv and argv[0] in COMMANDS else ("connect", argv)
    parser = {"connect": _connect, "serve": _serve, "bench": _bench}[command]()
    if command == "connect" and rest and re.fullmatch("[A-Za-z][-0-9A-Za-z_]*", rest[0]):
        parser.error(_no_command(rest[0]))
    options = parser.parse_args(rest)
    options.command = command
    if command != "serve":
        _check_connection(parser, options)
    return options


def _no_command(word: str) -> str:
    similar = difflib.get_close_matches(word.lower(), COMMANDS, 1)
    advice = f": did you mean {similar[0]}?" if similar else ""
    commands = ", ".join(COMMANDS)
    return f"{word} is neither a URI (ws://host:port/path) nor a command ({commands}){advice}"


def _parser(prog: str, **texts: str) -> Parser:
    return Parser(
        prog=prog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        **texts,  # type: ignore[arg-type]
    )


def _connect() -> Parser:
    usage = OVERVIEW.removeprefix("usage: ").rstrip()
    parser = _parser("websockets", usage=usage, description=CONNECT, epilog=CONNECT_EXAMPLES)
    parser.add_argument("uri", metavar="URI", help="ws://host:port/path, or wss:// for TLS")
    parser.add_argument("--version", action="version", version=f"websockets {version}")
    messages = parser.add_argument_group("messages")
    kind = messages.add_mutually_exclusive_group()
    kind.add_argument("--binary", action="store_true", help="send binary messages, not text")
    kind.add_argument(
        "--json",
        action="store_true",
        help="send only what is valid JSON, and lay out the JSON that arrives",
    )
    messages.add_argument(
        "--ping",
        type=_number(minimum=0.01),
        metavar="SECONDS",
        help="send a ping that often, and show how long its answer takes",
    )
    messages.add_argument(
        "--history", metavar="FILE", help="keep what is typed in this file (by default, nowhere)"
    )
    pipe = parser.add_argument_group("in a pipe")
    pipe.add_argument(
        "--count",
        type=_number(int, 1),
        metavar="N",
        help="end when N messages have arrived",
    )
    pipe.add_argument(
        "--wait",
        type=_number(),
        metavar="SECONDS",
        help="end when, after the end of the input, nothing has arrived for that long (default: "
        "1 second; no limit with --count)",
    )
    pipe.add_argument(
        "--one-message", action="store_true", help="send the whole input as one message"
    )
    pipe.add_argument(
        "--raw",
        action="store_true",
        help="write messages as they are, to a file or a program (not to a terminal)",
    )
    _add_connection(parser)
    return parser


def _serve() -> Parser:
    parser = _parser("websockets serve", description=SERVE, epilog=SERVE_EXAMPLES)
    parser.add_argument("folder", metavar="FOLDER", nargs="?", help="a folder to serve")
    parser.add_argument(
        "--host", default="localhost", help="the address to listen on (default: localhost)"
    )
    parser.add_argument(
        "--port",
        type=_number(int, 0, 65535),
        default=8765,
        help="the port to listen on (default: 8765; 0 is any that is free)",
    )
    parser.add_argument(
        "--no-compression", action="store_true", help="don't accept compression of messages"
    )
    parser.add_argument("--quiet", action="store_true", help="don't show connections and requests")
    return parser


def _bench() -> Parser:
    parser = _parser("websockets bench", description=BENCH, epilog=BENCH_EXAMPLES)
    parser.add_argument("uri", metavar="URI", help="ws://host:port/path, or wss:// for TLS")
    measuring = parser.add_argument_group("what to measure")
    measuring.add_argument(
        "--seconds",
        type=_number(minimum=0.01),
        default=3.0,
        help="how long each of the two takes (default: 3)",
    )
    measuring.add_argument(
        "--connections",
        type=_number(int, 1),
        default=1,
        metavar="N",
        help="how many connections there are (default: 1)",
    )
    measuring.add_argument(
        "--in-flight",
        type=_number(int, 1),
        default=64,
        metavar="N",
        help="how many messages are on their way on each connection, where throughput is measured "
        "(default: 64)",
    )
    measuring.add_argument(
        "--size",
        type=_number(int, 0, 2**30),
        default=64,
        metavar="BYTES",
        help="the size of the messages (default: 64)",
    )
    measuring.add_argument("--binary", action="store_true", help="send binary messages, not text")
    measuring.add_argument("--json", action="store_true", help="print the result as JSON")
    _add_connection(parser)
    return parser


def _add_connection(parser: argparse.ArgumentParser) -> None:
    """Add what says how to connect."""
    group = parser.add_argument_group("connection")
    group.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="add a header to the request; may be repeated",
    )
    group.add_argument(
        "--subprotocol",
        action="append",
        default=[],
        metavar="NAME",
        help="offer a subprotocol; may be repeated, the preferred one first",
    )
    group.add_argument("--origin", help="the Origin header, as a browser would send it")
    group.add_argument(
        "--user",
        metavar="NAME[:PASSWORD]",
        help="log in (basic authentication); without a password, it is asked for",
    )
    group.add_argument(
        "--insecure", action="store_true", help="don't check the server's TLS certificate"
    )
    group.add_argument("--no-compression", action="store_true", help="don't offer compression")
    group.add_argument(
        "--timeout",
        type=_number(minimum=0.01),
        default=10.0,
        metavar="SECONDS",
        help="how long connecting may take (default: 10)",
    )
    group.add_argument(
        "--max-size",
        type=_number(int, 1),
        default=2**20,
        metavar="BYTES",
        help="the largest message to accept (default: 1 MiB)",
    )


def _number(
    kind: type[int] | type[float] = float, minimum: float = 0, maximum: float = math.inf
) -> Callable[[str], Any]:
    """Make what converts an argument to a number within bounds."""

    def convert(text: str) -> float:
        try:
            number = kind(text)
        except ValueError:
            number = kind(-1)
        if not (math.isfinite(number) and minimum <= number <= maximum):
            what = "a whole number" if kind is int else "a number"
            least = f"{minimum:g} or more" if maximum == math.inf else f"{minimum:g} to {maximum}"
            raise argparse.ArgumentTypeError(f"{text!r} isn't {what}, {least}")
        return number

    return convert


def _check_connection(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Check what says how to connect, except for the URI; put headers together."""
    options.headers = _headers(parser, options.header)
    try:
        validate_subprotocols(options.subprotocol)
    except ValueError as exc:
        parser.error(f"--subprotocol: {exc}")
    try:
        check_header_value("Origin", options.origin or "")
    except ValueError as exc:
        parser.error(f"--origin: {exc}")


def _headers(parser: argparse.ArgumentParser, lines: Sequence[str]) -> Headers:
    headers = Headers()
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            parser.error(f"--header: {line!r} isn't of the form 'Name: value'")
        try:
            headers[name.strip()] = value.strip()
        except ValueError as exc:
            parser.error(f"--header: {exc}")
    return headers
