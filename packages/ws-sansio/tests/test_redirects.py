"""Redirects: where they lead, and what doesn't go along."""

from __future__ import annotations

from typing import Any

import pytest

from ws_sansio.redirects import MAX_REDIRECTS, Destination
from ws_types.errors import InvalidHandshake, InvalidURI, SecurityError
from ws_types.exceptions import InvalidStatus
from ws_types.headers import Headers
from ws_types.http11 import Response

SECRETS = {"Authorization": "Bearer x", "Cookie": "id=1", "Proxy-Authorization": "y"}


def redirect(location: str, status: int = 302) -> InvalidStatus:
    return InvalidStatus(Response(status, "", Headers(Location=location)))


def follow(destination: Destination, location: str) -> None:
    uri = destination.judge(redirect(location))
    assert isinstance(uri, str), uri
    destination.follow(uri)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_statuses_that_redirect(status: int) -> None:
    assert Destination("ws://a/x").judge(redirect("/y", status)) == "ws://a/y"


@pytest.mark.parametrize("status", [101, 200, 201, 304, 305, 306, 399, 401, 404, 500])
def test_statuses_that_do_not(status: int) -> None:
    exc = redirect("/y", status)
    assert Destination("ws://a/x").judge(exc) is exc


@pytest.mark.parametrize(
    "headers", [Headers(), Headers(Location=""), Headers([("Location", "/y"), ("Location", "/z")])]
)
def test_redirects_without_one_location(headers: Headers) -> None:
    exc = InvalidStatus(Response(302, "", headers))
    assert Destination("ws://a/x").judge(exc) is exc


@pytest.mark.parametrize("exc", [OSError(), InvalidHandshake(), ValueError()])
def test_other_failures(exc: Exception) -> None:
    assert Destination("ws://a/x").judge(exc) is exc


@pytest.mark.parametrize(
    ("location", "uri"),
    [
        ("/y", "wss://a:444/y"),
        ("y", "wss://a:444/x/y"),
        ("../y?q=1", "wss://a:444/y?q=1"),
        ("?q=1", "wss://a:444/x/?q=1"),
        ("//b/y", "wss://b/y"),
        ("wss://b:1/y", "wss://b:1/y"),
    ],
)
def test_relative_and_absolute_locations(location: str, uri: str) -> None:
    assert Destination("wss://a:444/x/").judge(redirect(location)) == uri


@pytest.mark.parametrize(
    "location", ["http://a/", "https://a/", "ftp://a/", "ws://", "/y#z", "ws://a:0/", "//@b/"]
)
def test_locations_that_are_no_websocket_uris(location: str) -> None:
    with pytest.raises(InvalidURI):
        Destination("wss://a/x").judge(redirect(location))


def test_from_wss_to_ws() -> None:
    refusal = Destination("wss://a/x").judge(redirect("ws://me:secret@a/x"))
    assert isinstance(refusal, SecurityError)
    assert str(refusal) == "cannot follow redirect to non-secure URI ws://***@a/x"


def test_from_ws_to_wss() -> None:
    assert Destination("ws://a/x").judge(redirect("wss://a/x")) == "wss://a/x"


# Credentials


@pytest.mark.parametrize(
    ("start", "location", "kept"),
    [
        ("ws://a/", "/y", True),
        ("ws://a/", "ws://a/y", True),
        ("ws://a/", "ws://A:80/y", True),
        ("wss://a/", "wss://a:443/y", True),
        ("wss://a:1/", "wss://a:1/y", True),
        ("ws://a/", "ws://b/", False),
        ("ws://a/", "ws://sub.a/", False),
        ("ws://a/", "//b/", False),
        ("ws://a/", "ws://a:81/", False),
        ("wss://a/", "wss://a:80/", False),
        ("ws://a/", "wss://a/", False),
        ("ws://a:443/", "wss://a:443/", False),
        ("ws://a/", "ws://a./", False),
        ("ws://[::1]/", "ws://[::1]:80/", True),
        ("ws://[::1]/", "ws://[::2]/", False),
    ],
)
def test_credentials_stay_with_their_origin(start: str, location: str, kept: bool) -> None:
    destination = Destination(start.replace("//", "//me:secret@"), {**SECRETS, "X": "1"})
    follow(destination, location)
    assert dict(destination.headers.raw_items()) == {**(SECRETS if kept else {}), "X": "1"}
    assert destination.parsed.user_info == (("me", "secret") if kept else None)


def test_credentials_of_the_redirect_are_used() -> None:
    destination = Destination("ws://me:secret@a/")
    follow(destination, "ws://you:other@a/")
    assert destination.parsed.user_info == ("you", "other")
    follow(destination, "ws://he:third@b/")
    assert destination.parsed.user_info == ("he", "third")


def test_credentials_do_not_come_back() -> None:
    destination = Destination("ws://me:secret@a/", SECRETS)
    follow(destination, "ws://b/")
    follow(destination, "ws://a/")
    assert not destination.headers
    assert destination.parsed.user_info is None


def test_the_headers_of_the_program_are_left_alone() -> None:
    headers = Headers(SECRETS)
    follow(Destination("ws://a/", headers), "ws://b/")
    assert dict(headers.raw_items()) == SECRETS


# Bounds


def test_there_is_a_limit() -> None:
    destination = Destination("ws://a/0")
    for number in range(1, MAX_REDIRECTS):
        follow(destination, f"/{number}")
    with pytest.raises(SecurityError, match="more than 10 redirects"):
        follow(destination, "/last")


@pytest.mark.parametrize(
    ("settings", "same", "other"),
    [
        ({"socket": True}, " with a preexisting socket", " with a preexisting socket"),
        ({"unix": True}, None, " with a Unix socket"),
        ({"address": True}, None, " with an explicit host or port"),
    ],
)
def test_what_the_program_fixed_is_not_left(
    settings: dict[str, Any], same: str | None, other: str
) -> None:
    for location, reason in (("/y", same), ("ws://me:secret@b/y", other)):
        outcome = Destination("ws://a/x", **settings).judge(redirect(location))
        if reason is None:
            assert outcome == "ws://a/y"
        else:
            assert isinstance(outcome, ValueError)
            assert str(outcome).endswith(reason)
            assert "secret" not in str(outcome)


def test_a_failure_leads_elsewhere_or_is_raised() -> None:
    destination = Destination("ws://a/x")
    destination.redirect(redirect("/y"), destination.judge)
    assert destination.uri == "ws://a/y"
    down = OSError("down")
    with pytest.raises(OSError, match="down") as raised:
        destination.redirect(down, destination.judge)
    assert raised.value is down
    mine = ValueError("mine")
    with pytest.raises(ValueError, match="mine") as other:
        destination.redirect(down, lambda exc: mine)
    assert other.value.__cause__ is down


def test_a_location_that_cannot_be_joined() -> None:
    with pytest.raises(InvalidURI):
        Destination("ws://example.com/").judge(redirect("//["))
