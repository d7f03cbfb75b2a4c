"""The argument *compression* of clients and servers."""

from __future__ import annotations

import pytest

from ws_extensions import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from ws_extensions.compression import COMPRESSION_THRESHOLD, client_extensions, server_extensions

SIDES = [
    (client_extensions, ClientPerMessageDeflateFactory),
    (server_extensions, ServerPerMessageDeflateFactory),
]


@pytest.mark.parametrize(("extensions", "factory"), SIDES)
def test_deflate_is_added(extensions, factory):
    (added,) = extensions(None, "deflate")
    assert isinstance(added, factory)
    assert added.threshold == COMPRESSION_THRESHOLD


@pytest.mark.parametrize(("extensions", "factory"), SIDES)
def test_what_the_program_asks_for_stays(extensions, factory):
    asked = [factory()]
    assert extensions(asked, "deflate") == asked
    assert extensions(asked, None) == asked
    assert not extensions(None, None)


@pytest.mark.parametrize(("extensions", "factory"), SIDES)
@pytest.mark.parametrize("compression", ["gzip", "", True])
def test_another_compression_is_refused(extensions, factory, compression):
    with pytest.raises(ValueError, match=f"unsupported compression: {compression}"):
        extensions(None, compression)
