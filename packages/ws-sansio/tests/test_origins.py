"""Behaviour of the check of origins, same origin included."""

import re
from typing import Any

import pytest

from ws_sansio.origins import SAME_ORIGIN, check_origin
from ws_types.errors import InvalidOrigin
from ws_types.typing import Origin


def admits(origin: str | None, allowed: Any, host: str | None = None) -> bool:
    try:
        check_origin(origin, allowed, host)
    except InvalidOrigin:
        return False
    return True


@pytest.mark.parametrize("origin", [None, "", "null", "http://evil.example"])
def test_everything_is_admitted_without_a_list(origin: str | None) -> None:
    check_origin(origin, None)


@pytest.mark.parametrize(
    ("origin", "admitted"),
    [
        ("https://example.com", True),
        ("http://example.com", False),
        ("https://EXAMPLE.com", False),
        ("https://example.com:443", False),
        ("https://example.com.evil.example", False),
        ("", False),
        (None, False),
    ],
)
def test_origins_are_compared_exactly(origin: str | None, admitted: bool) -> None:
    assert admits(origin, ["https://other.example", "https://example.com"]) is admitted


def test_none_in_the_list_admits_requests_without_origin() -> None:
    assert admits(None, ["https://example.com", None])
    assert not admits("https://evil.example", ["https://example.com", None])
    assert not admits(None, [])


@pytest.mark.parametrize(
    ("origin", "admitted"),
    [
        ("https://a.example.com", True),
        ("https://a.example.com.evil.example", False),
        ("xhttps://a.example.com", False),
        ("https://a.example.com\n", False),
        (None, False),
    ],
)
def test_patterns_match_the_whole_origin(origin: str | None, admitted: bool) -> None:
    assert admits(origin, [re.compile(r"https://[a-z]+\.example\.com")]) is admitted


@pytest.mark.parametrize(
    ("origin", "error"),
    [
        ("http://evil.example", "invalid Origin header: http://evil.example"),
        (None, "missing Origin header"),
        ("", "empty Origin header"),
    ],
)
def test_refusal_says_which_origin(origin: str | None, error: str) -> None:
    with pytest.raises(InvalidOrigin) as raised:
        check_origin(origin, [Origin("https://example.com")])
    assert str(raised.value) == error


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://example.com", "example.com"),
        ("http://example.com", "example.com"),
        ("http://example.com", "EXAMPLE.com"),
        ("HTTP://Example.com", "example.com"),
        ("http://example.com", "example.com:80"),
        ("http://example.com:80", "example.com"),
        ("https://example.com", "example.com:443"),
        ("https://example.com:8443", "example.com:8443"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("http://[FE80::1]", "[fe80::1]:80"),
        ("http://localhost:08000", "localhost:8000"),
    ],
)
def test_same_origin(origin: str, host: str) -> None:
    assert admits(origin, [SAME_ORIGIN], host)
    assert admits(origin, ["same-origin"], host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "example.com"),
        ("https://example.com.evil.example", "example.com"),
        ("https://evilexample.com", "example.com"),
        ("https://example.com", "example.com:80"),
        ("http://example.com", "example.com:443"),
        ("https://example.com:8443", "example.com"),
        ("http://localhost:3000", "localhost:8000"),
        ("http://127.0.0.1", "localhost"),
        ("http://[::1]", "[::2]"),
        ("null", "null"),
        ("file://", ""),
        ("file://example.com", "example.com"),
        ("ws://example.com", "example.com"),
        ("http\u017f://example.com", "example.com"),
        ("http://\u212ahost", "khost"),
        ("http://example.com/", "example.com"),
        ("http://example.com@evil.example", "example.com"),
        ("http://evil.example\\@example.com", "example.com"),
        ("http://evil.example#example.com", "example.com"),
        ("http://example.com:", "example.com"),
        ("http://example.com:80:80", "example.com"),
        ("http://example.com:" + "0" * 5000 + "80", "example.com"),
        ("http://example.com\n", "example.com"),
        ("http://example.com", "example.com/"),
        ("http://example.com", "u@example.com"),
        ("http://example.com", "example.com, evil.example"),
        ("http://example.com", ""),
        ("http://", ""),
        ("", ""),
        ("example.com", "example.com"),
        ("same-origin", "example.com"),
    ],
)
def test_cross_origin_is_refused(origin: str, host: str) -> None:
    assert not admits(origin, [SAME_ORIGIN], host)


def test_same_origin_needs_both_headers() -> None:
    assert not admits(None, [SAME_ORIGIN], "example.com")
    assert not admits("http://example.com", [SAME_ORIGIN], None)


def test_same_origin_combines_with_the_rest_of_the_list() -> None:
    allowed = [SAME_ORIGIN, None, "https://other.example"]
    assert admits("http://example.com", allowed, "example.com")
    assert admits(None, allowed, "example.com")
    assert admits("https://other.example", allowed, "example.com")
    assert not admits("https://third.example", allowed, "example.com")


@pytest.mark.parametrize("size", [1_000, 100_000])
@pytest.mark.parametrize("hostile", ["http://" + "a" * 9, "http://[" + ":" * 9, "https" * 3, "a:1"])
def test_hostile_origins_and_hosts_are_refused(hostile: str, size: int) -> None:
    long = hostile + hostile[-1] * size
    assert not admits(long, [SAME_ORIGIN], "a")
    assert not admits("http://a", [SAME_ORIGIN], long)
