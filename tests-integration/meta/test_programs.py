"""What programs import is there.

``programs.txt`` has the imports, ``not_yet.txt`` what doesn't exist so far. What is there and still
on that list fails, so that the list can only shrink.
"""

from __future__ import annotations

import importlib
import pathlib

import pytest

HERE = pathlib.Path(__file__).parent
NOT_YET = (HERE / "not_yet.txt").read_text().split()
# Programs import what is deprecated too.
pytestmark = pytest.mark.filterwarnings("ignore:websockets.*is deprecated:DeprecationWarning")

IMPORTS = [
    (program, module, name)
    for line in (HERE / "programs.txt").read_text().splitlines()
    if not line.startswith("#")
    for program, module, *names in [line.split()]
    for name in names
]


def has(path: str) -> bool:
    """Whether this can be imported, as a module or as a name of one."""
    module, _, name = path.rpartition(".")
    try:
        return not module or hasattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        return False


def expected_absent(path: str) -> bool:
    return any(f"{path}.".startswith(f"{entry}.") for entry in NOT_YET)


@pytest.mark.parametrize(
    ("module", "name"), sorted({(module, name) for _, module, name in IMPORTS})
)
def test_import_of_programs(module: str, name: str) -> None:
    path = f"{module}.{name}"
    assert has(path) is not expected_absent(path)


@pytest.mark.parametrize("entry", NOT_YET)
def test_each_entry_of_the_list_is_of_use(entry: str) -> None:
    assert not has(entry), f"{entry} exists: take it off not_yet.txt"
    assert any(f"{module}.{name}.".startswith(f"{entry}.") for _, module, name in IMPORTS)
