"""Behaviour of the header grammar: what is read, what is refused and where, in how many steps."""

import contextlib
import re
import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws_sansio import grammar
from ws_sansio.grammar import (
    build_authorization_basic,
    build_extension,
    build_host,
    build_subprotocol,
    build_www_authenticate_basic,
    parse_authorization_basic,
    parse_connection,
    parse_extension,
    parse_subprotocol,
    parse_upgrade,
    validate_subprotocols,
)
from ws_types.errors import InvalidHeaderFormat, InvalidHeaderValue
from ws_types.escaping import printable

TOKEN_PARSERS: list[Callable[[str], list[Any]]] = [parse_connection, parse_subprotocol]
LIST_PARSERS: list[Callable[[str], list[Any]]] = [*TOKEN_PARSERS, parse_upgrade, parse_extension]
HEADER_NAMES: dict[Any, str] = {
    parse_connection: "Connection",
    parse_subprotocol: "Sec-WebSocket-Protocol",
    parse_upgrade: "Upgrade",
    parse_extension: "Sec-WebSocket-Extensions",
}
TCHARS = "!#$%&'*+-.^_`|~" + string.digits + string.ascii_letters


def tokens() -> st.SearchStrategy[str]:
    return st.text(TCHARS, min_size=1, max_size=10)


# Lists


@pytest.mark.parametrize("parse", TOKEN_PARSERS)
@pytest.mark.parametrize(
    ("header", "items"),
    [
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        ("a , b", ["a", "b"]),
        ("a,\tb", ["a", "b"]),
        ("a ", ["a"]),
        ("a,", ["a"]),
        ("a ,", ["a"]),
        ("a, ", ["a"]),
        (",a", ["a"]),
        (", a", ["a"]),
        (", ,\t, a", ["a"]),
        (",,a,,b,,", ["a", "b"]),
        ("a,\t ,", ["a"]),
        ("Keep-Alive, UPGRADE", ["Keep-Alive", "UPGRADE"]),
        (TCHARS, [TCHARS]),
    ],
)
def test_list_of_tokens(parse: Callable[[str], list[Any]], header: str, items: list[str]) -> None:
    assert parse(header) == items


@pytest.mark.parametrize("parse", LIST_PARSERS)
@pytest.mark.parametrize(
    ("header", "error", "pos"),
    [
        ("", "expected token", 0),
        (" ", "expected token", 0),
        (" a", "expected token", 0),
        (" ,a", "expected token", 0),
        (",", "expected token", 1),
        (", ,\t", "expected token", 4),
        ("é", "expected token", 0),
        ("\x7f", "expected token", 0),
        ('a,"b"', "expected token", 2),
        ("a\nb", "expected comma", 1),
        ("a b", "expected comma", 2),
        ("a,b c,d", "expected comma", 4),
        ("a\x00", "expected comma", 1),
        ("a(b)", "expected comma", 1),
    ],
)
def test_what_is_not_a_list_is_refused_with_its_position(
    parse: Callable[[str], list[Any]], header: str, error: str, pos: int
) -> None:
    name = HEADER_NAMES[parse]
    if parse is parse_upgrade:
        error = error.replace("token", "protocol")
    with pytest.raises(InvalidHeaderFormat) as raised:
        parse(header)
    assert str(raised.value) == f"invalid {name} header: {error} at {pos} in {printable(header)}"


@pytest.mark.parametrize("parse", TOKEN_PARSERS)
def test_tokens_have_no_parameters(parse: Callable[[str], list[Any]]) -> None:
    with pytest.raises(InvalidHeaderFormat, match="expected comma at 1 in a;b"):
        parse("a;b")


@given(st.lists(tokens(), min_size=1), st.sampled_from([",", ", ", "\t,", " ,, , "]))
def test_joined_tokens_are_split_again(items: list[str], comma: str) -> None:
    assert parse_connection(comma.join(items)) == items


# Upgrade


@pytest.mark.parametrize(
    ("header", "protocols"),
    [
        ("websocket", ["websocket"]),
        ("websocket/13", ["websocket/13"]),
        ("WebSocket , h2c/1", ["WebSocket", "h2c/1"]),
    ],
)
def test_upgrade(header: str, protocols: list[str]) -> None:
    assert parse_upgrade(header) == protocols


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ("a/", "expected comma at 1 in a/"),
        ("/a", "expected protocol at 0 in /a"),
        ("a/b/c", "expected comma at 3 in a/b/c"),
        ("a /b", "expected comma at 2 in a /b"),
    ],
)
def test_upgrade_with_a_malformed_protocol(header: str, error: str) -> None:
    with pytest.raises(InvalidHeaderFormat, match=re.escape(f"Upgrade header: {error}")):
        parse_upgrade(header)


# Extensions


@pytest.mark.parametrize(
    ("header", "extensions"),
    [
        ("foo", [("foo", [])]),
        ("foo; a", [("foo", [("a", None)])]),
        ("foo;a=b", [("foo", [("a", "b")])]),
        ("foo ; a = b", [("foo", [("a", "b")])]),
        ('foo; a="b"', [("foo", [("a", "b")])]),
        (r'foo; a="b\c"', [("foo", [("a", "bc")])]),
        ('foo; a="b" ; c', [("foo", [("a", "b"), ("c", None)])]),
        ("foo; a=1; a=2", [("foo", [("a", "1"), ("a", "2")])]),
        ("foo; a \t", [("foo", [("a", None)])]),
        (
            "foo, bar; a=1; b, baz,",
            [("foo", []), ("bar", [("a", "1"), ("b", None)]), ("baz", [])],
        ),
        (
            "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
            [
                (
                    "permessage-deflate",
                    [("client_max_window_bits", None), ("server_max_window_bits", "10")],
                )
            ],
        ),
    ],
)
def test_extensions(header: str, extensions: list[Any]) -> None:
    assert parse_extension(header) == extensions


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ("foo;", "expected token at 4"),
        ("foo; ", "expected token at 5"),
        ("foo;;a", "expected token at 4"),
        (";a", "expected token at 0"),
        ("foo; =b", "expected token at 5"),
        ("foo; a=", "expected token at 7"),
        ("foo; a=,", "expected token at 7"),
        ("foo;a=b c", "expected comma at 8"),
        ('foo; a="b" c', "expected comma at 11"),
        ('foo; a="', "expected quoted string at 7"),
        ('foo; a="b', "expected quoted string at 7"),
        ('foo; a="b\\', "expected quoted string at 7"),
        ('foo; a="b\\"', "expected quoted string at 7"),
        ('foo; a="é"', "expected quoted string at 7"),
        ('foo; a="b\n"', "expected quoted string at 7"),
        ('foo; a="\\\n"', "expected quoted string at 7"),
        ('foo; a=""', "invalid quoted header content at 7"),
        ('foo; a="b c"', "invalid quoted header content at 7"),
        ('foo; a="\\""', "invalid quoted header content at 7"),
    ],
)
def test_malformed_extensions(header: str, error: str) -> None:
    with pytest.raises(InvalidHeaderFormat) as raised:
        parse_extension(header)
    assert (
        str(raised.value)
        == f"invalid Sec-WebSocket-Extensions header: {error} in {printable(header)}"
    )


@given(st.lists(st.tuples(tokens(), st.lists(st.tuples(tokens(), st.none() | tokens())))))
def test_built_extensions_are_parsed_again(extensions: list[Any]) -> None:
    header = build_extension(extensions)
    if extensions:
        assert parse_extension(header) == extensions
    else:
        assert header == ""


def test_built_extensions() -> None:
    extensions: list[Any] = [("a", [("b", None), ("c", "d")]), ("e", [])]
    assert build_extension(extensions) == "a; b; c=d, e"


@pytest.mark.parametrize(
    ("extension", "what"),
    [
        (("f o", []), "extension name: f o"),
        (("foo", [("a;b", None)]), "extension parameter name: a;b"),
        (("foo", [("a", "1, bar")]), "extension parameter value: 1, bar"),
        (("foo", [("a", "")]), "extension parameter value: "),
        (("foo", [("a", "1\r\nX: y")]), "extension parameter value: 1"),
    ],
)
def test_extension_that_would_be_read_otherwise_is_not_built(extension: Any, what: str) -> None:
    with pytest.raises(ValueError, match=f"invalid {what}"):
        build_extension([extension])


# Subprotocols


@pytest.mark.parametrize("subprotocols", [[], ["a"], ("a", "b"), ["a", "a"]])
def test_subprotocols_that_can_be_offered(subprotocols: Any) -> None:
    validate_subprotocols(subprotocols)
    assert build_subprotocol(subprotocols) == ", ".join(subprotocols)


@pytest.mark.parametrize("subprotocol", ["", "a b", "a,b", "é", "a\r\nX: y", "a\x00"])
def test_subprotocols_that_are_not_tokens(subprotocol: Any) -> None:
    with pytest.raises(ValueError, match="invalid subprotocol: ") as raised:
        validate_subprotocols([subprotocol])
    assert str(raised.value).isprintable()
    with pytest.raises(ValueError, match="invalid subprotocol: "):
        build_subprotocol([subprotocol])


@pytest.mark.parametrize(
    ("subprotocols", "error"),
    [
        ("chat", "subprotocols must be a list, not a str"),
        (None, "subprotocols must be a list"),
        ({"chat"}, "subprotocols must be a list"),
        ([1], "expected string"),
    ],
)
def test_subprotocols_of_a_wrong_type(subprotocols: Any, error: str) -> None:
    with pytest.raises(TypeError, match=error):
        validate_subprotocols(subprotocols)


# Host


@pytest.mark.parametrize(
    ("host", "port", "secure", "header", "header_with_port"),
    [
        ("h", 80, False, "h", "h:80"),
        ("h", 443, False, "h:443", "h:443"),
        ("h", 443, True, "h", "h:443"),
        ("h", 80, True, "h:80", "h:80"),
        ("127.0.0.1", 8000, False, "127.0.0.1:8000", "127.0.0.1:8000"),
        ("::1", 80, False, "[::1]", "[::1]:80"),
        ("[::1]", 80, False, "[::1]", "[::1]:80"),
        ("::ffff:1.2.3.4", 1, True, "[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.4]:1"),
        ("fe80::1%eth0", 1, True, "[fe80::1%eth0]:1", "[fe80::1%eth0]:1"),
    ],
)
def test_host(host: str, port: int, secure: bool, header: str, header_with_port: str) -> None:
    assert build_host(host, port, secure) == header
    assert build_host(host, port, secure, always_include_port=True) == header_with_port


@pytest.mark.parametrize(
    "host", ["h\r\nX: y", "h\x00", "a b", "a/b", "u@h", "h?", "h#", "h:80", "[h]", "[::1", "a,b"]
)
def test_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="invalid host: "):
        build_host(host, 80, False)


# Credentials


@pytest.mark.parametrize(
    ("username", "password", "header"),
    [
        ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),  # RFC 7617 2
        ("test", "123£", "Basic dGVzdDoxMjPCow=="),  # RFC 7617 2.1
        ("", "", "Basic Og=="),
        ("u", "p:q", "Basic dTpwOnE="),
        ("é", "€", "Basic w6k64oKs"),
    ],
)
def test_basic_credentials(username: str, password: str, header: str) -> None:
    assert build_authorization_basic(username, password) == header
    assert parse_authorization_basic(header) == (username, password)


@given(st.text().filter(lambda text: ":" not in text), st.text())
def test_credentials_survive_or_are_refused(username: str, password: str) -> None:
    try:
        header = build_authorization_basic(username, password)
    except ValueError:
        assert re.search(r"[\x00-\x1f\x7f]", username + password)
    else:
        assert parse_authorization_basic(header) == (username, password)


def test_scheme_is_case_insensitive() -> None:
    assert parse_authorization_basic("bASIC dTpw") == ("u", "p")


def test_credentials_that_are_not_utf8_become_surrogates() -> None:
    assert parse_authorization_basic("Basic dTrp") == ("u", "\udce9")
    assert build_authorization_basic("u", "\udce9") == "Basic dTrp"


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("a:b", "c"),
        ("a\r", "b"),
        ("a", "b\n"),
        ("a\x00", "b"),
        ("a", "\x7f"),
        ("a", "key\ud800"),
    ],
)
def test_credentials_that_cannot_be_sent(username: str, password: str) -> None:
    with pytest.raises(ValueError, match="can't") as raised:
        build_authorization_basic(username, password)
    assert type(raised.value) is ValueError
    assert "key" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ("", "expected token at 0 in [redacted, 0 characters]"),
        (" Basic dTpw", "expected token at 0 in [redacted, 11 characters]"),
        ("Basic", "expected space after scheme at 5 in [redacted, 5 characters]"),
        ("Basic\tdTpw", "expected space after scheme at 5 in [redacted, 10 characters]"),
        ("Basic ", "expected token68 at 6 in [redacted, 6 characters]"),
        ("Basic  dTpw", "expected token68 at 6 in [redacted, 11 characters]"),
        ("Basic =", "expected token68 at 6 in [redacted, 7 characters]"),
        ("Basic dTpw x", "trailing data at 10 in [redacted, 12 characters]"),
        ("Basic dT=pw", "trailing data at 9 in [redacted, 11 characters]"),
    ],
)
def test_malformed_authorization_is_not_quoted(header: str, error: str) -> None:
    with pytest.raises(InvalidHeaderFormat) as raised:
        parse_authorization_basic(header)
    assert str(raised.value) == f"invalid Authorization header: {error}"


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ("Bearer x", "unsupported scheme: Bearer"),
        ("Basic dTp", "expected base64-encoded credentials"),
        ("Basic dTpw==", "expected base64-encoded credentials"),
        ("Basic dTpw====", "expected base64-encoded credentials"),
        ("Basic dR==", "expected base64-encoded credentials"),
        ("Basic dT-_pw", "expected base64-encoded credentials"),
        ("Basic dQ==", "expected username:password credentials"),
        ("Basic dQo6cA==", "control character in credentials"),
        ("Basic dTpwDQ==", "control character in credentials"),
    ],
)
def test_unusable_credentials(header: str, error: str) -> None:
    with pytest.raises(InvalidHeaderValue) as raised:
        parse_authorization_basic(header)
    assert str(raised.value) == f"invalid Authorization header: {error}"


@pytest.mark.parametrize(
    ("realm", "quoted"),
    [("", ""), ("x", "x"), ("a b", "a b"), ('a"b', r"a\"b"), ("a\\b", r"a\\b"), ("é", "é")],
)
def test_realm_is_quoted(realm: str, quoted: str) -> None:
    assert build_www_authenticate_basic(realm) == f'Basic realm="{quoted}", charset="UTF-8"'


@pytest.mark.parametrize("realm", ["a\nb", "a\r\nX: y", "\x00", "\x7f", "€"])
def test_realm_that_cannot_be_quoted(realm: str) -> None:
    with pytest.raises(ValueError, match="invalid characters for quoted-string encoding"):
        build_www_authenticate_basic(realm)


# Linear time

SIZES = [8 * 1024, 1024 * 1024]
HOSTILE = {
    "spaces": lambda n: "a" + " " * n + "b",
    "tabs at the end": lambda n: "a" + "\t" * n,
    "commas": lambda n: "," * n,
    "commas and an item": lambda n: "," * n + "a",
    "spaces and commas": lambda n: "a" + " ," * (n // 2) + '"',
    "spaces after a comma": lambda n: "a," + " " * n + "\x00",
    "one token": lambda n: "a" * n + "\x00",
    "many tokens": lambda n: "a," * (n // 2) + "\x00",
    "many parameters": lambda n: "a" + ";a" * (n // 2) + ";",
    "many spaced parameters": lambda n: "a" + " ; a = b" * (n // 8) + ";",
    "spaces before a parameter": lambda n: "a;" + " " * n + ";",
    "spaces after a parameter": lambda n: "a;b" + " " * n + "=" + " " * n,
    "unterminated quote": lambda n: 'a;b="' + "c" * n,
    "unterminated quote with pairs": lambda n: 'a;b="' + "\\\\" * (n // 2),
    "many unterminated quotes": lambda n: 'a;b="c";b' * (n // 9) + '="',
    "quoted spaces": lambda n: 'a;b="' + " " * n + '"',
    "slashes": lambda n: "a/a," * (n // 4) + "/" * n,
}


class Meter:
    """Stands for a compiled pattern and adds up the characters that it is given to match."""

    def __init__(self, pattern: re.Pattern[str], total: list[int]) -> None:
        self.pattern = pattern
        self.total = total

    def match(self, string: str, pos: int = 0) -> re.Match[str] | None:
        found = self.pattern.match(string, pos)
        # A possessive pattern that fails has read what is left once at most.
        self.total[0] += 1 + (len(string) - pos if found is None else found.end() - pos)
        return found

    def fullmatch(self, string: str) -> re.Match[str] | None:
        self.total[0] += len(string)
        return self.pattern.fullmatch(string)

    def sub(self, replacement: str, string: str) -> str:
        self.total[0] += len(string)
        return self.pattern.sub(replacement, string)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "parse", [parse_connection, parse_upgrade, parse_extension, parse_authorization_basic]
)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_work_grows_with_the_length_of_the_header(
    hostile: str, parse: Callable[[str], Any], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = [0]
    for name, value in vars(grammar).copy().items():
        if isinstance(value, re.Pattern):
            monkeypatch.setattr(grammar, name, Meter(value, total))
    header = HOSTILE[hostile](size)
    if parse is parse_authorization_basic:
        header = "Basic " + header
    with contextlib.suppress(InvalidHeaderFormat, InvalidHeaderValue):
        parse(header)
    assert 0 < total[0] <= 8 * len(header) + 64


def test_every_repetition_is_possessive() -> None:
    """What `Meter` counts is what happens: no pattern can go back over what it matched."""
    for name, value in vars(grammar).items():
        if isinstance(value, re.Pattern):
            without_classes = re.sub(r"\[(?:\\.|[^\\\]])*\]", "C", value.pattern)
            repetitions = re.findall(r"(?<![\\(])[*+?]+", without_classes)
            assert all(r.endswith("+") and len(r) == 2 for r in repetitions), name
