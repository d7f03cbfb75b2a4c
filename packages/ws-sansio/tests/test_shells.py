"""Numbers that shells have in common."""

from __future__ import annotations

import pytest

from ws_sansio.shells import GATHER_LIMIT, READ_SIZE, patience


@pytest.mark.parametrize(("timeout", "seconds"), [(None, 1), (10, 1), (1, 0.5), (0, 0)])
def test_patience_leaves_time_for_the_closing_handshake(timeout, seconds):
    assert patience(timeout) == seconds


def test_a_read_may_fill_what_is_gathered():
    assert 0 < GATHER_LIMIT <= READ_SIZE
