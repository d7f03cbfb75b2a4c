"""Behaviour of what goes to a log: one printable line, bounded, without secrets."""

from typing import SupportsIndex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws_sansio.logs import address_text, escape, redact, redact_url
from ws_types.headers import Headers


@pytest.mark.parametrize("text", ["", "GET /chat?x=1", "é€𝄞 日本", "C:\\path", "a\\x1bb"])
def test_printable_text_is_kept(text: str) -> None:
    assert escape(text) == text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a\r\nb", r"a\r\nb"),
        ("\x00\t\x1b[2J\x7f", r"\x00\t\x1b[2J\x7f"),
        ("\x85\x9b31m", r"\x85\x9b31m"),  # C1: a line break, and a terminal escape in one character
        ("\xa0\xad", r"\xa0\xad"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\u202eevil\u202c", r"\u202eevil\u202c"),
        ("\u2066\u2069\u200b\ufeff", r"\u2066\u2069\u200b\ufeff"),
        ("\ud800\udfff", r"\ud800\udfff"),
        ("\U000e0001", r"\U000e0001"),
    ],
)
def test_what_does_not_print_is_escaped(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@pytest.mark.parametrize(
    ("text", "limit", "escaped"),
    [
        ("abcde", 5, "abcde"),
        ("abcdef", 5, "ab..."),
        ("abc", 3, "abc"),
        ("abcd", 3, "..."),
        ("a\x00", 5, r"a\x00"),
        ("a\x00", 4, "a..."),
        ("abc\u2028", 8, r"abc\u..."),
        ("\u2028abcd", 9, r"\u2028..."),
    ],
)
def test_long_text_is_cut(text: str, limit: int, escaped: str) -> None:
    assert escape(text, max=limit) == escaped


def test_limit_can_be_lifted() -> None:
    assert escape("a" * 10_000) == "a" * 1021 + "..."
    assert escape("a" * 10_000, max=None) == "a" * 10_000
    assert escape("\n" * 10_000, max=None) == r"\n" * 10_000


def test_limit_leaves_room_for_the_mark_of_a_cut() -> None:
    with pytest.raises(ValueError, match="max must be at least 3 characters"):
        escape("a", max=2)


@given(st.text(st.characters()), st.none() | st.integers(3, 50))
def test_escaped_text_is_printable_bounded_and_stable(text: str, limit: int | None) -> None:
    escaped = escape(text, max=limit)
    assert escaped.isprintable()
    assert limit is None or len(escaped) <= limit
    assert escape(escaped, max=limit) == escaped


class SlicedStr(str):
    """A string of which one may take a slice, and nothing else."""

    __slots__ = ("taken",)
    taken: slice

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        assert isinstance(key, slice)
        self.taken = key
        return super().__getitem__(key)

    def isprintable(self) -> bool:
        raise AssertionError("looks at the whole text")


def test_only_the_start_of_long_text_is_looked_at() -> None:
    text = SlicedStr("\n" * 1_000_000)
    assert len(escape(text, max=80)) == 80
    assert text.taken == slice(None, 81)


def test_secrets_are_replaced_by_their_length() -> None:
    headers = Headers(
        [
            ("Host", "example.com"),
            ("Authorization", "Basic dTpw"),
            ("PROXY-AUTHORIZATION", "Bearer secret"),
            ("cookie", "session=secret"),
            ("Set-Cookie", "a=secret"),
            ("Set-Cookie", "b=secret2"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ]
    )
    assert list(redact(headers)) == [
        ("Host", "example.com"),
        ("Authorization", "[redacted, 10 characters]"),
        ("PROXY-AUTHORIZATION", "[redacted, 13 characters]"),
        ("cookie", "[redacted, 14 characters]"),
        ("Set-Cookie", "[redacted, 8 characters]"),
        ("Set-Cookie", "[redacted, 9 characters]"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]


def test_headers_are_escaped() -> None:
    pairs = [("X\x1b", "\x9b2J\u202e"), ("Y", "y" * 2000)]
    assert list(redact(pairs)) == [(r"X\x1b", r"\x9b2J\u202e"), ("Y", "y" * 1021 + "...")]


@pytest.mark.parametrize(
    ("url", "redacted"),
    [
        ("ws://example.com/", "ws://example.com/"),
        ("ws://example.com:80/@x?y=@z#@", "ws://example.com:80/@x?y=@z#@"),
        ("wss://[::1]:8000/@", "wss://[::1]:8000/@"),
        ("wss://[::1]/", "wss://[::1]/"),
        ("ws://h:/@", "ws://h:/@"),
        ("wss://user:secret@example.com/x@y", "wss://***@example.com/x@y"),
        ("wss://secret@example.com", "wss://***@example.com"),
        ("wss://u:sec@ret@example.com", "wss://***@example.com"),
        ("wss://u:secret@example.com?x", "wss://***@example.com?x"),
        ("wss://u:se/cret@example.com/", "wss://***@example.com/"),
        ("wss://u:se?cret@example.com/", "wss://***@example.com/"),
        ("wss://u:se://cret@example.com/", "wss://***@example.com/"),
        ("socks5h://u:secret@proxy:1080", "socks5h://***@proxy:1080"),
        ("u:secret@proxy:1080", "***@proxy:1080"),
        ("u:secret@proxy?://", "***@proxy?://"),
        ("http:u:secret@proxy", "***@proxy"),
        ("proxy:1080", "proxy:1080"),
        ("/path@x", "/path@x"),
        ("", ""),
        ("ws://h/\x1b[2J\n", r"ws://h/\x1b[2J\n"),
        ("ws://h:x/", "ws://h:x/"),
    ],
)
def test_credentials_are_taken_out_of_urls(url: str, redacted: str) -> None:
    assert redact_url(url) == redacted


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (("127.0.0.1", 80), "127.0.0.1:80"),
        (("::1", 80, 0, 0), "[::1]:80"),
        ("/run/chat.sock", "/run/chat.sock"),
        ("", ""),
    ],
)
def test_addresses_of_sockets(address: object, text: str) -> None:
    assert address_text(address) == text
