"""Which command runs, and how failures are told."""

from __future__ import annotations

import argparse

import pytest

from websockets.cli import commands
from websockets.cli.arguments import parse
from websockets.exceptions import InvalidMessage


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["ws://localhost/"], "talk"),
        (["connect", "ws://localhost/"], "talk"),
        (["serve"], "serve"),
        (["bench", "ws://localhost/"], "bench"),
    ],
)
def test_commands(argv: list[str], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(options: argparse.Namespace) -> int:
        assert options is expected
        return 7

    expected = parse(argv)
    monkeypatch.setattr(commands, name, run)
    assert commands.run(expected) == 7


def fail_with(exc: Exception, monkeypatch: pytest.MonkeyPatch) -> int:
    def run(options: argparse.Namespace) -> int:
        raise exc

    monkeypatch.setattr(commands, "talk", run)
    return commands.run(parse(["ws://user:secret@localhost/"]))


@pytest.mark.parametrize(
    ("exc", "reason"),
    [
        (OSError("no \x1broute"), "no \\x1broute"),
        (InvalidMessage("no HTTP"), "no HTTP: does it speak HTTP?"),
        (ImportError("SOCKS proxies need python-socks"), "SOCKS proxies need python-socks"),
    ],
    ids=["network", "protocol", "extra"],
)
def test_failures_are_told_in_one_line(
    exc: Exception,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert fail_with(exc, monkeypatch) == 1
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.startswith(f"Failed to connect to ws://***@localhost/: {reason}")
    assert errors.count("\n") == 1


def test_a_broken_pipe_is_no_failure_to_connect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BrokenPipeError):
        fail_with(BrokenPipeError(), monkeypatch)
    assert capsys.readouterr().err == ""


def test_a_uri_that_is_wrong_is_an_argument_that_is_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert commands.run(parse(["http://user:secret@localhost/"])) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("websockets: http://***@localhost/ isn't a valid URI: ")
    assert "write ws://host:port/path" in errors
