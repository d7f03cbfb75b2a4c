"""Messages as text: nothing of a peer's reaches a terminal raw, and what is sent is checked."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from websockets.cli.render import as_line, as_lines, to_message

ESCAPES = "a\x1b[31mb\r\n\x07\x9b0m\u202e"


@given(st.text() | st.binary(), st.booleans())
def test_a_line_is_printable_and_one_line(message: str | bytes, parse_json: bool) -> None:
    assert as_line(message, parse_json=parse_json).isprintable()


@given(st.text() | st.binary(), st.booleans())
def test_what_people_see_is_printable_line_by_line(message: str | bytes, parse_json: bool) -> None:
    assert all(line.isprintable() for line in as_lines(message, parse_json=parse_json).split("\n"))


@given(st.recursive(st.none() | st.text() | st.integers(), lambda of: st.lists(of)))
def test_json_keeps_its_meaning(value: object) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert json.loads(as_line(text, parse_json=True)) == value
        assert json.loads(as_lines(text, parse_json=True)) == value


def test_escapes_are_shown() -> None:
    assert as_line(ESCAPES) == as_lines(ESCAPES) == r"a\x1b[31mb\r\n\x07\x9b0m\u202e"


def test_binary_is_hexadecimal() -> None:
    assert as_line(b"\x00\xffa") == "00ff61"
    assert as_lines(b"\x00\xffa") == "(binary) 00ff61"


def test_json_is_laid_out_for_people_and_compact_for_programs() -> None:
    assert as_lines('{"a":[1,"é"]}', parse_json=True) == '{\n  "a": [\n    1,\n    "é"\n  ]\n}'
    assert as_line('{\n "a": 1 }', parse_json=True) == '{"a":1}'


def test_delete_inside_of_json_is_escaped_as_json() -> None:
    assert as_line('"\x7f\x9b"', parse_json=True) == r'"\u007f\u009b"'


@pytest.mark.parametrize("text", ["{", "NaN", "1e999", "[" * 100_000, "nope"])
def test_what_is_not_json_stays_as_it_is(text: str) -> None:
    assert as_line(text, parse_json=True) == text


def test_what_is_typed_is_text_or_binary() -> None:
    assert to_message(b"h\xc3\xa9") == to_message("hé") == "hé"
    assert to_message("hé", binary=True) == to_message(b"h\xc3\xa9", binary=True) == b"h\xc3\xa9"


def test_json_is_sent_as_it_was_written() -> None:
    assert to_message('{"a": 1.10}', check_json=True) == '{"a": 1.10}'


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "^not JSON: "),
        (b"[NaN]", "^not JSON: NaN isn't a number in JSON$"),
        (b"[" * 100_000, "^not JSON: too deeply nested$"),
        (b"ab\xff", "^not UTF-8 at byte 2: send it with --binary$"),
    ],
    ids=["open", "NaN", "deep", "not UTF-8"],
)
def test_what_can_not_be_sent(line: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        to_message(line, check_json=True)
