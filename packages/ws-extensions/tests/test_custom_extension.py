"""An extension written against the public interface: the one that the README shows."""

from __future__ import annotations

import pathlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ws_extensions
from ws_extensions import (
    ClientExtensionFactory,
    ClientPerMessageDeflateFactory,
    Extension,
    ServerExtensionFactory,
    ServerPerMessageDeflateFactory,
)
from ws_types import Frame, InvalidParameterName, Opcode, ProtocolError

README = pathlib.Path(__file__).resolve().parent.parent / "README.md"

compression, example = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.M | re.S)
names: dict[str, type] = {"__name__": __name__}  # type: ignore[dict-item]
exec(compile(example, str(README), "exec"), names)
Checksum, OfferChecksum, AcceptChecksum = (
    names[name] for name in ("Checksum", "OfferChecksum", "AcceptChecksum")
)


def handshake(client_extensions, server_extensions, view="frames", max_size=2**20):
    """Return a client and a server, connected in memory."""
    pytest.importorskip("ws_sansio")
    from ws_sansio.client import ClientProtocol
    from ws_sansio.server import ServerProtocol
    from ws_types import parse_uri

    client = ClientProtocol(
        parse_uri("ws://example.com/"), extensions=client_extensions, max_size=max_size, view=view
    )
    server = ServerProtocol(extensions=server_extensions, max_size=max_size, view=view)
    client.send_request(client.connect())
    server.receive_data(b"".join(client.data_to_send()))
    (request,) = server.events_received()
    server.send_response(server.accept(request))
    client.receive_data(b"".join(server.data_to_send()))
    (response,) = client.events_received()
    assert (response.status_code, client.handshake_exc) == (101, None)
    return client, server


def exchange(sender, receiver):
    receiver.receive_data(b"".join(sender.data_to_send()))
    return receiver.events_received()


def test_example_of_compression():
    exec(compile(compression, str(README), "exec"), {})


def test_interface_is_that_of_the_types():
    from ws_types import extension

    for name in extension.__all__:
        assert getattr(ws_extensions, name) is getattr(extension, name)
        assert name in ws_extensions.__all__
    assert issubclass(Checksum, Extension)
    assert issubclass(OfferChecksum, ClientExtensionFactory)
    assert issubclass(AcceptChecksum, ServerExtensionFactory)


def test_every_public_name_is_there():
    for name in ws_extensions.__all__:
        assert hasattr(ws_extensions, name)


class TestAlone:
    @given(st.lists(st.binary(max_size=50), min_size=1, max_size=4))
    def test_fragments(self, parts):
        ours, theirs = Checksum(), Checksum()
        for number, part in enumerate(parts):
            opcode = Opcode.CONT if number else Opcode.BINARY
            frame = Frame(opcode, part, fin=number == len(parts) - 1)
            sent = ours.encode(frame)
            assert sent.rsv2 is (number == 0)
            assert theirs.decode(sent) == frame

    @given(st.binary(max_size=50))
    def test_both_ways_give_the_same(self, data):
        sent = Checksum().encode_message(data, text=False)
        assert Checksum().encode(Frame(Opcode.BINARY, data)) == Frame(
            Opcode.BINARY, sent, rsv2=True
        )
        assert Checksum().decode_message(sent, max_size=None) == data

    @pytest.mark.parametrize("sent", [b"", b"\x00" * 3, b"damaged\x00\x00\x00\x00"])
    def test_wrong_checksum(self, sent):
        with pytest.raises(ProtocolError, match="wrong checksum"):
            Checksum().decode_message(sent, max_size=None)
        with pytest.raises(ProtocolError, match="wrong checksum"):
            Checksum().decode(Frame(Opcode.TEXT, sent, rsv2=True))

    def test_parameters_are_refused(self):
        with pytest.raises(InvalidParameterName):
            OfferChecksum().process_response_params([("bits", "32")], [])
        with pytest.raises(InvalidParameterName):
            AcceptChecksum().process_request_params([("bits", "32")], [])


@pytest.mark.parametrize("view", ["frames", "messages"])
@pytest.mark.parametrize(
    ("client_extensions", "server_extensions", "negotiated"),
    [
        ([OfferChecksum()], [AcceptChecksum()], 1),
        ([ClientPerMessageDeflateFactory()], [ServerPerMessageDeflateFactory()], 1),
        (
            [OfferChecksum(), ClientPerMessageDeflateFactory()],
            [ServerPerMessageDeflateFactory(), AcceptChecksum()],
            2,
        ),
        ([OfferChecksum()], [ServerPerMessageDeflateFactory()], 0),
    ],
    ids=["checksum", "deflate", "both", "none in common"],
)
def test_connection(view, client_extensions, server_extensions, negotiated):
    client, server = handshake(client_extensions, server_extensions, view)
    assert len(client.extensions) == len(server.extensions) == negotiated
    for sender, receiver in ((client, server), (server, client)):
        for text in ("", "x", "déjà vu " * 100):
            sender.send_text(text.encode())
            (event,) = exchange(sender, receiver)
            assert (event == text) if view == "messages" else (event.data == text.encode())
        sender.send_binary(b"same" * 50, fin=False)
        sender.send_ping(b"ping")
        sender.send_continuation(b"", fin=False)
        sender.send_continuation(b"same" * 50, fin=True)
        events = exchange(sender, receiver)
        if view == "messages":
            assert events == [b"same" * 100]
        else:
            assert [frame.opcode for frame in events] == [2, 9, 0, 0]
            assert b"".join(f.data for f in events if f.opcode != 9) == b"same" * 100
            assert not any(frame.rsv1 or frame.rsv2 for frame in events)
        exchange(receiver, sender)


@pytest.mark.parametrize("view", ["frames", "messages"])
@pytest.mark.parametrize("sender", ["client", "server"])
def test_bomb_closes_the_connection_with_1009(view, sender):
    ends = handshake(
        [ClientPerMessageDeflateFactory()], [ServerPerMessageDeflateFactory()], view, 10_000
    )
    if sender == "server":
        ends = ends[::-1]
    ours, theirs = ends
    ours.send_binary(bytes(10_000))
    (event,) = exchange(ours, theirs)
    assert (event if view == "messages" else event.data) == bytes(10_000)
    ours.send_binary(bytes(10_001))
    assert exchange(ours, theirs) == []
    assert theirs.close_sent.code == 1009
