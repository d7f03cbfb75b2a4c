"""A conversation: what is sent, what is shown, and how it ends."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from websockets.asyncio.server import ServerConnection
from websockets.cli.arguments import parse
from websockets.cli.opening import check_uri
from websockets.cli.talk import Talk, make_screen
from websockets.cli.terminal import Pipe, PlainTerminal, Screen
from ws_asyncio.testing import serving


class Script(Screen):
    """Types lines, and remembers what is shown.

    :param lines: what is typed.
    :param end: whether the input ends with them.
    :param interactive: whether a person types.
    """

    def __init__(self, *lines: bytes, end: bool = True, interactive: bool = False) -> None:
        super().__init__()
        self.interactive = interactive
        self.statuses: list[str] = []
        self.messages: list[Any] = []
        self._lines, self._end = lines, end

    def status(self, text: str) -> None:
        self.statuses.append(text)

    def message(self, message: Any) -> None:
        self.messages.append(message)

    async def lines(self) -> AsyncIterator[bytes | str]:
        for line in self._lines:
            yield line
        if not self._end:
            await asyncio.Event().wait()


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def talk(screen: Screen, handler: Any, *arguments: str) -> int:
    """Talk to a server; returns the exit code."""

    async def main() -> int:
        async with serving(handler) as server:
            options = parse([*arguments, server.uri])
            check_uri(options)
            return await Talk(options, screen).run()

    return asyncio.run(main())


def test_lines_are_messages_and_answers_are_shown() -> None:
    screen = Script(b"one", b"two")
    assert talk(screen, echo, "--count", "2") == 0
    assert screen.messages == ["one", "two"]
    first, last = screen.statuses
    assert first.startswith("Connected to ws://127.0.0.1:")
    assert last == "Connection closed: 1000 (OK)."


def test_binary_messages() -> None:
    screen = Script(b"\xff")
    assert talk(screen, echo, "--binary", "--count", "1") == 0
    assert screen.messages == [b"\xff"]


def test_answers_are_waited_for_until_none_comes() -> None:
    screen = Script(b"one")
    assert talk(screen, echo, "--wait", "0.05") == 0
    assert screen.messages == ["one"]


def test_a_line_that_can_not_be_sent_ends_a_pipe() -> None:
    screen = Script(b"{}", b"{", b"{}")
    assert talk(screen, echo, "--json", "--wait", "0.01") == 2
    assert "websockets: line 2 of the input is not JSON: " in screen.statuses[1]


def test_a_line_that_can_not_be_sent_is_typed_again() -> None:
    screen = Script(b"\xff", b"ok", end=False, interactive=True)
    assert talk(screen, echo, "--count", "1") == 0
    assert screen.statuses[1] == "Not sent: not UTF-8 at byte 0: send it with --binary."
    assert screen.messages == ["ok"]


@pytest.mark.parametrize(("code", "exit_code"), [(1000, 0), (1001, 0), (1011, 3)])
def test_the_server_ends_it(code: int, exit_code: int) -> None:
    async def shut(connection: ServerConnection) -> None:
        await connection.close(code, "no \x1bway")

    screen = Script(end=False)
    assert talk(screen, shut) == exit_code
    assert screen.statuses[-1].startswith(f"Connection closed: {code} ")
    assert screen.statuses[-1].endswith(" no \\x1bway.")


def test_why_this_side_gave_up_is_said() -> None:
    async def too_much(connection: ServerConnection) -> None:
        # It doesn't answer to the close frame.
        connection.transport.write(b"\x82\x05hello")
        connection.transport.close()

    screen = Script(end=False)
    assert talk(screen, too_much, "--max-size", "4") == 3
    assert screen.statuses[-1].startswith("Connection closed: sent 1009 (message too big) ")


def test_pings_are_shown() -> None:
    async def wait(connection: ServerConnection) -> None:
        await connection.send("first")
        await connection.wait_closed()

    class Patient(Script):
        def status(self, text: str) -> None:
            super().status(text)
            if text.startswith("Ping answered after "):
                answered.set()

        async def lines(self) -> AsyncIterator[bytes | str]:
            await answered.wait()
            for line in ():
                yield line

    answered = asyncio.Event()
    screen = Patient(interactive=True)
    assert talk(screen, wait, "--ping", "0.01") == 0
    assert answered.is_set()


# The choice of a screen


def sit_at_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)


def test_a_pipe() -> None:
    assert type(make_screen(parse(["ws://localhost/"]))) is Pipe


def test_raw_output_is_for_files_and_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sit_at_terminal(monkeypatch)
    with pytest.raises(SystemExit) as raised:
        make_screen(parse(["--raw", "ws://localhost/"]))
    assert raised.value.code == 2
    assert "--raw writes to a file or a program" in capsys.readouterr().err


def test_a_terminal_without_line_editing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sit_at_terminal(monkeypatch)
    monkeypatch.setitem(sys.modules, "prompt_toolkit", None)
    assert type(make_screen(parse(["ws://localhost/"]))) is PlainTerminal
    assert capsys.readouterr().err == ""
    assert type(make_screen(parse(["--history", "h", "ws://localhost/"]))) is PlainTerminal
    assert "pip install 'websockets-meta[cli]'" in capsys.readouterr().err
