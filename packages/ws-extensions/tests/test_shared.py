"""Messages that are compressed once for many connections, mixed with those of each connection."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws_extensions import PerMessageDeflate

BACKENDS = ["zlib", "zlib-ng", "isal"]

# Repeats itself within a message and from one to the next, so that back references are there to go
# wrong.
WORDS = [b"alpha ", b"beta ", b"gamma ", b"delta ", bytes(range(256))]


def extension(*, takeover=True, window=12, backend=None, threshold=0, settings=None):
    if backend is not None:
        pytest.importorskip({"zlib": "zlib", "zlib-ng": "zlib_ng", "isal": "isal"}[backend])
    return PerMessageDeflate(
        not takeover, not takeover, window, window, settings, threshold=threshold, backend=backend
    )


def peer_of(sender):
    return PerMessageDeflate(
        sender.local_no_context_takeover,
        sender.remote_no_context_takeover,
        sender.local_max_window_bits,
        sender.remote_max_window_bits,
    )


def mixture(seed, count=60):
    rng = random.Random(seed)
    for _ in range(count):
        yield rng.random() < 0.5, b"".join(rng.choices(WORDS, k=rng.choice([0, 1, 3, 40, 400])))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("takeover", [True, False])
@pytest.mark.parametrize("window", range(8, 16))
def test_any_mixture_can_be_decompressed(backend, takeover, window):
    sender = extension(takeover=takeover, window=window, backend=backend)
    other = extension(takeover=not takeover, window=window, backend=backend)
    assert sender.shared_key == other.shared_key
    receiver = peer_of(sender)
    for shared, data in mixture(window):
        if shared:
            payload = other.encode_shared(data, text=False)
            sender.shared_sent()
        else:
            payload = sender.encode_message(data, text=False)
        assert receiver.decode_message(payload, max_size=None) == data


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=2000)), max_size=12), st.booleans())
def test_any_messages_can_be_decompressed(messages, takeover):
    sender = extension(takeover=takeover)
    receiver = peer_of(sender)
    for shared, data in messages:
        if shared:
            payload = sender.encode_shared(data, text=False)
            sender.shared_sent()
        else:
            payload = sender.encode_message(data, text=False)
        assert receiver.decode_message(payload, max_size=None) == data


def test_own_messages_refer_to_one_another_until_a_shared_one_is_sent():
    sender = extension()
    data = bytes(random.Random(1).randbytes(500))
    first = len(sender.encode_message(data, text=False))
    again = len(sender.encode_message(data, text=False))
    assert again < first / 4
    sender.shared_sent()
    assert len(sender.encode_message(data, text=False)) > first / 2
    assert len(sender.encode_message(data, text=False)) == again


def test_a_shared_message_costs_an_idle_connection_no_compressor():
    sender = extension()
    sender.encode_shared(b"a" * 1000, text=False)
    sender.shared_sent()
    assert sender._deflater is None


@pytest.mark.parametrize("method", ["encode_message", "encode_shared"])
def test_threshold_holds_unless_the_program_insists(method):
    sender = extension(threshold=10)
    encode = getattr(sender, method)
    assert encode(b"a" * 9, text=False) is None
    forced = encode(b"a" * 9, text=False, force=True)
    assert peer_of(sender).decode_message(forced, max_size=None) == b"a" * 9
    assert encode(b"a" * 10, text=False) is not None


@pytest.mark.parametrize(
    "settings",
    [{"window": 11}, {"threshold": 5}, {"settings": {"level": 1}}, {"backend": "zlib-ng"}],
)
def test_what_the_outcome_depends_on_is_in_the_key(settings):
    assert extension(**settings).shared_key != extension().shared_key
    assert extension(**settings).shared_key == extension(**settings).shared_key


def test_keys_are_hashable_whatever_the_order_of_settings():
    one = extension(settings={"level": 1, "memLevel": 5})
    other = extension(settings={"memLevel": 5, "level": 1}, backend="zlib")
    assert {one.shared_key: 1}[other.shared_key] == 1
