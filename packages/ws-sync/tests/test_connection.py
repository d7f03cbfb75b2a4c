"""What programs call: receiving, sending, pings, closing; one thread, on a clock of the tests'."""

from __future__ import annotations

from typing import Any

import pytest
from kit import BINARY, CLOSE, PING, PONG, TEXT, end, frame

from ws_sansio import PreparedMessage, Side, State
from ws_types.errors import ConcurrencyError, ProtocolError
from ws_types.exceptions import ConnectionClosedError, ConnectionClosedOK

NORMAL = (1000).to_bytes(2, "big")


def from_server(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    return frame(opcode, payload, fin=fin, masked=False)


# Receiving


def test_messages_come_in_order_and_as_what_they_are() -> None:
    with end() as it:
        it.peer_sends((TEXT, b"a"), (BINARY, b"b"), (TEXT, b"c"))
        assert [it.connection.recv() for _ in range(3)] == ["a", b"b", "c"]


@pytest.mark.parametrize(
    ("decode", "messages"), [(None, ["a", b"b"]), (True, ["a", "b"]), (False, [b"a", b"b"])]
)
def test_messages_are_decoded_as_asked_for(decode: bool | None, messages: list[Any]) -> None:
    with end() as it:
        it.peer_sends((TEXT, b"a"), (BINARY, b"b"))
        assert [it.connection.recv(decode=decode) for _ in range(2)] == messages


def test_a_timeout_loses_no_message() -> None:
    with end() as it:
        with pytest.raises(TimeoutError, match=r"^timed out in 1\.5s$"):
            it.connection.recv(timeout=1.5)
        assert it.clock.now == 1001.5
        it.peer_sends((TEXT, b"late"))
        assert it.connection.recv(timeout=1.5) == "late"
        assert it.clock.now == 1001.5


def test_a_timeout_of_0_takes_what_has_arrived() -> None:
    with end() as it:
        with pytest.raises(TimeoutError):
            it.connection.recv(timeout=0)
        it.peer_sends((TEXT, b"there"))
        assert it.connection.recv(timeout=0) == "there"


def test_half_a_message_doesnt_end_the_wait() -> None:
    with end() as it:
        data = from_server(TEXT, b"whole")
        it.raw.sendall(data[:3])
        it.clock.meanwhile.append(lambda: it.raw.sendall(data[3:]))
        assert it.connection.recv() == "whole"


def test_two_threads_cant_receive_at_once() -> None:
    with end() as it:
        errors: list[str] = []

        def receive() -> None:
            with pytest.raises(ConcurrencyError) as caught:
                it.connection.recv()
            errors.append(str(caught.value))
            it.peer_sends((TEXT, b"a"))

        # While this thread waits.
        it.clock.meanwhile.append(receive)
        assert it.connection.recv() == "a"
        assert errors == [
            "cannot call recv while another thread is already running recv or recv_streaming"
        ]


def test_iteration_ends_when_the_peer_closes() -> None:
    with end() as it:
        it.peer_sends((TEXT, b"a"), (TEXT, b"b"), (CLOSE, NORMAL))
        it.raw.shutdown(1)
        assert list(it.connection) == ["a", "b"]
        assert it.connection.close_code == 1000


def test_iteration_raises_where_the_connection_is_lost() -> None:
    with end() as it:
        it.peer_sends((TEXT, b"a"))
        it.raw.shutdown(1)
        messages = iter(it.connection)
        assert next(messages) == "a"
        with pytest.raises(ConnectionClosedError):
            next(messages)


def test_a_message_is_received_in_pieces_as_they_arrive() -> None:
    with end() as it:
        it.raw.sendall(from_server(TEXT, b"a", fin=False))
        pieces = it.connection.recv_streaming()
        assert next(pieces) == "a"
        with pytest.raises(ConcurrencyError, match="cannot call recv while another thread"):
            it.connection.recv()
        with pytest.raises(ConcurrencyError, match="cannot call recv_streaming while another"):
            next(it.connection.recv_streaming())
        it.raw.sendall(from_server(0, b"b", fin=False) + from_server(0, b"c"))
        assert list(pieces) == ["b", "c"]
        it.peer_sends((BINARY, b"whole"))
        assert list(it.connection.recv_streaming()) == [b"whole"]


def test_a_fragmented_message_is_whole_for_recv_though_one_was_streamed() -> None:
    with end() as it:
        it.peer_sends((TEXT, b"x"))
        assert list(it.connection.recv_streaming(decode=False)) == [b"x"]
        it.raw.sendall(from_server(TEXT, b"a", fin=False))
        with pytest.raises(TimeoutError):
            it.connection.recv(timeout=1)
        it.raw.sendall(from_server(0, b"b"))
        assert it.connection.recv() == "ab"


def test_a_piece_that_isnt_utf_8_fails_the_connection() -> None:
    with end(close_timeout=1) as it:
        it.raw.sendall(from_server(BINARY, b"a", fin=False) + from_server(0, b"\xff"))
        with pytest.raises(ConnectionClosedError, match="1007"):
            list(it.connection.recv_streaming(decode=True))


def test_a_message_that_isnt_utf_8_cannot_be_received_as_text() -> None:
    with end(close_timeout=1) as it:
        it.raw.sendall(from_server(BINARY, b"\xff"))
        with pytest.raises(ConnectionClosedError, match="1007"):
            it.connection.recv(decode=True)


def test_streaming_ends_with_the_connection() -> None:
    with end() as it:
        it.raw.sendall(from_server(TEXT, b"a", fin=False))
        it.raw.shutdown(1)
        pieces = it.connection.recv_streaming()
        assert next(pieces) == "a"
        for _ in range(2):
            with pytest.raises(ConnectionClosedError):
                next(it.connection.recv_streaming() if _ else pieces)


# Sending


@pytest.mark.parametrize(
    ("message", "settings", "opcode", "payload"),
    [
        ("a", {}, TEXT, b"a"),
        (b"a", {}, BINARY, b"a"),
        (bytearray(b"a"), {}, BINARY, b"a"),
        (memoryview(b"a"), {}, BINARY, b"a"),
        ("a", {"text": False}, BINARY, b"a"),
        (b"a", {"text": True}, TEXT, b"a"),
        ("a", {"compress": True}, TEXT, b"a"),
        (PreparedMessage("a"), {}, TEXT, b"a"),
        (PreparedMessage(b"a"), {"compress": False}, BINARY, b"a"),
    ],
)
def test_kinds_of_messages(
    message: Any, settings: dict[str, Any], opcode: int, payload: bytes
) -> None:
    with end(Side.SERVER) as it:
        it.connection.send(message, **settings)
        assert it.received() == from_server(opcode, payload)


def test_an_iterable_is_sent_in_fragments() -> None:
    with end(Side.SERVER) as it:
        it.connection.send(["a", "b"])
        assert it.received() == (
            from_server(TEXT, b"a", fin=False)
            + from_server(0, b"b", fin=False)
            + from_server(0, b"")
        )
        it.connection.send(iter([b"a"]))
        assert it.received() == from_server(BINARY, b"a", fin=False) + from_server(0, b"")
        it.connection.send([])
        assert it.received() == b""


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"a": 1}, "data is a dict-like object"),
        (1, "data must be str, bytes, or iterable"),
        ([1], "iterable must contain bytes or str"),
    ],
)
def test_what_cant_be_sent_harms_nothing(message: Any, error: str) -> None:
    with end(Side.SERVER) as it:
        with pytest.raises(TypeError, match=f"^{error}$"):
            it.connection.send(message)
        it.connection.send("a")
        assert it.received() == from_server(TEXT, b"a")


def test_text_of_a_prepared_message_is_decided() -> None:
    with end() as it, pytest.raises(TypeError, match="PreparedMessage"):
        it.connection.send(PreparedMessage("a"), text=False)


def test_fragments_of_two_kinds_fail_the_connection() -> None:
    with end(Side.SERVER) as it:
        with pytest.raises(TypeError, match="iterable must contain uniform types"):
            it.connection.send(["a", b"b"])
        assert it.connection.protocol.close_sent is not None
        assert it.connection.protocol.close_sent.reason == "error in fragmented message"


def test_nothing_else_is_sent_within_a_fragmented_message() -> None:
    with end(Side.SERVER) as it:

        def fragments() -> Any:
            yield "a"
            with pytest.raises(
                ConcurrencyError,
                match="cannot call send while another thread is already running send",
            ):
                it.connection.send("b")

        it.connection.send(fragments())
        assert it.received() == from_server(TEXT, b"a", fin=False) + from_server(0, b"")


def test_closing_within_a_fragmented_message_fails_the_connection() -> None:
    with end(Side.SERVER) as it:

        def fragments() -> Any:
            yield "a"
            it.connection.close()
            yield "b"

        with pytest.raises(ConnectionClosedError):
            it.connection.send(fragments())
        assert it.connection.protocol.close_sent is not None
        assert it.connection.protocol.close_sent.reason == "close during fragmented message"


# Pings


def test_a_pong_sets_the_event_of_its_ping() -> None:
    with end(Side.SERVER) as it:
        ping = it.connection.ping(b"x")
        assert it.received() == from_server(PING, b"x")
        it.clock.now += 0.25
        it.peer_sends((PONG, b"x"))
        assert not ping.is_set()
        it.watchman.rounds()
        assert ping.is_set()
        assert it.connection.latency == 0.25


def test_pings_that_cant_be_sent() -> None:
    with end() as it:
        it.connection.ping("x")
        with pytest.raises(ConcurrencyError, match="already waiting for a pong"):
            it.connection.ping("x")
        with pytest.raises(ProtocolError, match="control frame too long"):
            it.connection.ping(bytes(126))
        with pytest.raises(ProtocolError, match="control frame too long"):
            it.connection.pong(bytes(126))


@pytest.mark.parametrize("ack_on_close", [False, True])
def test_a_ping_may_be_acknowledged_by_the_end(ack_on_close: bool) -> None:
    with end() as it:
        ping = it.connection.ping(ack_on_close=ack_on_close)
        it.raw.close()
        it.connection.wait_closed()
        assert ping.is_set() == ack_on_close


def test_a_pong_nobody_asked_for() -> None:
    with end(Side.SERVER) as it:
        it.connection.pong("x")
        assert it.received() == from_server(PONG, b"x")


# Closing


def test_closing_waits_for_the_peer() -> None:
    with end(Side.SERVER) as it:

        def answer() -> None:
            assert it.received() == from_server(CLOSE, (1001).to_bytes(2, "big") + b"bye")
            it.peer_sends((CLOSE, NORMAL))
            it.raw.shutdown(1)

        it.clock.meanwhile.append(answer)
        it.connection.close(1001, "bye")
        assert it.connection.state is State.CLOSED
        assert (it.connection.close_code, it.connection.close_reason) == (1000, "")
        assert it.connection.fileno() == -1
        it.connection.close()


def test_closing_doesnt_wait_for_ever() -> None:
    with end(close_timeout=3) as it:
        it.connection.close()
        # The closing handshake, and then the end of the stream.
        assert 1003 <= it.clock.now <= 1006
        assert it.connection.close_code == 1006
        with pytest.raises(ConnectionClosedError) as caught:
            it.connection.recv()
        assert "closing handshake" in str(caught.value.__cause__)


def test_after_the_end_everything_raises_what_happened() -> None:
    with end() as it:
        it.peer_sends((CLOSE, NORMAL))
        it.raw.shutdown(1)
        it.connection.wait_closed()
        connection = it.connection
        for call in (
            connection.recv,
            lambda: connection.recv(timeout=0),
            lambda: connection.send("x"),
            lambda: connection.send(PreparedMessage("x")),
            lambda: connection.send(["x"]),
            connection.ping,
            connection.pong,
        ):
            with pytest.raises(ConnectionClosedOK):
                call()


def test_what_arrived_before_the_end_can_still_be_received() -> None:
    with end() as it:
        it.peer_sends((TEXT, b"a"), (CLOSE, NORMAL))
        it.raw.shutdown(1)
        it.connection.close()
        assert it.connection.recv() == "a"
        with pytest.raises(ConnectionClosedOK):
            it.connection.recv()


def test_a_close_frame_behind_a_full_inbox_is_found() -> None:
    with end(max_queue=1) as it:
        it.peer_sends((TEXT, b"a"), (TEXT, b"b"), (TEXT, b"c"))
        assert it.connection.recv() == "a"
        it.peer_sends((TEXT, b"d"), (CLOSE, NORMAL))
        it.raw.shutdown(1)
        it.connection.close()
        # Nobody received for a second; what came then is dropped.
        assert it.clock.now == 1001
        assert it.connection.close_code == 1000
        assert [it.connection.recv() for _ in range(2)] == ["b", "c"]


def test_a_block_closes_and_says_whether_it_failed() -> None:
    for error, code in ((None, 1000), (ZeroDivisionError, 1011)):
        with end(Side.SERVER, close_timeout=1) as it:
            try:
                with it.connection:
                    if error is not None:
                        raise error
            except ZeroDivisionError:
                pass
            assert it.connection.protocol.close_sent is not None
            assert it.connection.protocol.close_sent.code == code


def test_what_cant_be_a_reason() -> None:
    with end() as it:
        with pytest.raises(ProtocolError, match="control frame too long"):
            it.connection.close(1000, "x" * 124)
        assert it.connection.state is State.OPEN


def test_waiting_for_the_end_can_be_bounded() -> None:
    with end() as it, pytest.raises(TimeoutError, match=r"^timed out in 2\.0s$"):
        it.connection.wait_closed(timeout=2)


# The class


def test_what_is_public_is_for_programs() -> None:
    with end() as it:
        assert {name for name in dir(it.connection) if not name.startswith("_")} == {
            *("buffered_input", "buffered_output", "close", "close_code", "close_reason"),
            *("close_timeout", "fileno", "id", "last_received", "latency", "local_address"),
            *("logger", "ping", "ping_interval", "ping_timeout", "pong", "protocol", "recv"),
            *("recv_streaming", "remote_address", "request", "response", "send", "socket"),
            *("state", "subprotocol", "wait_closed"),
        }
