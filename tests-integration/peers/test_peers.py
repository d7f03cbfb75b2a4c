"""Our client and our server talk to other WebSocket libraries over loopback."""

from __future__ import annotations

import asyncio
import ssl

import pytest

import ws_asyncio
from ws_types.codes import EXTERNAL_CLOSE_CODES, CloseCode
from ws_types.exceptions import ConnectionClosedError, ConnectionClosedOK

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 2**20
# Around the lengths at which the head of a frame grows.
SIZES = (0, 1, 125, 126, 127, 65535, 65536, MIB)
TEXTS = {
    "empty": "",
    "ASCII": "Hello!",
    "two bytes": "naïve café",
    "three bytes": "€ ☕ 你好",
    "four bytes": "👋🏽 𝄞",
    "NUL": "a\0b",
    "long": "é" * (MIB // 2),
}
FRAGMENTS = {
    "two": ["Hel", "lo"],
    "empty ones": ["", "not at first", "", "", "and not at last", ""],
    "nothing but empty ones": ["", ""],
    "binary": [b"\0" * 70000, b"\1", b"\2" * 300],
    "not ASCII": ["na", "ï", "ve ☕"],
}
CODES = [*sorted(EXTERNAL_CLOSE_CODES), 3000, 3999, 4000, 4999]
PATIENCE = 60


async def test_compression_is_agreed_on_where_the_peer_wants_it(connected, peer):
    async with connected() as ours:
        names = [extension.name for extension in ours.protocol.extensions]
    assert names == (["permessage-deflate"] if "deflate" in peer.library.arguments else [])


@pytest.mark.parametrize("name", TEXTS)
async def test_text_goes_there_and_back(connected_both_ways, peer, name):
    text = TEXTS[name]
    async with connected_both_ways() as ours, asyncio.timeout(PATIENCE):
        received, _ = await asyncio.gather(peer.recv(), ours.send(text))
        assert received == text
        received, _ = await asyncio.gather(ours.recv(), peer.send(text))
        assert received == text


@pytest.mark.parametrize("size", SIZES)
async def test_binary_goes_there_and_back(connected_both_ways, peer, size):
    data = (bytes(range(256)) * (size // 256 + 1))[:size]
    async with connected_both_ways() as ours, asyncio.timeout(PATIENCE):
        received, _ = await asyncio.gather(peer.recv(), ours.send(data))
        assert received == data
        received, _ = await asyncio.gather(ours.recv(), peer.send(data))
        assert received == data


async def test_32_mib_go_there_and_back(connected, peer):
    if "deflate" in peer.library.arguments:
        pytest.skip("once for each peer is enough")
    async with connected(max_size=None) as ours, asyncio.timeout(PATIENCE):
        data, repeat = bytes(range(255)) + b"\n", 2**17
        await asyncio.gather(peer.recv_repeated(data, repeat), ours.send(data * repeat))
        received, _ = await asyncio.gather(ours.recv(), peer.send_repeated(data, repeat))
        assert received == data * repeat


async def test_order_is_kept(connected_both_ways, peer):
    messages = [f"message {number}" for number in range(200)]
    async with connected_both_ways() as ours, asyncio.timeout(PATIENCE):
        for message in messages:
            await ours.send(message)
        assert [await peer.recv() for _ in messages] == messages
        for message in messages:
            await peer.send(message)
        assert [await ours.recv() for _ in messages] == messages


@pytest.mark.parametrize("fragments", FRAGMENTS.values(), ids=FRAGMENTS)
async def test_our_fragments_become_one_message(connected_both_ways, peer, fragments):
    async with connected_both_ways() as ours, asyncio.timeout(PATIENCE):
        received, _ = await asyncio.gather(peer.recv(), ours.send(fragments))
        assert received == fragments[0][:0].join(fragments)


@pytest.mark.parametrize("fragments", FRAGMENTS.values(), ids=FRAGMENTS)
async def test_their_fragments_become_one_message(connected_both_ways, peer, needs, fragments):
    needs("fragments")
    async with connected_both_ways() as ours, asyncio.timeout(PATIENCE):
        received, _ = await asyncio.gather(ours.recv(), peer.send(fragments))
        assert received == fragments[0][:0].join(fragments)


async def test_characters_may_be_split_between_fragments(connected, peer):
    encoded = "☕👋".encode()
    async with connected() as ours, asyncio.timeout(PATIENCE):
        fragments = [encoded[i : i + 1] for i in range(len(encoded))]
        received, _ = await asyncio.gather(peer.recv(), ours.send(fragments, text=True))
        assert received == "☕👋"


@pytest.mark.parametrize("payload", [b"", b"\0\xff", b"x" * 125], ids=["empty", "binary", "125"])
async def test_pings_are_answered(connected_both_ways, peer, needs, payload):
    needs("ping")
    async with connected_both_ways() as ours, asyncio.timeout(PATIENCE):
        pong = await ours.ping(payload)
        await ours.send("after the ping")
        assert await peer.recv() == "after the ping"
        assert await pong > 0
        await peer.ping(payload)


async def test_a_ping_between_fragments_is_answered(connected, peer, needs):
    needs("ping within")
    async with connected() as ours, asyncio.timeout(PATIENCE):
        pongs = []

        async def fragments():
            yield "before "
            pongs.append(await ours.ping(b"between"))
            yield "after"

        received, _ = await asyncio.gather(peer.recv(), ours.send(fragments()))
        assert received == "before after"
        assert await pongs[0] > 0


@pytest.mark.parametrize("code", CODES)
async def test_we_close_with_any_code(connected, peer, needs, code):
    needs(f"code {code:d}")
    async with connected() as ours, asyncio.timeout(PATIENCE):
        seen, _ = await asyncio.gather(peer.closed(), ours.close(code, "a réason"))
        assert seen == (code, "a réason")
        # What counts for us is what the peer answers.
        assert ours.close_code == (1000 if "echoed code" in peer.library.lacks else code)
        assert ours.close_reason == ("" if "echoed reason" in peer.library.lacks else "a réason")


@pytest.mark.parametrize("code", CODES)
async def test_the_peer_closes_with_any_code(connected, peer, needs, code):
    needs(f"code {code:d}")
    expected = ConnectionClosedOK if code in (1000, 1001) else ConnectionClosedError
    async with connected() as ours, asyncio.timeout(PATIENCE):
        closing = asyncio.create_task(peer.close(code, "a réason"))
        with pytest.raises(expected) as caught:
            await ours.recv()
        assert await closing == (code, None if "reason" in peer.library.lacks else "a réason")
        assert (ours.close_code, ours.close_reason) == (code, "a réason")
        close = caught.value.rcvd
        assert close is not None
        assert (close.code, close.reason) == (code, "a réason")
        assert caught.value.rcvd_then_sent is True


async def test_the_longest_reason(connected_both_ways, peer):
    reason = "é" * 61 + "!"
    async with connected_both_ways() as ours, asyncio.timeout(PATIENCE):
        seen, _ = await asyncio.gather(peer.closed(), ours.close(1000, reason))
        assert seen == (1000, reason)
    async with connected_both_ways() as ours, asyncio.timeout(PATIENCE):
        await asyncio.gather(peer.close(1000, reason), ours.wait_closed())
        assert (ours.close_code, ours.close_reason) == (1000, reason)


async def test_what_was_sent_before_closing_arrives(connected_both_ways, peer):
    async with connected_both_ways() as ours, asyncio.timeout(PATIENCE):
        await peer.send("the last")
        await asyncio.gather(peer.close(), ours.wait_closed())
        assert await ours.recv() == "the last"
        with pytest.raises(ConnectionClosedOK):
            await ours.recv()


async def test_the_peer_ends_abruptly(connected_both_ways, peer):
    async with connected_both_ways() as ours, asyncio.timeout(PATIENCE):
        await peer.abort()
        with pytest.raises(ConnectionClosedError) as caught:
            await ours.recv()
        assert caught.value.rcvd is None
        assert caught.value.sent is None
        assert ours.close_code == CloseCode.ABNORMAL_CLOSURE
        with pytest.raises(ConnectionClosedError):
            await ours.send("too late")


async def test_we_end_abruptly(connected_both_ways, peer):
    async with connected_both_ways() as ours, asyncio.timeout(PATIENCE):
        ours.transport.abort()
        assert (await peer.closed())[0] == CloseCode.ABNORMAL_CLOSURE


async def test_a_message_that_is_too_big_ends_the_connection(connected, peer):
    async with connected(max_size=1000) as ours, asyncio.timeout(PATIENCE):
        await peer.send(b"\0" * 1000)
        assert len(await ours.recv()) == 1000
        await peer.send(b"\0" * 1001)
        seen = asyncio.create_task(peer.closed())
        with pytest.raises(ConnectionClosedError) as caught:
            await ours.recv()
        assert caught.value.sent is not None
        assert caught.value.sent.code == CloseCode.MESSAGE_TOO_BIG
        assert (await seen)[0] == CloseCode.MESSAGE_TOO_BIG


async def test_our_client_refuses_an_authority_that_it_does_not_know(peer, needs, tls):
    needs("listen")
    port = await peer.listen(tls.certificate)
    try:
        with pytest.raises(ssl.SSLCertVerificationError):
            await ws_asyncio.connect(f"wss://localhost:{port}/", host="127.0.0.1")
    finally:
        await peer.unlisten()
