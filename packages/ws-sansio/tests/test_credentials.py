"""Basic authentication: what is valid, and what is told to whom it isn't."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import pytest

from ws_sansio import ServerProtocol
from ws_sansio.credentials import BasicAuth, Unauthorized
from ws_types.headers import Headers


def basic(user_pass: str | bytes, scheme: str = "Basic") -> Headers:
    data = user_pass.encode() if isinstance(user_pass, str) else user_pass
    return Headers(Authorization=f"{scheme} {base64.b64encode(data).decode()}")


def verdict(auth: BasicAuth, headers: Headers) -> str:
    """The user name, or why there is none."""
    try:
        username, password = auth.read(headers)
        auth.require(auth.check(username, password))
    except Unauthorized as exc:
        return str(exc)
    return f"user {username}"


AUTH = BasicAuth("realm", ("hé", "pä:ss"))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (basic("hé:pä:ss"), "user hé"),
        (basic("hé:pä:ss", "bASIC"), "user hé"),
        (Headers(), "Missing credentials"),
        (Headers(Authorization=""), "Unsupported credentials"),
        (Headers(Authorization="Basic"), "Unsupported credentials"),
        (Headers(Authorization="Basic !"), "Unsupported credentials"),
        (Headers(Authorization="Bearer abc"), "Unsupported credentials"),
        (basic("no colon"), "Unsupported credentials"),
        (basic("hé:pä:ss\n"), "Unsupported credentials"),
        (Headers([*basic("hé:pä:ss").raw_items()] * 2), "Unsupported credentials"),
        (basic("hé:"), "Invalid credentials"),
        (basic(":"), "Invalid credentials"),
        (basic(":pä:ss"), "Invalid credentials"),
        (basic("hé:pä:s"), "Invalid credentials"),
        (basic("hé:pä:sss"), "Invalid credentials"),
        (basic("HÉ:pä:ss"), "Invalid credentials"),
        (basic("hé:pä:ss".encode("latin-1")), "Invalid credentials"),
        (basic(b"\xff:\xff"), "Invalid credentials"),
    ],
)
def test_verdicts(headers: Headers, expected: str) -> None:
    assert verdict(AUTH, headers) == expected


@pytest.mark.parametrize(
    "credentials",
    [[("a", "1"), ("b", "2")], (("a", "1"), ("b", "2")), iter([("a", "1"), ["b", "2"]])],
)
def test_several_users(credentials: Any) -> None:
    auth = BasicAuth("", credentials)
    assert verdict(auth, basic("a:1")) == "user a"
    assert verdict(auth, basic("b:2")) == "user b"
    assert verdict(auth, basic("a:2")) == "Invalid credentials"


def test_nobody_is_valid_where_there_are_no_credentials() -> None:
    assert verdict(BasicAuth("", []), basic(":")) == "Invalid credentials"


def test_what_takes_how_long_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """CVE-2021-33880: each comparison takes constant time, and all of them are made."""
    compared: list[tuple[bytes, bytes]] = []
    compare = hmac.compare_digest

    def count(given: bytes, valid: bytes) -> bool:
        compared.append((given, valid))
        return compare(given, valid)

    monkeypatch.setattr(hmac, "compare_digest", count)
    auth = BasicAuth("", [("a", "1"), ("b", "2"), ("c", "3")])
    for user_pass in ("a:1", "c:3", "x:y"):
        verdict(auth, basic(user_pass))
    assert len(compared) == 9
    assert {type(value) for pair in compared for value in pair} == {bytes}


def test_credentials_that_the_program_checks() -> None:
    asked: list[tuple[str, str]] = []

    def check(username: str, password: str) -> bool:
        asked.append((username, password))
        return password == "ü"

    auth = BasicAuth("", check_credentials=check)
    assert verdict(auth, basic("a:ü")) == "user a"
    assert verdict(auth, basic("b:x")) == "Invalid credentials"
    # It can rely on getting text that can be encoded.
    assert verdict(auth, basic(b"c:\xff")) == "Invalid credentials"
    assert asked == [("a", "ü"), ("b", "x")]


def test_response() -> None:
    auth = BasicAuth('the "realm"', ("a", "b"))
    response = auth.refuse(ServerProtocol(), Unauthorized("Missing credentials"))
    assert (response.status_code, response.body) == (401, b"Missing credentials\n")
    challenge = response.headers["WWW-Authenticate"]
    assert challenge == 'Basic realm="the \\"realm\\"", charset="UTF-8"'


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("x",), ValueError, "either credentials or check_credentials"),
        (("x", ("a", "b"), print), ValueError, "either credentials or check_credentials"),
        (("\n", ("a", "b")), ValueError, "quoted-string"),
        (("x", ("a:b", "secret")), ValueError, "colon"),
        (("x", ("a", "secret\0")), ValueError, "control character"),
        (("x", None, "secret"), TypeError, "callable"),
        (("x", 5), TypeError, "a tuple of user name and"),
        (("x", "secret"), TypeError, "a tuple of user name and"),
        (("x", b"ab"), TypeError, "a tuple of user name and"),
        (("x", ["secret"]), TypeError, "a tuple of user name and"),
        (("x", ("secret", 5)), TypeError, "a tuple of user name and"),
        (("x", [("a", "b", "secret")]), TypeError, "a tuple of user name and"),
    ],
)
def test_arguments_that_make_no_sense(arguments: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text) as raised:
        BasicAuth(*arguments)
    assert "secret" not in str(raised.value)
