import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws_types.escaping import SECRET_HEADERS, printable, redact_userinfo, redact_value


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("plain text, café, 日本", "plain text, café, 日本"),
        ("back\\slash 'quotes'", "back\\slash 'quotes'"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\x00\x1b[31m\x7f", "\\x00\\x1b[31m\\x7f"),
        ("\x9b2J\x85", "\\x9b2J\\x85"),
        ("\u202e\u2028\ufeff", "\\u202e\\u2028\\ufeff"),
        ("\ud800", "\\ud800"),
        ("\U000e0001é\n", "\\U000e0001é\\n"),
    ],
)
def test_what_is_not_printable_is_escaped(text, shown):
    assert printable(text) == shown


def test_text_is_cut_at_the_limit():
    assert printable("abcdef", 6) == "abcdef"
    assert printable("abcdefg", 6) == "abcdef..."


@given(st.text())
def test_result_is_always_printable(text):
    assert printable(text).isprintable()


@given(st.text())
def test_printable_text_stays_as_it_is(text):
    if text.isprintable():
        assert printable(text) == text


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("ws://host/path", "ws://host/path"),
        ("ws://user:secret@host/path", "ws://***@host/path"),
        ("ws://user:sec@ret@host/path", "ws://***@host/path"),
        ("ws://user:sec/ret@host/path", "ws://***@host/path"),
        ("ws://user:sec?ret#@host", "ws://***@host"),
        ("ws:user:secret@host", "***@host"),
        ("user:secret@host", "***@host"),
        ("", ""),
    ],
)
def test_userinfo_is_redacted(uri, shown):
    assert redact_userinfo(uri) == shown


@pytest.mark.parametrize("name", ["Authorization", "COOKIE", "proxy-authorization", "Set-Cookie"])
def test_values_that_are_secrets_are_redacted(name):
    assert redact_value(name, "Basic dTpw") == "[redacted, 10 characters]"


def test_other_values_are_shown():
    assert (
        redact_value("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==") == "dGhlIHNhbXBsZSBub25jZQ=="
    )


def test_names_of_secret_headers_are_lower_case():
    assert {name.lower() for name in SECRET_HEADERS} == SECRET_HEADERS
