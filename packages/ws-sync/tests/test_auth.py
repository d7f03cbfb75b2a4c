"""Basic authentication; what is valid is tested in ws-sansio."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from servers import REQUEST, ask, connected, hold, serving

from ws_sync.server import basic_auth


def with_credentials(user_pass: str) -> bytes:
    credentials = base64.b64encode(user_pass.encode())
    return REQUEST[:-2] + b"Authorization: Basic " + credentials + b"\r\n\r\n"


@pytest.mark.parametrize(
    "arguments",
    [
        {"credentials": ("héllo", "wörld")},
        {"check_credentials": lambda *given: given == ("héllo", "wörld")},
    ],
)
def test_users(arguments: Any) -> None:
    with serving(hold, process_request=basic_auth("realm", **arguments)) as server:
        with connected(server, with_credentials("héllo:wörld")):
            (connection,) = server.connections
            assert connection.username == "héllo"
        answer = ask(server, with_credentials("héllo:x"))
        assert answer.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
        assert answer.endswith(b"\r\n\r\nInvalid credentials\n")
        answer = ask(server, REQUEST)
        assert b'\r\nWWW-Authenticate: Basic realm="realm", charset="UTF-8"\r\n' in answer
        assert answer.endswith(b"\r\n\r\nMissing credentials\n")


def test_arguments_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="either credentials or check_credentials"):
        basic_auth("realm")
