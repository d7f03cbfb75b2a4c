"""Opening connections as the options of the command line say."""

from __future__ import annotations

import argparse
import getpass
import ssl
import sys
import urllib.parse
import warnings
from typing import Any

from ws_asyncio.client import connect
from ws_sansio.grammar import build_authorization_basic
from ws_types.errors import InvalidURI
from ws_types.escaping import printable, redact_userinfo
from ws_types.uri import parse_uri

__all__ = ["check_uri", "opening", "settings_of"]


def check_uri(options: argparse.Namespace) -> None:
    """Check the URI, put credentials into it, and note how it is shown.

    :param options: the options of the command line: ``uri`` may change, ``shown_uri`` appears.
    :raises InvalidURI: if it isn't valid.
    :raises SystemExit: if a password is missing, and there is no terminal to ask for it; if name
        and password can't be sent.
    """
    options.shown_uri = printable(redact_userinfo(options.uri))
    if "://" not in options.uri:
        raise InvalidURI(options.uri, "it doesn't start with ws:// or wss://")
    uri = parse_uri(options.uri)
    if uri.secure is False and options.insecure:
        print("websockets: --insecure has no effect on ws://", file=sys.stderr)
    if options.user is not None:
        options.uri = _with_user(options.uri, options.user)


def _with_user(uri: str, user: str) -> str:
    """Put a user's name and password where they aren't passed on to other servers."""
    name, colon, password = user.partition(":")
    if not colon:
        password = _ask_password(printable(name))
    try:
        build_authorization_basic(name, password)
        quoted = ":".join(urllib.parse.quote(part, safe="") for part in (name, password))
    except ValueError as exc:
        print(f"websockets: --user: {exc}", file=sys.stderr)
        raise SystemExit(2) from None
    parts = urllib.parse.urlsplit(uri)
    netloc = f"{quoted}@{parts.netloc.rpartition('@')[2]}"
    return urllib.parse.urlunsplit(parts._replace(netloc=netloc))


def _ask_password(name: str) -> str:
    """Ask at the terminal, and nowhere else: what is piped in are messages."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(f"Password of {name}: ")
    except (EOFError, getpass.GetPassWarning):
        advice = "write --user NAME:PASSWORD"
        print(f"websockets: --user {name} lacks a password: {advice}", file=sys.stderr)
        raise SystemExit(2) from None


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """Translate options of the command line into arguments of :class:`~ws_asyncio.client.connect`.

    :param options: the options of the command line.
    """
    settings: dict[str, Any] = {
        "additional_headers": options.headers,
        "compression": None if options.no_compression else "deflate",
        "max_size": options.max_size,
        "open_timeout": options.timeout,
        "origin": options.origin,
        "subprotocols": options.subprotocol or None,
    }
    if options.insecure and parse_uri(options.uri).secure:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        settings["ssl"] = context
    return settings


def opening(options: argparse.Namespace) -> connect:
    """Make what opens a connection.

    :param options: the options of the command line.
    """
    return connect(options.uri, **settings_of(options))
