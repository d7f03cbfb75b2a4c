"""The server of the command line."""

from __future__ import annotations

import pytest

from websockets.cli.serve import _local_hosts
from ws_sansio.hosts import check_hosts, is_allowed_host


@pytest.mark.parametrize(
    ("host", "named"), [("localhost", "localhost"), ("127.0.0.2", "127.0.0.2"), ("::1", "[::1]")]
)
def test_a_local_server_answers_for_its_address(host: str, named: str) -> None:
    hosts = _local_hosts(host)
    check_hosts(hosts)
    assert is_allowed_host(f"{named}:8000", hosts)
    assert not is_allowed_host("example.com", hosts)
