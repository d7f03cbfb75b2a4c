"""What is the same in each distribution stays the same."""

from __future__ import annotations

import tomllib

import pytest

from tools.distributions import ROOT, load

DISTRIBUTIONS = load()


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("hatch_build.py", [name for name in DISTRIBUTIONS if name != "websockets-meta"]),
        ("tests/conftest.py", list(DISTRIBUTIONS)),
        ("LICENSE", list(DISTRIBUTIONS)),
        ("tests/proxies.py", ["ws-asyncio", "ws-sync"]),
    ],
)
def test_file_is_the_same_everywhere(file, names):
    contents = {(DISTRIBUTIONS[name].folder / file).read_bytes() for name in names}
    assert len(contents) == 1


def test_licence_is_a_real_copy():
    for one in DISTRIBUTIONS.values():
        assert not (one.folder / "LICENSE").is_symlink()
        assert (one.folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_hatch_environment_has_the_test_requirements(name):
    one = DISTRIBUTIONS[name]
    environment = one.metadata["tool"]["hatch"]["envs"]["default"]
    assert environment["dependencies"] == one.test_requirements


def test_pytest_is_configured_alike():
    tables = [dict(one.metadata["tool"]["pytest"]["ini_options"]) for one in DISTRIBUTIONS.values()]
    for table in tables:
        for option in [option for option in table if option.startswith("asyncio_")]:
            del table[option]
    assert all(table == tables[0] for table in tables)


def test_cibuildwheel_builds_the_same_wheels_of_each():
    tables = []
    for one in DISTRIBUTIONS.values():
        if one.name != "websockets-meta":
            table = dict(one.metadata["tool"]["cibuildwheel"])
            assert one.package in table.pop("test-command")
            tables.append(table)
    assert all(table == tables[0] for table in tables)


def test_dependencies_point_down_the_table_only():
    names = list(DISTRIBUTIONS)
    for position, one in enumerate(DISTRIBUTIONS.values()):
        assert set(one.siblings) <= set(names[:position])
    assert "ws-extensions" not in DISTRIBUTIONS["ws-sansio"].siblings
    assert "ws-asyncio" not in DISTRIBUTIONS["ws-sync"].siblings


def test_lint_and_types_know_every_package():
    known = tomllib.loads((ROOT / "ruff.toml").read_text())["lint"]["isort"]["known-first-party"]
    assert set(known) >= {one.package for one in DISTRIBUTIONS.values()}
