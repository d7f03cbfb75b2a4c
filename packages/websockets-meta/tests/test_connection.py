"""The old module of the protocol."""

from __future__ import annotations

import pytest

import websockets.connection
import websockets.protocol


def test_old_name_of_the_class_warns() -> None:
    with pytest.warns(DeprecationWarning, match=r"use websockets\.protocol\.Protocol$") as caught:
        found = websockets.connection.Connection
    assert found is websockets.protocol.Protocol
    assert caught[0].filename == __file__


@pytest.mark.parametrize("name", ["SEND_EOF", "Event", "Side", "State"])
def test_other_names_do_not(name: str) -> None:
    assert getattr(websockets.connection, name) is getattr(websockets.protocol, name)
