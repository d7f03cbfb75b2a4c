import copy
import dataclasses
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws_types.errors import InvalidURI
from ws_types.uri import WebSocketURI, parse_authority, parse_uri


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("ws://a", WebSocketURI(False, "a", 80, "", "")),
        ("wss://a", WebSocketURI(True, "a", 443, "", "")),
        ("wss://a:99/x?y", WebSocketURI(True, "a", 99, "/x", "y")),
        ("WSS://ExAmple.COM:80/A?B", WebSocketURI(True, "example.com", 80, "/A", "B")),
        ("ws://h?x", WebSocketURI(False, "h", 80, "", "x")),
        ("ws://h/?", WebSocketURI(False, "h", 80, "/", "")),
        ("ws://h/?a?b/c", WebSocketURI(False, "h", 80, "/", "a?b/c")),
        ("ws://h/#", WebSocketURI(False, "h", 80, "/", "")),
        ("ws://h:/", WebSocketURI(False, "h", 80, "/", "")),
        ("ws://h:65535", WebSocketURI(False, "h", 65535, "", "")),
        ("ws://h:00080", WebSocketURI(False, "h", 80, "", "")),
        ("ws://[::1]:8080/", WebSocketURI(False, "::1", 8080, "/", "")),
        ("ws://[FE80::A]", WebSocketURI(False, "fe80::a", 80, "", "")),
        ("ws://[fe80::1%25eth0]/", WebSocketURI(False, "fe80::1%25eth0", 80, "/", "")),
        ("ws://1.2.3.4", WebSocketURI(False, "1.2.3.4", 80, "", "")),
        ("ws://" + "a" * 63, WebSocketURI(False, "a" * 63, 80, "", "")),
        ("ws://h./", WebSocketURI(False, "h.", 80, "/", "")),
        ("ws://h/;x;y//", WebSocketURI(False, "h", 80, "/;x;y//", "")),
        ("ws://h/x@y:z?@", WebSocketURI(False, "h", 80, "/x@y:z", "@")),
        ("ws://u:p@h/", WebSocketURI(False, "h", 80, "/", "", "u", "p")),
        ("ws://u:%25p@h", WebSocketURI(False, "h", 80, "", "", "u", "%p")),
        ("ws://u%3A:p%40%zz@h", WebSocketURI(False, "h", 80, "", "", "u:", "p@%zz")),
        ("ws://u:p:q@h", WebSocketURI(False, "h", 80, "", "", "u", "p:q")),
        ("ws://u@v:p@h", WebSocketURI(False, "h", 80, "", "", "u@v", "p")),
        ("ws://:@h", WebSocketURI(False, "h", 80, "", "", "", "")),
        ("ws://ü:ö@h", WebSocketURI(False, "h", 80, "", "", "ü", "ö")),
        ("ws://é.com/é?é", WebSocketURI(False, "xn--9ca.com", 80, "/%C3%A9", "%C3%A9")),
        ("ws://é/%C3%A9€", WebSocketURI(False, "xn--9ca", 80, "/%C3%A9%E2%82%AC", "")),
        ("ws://xn--9ca.com", WebSocketURI(False, "xn--9ca.com", 80, "", "")),
    ],
)
def test_parsed(text, uri):
    assert parse_uri(text) == uri


@pytest.mark.parametrize(
    ("text", "msg"),
    [
        ("", "scheme isn't ws or wss"),
        ("ws", "hostname isn't provided"),
        ("http://a", "scheme isn't ws or wss"),
        ("//h", "scheme isn't ws or wss"),
        ("ws:", "hostname isn't provided"),
        ("ws:/h", "hostname isn't provided"),
        ("ws://", "hostname isn't provided"),
        ("ws:///x", "hostname isn't provided"),
        ("ws://:80", "hostname isn't provided"),
        ("ws://u:p@", "hostname isn't provided"),
        ("ws://u:p@:80", "hostname isn't provided"),
        ("ws://?x", "hostname isn't provided"),
        ("ws://a#f", "fragment identifier is meaningless"),
        ("ws://a/?x#f", "fragment identifier is meaningless"),
        ("ws://u@h", "username provided without password"),
        ("ws://@h", "username provided without password"),
        ("ws://h:abc", "port isn't a number from 1 to 65535"),
        ("ws://h:0", "port isn't a number from 1 to 65535"),
        ("ws://h:65536", "port isn't a number from 1 to 65535"),
        ("ws://h:99999/", "port isn't a number from 1 to 65535"),
        ("ws://h:" + "9" * 5000, "port isn't a number from 1 to 65535"),
        ("ws://h:-1", "port isn't a number from 1 to 65535"),
        ("ws://h:+80", "port isn't a number from 1 to 65535"),
        ("ws://h:8_0", "port isn't a number from 1 to 65535"),
        ("ws://h:80:90", "port isn't a number from 1 to 65535"),
        ("ws://h:８０", "port isn't a number from 1 to 65535"),
        ("ws://[::1", "IPv6 address isn't closed by a bracket"),
        ("ws://[::1]x", "IPv6 address isn't closed by a bracket"),
        ("ws://[::1]:x", "port isn't a number from 1 to 65535"),
        ("ws://[g]", "what stands in brackets isn't an IPv6 address"),
        ("ws://[]", "what stands in brackets isn't an IPv6 address"),
        ("ws://[1.2.3.4]", "what stands in brackets isn't an IPv6 address"),
        ("ws://[::1%eth0]", "what stands in brackets isn't an IPv6 address"),
        ("ws://[::1%25%2]", "what stands in brackets isn't an IPv6 address"),
        ("ws://[::1%25]", "what stands in brackets isn't an IPv6 address"),
        ("ws://[::1%25a[b]", "what stands in brackets isn't an IPv6 address"),
        ("ws://h\\x/", "hostname has a character that it may not have"),
        ("ws://h\\@evil/", "username provided without password"),
        ("ws://h]", "hostname has a character that it may not have"),
        ("ws://<h>", "hostname has a character that it may not have"),
        ("ws://a\uff0fb", "hostname has a character that it may not have"),
        ("ws://" + "é" * 70, "hostname can't be encoded with IDNA"),
        ("ws://é..b", "hostname can't be encoded with IDNA"),
        ("ws://\ud800", "hostname can't be encoded with IDNA"),
        ("ws://a..b", "a part of the hostname is empty, or has more than 63 characters"),
        ("ws://.a", "a part of the hostname is empty, or has more than 63 characters"),
        ("ws://.", "a part of the hostname is empty, or has more than 63 characters"),
        ("ws://" + "a" * 64, "a part of the hostname is empty, or has more than 63 characters"),
        ("ws://h/\ud800", "surrogates can't be encoded"),
        ("ws://h/?\ud800", "surrogates can't be encoded"),
        ("ws://u:%ff@h", "userinfo isn't UTF-8"),
        ("ws://u:\ud800@h", "userinfo isn't UTF-8"),
    ],
)
def test_invalid(text, msg):
    with pytest.raises(InvalidURI) as caught:
        parse_uri(text)
    assert (caught.value.uri, caught.value.msg) == (text, msg)


@pytest.mark.parametrize("char", [*map(chr, range(0x21)), "\x7f", "\x85", "\x9f"])
@pytest.mark.parametrize(
    "template", ["{}ws://h", "ws://h{}", "ws://h/{}", "ws://h/?{}x", "ws:/{}/h"]
)
def test_spaces_and_control_characters_are_refused(char, template):
    with pytest.raises(InvalidURI, match="spaces and control characters must be percent-encoded"):
        parse_uri(template.format(char))


@pytest.mark.parametrize("text", ["ws://u:secret@", "ws://u:secret@h:x", "ws://u:sec/ret@h#f"])
def test_password_is_not_shown_in_errors(text):
    with pytest.raises(InvalidURI) as caught:
        parse_uri(text)
    assert "ret" not in str(caught.value)
    assert "ret" not in repr(caught.value)


def test_password_is_not_shown_by_repr():
    uri = parse_uri("ws://user:secret@h")
    assert repr(uri) == (
        "WebSocketURI(secure=False, host='h', port=80, path='', query='', "
        "username='user', password='***')"
    )
    assert repr(parse_uri("ws://h")).endswith("username=None, password=None)")


@pytest.mark.parametrize(
    ("text", "resource_name"),
    [
        ("ws://h", "/"),
        ("ws://h/", "/"),
        ("ws://h/?", "/"),
        ("ws://h?x", "/?x"),
        ("ws://h/a/b?x", "/a/b?x"),
    ],
)
def test_resource_name(text, resource_name):
    assert parse_uri(text).resource_name == resource_name


def test_user_info():
    assert parse_uri("ws://u:p@h").user_info == ("u", "p")
    assert parse_uri("ws://u:@h").user_info == ("u", "")
    assert parse_uri("ws://h").user_info is None
    assert WebSocketURI(False, "h", 80, "", "", "u").user_info is None


def test_uri_is_a_dataclass():
    uri = parse_uri("ws://u:p@h")
    assert dataclasses.replace(uri, host="x") == parse_uri("ws://u:p@x")
    assert dataclasses.asdict(uri)["password"] == "p"
    assert copy.copy(uri) == pickle.loads(pickle.dumps(uri)) == uri
    assert uri != parse_uri("ws://h")
    assert uri != "ws://u:p@h"
    with pytest.raises(TypeError, match="unhashable"):
        hash(uri)


def rebuild(uri):
    def escape(text):
        return "".join(f"%{byte:02X}" for byte in text.encode())

    userinfo = "" if uri.user_info is None else ":".join(map(escape, uri.user_info)) + "@"
    host = f"[{uri.host}]" if ":" in uri.host else uri.host
    query = f"?{uri.query}" if uri.query else ""
    return f"{'wss' if uri.secure else 'ws'}://{userinfo}{host}:{uri.port}{uri.path}{query}"


PARTS = st.text("ab1é€:@%2F[]#?/\\ \t.;", max_size=8)


@given(
    st.sampled_from(["ws", "wss", "WS"]),
    st.sampled_from(["", "u:p@", "é:%40@"]) | PARTS,
    st.sampled_from(["h", "[::1]", "é.com"]) | PARTS,
    st.sampled_from(["", ":1"]) | PARTS,
    PARTS,
)
def test_what_parses_can_be_rebuilt(scheme, userinfo, host, port, rest):
    try:
        uri = parse_uri(f"{scheme}://{userinfo}{host}{port}/{rest}")
    except InvalidURI:
        return
    assert parse_uri(rebuild(uri)) == uri
    assert uri.resource_name.isascii()
    assert uri.host.isascii()


@given(st.text())
def test_any_text_is_a_uri_or_invalid(text):
    for candidate in (text, "ws://" + text, "ws://[" + text):
        try:
            uri = parse_uri(candidate)
        except InvalidURI:
            continue
        assert uri.resource_name.isprintable()
        assert uri.resource_name.isascii()


@given(st.text())
def test_text_of_errors_is_printable(text):
    with pytest.raises(InvalidURI) as caught:
        parse_uri("http://" + text)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("authority", "parts"),
    [
        ("A", ("a", None, None, None)),
        ("a:1", ("a", 1, None, None)),
        ("[::1]:1", ("::1", 1, None, None)),
        ("me:s%40@a", ("a", None, "me", "s@")),
        ("me:@a", ("a", None, "me", "")),
    ],
)
def test_the_authority_of_any_uri(authority, parts):
    assert parse_authority(f"x://{authority}", authority) == parts


def test_an_authority_that_is_not_one():
    for authority in ("", "a:0", "me@a", "a b"):
        with pytest.raises(InvalidURI) as raised:
            parse_authority(f"x://{authority}", authority)
        assert raised.value.uri == f"x://{authority}"
