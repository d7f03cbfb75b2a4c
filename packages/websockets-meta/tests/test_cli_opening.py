"""What the options of the command line make of a connection."""

from __future__ import annotations

import argparse
import getpass
import ssl
import warnings

import pytest

from websockets.cli import opening
from websockets.cli.arguments import parse
from websockets.exceptions import InvalidURI
from websockets.uri import parse_uri


def checked(*argv: str) -> argparse.Namespace:
    options = parse(argv)
    opening.check_uri(options)
    return options


def test_a_user_goes_into_the_uri_and_is_not_shown() -> None:
    options = checked("--user", "jö:p@ss:/?", "ws://old:one@localhost:8/a?b")
    assert parse_uri(options.uri).user_info == ("jö", "p@ss:/?")
    assert (parse_uri(options.uri).host, parse_uri(options.uri).port) == ("localhost", 8)
    assert options.shown_uri == "ws://***@localhost:8/a?b"


def test_a_password_that_is_not_given_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt: "from the terminal")
    options = checked("--user", "me", "ws://[::1]:8/")
    assert parse_uri(options.uri).user_info == ("me", "from the terminal")


@pytest.mark.parametrize("problem", [getpass.GetPassWarning, EOFError])
def test_a_password_that_nobody_can_give(
    problem: type[Exception], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(prompt: str) -> str:
        if issubclass(problem, Warning):
            warnings.warn("Can not control echo on the terminal.", problem, stacklevel=2)
            return "the first message"
        raise problem

    monkeypatch.setattr("getpass.getpass", ask)
    with pytest.raises(SystemExit) as raised:
        checked("--user", "me\x1b", "ws://localhost/")
    assert raised.value.code == 2
    errors = capsys.readouterr().err
    assert "write --user NAME:PASSWORD" in errors
    assert "\x1b" not in errors


@pytest.mark.parametrize("user", ["a\r\nB:c", "a:\udcff"])
def test_a_user_that_can_not_be_sent(user: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        checked("--user", user, "ws://localhost/")
    assert raised.value.code == 2
    assert capsys.readouterr().err.startswith("websockets: --user: ")


@pytest.mark.parametrize("uri", ["localhost:8765", "http://localhost/", "ws://"])
def test_what_is_not_a_websocket_uri(uri: str) -> None:
    with pytest.raises(InvalidURI):
        checked(uri)


def test_settings() -> None:
    options = checked("--header", "A: 1", "--subprotocol", "x", "--origin", "http://a", "ws://b/")
    settings = opening.settings_of(options)
    assert settings["additional_headers"]["A"] == "1"
    assert (settings["subprotocols"], settings["origin"]) == (["x"], "http://a")
    assert (settings["compression"], settings["open_timeout"]) == ("deflate", 10.0)
    assert "ssl" not in settings
    assert opening.settings_of(checked("--no-compression", "ws://b/"))["compression"] is None


def test_insecure_checks_no_certificate(capsys: pytest.CaptureFixture[str]) -> None:
    context = opening.settings_of(checked("--insecure", "wss://localhost/"))["ssl"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)
    assert "ssl" not in opening.settings_of(checked("--insecure", "ws://localhost/"))
    assert "--insecure has no effect" in capsys.readouterr().err
