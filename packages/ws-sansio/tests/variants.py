"""
Fixtures with which a test runs for each side, in each view, and for each way in which bytes arrive.

A test file that uses them names this module in ``pytest_plugins``.
"""

from __future__ import annotations

from typing import Any

import pytest
from wiring import Cut, one_by_one, whole

from ws_sansio import Side


@pytest.fixture(params=[Side.CLIENT, Side.SERVER], ids=["client", "server"])
def side(request: pytest.FixtureRequest) -> Side:
    result: Side = request.param
    return result


@pytest.fixture(params=["frames", "messages"])
def view(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=[whole, one_by_one], ids=["whole", "byte by byte"])
def cut(request: pytest.FixtureRequest) -> Cut:
    result: Cut = request.param
    return result
