"""The arguments of the command line, and what is said about wrong ones."""

from __future__ import annotations

import pytest

from websockets.cli import main
from websockets.cli.arguments import parse
from websockets.version import version


def test_a_uri_is_enough() -> None:
    options = parse(["ws://localhost/"])
    assert (options.command, options.uri) == ("connect", "ws://localhost/")
    assert (options.timeout, options.max_size, options.count) == (10.0, 2**20, None)


def test_headers_and_subprotocols_are_repeated() -> None:
    headers = ["--header", "A: 1", "--header", "B:two: 2"]
    options = parse([*headers, "--subprotocol", "x", "--subprotocol", "y", "ws://localhost/"])
    assert list(options.headers.raw_items()) == [("A", "1"), ("B", "two: 2")]
    assert options.subprotocol == ["x", "y"]


def test_commands() -> None:
    assert parse(["connect", "ws://localhost/"]).command == "connect"
    served = parse(["serve", "--port", "0", "folder"])
    assert (served.command, served.port, served.host) == ("serve", 0, "localhost")
    assert parse(["bench", "--connections", "3", "ws://localhost/"]).connections == 3


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        ([], "required: URI"),
        (["--header", "A", "ws://a/"], "--header: 'A' isn't of the form 'Name: value'"),
        (["--header", "A B: 1", "ws://a/"], "--header: "),
        (["--header", "A: 1\r\nB: 2", "ws://a/"], "--header: "),
        (["--subprotocol", "a b", "ws://a/"], "--subprotocol: "),
        (["--count", "0", "ws://a/"], "'0' isn't a whole number, 1 or more"),
        (["--timeout", "nan", "ws://a/"], "'nan' isn't a number, 0.01 or more"),
        (["--binary", "--json", "ws://a/"], "not allowed with argument"),
        (["serve", "--port", "65536"], "'65536' isn't a whole number, 0 to 65535"),
        (["ws://a/", "ws://b/"], "unrecognized arguments"),
        (["--origin", "http://a\r\nB: 1", "ws://a/"], "--origin: "),
        (["--origin", "http://\udcff", "ws://a/"], "--origin: "),
        (["bench", "--size", "9999999999", "ws://a/"], "isn't a whole number, 0 to 1073741824"),
        (["srve", "ws://a/"], "srve is neither a URI (ws://host:port/path) nor a command"),
        (["srve", "ws://a/"], "(connect, serve, bench): did you mean serve?"),
        (["Bench"], ": did you mean bench?"),
        (["localhost"], "nor a command (connect, serve, bench)\n"),
    ],
)
def test_wrong_arguments(argv: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(argv)
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert why in captured.err
    assert "usage: " in captured.err
    assert "--help" in captured.err


@pytest.mark.parametrize("command", [[], ["serve"], ["bench"]])
def test_help_has_examples(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    assert "\nexamples:\n  websockets " in capsys.readouterr().out.replace("usage: ", "")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"websockets {version}\n"
