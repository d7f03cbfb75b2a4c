"""Who may connect to a server: its account of connections, and its limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ws_sansio import ServerProtocol
from ws_sansio.admission import Admission, Refusal, address_key
from ws_types.headers import Headers
from ws_types.http11 import Request

UPGRADE = Request("/", Headers(Host="localhost", Upgrade="websocket"))
PLAIN = Request("/health", Headers(Host="localhost"))
HERE = ("192.0.2.1", 1000)


def admit(
    admission: Admission[Any],
    connection: Any,
    request: Request = UPGRADE,
    address: Any = HERE,
    opened: bool = True,
) -> Refusal | None:
    """A connection arrives, makes a request, and is answered."""
    assert admission.arrived(connection) is None
    refusal = admission.requested(connection, request, address)
    admission.answered(connection, opened and refusal is None)
    return refusal


def status(refusal: Refusal | None) -> int | None:
    return None if refusal is None else int(refusal.status)


# The account


def test_life_of_a_connection() -> None:
    admission = Admission[str]()
    assert admission.is_empty()
    admission.arrived("a")
    assert list(admission.waiting) == ["a"]
    assert admission.requested("a", UPGRADE, HERE) is None
    assert (list(admission.waiting), list(admission.considered)) == ([], ["a"])
    admission.answered("a", True)
    assert (list(admission.considered), list(admission.opened)) == ([], ["a"])
    admission.left("a")
    assert admission.is_empty()


def test_life_of_a_request() -> None:
    admission = Admission[str]()
    admit(admission, "a", PLAIN, opened=False)
    assert list(admission.ending) == ["a"]
    assert not admission.is_empty()
    admission.left("a")
    assert admission.is_empty()


@pytest.mark.parametrize("stage", range(4))
def test_connections_may_be_lost_at_any_stage(stage: int) -> None:
    admission = Admission[str](max_connections=1, max_connections_per_address=1)
    steps: list[Callable[[], Any]] = [
        lambda: admission.arrived("a"),
        lambda: admission.requested("a", UPGRADE, HERE),
        lambda: admission.answered("a", True),
    ]
    for step in steps[:stage]:
        step()
    admission.left("a")
    assert admission.is_empty()
    # What happens too late is of no consequence.
    for step in steps[max(stage, 1) :]:
        step()
    assert admission.is_empty()
    assert admit(admission, "b") is None


# Limits


def test_limit_of_connections() -> None:
    admission = Admission[str](max_connections=2)
    assert admit(admission, "a") is None
    assert admit(admission, "b", address=("192.0.2.2", 1)) is None
    refusal = admit(admission, "c")
    assert refusal is not None
    assert (status(refusal), refusal.retry_after) == (503, 5)
    assert refusal.reason == "max_connections (2) reached"
    admission.left("c")
    assert status(admit(admission, "d")) == 503
    admission.left("a")
    assert admit(admission, "e") is None


def test_connections_that_are_considered_count() -> None:
    admission = Admission[str](max_connections=1)
    for name in ("a", "b"):
        admission.arrived(name)
    assert admission.requested("a", UPGRADE, HERE) is None
    assert status(admission.requested("b", UPGRADE, HERE)) == 503
    # The program refuses the first: its place is free before it is gone.
    admission.answered("a", False)
    assert admit(admission, "c") is None


def test_full_servers_answer_other_requests() -> None:
    admission = Admission[str](max_connections=1, max_connections_per_address=1)
    assert admit(admission, "a") is None
    assert admit(admission, "b", PLAIN, opened=False) is None
    assert status(admit(admission, "c")) == 503


def test_limit_of_an_address() -> None:
    admission = Admission[str](max_connections_per_address=2)
    for name, address in (
        ("a", HERE),
        ("b", ("192.0.2.1", 2)),
        ("c", ("192.0.2.2", 1)),
        ("d", ("2001:db8::1", 1, 0, 0)),
        ("e", ("2001:db8::2", 1, 0, 0)),
        ("f", ("2001:db8:0:1::1", 1, 0, 0)),
    ):
        assert admit(admission, name, address=address) is None, name
    refusal = admit(admission, "g", address=("::ffff:192.0.2.1", 3, 0, 0))
    assert refusal is not None
    assert (status(refusal), refusal.retry_after) == (429, 5)
    assert refusal.reason == "max_connections_per_address (2) reached by 192.0.2.1"
    refusal = admit(admission, "h", address=("2001:db8::ffff%eth0", 1, 0, 2))
    assert refusal is not None
    assert refusal.reason.endswith("reached by 2001:db8::/64")
    admission.left("b")
    assert admit(admission, "i") is None


def test_what_has_no_ip_address_has_no_limit_of_one() -> None:
    admission = Admission[str](max_connections_per_address=1)
    for name, address in (("a", ""), ("b", b"\0x"), ("c", None), ("d", ("memory", 1)), ("e", ())):
        assert admit(admission, name, address=address) is None
        assert admit(admission, name * 2, address=address) is None


def test_addresses_that_are_gone_are_forgotten() -> None:
    admission = Admission[int](max_connections_per_address=1)
    for number in range(100):
        admit(admission, number, address=(f"192.0.2.{number}", 1))
        admission.left(number)
    assert not admission._addresses
    assert not admission._counted


@pytest.mark.parametrize(
    ("address", "key"),
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("::ffff:192.0.2.1", 5, 0, 0), "192.0.2.1"),
        (("2001:db8:1:2:3:4:5:6", 5, 0, 0), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 5, 0, 2), "fe80::/64"),
        ("/run/socket", None),
    ],
)
def test_what_counts_as_one_address(address: Any, key: str | None) -> None:
    assert address_key(address) == key


def test_hosts() -> None:
    admission = Admission[str](hosts=["localhost"], max_connections=1)
    for name, request in (
        ("a", Request("/", Headers(Host="attacker.example", Upgrade="websocket"))),
        ("b", Request("/", Headers(Upgrade="websocket"))),
        ("c", Request("/", Headers([("Host", "localhost"), ("Host", "localhost")]))),
        ("d", Request("/metrics", Headers(Host="attacker.example"))),
    ):
        refusal = admit(admission, name, request)
        assert refusal is not None
        assert (status(refusal), refusal.retry_after) == (403, None)
        assert refusal.reason == "Host not allowed"
    # None of these took a place.
    assert admit(admission, "e") is None


# Pending connections


def test_the_oldest_that_waits_makes_room() -> None:
    admission = Admission[str](max_pending=2)
    assert admission.arrived("a") is None
    assert admission.arrived("b") is None
    assert admission.arrived("c") == "a"
    assert list(admission.waiting) == ["b", "c"]
    admission.requested("b", UPGRADE, HERE)
    assert admission.arrived("d") == "c"
    admission.answered("b", True)
    # Open connections don't count.
    assert admission.arrived("e") is None
    assert admission.drop_reason == "connection dropped, max_pending (2) reached"


def test_who_was_answered_makes_room_first() -> None:
    admission = Admission[str](max_pending=2)
    admission.arrived("a")
    admission.arrived("b")
    admission.requested("b", PLAIN, HERE)
    admission.answered("b", False)
    assert admission.arrived("c") == "b"


def test_who_is_considered_does_not_make_room() -> None:
    admission = Admission[str](max_pending=1)
    admission.arrived("a")
    admission.requested("a", UPGRADE, HERE)
    assert admission.arrived("b") == "b"
    assert (list(admission.waiting), list(admission.considered)) == ([], ["a"])
    # Nothing that the one who was dropped still does is of consequence.
    assert admission.requested("b", UPGRADE, HERE) is None
    admission.answered("b", True)
    admission.left("b")
    assert not admission.opened


def test_a_flood_of_silent_connections_keeps_nobody_out() -> None:
    """Slowloris: 10,000 connections that say nothing, and a client among them that means it."""
    admission = Admission[Any](max_pending=100)
    dropped = 0
    for number in range(10_000):
        dropped += admission.arrived(number) is not None
        if number % 1000 == 500:
            admission.arrived(("client", number))
        if number % 1000 == 550:
            assert admission.requested(("client", number - 50), UPGRADE, HERE) is None
            admission.answered(("client", number - 50), True)
    assert len(admission.waiting) == 100
    assert len(admission.opened) == 10


def test_no_limit_of_pending_connections() -> None:
    admission = Admission[int](max_pending=None)
    assert [admission.arrived(number) for number in range(5000)] == [None] * 5000


@pytest.mark.parametrize("name", ["max_connections", "max_connections_per_address", "max_pending"])
@pytest.mark.parametrize("value", [0, -1])
def test_limits_that_make_no_sense(name: str, value: int) -> None:
    settings: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=f"{name} must be None or at least 1"):
        Admission[str](**settings)


def test_hosts_that_make_no_sense() -> None:
    with pytest.raises(TypeError):
        Admission[str](hosts="localhost")


# The response


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"max_connections": 1}, "max_connections (1) reached (503 Service Unavailable)"),
        (
            {"max_connections_per_address": 1},
            "max_connections_per_address (1) reached by 192.0.2.1 (429 Too Many Requests)",
        ),
        ({"hosts": ["example.com"]}, "Host not allowed (403 Forbidden)"),
    ],
)
def test_refusals_leave_one_line(
    settings: dict[str, Any], line: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    admission = Admission[str](**settings)
    admit(admission, "a")
    refusal = admit(admission, "b")
    assert refusal is not None
    server = ServerProtocol()
    response = server.refuse(refusal)
    server.send_response(response)
    assert [record.getMessage() for record in caplog.records] == [f"connection refused, {line}"]
    assert bytes(response.body).decode() == f"Connection refused: {refusal.text}.\n"
    retry_after = None if refusal.retry_after is None else str(refusal.retry_after)
    assert response.headers.get("Retry-After") == retry_after
