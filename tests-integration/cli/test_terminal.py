"""The command line at a terminal: with line editing, and without."""

from __future__ import annotations

import pytest

from .conftest import Served, Terminal, need

KINDS = pytest.mark.parametrize("without", [None, "prompt_toolkit"], ids=["edited", "plain"])


def talk(served: Served, without: str | None, *arguments: str) -> Terminal:
    if without is None:
        need("prompt_toolkit")
    terminal = Terminal(*arguments, served.uri, without=without)
    terminal.expect(f"Connected to {served.uri}.")
    terminal.expect(">")
    return terminal


@KINDS
@pytest.mark.parametrize("key", ["\x04", "\x03"], ids=["Ctrl-D", "Ctrl-C"])
def test_conversation_that_a_key_ends(served: Served, without: str | None, key: str) -> None:
    terminal = talk(served, without)
    terminal.type("hello")
    terminal.expect("< hello")
    terminal.child.send(key)
    terminal.expect("Connection closed: 1000 (OK).")
    assert terminal.finish() == 0
    assert "Traceback" not in terminal.child.before


@KINDS
def test_escapes_of_the_peer_are_shown_as_text(served: Served, without: str | None) -> None:
    # The terminal would take the escape itself for a key: JSON brings it to the server and back.
    terminal = talk(served, without, "--json")
    terminal.type(r'"\u009b31m\u001b]0;title\u0007"')
    terminal.expect(r'< "\u009b31m\u001b]0;title\u0007"')
    terminal.type("{")
    terminal.expect("Not sent: not JSON")
    terminal.child.send("\x04")
    assert terminal.finish() == 0


@KINDS
def test_binary_and_pings(served: Served, without: str | None) -> None:
    terminal = talk(served, without, "--binary", "--ping", "0.05")
    terminal.type("ab")
    terminal.expect("< (binary) 6162")
    terminal.expect("Ping answered after ")
    terminal.child.send("\x04")
    assert terminal.finish() == 0


def test_history(served: Served) -> None:
    terminal = talk(served, None)
    terminal.type("first")
    terminal.expect("< first")
    terminal.child.send("\x1b[A again\r")
    terminal.expect("< first again")
    terminal.child.send("\x04")
    assert terminal.finish() == 0


def test_raw_output_is_refused() -> None:
    terminal = Terminal("--raw", "ws://localhost:1/")
    terminal.expect("--raw writes to a file or a program, not to a terminal")
    assert terminal.finish() == 2


@pytest.mark.parametrize("without", [None, "rich"], ids=["rich", "plain"])
def test_measurement_is_shown_live_and_can_be_interrupted(
    served: Served, without: str | None
) -> None:
    if without is None:
        need("rich")
    terminal = Terminal("bench", "--seconds", "15", served.uri, without=without)
    terminal.expect("messages/s")
    terminal.child.send("\x03")
    terminal.expect("With 1 message of 64 bytes")
    assert terminal.finish() == 130
    assert "Traceback" not in terminal.child.before


def test_server_ends_with_a_key() -> None:
    terminal = Terminal("serve", "--port", "0")
    terminal.expect("Ctrl-C ends it.")
    terminal.child.send("\x03")
    terminal.expect("Stopped.")
    assert terminal.finish() == 0
