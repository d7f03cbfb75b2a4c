"""Which hosts a server answers for."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ws_sansio.hosts import check_hosts, is_allowed_host


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("example.com", ["example.com"]),
        ("EXAMPLE.com", ["Example.COM"]),
        ("example.com:8000", ["example.com"]),
        ("example.com:8000", ["other", "example.com:8000"]),
        ("[::1]", ["[::1]"]),
        ("[::1]:80", ["[::1]"]),
        ("127.0.0.1:1", ["127.0.0.1"]),
        ("a.example.com", [re.compile(r"[a-z]\.example\.com")]),
    ],
)
def test_allowed(host: str, allowed: list[Any]) -> None:
    check_hosts(allowed)
    assert is_allowed_host(host, allowed)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        (None, ["example.com"]),
        ("", ["example.com"]),
        ("example.com", []),
        ("example.com", ["example.com:8000"]),
        ("example.com:80", ["example.com:8000"]),
        ("example.com.attacker.org", ["example.com"]),
        ("attacker.org#example.com", ["example.com"]),
        ("user@example.com", ["example.com"]),
        ("example.com:", ["example.com"]),
        ("example.com:x", ["example.com"]),
        ("example.com:123456", ["example.com"]),
        ("example.com, example.com", ["example.com"]),
        ("aa.example.com", [re.compile(r"[a-z]\.example\.com")]),
        ("a.example.com:80", [re.compile(r"[a-z]\.example\.com")]),
    ],
)
def test_not_allowed(host: str | None, allowed: list[Any]) -> None:
    assert not is_allowed_host(host, allowed)


def test_long_hosts_are_judged_in_linear_time() -> None:
    # With backtracking, this would take for ever.
    assert not is_allowed_host("a:1" * 20_000 + "\x00", ["example.com"])


@pytest.mark.parametrize(
    ("hosts", "error", "text"),
    [
        ("example.com", TypeError, r"write \['example.com'\]"),
        ([1], TypeError, "not of int"),
        ([b"example.com"], TypeError, "not of bytes"),
        (["http://example.com"], ValueError, "isn't a host"),
        (["::1"], ValueError, "isn't a host"),
        (["*.example.com:x"], ValueError, "isn't a host"),
        ([""], ValueError, "isn't a host"),
    ],
)
def test_lists_that_make_no_sense(hosts: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        check_hosts(hosts)
