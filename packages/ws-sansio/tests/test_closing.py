"""How a connection ends: the closing handshake, and the end of the stream."""

from __future__ import annotations

from typing import Any

import pytest
from framing import CLOSE, PING, TEXT, frame
from wiring import closing, sent, to

from ws_sansio import SEND_EOF, Protocol, Side, State
from ws_types.codes import CloseCode, Opcode
from ws_types.errors import ProtocolError
from ws_types.exceptions import ConnectionClosedError, ConnectionClosedOK
from ws_types.frames import Close, Frame

pytest_plugins = ["variants"]

# The closing handshake


def test_closing_handshake_begun_by_the_client() -> None:
    client, server = Protocol(Side.CLIENT), Protocol(Side.SERVER)
    client.send_close(1000, "bye")
    assert client.state is State.CLOSING
    assert client.close_expected()
    [chunk] = client.data_to_send()
    server.receive_data(chunk)
    # The server answers, with the same payload, and ends the stream.
    assert server.state is State.CLOSING
    assert server.close_expected()
    assert server.close_code is None
    assert server.close_reason is None
    answer, end = server.data_to_send()
    assert (answer, end) == (b"\x88\x05\x03\xe8bye", SEND_EOF)
    client.receive_data(answer)
    assert client.state is State.CLOSING
    assert client.data_to_send() == []
    client.receive_eof()
    assert client.state is State.CLOSED
    assert client.data_to_send() == [SEND_EOF]
    server.receive_eof()
    assert server.state is State.CLOSED
    assert server.data_to_send() == []
    for protocol, received_first in ((client, False), (server, True)):
        assert (protocol.close_code, protocol.close_reason) == (1000, "bye")
        exc = protocol.close_exc
        assert type(exc) is ConnectionClosedOK
        close = Close(1000, "bye")
        assert (exc.rcvd, exc.sent, exc.rcvd_then_sent) == (close, close, received_first)
        assert exc.__cause__ is None
        assert not protocol.close_expected()


def test_closing_handshake_begun_by_the_server() -> None:
    client, server = Protocol(Side.CLIENT), Protocol(Side.SERVER)
    server.send_close(1001)
    [chunk] = server.data_to_send()
    client.receive_data(chunk)
    [answer] = client.data_to_send()  # the server ends the stream first
    server.receive_data(answer)
    assert server.data_to_send() == [SEND_EOF]
    client.receive_eof()
    assert client.data_to_send() == [SEND_EOF]
    server.receive_eof()
    assert client.close_code == server.close_code == 1001
    assert type(client.close_exc) is type(server.close_exc) is ConnectionClosedOK
    assert client.close_exc.rcvd_then_sent is True
    assert server.close_exc.rcvd_then_sent is False


def test_a_code_that_is_not_ok_from_either_side_makes_an_error() -> None:
    client, server = Protocol(Side.CLIENT), Protocol(Side.SERVER)
    client.send_close(1000)
    server.send_close(1011, "oops")
    [from_client], [from_server] = client.data_to_send(), server.data_to_send()
    client.receive_data(from_server)
    server.receive_data(from_client)
    assert client.data_to_send() == []
    assert server.data_to_send() == [SEND_EOF]
    client.receive_eof()
    server.receive_eof()
    assert (client.close_code, client.close_reason) == (1011, "oops")
    assert (server.close_code, server.close_reason) == (1000, "")
    assert type(client.close_exc) is type(server.close_exc) is ConnectionClosedError
    assert client.close_rcvd_then_sent is server.close_rcvd_then_sent is False


def test_a_close_without_a_code_sends_an_empty_frame(side: Side) -> None:
    protocol = Protocol(side)
    protocol.send_close()
    assert protocol.close_sent == Close(CloseCode.NO_STATUS_RCVD, "")
    assert sent(protocol) == [Frame(Opcode.CLOSE, b"")]
    protocol.receive_data(to(protocol, CLOSE))
    assert protocol.close_rcvd == Close(CloseCode.NO_STATUS_RCVD, "")
    protocol.receive_eof()
    assert protocol.close_code == CloseCode.NO_STATUS_RCVD
    assert type(protocol.close_exc) is ConnectionClosedOK


def test_an_empty_close_frame_is_answered_by_one(side: Side) -> None:
    protocol = Protocol(side)
    protocol.receive_data(to(protocol, CLOSE))
    assert sent(protocol)[0] == Frame(Opcode.CLOSE, b"")


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 4999])
def test_codes_that_can_be_sent(side: Side, code: int) -> None:
    protocol = Protocol(side)
    protocol.send_close(code, "r")
    assert sent(protocol) == [Frame(Opcode.CLOSE, code.to_bytes(2, "big") + b"r")]
    ok = code in (1000, 1001)
    protocol.receive_data(closing(protocol, code))
    protocol.receive_eof()
    assert type(protocol.close_exc) is (ConnectionClosedOK if ok else ConnectionClosedError)


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65536])
def test_codes_that_cannot_be_sent(side: Side, code: int) -> None:
    protocol = Protocol(side)
    for send in (protocol.send_close, protocol.fail):
        if send == protocol.fail and code == 1006:
            continue  # which sends no close frame
        with pytest.raises(ProtocolError, match=r"^invalid status code$"):
            send(code)
    assert protocol.data_to_send() == []
    assert protocol.state is State.OPEN


def test_reasons_that_cannot_be_sent(side: Side) -> None:
    protocol = Protocol(side)
    with pytest.raises(ProtocolError, match=r"^cannot send a reason without a code$"):
        protocol.send_close(None, "reason")
    with pytest.raises(ProtocolError, match=r"^control frame too long$"):
        protocol.send_close(1000, "x" * 124)
    assert protocol.state is State.OPEN
    assert protocol.data_to_send() == []
    protocol.send_close(1000, "x" * 123)


def test_data_behind_a_close_frame_is_dropped(side: Side, view: Any) -> None:
    protocol = Protocol(side, view=view)
    protocol.receive_data(closing(protocol) + to(protocol, TEXT, b"late") + to(protocol, PING))
    protocol.receive_data(to(protocol, TEXT, b"later") + b"\xff" * 100)
    events = protocol.events_received()
    assert events == ([] if view == "messages" else [Frame(Opcode.CLOSE, b"\x03\xe8")])
    frames = [item for item in sent(protocol) if item != SEND_EOF]
    assert frames == [Frame(Opcode.CLOSE, b"\x03\xe8")]
    assert protocol.parser_exc is None


def test_data_and_pings_still_count_after_we_sent_a_close_frame(side: Side, view: Any) -> None:
    protocol = Protocol(side, view=view)
    protocol.send_close(1000)
    protocol.data_to_send()
    protocol.receive_data(to(protocol, TEXT, b"late") + to(protocol, PING, b"p"))
    assert protocol.events_received()[0] == (
        "late" if view == "messages" else Frame(Opcode.TEXT, b"late")
    )
    assert sent(protocol) == [Frame(Opcode.PONG, b"p")]


def test_a_close_in_the_middle_of_a_message_is_no_error(side: Side, view: Any) -> None:
    protocol = Protocol(side, view=view)
    protocol.receive_data(to(protocol, TEXT, b"\xe2", fin=False) + closing(protocol))
    assert protocol.parser_exc is None
    protocol.receive_eof()
    assert type(protocol.close_exc) is ConnectionClosedOK


# The end of the stream


def test_an_end_of_stream_without_a_closing_handshake_is_an_error(side: Side) -> None:
    protocol = Protocol(side)
    protocol.receive_eof()
    assert protocol.state is State.CLOSED
    assert protocol.data_to_send() == [SEND_EOF]
    assert protocol.close_code == 1006
    assert protocol.close_reason == ""
    exc = protocol.close_exc
    assert type(exc) is ConnectionClosedError
    assert isinstance(exc.__cause__, EOFError)
    assert str(exc.__cause__) == "unexpected end of stream"
    assert str(exc) == "no close frame received or sent"


@pytest.mark.parametrize("length", range(1, 8))
def test_an_end_of_stream_in_the_middle_of_a_frame_is_told_apart(length: int, view: Any) -> None:
    protocol = Protocol(Side.SERVER, view=view)
    protocol.receive_data(frame(TEXT, b"hi")[:length])
    protocol.receive_eof()
    assert isinstance(protocol.parser_exc, EOFError)
    assert str(protocol.parser_exc) == "stream ends in the middle of a frame"


def test_an_end_of_stream_without_an_answer_to_our_close_frame_is_an_error(side: Side) -> None:
    protocol = Protocol(side)
    protocol.send_close(1000)
    protocol.receive_eof()
    assert isinstance(protocol.parser_exc, EOFError)
    assert type(protocol.close_exc) is ConnectionClosedError
    assert str(protocol.close_exc) == "sent 1000 (OK); no close frame received"


def test_data_after_the_end_of_the_stream_is_a_mistake(side: Side) -> None:
    protocol = Protocol(side)
    protocol.receive_eof()
    protocol.receive_eof()
    assert protocol.data_to_send() == [SEND_EOF]
    with pytest.raises(EOFError, match=r"^stream ended$"):
        protocol.receive_data(b"")
