"""The programs of the how-to on FastAPI run on uvicorn and our packages."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from typing import Any

from doc_examples import EXAMPLES
from doc_frameworks import needs_frameworks, uvicorn

from ws_sync import ServerConnection, connect
from ws_sync.testing import serving

pytestmark = needs_frameworks


def ask(address: str, path: str, method: str = "GET") -> Any:
    request = urllib.request.Request(f"http://{address}{path}", method=method)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def latest(address: str) -> str | None:
    """What the program has heard last, as soon as it has heard anything."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if (found := ask(address, "/latest")["latest"]) is not None:
            return found
    return None


def test_an_endpoint_and_clients(tmp_path):
    closed = []

    def feed(connection: ServerConnection) -> None:
        connection.send("42")
        for _ in connection:
            pass
        closed.append(connection.close_code)

    with serving(feed) as server:
        running = uvicorn(EXAMPLES, "fastapi_app:app", tmp_path, FEED=server.uri)
        with running as (address, _):
            with connect(f"ws://{address}/rooms/blue") as connection:
                assert connection.response.headers["Server"] == "uvicorn"
                extensions = connection.response.headers["Sec-WebSocket-Extensions"]
                assert extensions.startswith("permessage-deflate")
                connection.send("hello")
                assert connection.recv(timeout=30) == "blue: hello"
            assert latest(address) == "42"
            assert ask(address, "/now") == {"now": "42"}
    # The client in the background closes its connection when uvicorn ends.
    assert closed == [1000, 1000]


def test_a_server_beside_it(tmp_path):
    with uvicorn(EXAMPLES, "fastapi_beside:app", tmp_path, CHAT_PORT="0") as (address, log):
        (port,) = re.findall(r"listening on 127\.0\.0\.1:(\d+)", log)
        with connect(f"ws://127.0.0.1:{port}", origin="https://example.com") as connection:
            connection.send("hello")
            assert connection.recv(timeout=30) == "hello"
            assert ask(address, "/announce?text=news", "POST") == {"sent": 1}
            assert connection.recv(timeout=30) == "news"
