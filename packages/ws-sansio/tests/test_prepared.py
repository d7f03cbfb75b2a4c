"""Messages that are made once and sent to many connections."""

from __future__ import annotations

import gc
import random
import weakref
from collections.abc import Hashable
from typing import Any

import pytest
from framing import BINARY, TEXT
from framing import frame as masked_frame

from ws_sansio import PreparedMessage, Protocol, Side, State
from ws_sansio.prepared import MAX_ENCODINGS
from ws_types.codes import Opcode
from ws_types.errors import InvalidState, ProtocolError
from ws_types.extension import Extension
from ws_types.frames import Frame


def frame(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> bytes:
    """A frame of a server."""
    return masked_frame(opcode, payload, fin=fin, rsv=rsv, key=None)


class Reversing(Extension):
    """Reverses messages, and counts how often it had to."""

    name: Any = "x-reversing"
    message_rsv = 0x20

    def __init__(self, key: Hashable = "reversing", threshold: int = 0) -> None:
        self.key = key
        self.threshold = threshold
        self.calls: list[str] = []

    @property
    def shared_key(self) -> Hashable:
        return self.key

    def encode_message(self, data: Any, *, text: bool, force: bool = False) -> bytes | None:
        self.calls.append("encode_message")
        return self._reverse(data, force)

    def encode_shared(self, data: Any, *, text: bool, force: bool = False) -> bytes | None:
        self.calls.append("encode_shared")
        return self._reverse(data, force)

    def shared_sent(self) -> None:
        self.calls.append("shared_sent")

    def _reverse(self, data: Any, force: bool) -> bytes | None:
        if len(data) < self.threshold and not force:
            return None
        return bytes(data)[::-1]

    def encode(self, frame: Frame) -> Frame:
        self.calls.append("encode")
        if frame.opcode.name in ("TEXT", "BINARY"):
            return Frame(frame.opcode, bytes(frame.data)[::-1], frame.fin, rsv2=True)
        return frame

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        return Frame(frame.opcode, bytes(frame.data)[::-1], frame.fin)

    def decode_message(self, data: Any, *, max_size: int | None) -> bytes:
        return bytes(data)[::-1]


class Unshared(Reversing):
    @property
    def shared_key(self) -> Hashable:
        return None


class Duck:
    """An extension that doesn't inherit from ours, and is older than shared messages."""

    name = "x-duck"
    message_rsv = 0x10

    def encode_message(self, data: Any, *, text: bool) -> bytes:
        return bytes(data)[::-1]


def connection(
    *extensions: Any, side: Side = Side.SERVER, view: Any = "messages", **settings: Any
) -> Protocol:
    protocol = Protocol(side, state=State.CONNECTING, view=view, **settings)
    protocol.extensions = list(extensions)
    protocol.state = State.OPEN
    return protocol


def received(sender: Protocol, *extensions: Extension) -> list[Any]:
    """What the peer of *sender* makes of its output."""
    other = Side.CLIENT if sender.side is Side.SERVER else Side.SERVER
    peer = connection(*extensions, side=other)
    peer.receive_data(b"".join(sender.data_to_send()))
    assert peer.parser_exc is None
    return peer.events_received()


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_prepared_messages_are_messages(side: Side, size: int) -> None:
    protocol = connection(side=side)
    protocol.send_prepared(PreparedMessage("a" * size))
    protocol.send_prepared(PreparedMessage(b"a" * size))
    assert received(protocol) == ["a" * size, b"a" * size]


def test_a_server_encodes_once() -> None:
    message = PreparedMessage("hello")
    chunks = []
    for _ in range(3):
        protocol = connection()
        protocol.send_prepared(message)
        chunks += protocol.data_to_send()
    assert chunks == [frame(TEXT, b"hello")] * 3
    assert chunks[0] is chunks[1] is chunks[2]


def test_a_client_masks_anew() -> None:
    message = PreparedMessage(b"hello")
    protocol = connection(side=Side.CLIENT)
    for _ in range(2):
        protocol.send_prepared(message)
    first, second = protocol.data_to_send()
    assert first[2:6] != second[2:6]


@pytest.mark.parametrize("side", list(Side))
def test_a_message_is_transformed_once_for_each_key(side: Side) -> None:
    message = PreparedMessage("hello")
    extensions = [Reversing(), Reversing(), Reversing("another"), Reversing()]
    for extension in extensions:
        protocol = connection(extension, side=side)
        protocol.send_prepared(message)
        assert received(protocol, Reversing()) == ["hello"]
    assert [extension.calls for extension in extensions] == [
        ["encode_shared", "shared_sent"],
        ["shared_sent"],
        ["encode_shared", "shared_sent"],
        ["shared_sent"],
    ]


def test_servers_and_clients_share_a_message() -> None:
    message = PreparedMessage(b"hello")
    for side in (Side.SERVER, Side.CLIENT, Side.SERVER):
        protocol = connection(Reversing(), side=side)
        protocol.send_prepared(message)
        assert received(protocol, Reversing()) == [b"hello"]


def test_a_message_that_an_extension_leaves_as_it_is() -> None:
    message = PreparedMessage("hello")
    for _ in range(2):
        extension = Reversing(threshold=10)
        protocol = connection(extension)
        protocol.send_prepared(message)
        assert protocol.data_to_send() == [frame(TEXT, b"hello")]
        # The peer's state isn't touched by it.
        assert "shared_sent" not in extension.calls
        protocol.send_prepared(message, compress=True)
        assert protocol.data_to_send() == [frame(TEXT, b"olleh", rsv=0x20)]


@pytest.mark.parametrize("side", list(Side))
def test_prepared_messages_can_go_uncompressed(side: Side) -> None:
    extension = Reversing()
    protocol = connection(extension, side=side)
    protocol.send_prepared(PreparedMessage("hello"), compress=False)
    assert received(protocol, Reversing()) == ["hello"]
    assert extension.calls == []


@pytest.mark.parametrize("extension", [Unshared(), Duck()])
def test_extensions_that_share_nothing_encode_for_each_connection(extension: Any) -> None:
    protocol = connection(extension)
    message = PreparedMessage("hello")
    for _ in range(2):
        protocol.send_prepared(message)
    assert protocol.data_to_send() == [frame(TEXT, b"olleh", rsv=extension.message_rsv)] * 2


def test_several_extensions_get_each_frame() -> None:
    first, second = Reversing(), Reversing()
    protocol = connection(first, second)
    protocol.send_prepared(PreparedMessage("hello"))
    assert protocol.data_to_send() == [frame(TEXT, b"hello", rsv=0x20)]
    assert first.calls == second.calls == ["encode"]


def test_sharing_in_the_view_of_frames() -> None:
    extension = Reversing()
    protocol = connection(extension, view="frames")
    protocol.send_prepared(PreparedMessage("hello"))
    assert protocol.data_to_send() == [frame(TEXT, b"olleh", rsv=0x20)]
    assert extension.calls == ["encode_shared", "shared_sent"]


def test_what_is_kept_of_a_message_is_bounded() -> None:
    message = PreparedMessage(b"hello")
    for number in range(MAX_ENCODINGS + 5):
        protocol = connection(Reversing(number))
        protocol.send_prepared(message)
        assert received(protocol, Reversing()) == [b"hello"]
    assert len(message._encodings) == MAX_ENCODINGS


def test_a_prepared_message_keeps_no_connection() -> None:
    message = PreparedMessage(b"hello")
    protocol = connection(Reversing())
    protocol.send_prepared(message)
    alive = weakref.ref(protocol)
    gc.disable()
    try:
        del protocol
        assert alive() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("message", "text", "opcode"),
    [
        ("a", None, Opcode.TEXT),
        ("a", True, Opcode.TEXT),
        ("a", False, Opcode.BINARY),
        (b"a", None, Opcode.BINARY),
        (b"a", False, Opcode.BINARY),
        (bytearray(b"a"), True, Opcode.TEXT),
        (memoryview(b"a"), None, Opcode.BINARY),
    ],
)
def test_what_a_message_goes_as(message: Any, text: bool | None, opcode: Opcode) -> None:
    prepared = PreparedMessage(message, text=text)
    assert (prepared.data, prepared.opcode) == (b"a", opcode)
    assert repr(prepared) == f"<PreparedMessage: {opcode.name}, 1 bytes>"


def test_what_cannot_be_prepared() -> None:
    with pytest.raises(TypeError, match=r"^message must be str or bytes-like, not list$"):
        PreparedMessage([1])  # type: ignore[arg-type]
    with pytest.raises(UnicodeDecodeError):
        PreparedMessage(b"\xff", text=True)
    with pytest.raises(UnicodeEncodeError):
        PreparedMessage("\ud800")


def test_later_changes_do_not_reach_a_prepared_message() -> None:
    data = bytearray(b"abc")
    message = PreparedMessage(data)
    data[0] = 0
    assert message.data == b"abc"


def test_prepared_messages_obey_the_state_and_the_order() -> None:
    message = PreparedMessage("hello")
    protocol = connection()
    protocol.send_text(b"a", False)
    with pytest.raises(ProtocolError):
        protocol.send_prepared(message)
    protocol.send_continuation(b"", True)
    protocol.send_close(1000)
    with pytest.raises(InvalidState):
        protocol.send_prepared(message)


@pytest.mark.parametrize("extensions", [[], [Reversing()], [Reversing(), Reversing()]])
def test_prepared_messages_are_logged(extensions: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "websockets.server")
    protocol = connection(*extensions)
    protocol.send_prepared(PreparedMessage("hello"))
    assert [line for line in caplog.messages if "hello" in line] == ["> TEXT 'hello' [5 bytes]"]


# The choice for one message


def wire(protocol: Protocol, *args: Any, **kwargs: Any) -> bytes:
    protocol.send_message(*args, **kwargs)
    return b"".join(protocol.data_to_send())


@pytest.mark.parametrize("view", ["messages", "frames"])
def test_compression_of_one_message(view: Any) -> None:
    protocol = connection(Reversing(threshold=4), view=view)
    assert wire(protocol, "abc", compress=True) == frame(TEXT, b"cba", rsv=0x20)
    assert wire(protocol, b"abcd", compress=False) == frame(BINARY, b"abcd")
    assert wire(protocol, "abcd") == frame(TEXT, b"dcba", rsv=0x20)
    if view == "messages":
        assert wire(protocol, "abc") == frame(TEXT, b"abc")


@pytest.mark.parametrize("compress", [None, True, False])
def test_without_extensions_the_choice_makes_no_difference(compress: bool | None) -> None:
    assert wire(connection(), "abc", compress=compress) == frame(TEXT, b"abc")


def test_extensions_need_not_know_of_the_choice() -> None:
    assert wire(connection(Duck()), "abc") == frame(TEXT, b"cba", rsv=0x10)


@pytest.mark.parametrize("compress", [None, True, False])
def test_choice_for_a_fragmented_message(compress: bool | None) -> None:
    extension = Reversing()
    protocol = connection(extension)
    protocol.send_text(b"abc", False, compress=compress)
    protocol.send_continuation(b"", True)
    if compress is False:
        first, calls = frame(TEXT, b"abc", fin=False), []
    else:
        first, calls = frame(TEXT, b"cba", fin=False, rsv=0x20), ["encode", "encode"]
    assert protocol.data_to_send() == [first, frame(0, b"")]
    assert extension.calls == calls
    # It holds for this message alone.
    protocol.send_binary(b"abc")
    assert protocol.data_to_send() == [frame(BINARY, b"cba", rsv=0x20)]


# Against permessage-deflate


@pytest.mark.parametrize("takeover", [True, False])
@pytest.mark.parametrize("side", list(Side))
def test_any_mixture_of_prepared_and_other_messages_arrives(side: Side, takeover: bool) -> None:
    ws_extensions = pytest.importorskip("ws_extensions")

    def deflate() -> Any:
        return ws_extensions.PerMessageDeflate(not takeover, not takeover, 12, 12, threshold=50)

    rng = random.Random(7)
    sender = connection(deflate(), side=side)
    peer = connection(deflate(), side=Side.CLIENT if side is Side.SERVER else Side.SERVER)
    sent: list[Any] = []
    for number in range(300):
        text = " ".join(rng.choices(["alpha", "beta", "gamma"], k=rng.choice([0, 2, 30, 300])))
        message: Any = text if number % 2 else text.encode()
        compress = rng.choice([None, True, False])
        if rng.random() < 0.5:
            sender.send_prepared(PreparedMessage(message), compress=compress)
        elif rng.random() < 0.8:
            sender.send_message(message, compress=compress)
        else:
            start = sender.send_text if number % 2 else sender.send_binary
            start(text[:9].encode(), False, compress=compress)
            sender.send_continuation(text[9:].encode(), True)
        sent.append(message)
    peer.receive_data(b"".join(sender.data_to_send()))
    assert peer.events_received() == sent
