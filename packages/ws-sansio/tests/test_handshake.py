"""Behaviour of what the two sides of the opening handshake share."""

import binascii
import email.utils
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws_sansio.handshake import (
    accept_key,
    check_upgrade,
    generate_key,
    http_date,
    parse_http_date,
    single_header,
)
from ws_types.errors import InvalidHeader, InvalidHeaderFormat, InvalidUpgrade
from ws_types.headers import Headers


def test_accept_key_of_the_rfc() -> None:
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_key_that_is_not_ascii_has_no_accept_key() -> None:
    with pytest.raises(UnicodeEncodeError):
        accept_key("é")


def test_keys_are_16_random_bytes() -> None:
    keys = {generate_key() for _ in range(100)}
    assert len(keys) == 100
    for key in keys:
        assert len(binascii.a2b_base64(key, strict_mode=True)) == 16
        assert re.fullmatch(r"[0-9A-Za-z+/]{22}==", key)


@pytest.mark.parametrize(
    ("timestamp", "date"),
    [
        (784111777, "Sun, 06 Nov 1994 08:49:37 GMT"),  # RFC 9110 5.6.7
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (1709164799.999, "Wed, 28 Feb 2024 23:59:59 GMT"),
        (1709164800.0, "Thu, 29 Feb 2024 00:00:00 GMT"),
    ],
)
def test_date(timestamp: float, date: str) -> None:
    assert http_date(timestamp) == date


@given(st.integers(0, 253402300799))
def test_date_is_that_of_the_standard_library(timestamp: int) -> None:
    assert http_date(timestamp) == email.utils.formatdate(timestamp, usegmt=True)


@given(st.integers(0, 253402300799))
def test_dates_are_read_as_they_are_written(timestamp: int) -> None:
    assert parse_http_date(http_date(timestamp)) == timestamp


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37 GMT\n",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
    ],
)
def test_what_is_no_date_of_the_preferred_format(text: str) -> None:
    assert parse_http_date(text) is None


def test_single_header() -> None:
    assert single_header(Headers([("HOST", "x"), ("Foo", "y"), ("Foo", "z")]), "Host") == "x"


def test_missing_header() -> None:
    with pytest.raises(InvalidHeader) as raised:
        single_header(Headers(), "Sec-WebSocket-Key")
    assert str(raised.value) == "missing Sec-WebSocket-Key header"


def test_header_that_is_there_twice() -> None:
    with pytest.raises(InvalidHeader) as raised:
        single_header(Headers([("Host", "x"), ("host", "x")]), "Host")
    assert str(raised.value) == "invalid Host header: multiple values"


@pytest.mark.parametrize(
    "pairs",
    [
        [("Connection", "Upgrade"), ("Upgrade", "websocket")],
        [("Connection", "keep-alive, UPGRADE"), ("Upgrade", "WebSocket")],
        [("Connection", "keep-alive"), ("Upgrade", "websocket"), ("Connection", "upgrade")],
    ],
)
def test_upgrade(pairs: list[tuple[str, str]]) -> None:
    check_upgrade(Headers(pairs))


@pytest.mark.parametrize(
    ("pairs", "error"),
    [
        ([("Upgrade", "websocket")], "missing Connection header"),
        ([("Connection", "upgrade")], "missing Upgrade header"),
        (
            [("Connection", "keep-alive, x"), ("Connection", "y"), ("Upgrade", "websocket")],
            "invalid Connection header: keep-alive, x, y",
        ),
        ([("Connection", "upgrade"), ("Upgrade", "h2c")], "invalid Upgrade header: h2c"),
        (
            [("Connection", "upgrade"), ("Upgrade", "h2c"), ("Upgrade", "websocket")],
            "invalid Upgrade header: h2c, websocket",
        ),
        (
            [("Connection", "upgrade"), ("Upgrade", "websocket/13")],
            "invalid Upgrade header: websocket/13",
        ),
    ],
)
def test_no_upgrade(pairs: list[tuple[str, str]], error: str) -> None:
    with pytest.raises(InvalidUpgrade) as raised:
        check_upgrade(Headers(pairs))
    assert str(raised.value) == error


@pytest.mark.parametrize(
    ("pairs", "error"),
    [
        ([("Connection", ""), ("Upgrade", "websocket")], "Connection header: expected token at 0"),
        ([("Connection", "upgrade"), ("Upgrade", ",")], "Upgrade header: expected protocol at 1"),
    ],
)
def test_malformed_upgrade(pairs: list[tuple[str, str]], error: str) -> None:
    with pytest.raises(InvalidHeaderFormat, match=error):
        check_upgrade(Headers(pairs))
