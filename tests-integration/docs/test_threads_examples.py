"""The examples on threads that the documentation includes do what it says."""

from __future__ import annotations

import pytest
from doc_examples import load

from ws_sync import connect
from ws_sync.testing import serving
from ws_types import InvalidStatus


def test_client_and_server_on_threads(capsys: pytest.CaptureFixture[str]) -> None:
    server, client = load("threads_server"), load("threads_client")
    with serving(server.greet, process_request=server.page) as running:
        client.main(running.uri)
        with pytest.raises(InvalidStatus) as health:
            connect(f"{running.uri}/health")
    assert health.value.response.status_code == 200
    assert health.value.response.body == b"OK\n"
    greeting, latency = capsys.readouterr().out.splitlines()
    assert greeting == "Hello world!"
    assert latency.endswith(" ms")
