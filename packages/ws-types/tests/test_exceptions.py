import copy
import pickle

import pytest

from ws_types import errors, exceptions
from ws_types.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidHandshake,
    InvalidProxyStatus,
    InvalidStatus,
    ProxyError,
    WebSocketException,
)
from ws_types.frames import Close
from ws_types.headers import Headers
from ws_types.http11 import Response

RESPONSE = Response(403, "Forbidden", Headers(A="1"), b"no")

TEXTS = [
    (ConnectionClosed(None, None), "no close frame received or sent"),
    (ConnectionClosed(Close(1000, ""), None), "received 1000 (OK); no close frame sent"),
    (
        ConnectionClosed(None, Close(1001, "bye")),
        "sent 1001 (going away) bye; no close frame received",
    ),
    (
        ConnectionClosedOK(Close(1000, "a"), Close(1000, "b"), True),
        "received 1000 (OK) a; then sent 1000 (OK) b",
    ),
    (
        ConnectionClosedError(Close(3000, "x"), Close(4999, ""), False),
        "sent 4999 (private use); then received 3000 (registered) x",
    ),
    (InvalidStatus(RESPONSE), "server rejected WebSocket connection: HTTP 403"),
    (InvalidProxyStatus(RESPONSE), "proxy rejected connection: HTTP 403"),
]


@pytest.mark.parametrize(("exc", "text"), TEXTS)
def test_text(exc, text):
    assert str(exc) == text


@pytest.mark.parametrize("exc", [exc for exc, _ in TEXTS])
@pytest.mark.parametrize("how", ["pickle", "copy", "deepcopy"])
def test_copies_equal_the_original(exc, how):
    copied = pickle.loads(pickle.dumps(exc)) if how == "pickle" else getattr(copy, how)(exc)
    assert type(copied) is type(exc)
    assert str(copied) == str(exc)
    assert vars(copied) == vars(exc)


def test_all_exceptions_are_here():
    assert {*errors.__all__} < {*exceptions.__all__}
    for name in errors.__all__:
        assert getattr(exceptions, name) is getattr(errors, name)
    for name in exceptions.__all__:
        assert issubclass(getattr(exceptions, name), WebSocketException)


def test_where_they_stand_in_the_tree():
    assert issubclass(ConnectionClosedOK, ConnectionClosed)
    assert issubclass(ConnectionClosedError, ConnectionClosed)
    assert issubclass(InvalidStatus, InvalidHandshake)
    assert issubclass(InvalidProxyStatus, ProxyError)


@pytest.mark.parametrize(
    ("rcvd", "sent", "order"),
    [
        (Close(1000, ""), Close(1000, ""), None),
        (Close(1000, ""), None, True),
        (None, Close(1000, ""), False),
        (None, None, True),
    ],
)
def test_order_belongs_to_two_frames(rcvd, sent, order):
    with pytest.raises(ValueError, match="rcvd_then_sent"):
        ConnectionClosed(rcvd, sent, order)


@pytest.mark.parametrize(
    ("exc", "code", "reason"),
    [
        (ConnectionClosed(Close(1001, "bye"), None), 1001, "bye"),
        (ConnectionClosed(None, Close(1001, "bye")), 1006, ""),
    ],
)
def test_deprecated_code_and_reason(exc, code, reason):
    with pytest.warns(DeprecationWarning, match=r"ConnectionClosed\.code is deprecated") as caught:
        assert exc.code == code
    assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning, match=r"ConnectionClosed\.reason is deprecated"):
        assert exc.reason == reason


def test_reason_of_the_peer_is_escaped():
    assert str(ConnectionClosed(Close(1000, "\x1b[2J\n"), None)).isprintable()


def test_response_is_at_hand():
    assert InvalidStatus(RESPONSE).response is RESPONSE
    assert InvalidProxyStatus(RESPONSE).response is RESPONSE


@pytest.mark.parametrize(
    ("name", "value"), [("status_code", 403), ("headers", Headers(A="1"))], ids=str
)
def test_old_attributes_of_a_refusal_warn(name, value):
    with pytest.warns(DeprecationWarning, match=rf"use InvalidStatus\.response\.{name}$"):
        assert getattr(InvalidStatus(RESPONSE), name) == value
