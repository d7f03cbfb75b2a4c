import copy
import pickle

import pytest

from ws_types import errors
from ws_types.errors import (
    BodyTooLarge,
    ConcurrencyError,
    DuplicateParameter,
    HeaderLineTooLong,
    InvalidHandshake,
    InvalidHeader,
    InvalidHeaderFormat,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidMethod,
    InvalidOrigin,
    InvalidParameterName,
    InvalidParameterValue,
    InvalidProtocol,
    InvalidProxy,
    InvalidProxyMessage,
    InvalidState,
    InvalidUpgrade,
    InvalidURI,
    NegotiationError,
    PayloadTooBig,
    ProtocolError,
    ProxyError,
    RequestLineTooLong,
    SecurityError,
    StatusLineTooLong,
    TooManyFragments,
    TooManyHeaders,
    WebSocketException,
)

TEXTS = [
    (WebSocketException("text"), "text"),
    (InvalidURI("ws://x", "why"), "ws://x isn't a valid URI: why"),
    (InvalidProxy("http://x", "why"), "http://x isn't a valid proxy: why"),
    (InvalidHandshake("text"), "text"),
    (SecurityError("text"), "text"),
    (RequestLineTooLong("text"), "text"),
    (StatusLineTooLong("text"), "text"),
    (HeaderLineTooLong("text"), "text"),
    (TooManyHeaders("text"), "text"),
    (BodyTooLarge("text"), "text"),
    (ProxyError("text"), "text"),
    (InvalidProxyMessage("text"), "text"),
    (InvalidMessage("text"), "text"),
    (InvalidMethod("POST"), "unsupported HTTP method: POST"),
    (InvalidProtocol("HTTP/1.0"), "unsupported HTTP version: HTTP/1.0"),
    (InvalidHeader("Name"), "missing Name header"),
    (InvalidHeader("Name", None), "missing Name header"),
    (InvalidHeader("Name", ""), "empty Name header"),
    (InvalidHeader("Name", "value"), "invalid Name header: value"),
    (
        InvalidHeaderFormat("Name", "expected token", "a,,b", 2),
        "invalid Name header: expected token at 2 in a,,b",
    ),
    (InvalidHeaderValue("Name", "value"), "invalid Name header: value"),
    (InvalidOrigin(None), "missing Origin header"),
    (InvalidOrigin(""), "empty Origin header"),
    (InvalidOrigin("http://x"), "invalid Origin header: http://x"),
    (InvalidUpgrade("Upgrade"), "missing Upgrade header"),
    (InvalidUpgrade("Upgrade", "h2c"), "invalid Upgrade header: h2c"),
    (NegotiationError("text"), "text"),
    (DuplicateParameter("p"), "duplicate parameter: p"),
    (InvalidParameterName("p"), "invalid parameter name: p"),
    (InvalidParameterValue("p", None), "missing value for parameter p"),
    (InvalidParameterValue("p", ""), "empty value for parameter p"),
    (InvalidParameterValue("p", "v"), "invalid value for parameter p: v"),
    (ProtocolError("text"), "text"),
    (PayloadTooBig(5, 4), "frame with 5 bytes exceeds limit of 4 bytes"),
    (PayloadTooBig(None, 4), "frame exceeds limit of 4 bytes"),
    (PayloadTooBig(5, 4, 3), "frame with 5 bytes after reading 3 bytes exceeds limit of 7 bytes"),
    (PayloadTooBig(None, 4, 0), "frame after reading 0 bytes exceeds limit of 4 bytes"),
    (TooManyFragments(3), "fragmented message exceeds limit of 3 frames"),
    (InvalidState("text"), "text"),
    (ConcurrencyError("text"), "text"),
]

ALL = [exc for exc, _ in TEXTS] + [
    InvalidURI(uri="ws://x", msg="why"),
    InvalidHeader(name="Name", value="value"),
    PayloadTooBig(size_or_message=5, max_size=4),
    TooManyFragments(max_fragments=3),
]


@pytest.mark.parametrize(("exc", "text"), TEXTS, ids=lambda value: str(value)[:40])
def test_text(exc, text):
    assert str(exc) == text


def test_every_exception_is_tried_here():
    assert {type(exc).__name__ for exc in ALL} == {*errors.__all__}


@pytest.mark.parametrize("exc", ALL, ids=repr)
@pytest.mark.parametrize("how", ["pickle", "copy", "deepcopy"])
def test_copies_equal_the_original(exc, how):
    copied = pickle.loads(pickle.dumps(exc)) if how == "pickle" else getattr(copy, how)(exc)
    assert type(copied) is type(exc)
    assert str(copied) == str(exc)
    assert copied.args == exc.args
    assert vars(copied) == vars(exc)


def test_copy_of_a_subclass_with_a_constructor_of_its_own():
    class Mine(InvalidHeader):
        def __init__(self):
            super().__init__("Mine", "value")

    assert str(copy.copy(Mine())) == "invalid Mine header: value"


def test_notes_survive_copies():
    exc = ProtocolError("text")
    exc.add_note("while testing")
    assert pickle.loads(pickle.dumps(exc)).__notes__ == ["while testing"]


def test_representation_shows_the_arguments():
    assert repr(InvalidHeader("Name")) == "InvalidHeader('Name')"
    assert repr(InvalidUpgrade("Upgrade", None)) == "InvalidUpgrade('Upgrade', None)"
    assert repr(PayloadTooBig(5, 4)) == "PayloadTooBig(5, 4)"
    assert repr(InvalidURI("ws://x", "why")) == "InvalidURI('ws://x', 'why')"
    assert repr(InvalidProxy("http://x", "why")) == "InvalidProxy('http://x', 'why')"


def test_origin_errors_have_the_attributes_of_header_errors():
    exc = InvalidOrigin("http://x")
    assert (exc.name, exc.value) == ("Origin", "http://x")


def test_state_and_concurrency_errors_are_builtin_errors_too():
    assert issubclass(InvalidState, AssertionError)
    assert issubclass(ConcurrencyError, RuntimeError)


@pytest.mark.parametrize(
    "exc",
    [
        InvalidURI("ws://u\x1b[0m", "a\nb"),
        InvalidProxy("http://u\x1b[0m", "a\nb"),
        InvalidMethod("G\x9bT"),
        InvalidProtocol("HTTP\r"),
        InvalidHeader("A\n", "\u202e"),
        InvalidHeaderFormat("A", "expected token", "\x9b", 0),
        DuplicateParameter("\x1b"),
        InvalidParameterName("\x1b"),
        InvalidParameterValue("p\x1b", "\x1b"),
    ],
    ids=repr,
)
def test_what_a_peer_sent_is_escaped(exc):
    assert str(exc).isprintable()


@pytest.mark.parametrize(
    "exc",
    [
        InvalidURI("ws://" + "u" * 10000, "why"),
        InvalidMethod("M" * 10000),
        InvalidHeader("A" * 10000),
        InvalidHeader("A", "\x9b" * 10000),
        InvalidHeaderFormat("A", "expected token", "h" * 10000, 0),
        DuplicateParameter("p" * 10000),
        InvalidParameterValue("p", "v" * 10000),
    ],
    ids=lambda exc: type(exc).__name__,
)
def test_what_a_peer_sent_is_cut(exc):
    assert len(str(exc)) < 5000
    assert "..." in str(exc)


@pytest.mark.parametrize("kind", [InvalidURI, InvalidProxy])
def test_userinfo_is_not_shown(kind):
    exc = kind("ws://user:secret@host", "why")
    assert str(exc).startswith("ws://***@host isn't")
    assert "secret" not in repr(exc)
    # The attribute is what was given.
    assert "secret" in (exc.uri if kind is InvalidURI else exc.proxy)


def test_current_size_moves_the_limit_to_that_of_the_message():
    exc = PayloadTooBig(5, 4)
    exc.set_current_size(None)
    assert (exc.size, exc.max_size, exc.current_size) == (5, 4, None)
    exc.set_current_size(7)
    assert (exc.size, exc.max_size, exc.current_size) == (5, 11, 7)
    with pytest.raises(ValueError, match="known already"):
        exc.set_current_size(8)
    assert exc.max_size == 11


def test_a_text_instead_of_a_size_is_deprecated():
    with pytest.warns(
        DeprecationWarning, match=r"PayloadTooBig\(message\) is deprecated"
    ) as caught:
        exc = PayloadTooBig("too\nmuch")
    assert caught[0].filename == __file__
    assert (str(exc), exc.message) == ("too\\nmuch", "too\nmuch")
    exc.set_current_size(3)
    assert str(exc) == "too\\nmuch"


@pytest.mark.parametrize("args", [(5,), (None,), ("text", 4), ("text", None, 4)])
def test_payload_too_big_needs_a_limit(args):
    with pytest.raises(TypeError, match="PayloadTooBig"):
        PayloadTooBig(*args)
