import dataclasses

import pytest

from ws_types.codes import Opcode
from ws_types.extension import ClientExtensionFactory, Extension, ServerExtensionFactory
from ws_types.frames import Frame


@pytest.mark.parametrize(
    ("kind", "method", "args", "kwargs"),
    [
        (Extension, "decode", [None], {}),
        (Extension, "encode", [None], {}),
        (Extension, "encode_message", [b""], {"text": True}),
        (Extension, "decode_message", [b""], {"max_size": None}),
        (Extension, "encode_shared", [b""], {"text": True}),
        (Extension, "shared_sent", [], {}),
        (ClientExtensionFactory, "get_request_params", [], {}),
        (ClientExtensionFactory, "process_response_params", [[], []], {}),
        (ServerExtensionFactory, "process_request_params", [[], []], {}),
    ],
)
def test_methods_say_that_they_must_be_overridden(kind, method, args, kwargs):
    class Mine(kind):
        pass

    with pytest.raises(NotImplementedError, match=rf"^Mine must override {method}\(\)$"):
        getattr(Mine(), method)(*args, **kwargs)


def test_there_is_no_hook_for_messages_by_default():
    assert Extension().message_rsv is None


def test_nothing_is_shared_by_default():
    assert Extension().shared_key is None


def test_a_frame_goes_through_an_extension_and_back():
    class Reverse(Extension):
        name = "x-reverse"

        def encode(self, frame):
            return dataclasses.replace(frame, data=frame.data[::-1], rsv2=True)

        def decode(self, frame, *, max_size=None):
            assert max_size == 10
            return dataclasses.replace(frame, data=frame.data[::-1], rsv2=False)

    wire = Frame(Opcode.TEXT, b"abc").serialize(mask=False, extensions=[Reverse()])
    assert wire == b"\xa1\x03cba"
    chunks = iter([wire[:2], wire[2:]])

    def read_exact(size):
        yield from ()
        return next(chunks)

    parser = Frame.parse(read_exact, mask=False, max_size=10, extensions=[Reverse()])
    with pytest.raises(StopIteration) as caught:
        next(parser)
    assert caught.value.value == Frame(Opcode.TEXT, b"abc")
