"""Where messages come from and go to: a pipe, a plain terminal, one with line editing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from websockets.cli.terminal import Pipe, PlainTerminal, PromptTerminal, Screen, StandardInput

ESCAPE = "a\x1b[2Jb"


@contextlib.contextmanager
def typed(data: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have bytes arrive at standard input, and its end."""
    with tempfile.TemporaryFile() as stream:
        stream.write(data)
        stream.seek(0)
        monkeypatch.setattr(sys, "stdin", stream)
        yield


def lines_of(screen: Screen) -> list[bytes | str]:
    async def collect() -> list[bytes | str]:
        return [line async for line in screen.lines()]

    return asyncio.run(collect())


def test_messages_are_marked_and_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(parse_json=True)
    screen.status("Connected.")
    screen.message(ESCAPE)
    screen.message(b"\x00\xff")
    screen.message('{"a": 1}')
    assert capsys.readouterr().out == (
        'Connected.\n< a\\x1b[2Jb\n< (binary) 00ff\n< {\n<   "a": 1\n< }\n'
    )


# A pipe


def test_messages_are_lines_and_statuses_are_apart(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Pipe()
    screen.status("Connected.")
    screen.message(ESCAPE)
    screen.message(b"\x00\xff")
    assert capsys.readouterr() == ("a\\x1b[2Jb\n00ff\n", "Connected.\n")


def test_raw_messages_are_written_as_they_are(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    screen = Pipe(raw=True)
    screen.message(ESCAPE)
    screen.message(b"\x00\xff")
    assert capfdbinary.readouterr().out == b"a\x1b[2Jb\n\x00\xff"


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"a\nb\r\n\nc", [b"a", b"b", b"", b"c"]),
        (b"\xff\n", [b"\xff"]),
        # Longer than one read, and its end in the next.
        (b"x" * 2**16 + b"y\nz\n", [b"x" * 2**16 + b"y", b"z"]),
    ],
)
def test_lines_of_the_input(
    data: bytes, lines: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with typed(data, monkeypatch):
        assert lines_of(Pipe()) == lines


def test_the_whole_input_as_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    with typed(b"a\nb\r\n", monkeypatch):
        assert lines_of(Pipe(whole=True)) == [b"a\nb\r\n"]


def test_an_input_that_can_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read() -> bytes:
        return await StandardInput().read()

    # It is open for writing only.
    with open(os.devnull, "wb") as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        with pytest.raises(OSError, match="Bad file descriptor"):
            asyncio.run(read())


# Terminals


def test_a_plain_terminal_shows_its_prompt_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = PlainTerminal()
    with typed(b"hello\n", monkeypatch):
        assert lines_of(screen) == [b"hello"]
    assert capsys.readouterr().out == "> > "
    screen.message("answer")
    assert capsys.readouterr().out == "\r\x1b[K< answer\n> "


def test_line_editing_ends_with_ctrl_d(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    pytest.importorskip("prompt_toolkit", reason="prompt_toolkit isn't installed")
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    history = tmp_path / "history"
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        keys.send_text("helo\x1b[Dl\r\x04")
        assert lines_of(PromptTerminal(str(history))) == ["hello"]
    assert "+hello" in history.read_text()


def test_line_editing_needs_prompt_toolkit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prompt_toolkit", None)
    with pytest.raises(ImportError):
        PromptTerminal()
