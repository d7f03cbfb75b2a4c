import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws_types.headers import (
    Headers,
    MultipleValuesError,
    check_header_name,
    check_header_value,
    decode_name,
    is_field_value,
    is_token,
)

TOKEN = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
names = st.text(TOKEN, min_size=1)
values = st.text(st.characters(max_codepoint=255)).filter(
    lambda text: all(char == "\t" or (char >= " " and char != "\x7f") for char in text)
)


@pytest.fixture
def headers():
    return Headers([("Host", "x"), ("Cookie", "a=1"), ("COOKIE", "b=2")])


class Mine(Headers):
    pass


class KeysOnly:
    def keys(self):
        return ["A", "B"]

    def __getitem__(self, key):
        return key * 2


@pytest.mark.parametrize(
    ("args", "kwargs", "pairs"),
    [
        ((), {}, []),
        (([],), {}, []),
        (({"A": "1", "B": "2"},), {}, [("A", "1"), ("B", "2")]),
        (([("A", "1"), ("a", "2")],), {}, [("A", "1"), ("a", "2")]),
        (((pair for pair in [("A", "1")]),), {"B": "2"}, [("A", "1"), ("B", "2")]),
        ((Headers([("A", "1"), ("a", "2")]),), {}, [("A", "1"), ("a", "2")]),
        ((KeysOnly(),), {}, [("A", "AA"), ("B", "BB")]),
        ((), {"A": "1"}, [("A", "1")]),
    ],
)
def test_what_headers_are_made_of(args, kwargs, pairs):
    assert [*Headers(*args, **kwargs).raw_items()] == pairs


def test_at_most_one_positional_argument():
    with pytest.raises(TypeError, match="at most one positional argument, got 2"):
        Headers({}, {})


@pytest.mark.parametrize("source", [None, 5, [1]])
def test_what_headers_are_not_made_of(source):
    with pytest.raises(TypeError):
        Headers(source)


def test_names_do_not_depend_on_case(headers):
    assert headers["host"] == headers["HOST"] == "x"
    assert "hOST" in headers
    assert headers.get("hosT") == "x"


def test_missing_names(headers):
    assert "Origin" not in headers
    assert headers.get("Origin") is None
    assert headers.get("Origin", "default") == "default"
    with pytest.raises(KeyError) as caught:
        _ = headers["Origin"]
    assert caught.value.args == ("Origin",)


def test_names_are_decoded():
    assert decode_name(b"Host") == "Host"
    assert decode_name(b"host") == "host"
    assert decode_name(b"X-Other") == "X-Other"


def test_common_names_are_shared():
    assert decode_name(b"Sec-WebSocket-Key") is decode_name(b"Sec-WebSocket-" + b"Key")
    one, other = Headers({"Sec-WebSocket-Key": "1"}), Headers({"Sec-WebSocket-Key": "2"})
    assert next(iter(one)) is next(iter(other))
    assert next(iter(one)) == "sec-websocket-key"


def test_what_is_no_name_is_not_in(headers):
    assert 1 not in headers
    assert None not in headers
    assert b"Host" not in headers


def test_several_values_are_no_value(headers):
    for read in (headers.__getitem__, headers.get, headers.pop):
        with pytest.raises(MultipleValuesError) as caught:
            read("cookie")
        assert str(caught.value) == "'cookie'"
    # An error that isn't a KeyError isn't taken for a missing header.
    assert not isinstance(caught.value, KeyError)


def test_texts_of_multiple_values_errors():
    assert str(MultipleValuesError()) == ""
    assert str(MultipleValuesError("a", "b")) == "('a', 'b')"
    assert repr(MultipleValuesError("a")) == "MultipleValuesError('a')"


def test_all_values_in_their_order(headers):
    assert headers.get_all("cookie") == ["a=1", "b=2"]
    assert headers.get_all("Origin") == []


def test_lists_of_values_are_copies(headers):
    headers.get_all("cookie").append("c=3")
    assert headers.get_all("cookie") == ["a=1", "b=2"]


def test_setting_adds(headers):
    headers["host"] = "y"
    assert headers.get_all("Host") == ["x", "y"]
    assert [*headers.raw_items()][-1] == ("host", "y")


def test_deleting_removes_all_values(headers):
    del headers["cookie"]
    assert [*headers.raw_items()] == [("Host", "x")]
    assert "Cookie" not in headers
    with pytest.raises(KeyError, match="cookie"):
        del headers["cookie"]


def test_update_adds(headers):
    headers.update({"Cookie": "c=3"}, Host="y")
    assert headers.get_all("Cookie") == ["a=1", "b=2", "c=3"]
    assert headers.get_all("Host") == ["x", "y"]


def test_update_with_itself(headers):
    headers.update(headers)
    assert headers.get_all("Host") == ["x", "x"]


def test_update_with_nothing(headers):
    before = headers.copy()
    headers.update()
    assert headers == before


def test_setdefault(headers):
    assert headers.setdefault("host", "y") == "x"
    assert headers.setdefault("Origin", "o") == "o"
    assert headers["Origin"] == "o"


def test_pop_and_popitem():
    headers = Headers(A="1", B="2")
    assert headers.pop("a") == "1"
    assert headers.pop("a", None) is None
    assert headers.popitem() == ("b", "2")
    assert [*headers.raw_items()] == []


def test_clear(headers):
    headers.clear()
    assert len(headers) == 0
    assert [*headers.raw_items()] == []


def test_names_count_once(headers):
    assert len(headers) == 2
    assert [*headers] == ["host", "cookie"]
    assert [*headers.keys()] == ["host", "cookie"]


def test_items_and_values():
    headers = Headers(A="1", B="2")
    assert [*headers.items()] == [("a", "1"), ("b", "2")]
    assert [*headers.values()] == ["1", "2"]


def test_text_is_what_goes_on_the_wire(headers):
    assert str(headers) == "Host: x\r\nCookie: a=1\r\nCOOKIE: b=2\r\n\r\n"
    assert headers.serialize() == str(headers).encode()
    assert str(Headers()) == "\r\n"


def test_representation():
    headers = Headers([("Host", "x"), ("X-A", "'\""), ("x-a", "2")])
    assert repr(headers) == """Headers([('Host', 'x'), ('X-A', '\\'"'), ('x-a', '2')])"""
    assert repr(Headers()) == "Headers([])"
    assert repr(Mine(A="1")) == "Mine([('A', '1')])"


@pytest.mark.parametrize(
    "name", ["Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "COOKIE"]
)
def test_representation_shows_no_secrets(name):
    headers = Headers([(name, "secret"), ("Host", "x"), (name, "secrets")])
    first, second = (
        f"({name!r}, '[redacted, 6 characters]')",
        f"({name!r}, '[redacted, 7 characters]')",
    )
    assert repr(headers) == f"Headers([{first}, ('Host', 'x'), {second}])"
    assert headers.get_all(name) == ["secret", "secrets"]


def test_values_are_latin_1_on_the_wire():
    assert Headers(A="é\xff\t").serialize() == b"A: \xe9\xff\t\r\n\r\n"


def test_equality_ignores_case_of_names_and_order_between_names():
    assert Headers([("A", "1"), ("B", "2")]) == Headers([("b", "2"), ("a", "1")])
    assert Headers([("A", "1"), ("A", "2")]) != Headers([("A", "2"), ("A", "1")])
    assert Headers(A="x") != Headers(A="X")


def test_headers_equal_headers_only():
    assert Headers(a="1") != {"a": "1"}
    assert Headers() != 5


def test_headers_are_not_hashable():
    with pytest.raises(TypeError, match="unhashable"):
        hash(Headers())


@pytest.mark.parametrize(
    "duplicate",
    [
        Headers.copy,
        copy.copy,
        copy.deepcopy,
        lambda headers: pickle.loads(pickle.dumps(headers)),
    ],
    ids=["method", "copy", "deepcopy", "pickle"],
)
@pytest.mark.parametrize("kind", [Headers, Mine])
def test_copies_change_independently(duplicate, kind):
    original = kind([("A", "1"), ("a", "2")])
    copied = duplicate(original)
    assert type(copied) is kind
    assert copied == original
    copied["A"] = "3"
    assert [*original.raw_items()] == [("A", "1"), ("a", "2")]
    assert original.get_all("A") == ["1", "2"]


def test_subclasses_see_every_header_that_is_set():
    seen = []

    class Watching(Headers):
        def __setitem__(self, key, value):
            seen.append(key)
            super().__setitem__(key, value)

    Watching({"A": "1"}, B="2")
    assert seen == ["A", "B"]


def test_attributes_of_subclasses():
    mine = Mine()
    mine.extra = 1
    assert mine.extra == 1


@pytest.mark.parametrize(
    "name", ["", "a b", "a:", "a\r\nb", "a\0", "é", "a(", "a/b", '"a"', " a", "a\t", "\ud800"]
)
def test_names_must_be_tokens(name):
    headers = Headers()
    with pytest.raises(ValueError, match="isn't a token") as caught:
        headers[name] = "value"
    assert str(caught.value).isprintable()
    assert len(headers) == 0


def test_long_names_are_cut_in_errors():
    with pytest.raises(ValueError, match="isn't a token") as caught:
        check_header_name("é" * 10000)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("char", [chr(c) for c in range(0x20) if c != 9] + ["\x7f"])
def test_values_have_no_control_characters(char):
    headers = Headers()
    with pytest.raises(ValueError, match="control character") as caught:
        headers["Authorization"] = f"secret{char}x"
    text = str(caught.value)
    assert "Authorization" in text
    assert f"0x{ord(char):02x} at 6" in text
    assert "secret" not in text
    assert len(headers) == 0


@pytest.mark.parametrize("value", ["secret€", "secret\ud800", "secret\U0001f600"])
def test_values_are_latin_1(value):
    with pytest.raises(ValueError, match="the character at 6 isn't ISO-8859-1") as caught:
        Headers(Cookie=value)
    assert "Cookie" in str(caught.value)
    assert "secret" not in str(caught.value)
    # A chained UnicodeEncodeError would show the value in a traceback.
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("name", [1, None, b"A"])
def test_names_are_str(name):
    with pytest.raises(TypeError, match="name of a header must be a str"):
        Headers()[name] = "value"


@pytest.mark.parametrize("value", [1, None, b"secret"])
def test_values_are_str(value):
    with pytest.raises(TypeError, match="value of the A header must be a str") as caught:
        Headers()["A"] = value
    assert "secret" not in str(caught.value)


def test_checks_accept_what_is_valid():
    check_header_name("Sec-WebSocket-Key")
    check_header_value("A", "")
    check_header_value("A", "a\tb é ~")


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_checks_of_bytes(kind):
    assert is_token(kind(TOKEN.encode()))
    assert not is_token(kind(b""))
    assert not is_token(kind(b"a b"))
    assert is_field_value(kind(b""))
    assert is_field_value(kind(b"\t ~\x80\xff"))
    assert not is_field_value(kind(b"a\x7f"))


def test_trusted_pairs_become_the_headers():
    headers = Headers._from_validated([("A", "1"), ("B", "2"), ("a", "3")])
    assert headers == Headers([("A", "1"), ("B", "2"), ("a", "3")])
    assert [*headers.raw_items()] == [("A", "1"), ("B", "2"), ("a", "3")]
    assert type(Mine._from_validated([])) is Mine


@given(st.lists(st.tuples(names, values)))
def test_pairs_survive(pairs):
    headers = Headers(pairs)
    assert [*headers.raw_items()] == pairs
    assert headers == Headers._from_validated(list(pairs))
    lines = headers.serialize().split(b"\r\n")
    assert lines[-2:] == [b"", b""]
    assert [tuple(line.decode("latin-1").split(": ", 1)) for line in lines[:-2]] == pairs


@given(
    st.lists(st.tuples(st.sampled_from("aAbBc"), st.sampled_from("123"))), st.sampled_from("abc")
)
def test_deletion_agrees_with_a_list_of_pairs(pairs, name):
    headers = Headers(pairs)
    left = [pair for pair in pairs if pair[0].lower() != name]
    headers.pop(name, None) if len(headers.get_all(name)) < 2 else headers.__delitem__(name)
    assert [*headers.raw_items()] == left
    assert headers == Headers(left)


@given(st.text(), st.text())
def test_whatever_is_accepted_stays_on_its_line(name, value):
    try:
        headers = Headers([(name, value)])
    except ValueError:
        return
    assert headers.serialize().count(b"\r") == headers.serialize().count(b"\n") == 2
