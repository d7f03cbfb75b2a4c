"""Programs that a page or a README shows as a whole run, and do what they are there for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from doc_blocks import blocks
from doc_programs import is_server, is_whole, run, running

from ws_sync import ServerConnection, connect
from ws_sync.testing import serving

WHOLE = [block for block in blocks("python") if is_whole(block)]
SERVERS = [block for block in WHOLE if is_server(block)]
CLIENTS = [block for block in WHOLE if block not in SERVERS]


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    """The URI of a server that sends everything back."""

    def handler(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    with serving(handler) as server:
        yield server.uri


def test_programs_are_found():
    readme = [block for block in WHOLE if block.page == "README.md"]
    assert [is_server(block) for block in readme] == [True, False, False]


@pytest.mark.parametrize("block", SERVERS, ids=str)
def test_a_server_sends_back(block):
    with running(block) as uri, connect(uri, compression=None) as connection:
        connection.send("hello")
        assert connection.recv(timeout=30) == "hello"


@pytest.mark.parametrize("block", CLIENTS, ids=str)
def test_a_client_prints_what_it_sent(block, echo):
    printed = run(block, echo)
    if "print(" in block.text:
        assert printed.lower().startswith("hello")
