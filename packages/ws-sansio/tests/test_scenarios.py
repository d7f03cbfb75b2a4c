"""
A client and a server wired to each other in memory: messages and ends of connections, whatever
the pieces in which bytes arrive.

A scenario is played to its end: bytes are carried both ways until neither side has any. What both
sides have seen must not depend on how they were cut, nor on which side is served first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wiring import URI, Cut, Pair, start, transfer

from ws_sansio import ClientProtocol, Protocol, ServerProtocol, Side, State
from ws_types.codes import Opcode
from ws_types.errors import PayloadTooBig, ProtocolError
from ws_types.exceptions import ConnectionClosedError, ConnectionClosedOK
from ws_types.frames import Close, Frame
from ws_types.http11 import Request

pytest_plugins = ["variants"]


def opened(cut: Cut, view: Any = "frames", **options: Any) -> Pair:
    pair, _, _ = start(
        ClientProtocol(URI, view=view, **options), ServerProtocol(view=view, **options), cut
    )
    assert (pair.client.state, pair.server.state) == (State.OPEN, State.OPEN)
    return pair


@st.composite
def cutting(draw: st.DrawFn) -> Cut:
    """A way to cut: pieces of the sizes drawn, over and over."""
    sizes = draw(st.lists(st.integers(1, 300), min_size=1, max_size=5))

    def cut(data: bytes) -> Sequence[bytes]:
        pieces = []
        start, turn = 0, 0
        while start < len(data):
            size = sizes[turn % len(sizes)]
            pieces.append(data[start : start + size])
            start += size
            turn += 1
        return pieces

    return cut


# Messages


@given(
    cut=cutting(),
    view=st.sampled_from(["frames", "messages"]),
    messages=st.lists(
        st.tuples(
            st.sampled_from(["client", "server"]),
            st.one_of(st.text(max_size=200), st.binary(max_size=200)),
        ),
        max_size=8,
    ),
    debug=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_messages_arrive_in_order(
    cut: Cut, view: Any, messages: list[tuple[str, str | bytes]], debug: bool
) -> None:
    pair = opened(cut, view)
    for sender, message in messages:
        (pair.client if sender == "client" else pair.server).send_message(message)
        if debug:
            pair.carry()
    pair.settle()
    seen = {"client": pair.server_saw, "server": pair.client_saw}
    for side, events in seen.items():
        expected: list[Any] = [message for sender, message in messages if sender == side]
        if view == "frames":
            expected = [
                Frame(Opcode.TEXT, message.encode())
                if isinstance(message, str)
                else Frame(Opcode.BINARY, message)
                for message in expected
            ]
        assert events == expected


@given(
    cut=cutting(),
    fragments=st.lists(st.binary(max_size=300), min_size=1, max_size=6),
    pings=st.lists(st.binary(max_size=125), max_size=6),
)
@settings(max_examples=60, deadline=None)
def test_pings_and_pongs_go_between_fragments(
    cut: Cut, fragments: list[bytes], pings: list[bytes]
) -> None:
    pair = opened(cut, "messages")
    client, server = pair.client, pair.server
    for number, fragment in enumerate(fragments):
        fin = number == len(fragments) - 1
        if number:
            client.send_continuation(fragment, fin)
        else:
            client.send_binary(fragment, fin)
        for ping in pings[number : number + 1]:
            server.send_pong(ping)
            client.send_pong(ping)
    client.send_ping(b"last", now=1.0)
    pair.settle()
    assert pair.server_saw == [b"".join(fragments)]
    assert client.pings_answered()[0][0] == b"last"
    assert (client.parser_exc, server.parser_exc) == (None, None)


# The closing handshake


@pytest.mark.parametrize(
    ("code", "reason", "cls"),
    [
        (1000, "", ConnectionClosedOK),
        (1001, "going", ConnectionClosedOK),
        (None, "", ConnectionClosedOK),
        (1008, "p\u00f6licy", ConnectionClosedError),
        (4999, "x" * 123, ConnectionClosedError),
    ],
)
@pytest.mark.parametrize("closer", list(Side))
def test_both_sides_know_how_one_side_closed(
    cut: Cut, view: Any, closer: Side, code: int | None, reason: str, cls: type[Exception]
) -> None:
    pair = opened(cut, view)
    one, other = pair.client, pair.server
    if closer is Side.SERVER:
        one, other = other, one
    one.send_close(code, reason)
    assert one.close_expected()
    assert (one.close_code, one.close_reason) == (None, None)
    pair.carry(server_first=closer is Side.SERVER)
    pair.settle()
    close = Close(1005 if code is None else code, reason)
    for protocol in one, other:
        assert protocol.close_sent == protocol.close_rcvd == close
        assert (protocol.close_code, protocol.close_reason) == (close.code, reason)
        assert protocol.parser_exc is None
    assert one.close_rcvd_then_sent is False
    assert other.close_rcvd_then_sent is True
    for exc in pair.close_excs():
        assert type(exc) is cls
        assert exc.__cause__ is None


@pytest.mark.parametrize("server_first", [False, True])
def test_both_sides_close_at_once(cut: Cut, server_first: bool) -> None:
    pair = opened(cut)
    pair.client.send_close(1000, "client")
    pair.server.send_close(1001, "server")
    pair.carry(server_first)
    pair.settle()
    client_exc, server_exc = pair.close_excs()
    assert type(client_exc) is type(server_exc) is ConnectionClosedOK
    assert (client_exc.rcvd, client_exc.sent) == (Close(1001, "server"), Close(1000, "client"))
    assert (server_exc.rcvd, server_exc.sent) == (Close(1000, "client"), Close(1001, "server"))
    assert client_exc.rcvd_then_sent is server_exc.rcvd_then_sent is False


def test_what_was_on_its_way_arrives_before_the_close(cut: Cut) -> None:
    pair = opened(cut, "messages")
    pair.client.send_close(1000)
    pair.server.send_message("on its way")
    pair.server.send_ping(b"p")
    pair.carry(server_first=True)
    pair.settle()
    assert pair.client_saw == ["on its way"]
    for exc in pair.close_excs():
        assert type(exc) is ConnectionClosedOK


# Failures


@pytest.mark.parametrize("failing", list(Side))
def test_both_sides_know_how_one_side_failed(cut: Cut, failing: Side) -> None:
    pair = opened(cut)
    one, other = pair.client, pair.server
    if failing is Side.SERVER:
        one, other = other, one
    one.fail(1011, "broken")
    pair.settle()
    assert (other.close_code, other.close_reason) == (1011, "broken")
    assert (one.close_code, one.close_sent) == (1006, Close(1011, "broken"))
    for exc in pair.close_excs():
        assert type(exc) is ConnectionClosedError


@pytest.mark.parametrize("sender", list(Side))
def test_a_message_that_is_too_big_for_the_other_side(cut: Cut, view: Any, sender: Side) -> None:
    client = ClientProtocol(URI, view=view, max_size=100)
    server = ServerProtocol(view=view, max_size=100)
    pair, _, _ = start(client, server, cut)
    one, other = (client, server) if sender is Side.CLIENT else (server, client)
    one.send_message(b"x" * 100)
    one.send_message(b"x" * 101)
    one.send_message("never seen")
    pair.settle()
    assert len(pair.server_saw if sender is Side.CLIENT else pair.client_saw) == 1
    assert isinstance(other.parser_exc, PayloadTooBig)
    assert one.close_code == 1009
    assert one.close_reason == "frame with 101 bytes exceeds limit of 100 bytes"
    pair.close_excs()


def test_two_clients_do_not_talk_to_each_other(cut: Cut) -> None:
    one, other = Protocol(Side.CLIENT), Protocol(Side.CLIENT)
    one.send_text(b"masked")
    transfer(one, other, cut)
    assert isinstance(other.parser_exc, ProtocolError)
    assert other.close_sent == Close(1002, "incorrect masking")


@given(cut=cutting(), length=st.integers(0, 400), data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_server_closes_wherever_the_stream_ends(
    cut: Cut, length: int, data: st.DataObject
) -> None:
    """Wherever the client's bytes break off, the server closes, and knows why."""
    client, server = ClientProtocol(URI), ServerProtocol()
    client.send_request(client.connect())
    head = b"".join(client.data_to_send())
    frames = Protocol(Side.CLIENT)
    for size in data.draw(st.lists(st.integers(0, 140), max_size=4)):
        frames.send_binary(bytes(size))
    frames.send_close(1000)
    stream = (head + b"".join(frames.data_to_send()))[:length]
    for piece in cut(stream):
        server.receive_data(piece)
    for event in server.events_received():
        if isinstance(event, Request):
            server.send_response(server.accept(event))
    server.receive_eof()
    assert server.state is State.CLOSED
    chunks = server.data_to_send()
    assert chunks[-1] == b""
    assert chunks.count(b"") == 1
    if length < len(head):
        assert server.handshake_exc is not None
    elif server.close_rcvd is None:
        assert isinstance(server.parser_exc, EOFError)
        assert server.close_exc.__cause__ is server.parser_exc
    else:
        assert type(server.close_exc) is ConnectionClosedOK


# Anything that programs may do

#: What a program may do with its side; what can't be done is refused, and changes nothing.
ACTIONS: dict[str, Callable[[Protocol], object]] = {
    "text": lambda protocol: protocol.send_text(b"text"),
    "fragment": lambda protocol: protocol.send_text(b"a", fin=False),
    "more": lambda protocol: protocol.send_continuation(b"b", fin=False),
    "last": lambda protocol: protocol.send_continuation(b"c", fin=True),
    "message": lambda protocol: protocol.send_message(b"message"),
    "ping": lambda protocol: protocol.send_ping(protocol.unused_ping()),
    "pong": lambda protocol: protocol.send_pong(b"pong"),
    "close": lambda protocol: protocol.send_close(1000),
    "empty close": lambda protocol: protocol.send_close(),
    "fail": lambda protocol: protocol.fail(1011),
    "eof": lambda protocol: protocol.receive_eof(),
    "carry": lambda protocol: None,
}


@given(
    cut=cutting(),
    views=st.tuples(*[st.sampled_from(["frames", "messages"])] * 2),
    steps=st.lists(
        st.tuples(st.sampled_from(list(Side)), st.sampled_from(list(ACTIONS))), max_size=25
    ),
)
@settings(max_examples=400, deadline=None)
def test_nothing_that_programs_do_breaks_the_protocol(
    cut: Cut, views: tuple[Any, Any], steps: list[tuple[Side, str]]
) -> None:
    """
    Neither side ever finds fault with what the other sends, and both end.

    States follow each other as they may; no bytes follow the end of the stream.
    """
    client = Protocol(Side.CLIENT, view=views[0])
    server = Protocol(Side.SERVER, view=views[1])
    ended = {Side.CLIENT: False, Side.SERVER: False}
    states = {Side.CLIENT: State.OPEN, Side.SERVER: State.OPEN}

    def carry(sender: Protocol, receiver: Protocol) -> bool:
        chunks = sender.data_to_send()
        for chunk in chunks:
            assert not ended[sender.side]
            if chunk == b"":
                ended[sender.side] = True
                receiver.receive_eof()
            elif receiver.state is not State.CLOSED:
                for piece in cut(chunk):
                    receiver.receive_data(piece)
        return bool(chunks)

    for side, name in steps:
        protocol = client if side is Side.CLIENT else server
        before = protocol.state
        try:
            ACTIONS[name](protocol)
        except (AssertionError, ProtocolError):
            assert protocol.state is before
        if name == "carry":
            carry(client, server)
            carry(server, client)
        for each in client, server:
            assert each.state >= states[each.side]
            states[each.side] = each.state
            assert each.close_expected() is (each.state is State.CLOSING)
    if client.state is server.state is State.OPEN:
        client.send_close(1000)
    while carry(client, server) | carry(server, client):
        pass
    for each in client, server:
        if each.state is not State.CLOSED:
            # Its peer is gone, or has failed: here ends a timer.
            each.receive_eof()
            each.data_to_send()
        assert each.state is State.CLOSED
        assert each.close_exc is not None
        # Nobody broke the protocol.
        assert each.parser_exc is None or isinstance(each.parser_exc, EOFError)
