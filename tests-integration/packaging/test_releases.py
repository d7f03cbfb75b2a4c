"""Versions, ranges and tags, on a copy of what the repository declares."""

from __future__ import annotations

import shutil

import pytest

from tools import distributions, releases


@pytest.fixture
def checkout(tmp_path):
    """Return a copy of the distributions, each with something to say in its changelog."""
    for name, one in distributions.load().items():
        folder = tmp_path / "packages" / name
        (folder / "src" / one.package).mkdir(parents=True)
        shutil.copy(one.folder / "pyproject.toml", folder)
        (folder / "src" / one.package / "__about__.py").write_text('__version__ = "0.1.0"\n')
        (folder / "CHANGELOG.md").write_text(
            "# Changelog\n\n## 0.1.1 - unreleased\n\n- A thing.\n\n## 0.1.0 - 2026-01-02\n"
        )
        text = (folder / "pyproject.toml").read_text()
        for sibling, range_ in one.siblings.items():
            text = text.replace(f'"{sibling}{range_}"', f'"{sibling}>=0.1,<0.2"')
        (folder / "pyproject.toml").write_text(text)
    return tmp_path


def read_all(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def next_heading(checkout, name, version):
    path = checkout / "packages" / name / "CHANGELOG.md"
    path.write_text(path.read_text().replace("0.1.1 -", f"{version} -"))


def test_a_patch_leaves_ranges_alone(checkout):
    done = releases.bump("ws-types", "0.1.1", checkout, date="2026-02-03")
    assert done == ["ws-types: 0.1.0 -> 0.1.1", "ws-types: changelog dated 2026-02-03"]
    every = distributions.load(checkout)
    assert every["ws-types"].version == "0.1.1"
    assert every["ws-sansio"].siblings == {"ws-types": ">=0.1,<0.2"}
    changelog = (every["ws-types"].folder / "CHANGELOG.md").read_text()
    assert "## 0.1.1 - 2026-02-03\n\n- A thing." in changelog
    assert releases.check(checkout) == []


def test_a_minor_version_moves_the_ranges_that_need_it(checkout):
    next_heading(checkout, "ws-types", "0.2.0")
    done = releases.bump("ws-types", "0.2.0", checkout, date="2026-02-03")
    assert "ws-sansio: ws-types>=0.1,<0.2 -> ws-types>=0.2.0,<0.3, so release it too" in done
    every = distributions.load(checkout)
    assert every["ws-sansio"].siblings == {"ws-types": ">=0.2.0,<0.3"}
    assert every["ws-extensions"].siblings == {"ws-types": ">=0.2.0,<0.3"}
    assert every["ws-asyncio"].siblings["ws-sansio"] == ">=0.1,<0.2"
    assert releases.check(checkout) == []


def test_after_1_0_only_a_major_version_ends_a_range():
    assert releases.compatible_range(releases.Version("0.2.3")) == ">=0.2.3,<0.3"
    assert releases.compatible_range(releases.Version("1.4.0")) == ">=1.4.0,<2"


def test_first_release_keeps_its_version(checkout):
    next_heading(checkout, "ws-sync", "0.1.0")
    path = checkout / "packages" / "ws-sync" / "CHANGELOG.md"
    path.write_text(path.read_text().partition("## 0.1.0 - 2026-01-02")[0])
    releases.bump("ws-sync", "0.1.0", checkout, date="2026-02-03")
    assert "## 0.1.0 - 2026-02-03" in path.read_text()


@pytest.mark.parametrize(
    ("name", "version", "reason"),
    [
        ("ws-typos", "0.1.1", "'ws-typos' is none of"),
        ("ws-types", "0.1.0", None),
        ("ws-types", "0.0.9", "ws-types is at 0.1.0 already"),
        ("ws-types", "0.1", "should be three numbers"),
        ("ws-types", "one", "'one' is not a version"),
        ("ws-types", "0.1.1.dev1", "should be three numbers"),
        ("ws-types", "0.3.0", "needs a heading '## 0.3.0 - unreleased'"),
    ],
)
def test_refuses_what_is_inconsistent_and_writes_nothing(checkout, name, version, reason):
    before = read_all(checkout)
    with pytest.raises(releases.Inconsistent, match=reason):
        releases.bump(name, version, checkout)
    assert read_all(checkout) == before


def test_refuses_an_empty_changelog_section(checkout):
    path = checkout / "packages" / "ws-types" / "CHANGELOG.md"
    path.write_text(path.read_text().replace("- A thing.", ""))
    with pytest.raises(releases.Inconsistent, match=r"says nothing about 0\.1\.1"):
        releases.bump("ws-types", "0.1.1", checkout)


def test_refuses_a_checkout_that_contradicts_itself(checkout):
    path = checkout / "packages" / "ws-sansio" / "pyproject.toml"
    path.write_text(path.read_text().replace("ws-types>=0.1,<0.2", "ws-types>=0.3,<0.4"))
    with pytest.raises(releases.Inconsistent, match=r"asks for ws-types>=0\.3,<0\.4"):
        releases.bump("ws-types", "0.1.1", checkout)
    path.write_text(path.read_text().replace("ws-types>=0.3,<0.4", "ws-types>=0.1"))
    assert releases.check(checkout) == ["ws-sansio needs both ends in ws-types>=0.1"]


def test_this_checkout_is_consistent():
    assert releases.check() == []


def test_tag_equals_version(checkout):
    assert releases.check_tag("ws-types-v0.1.0", checkout) == "ws-types"


@pytest.mark.parametrize("tag", ["ws-types-v0.1.1", "v0.1.0", "ws-typos-v0.1.0", "ws-types-0.1.0"])
def test_other_tags_are_refused(checkout, tag):
    with pytest.raises(releases.Inconsistent):
        releases.check_tag(tag, checkout)


def test_ends_of_a_range():
    versions = ["0.1.0", "0.1.10", "0.1.9", "0.2.0", "0.0.1"]
    assert releases.ends(">=0.1,<0.2", versions) == ["0.1.0", "0.1.10"]
    assert releases.ends(">=0.2,<0.3", versions) == ["0.2.0"]
    assert releases.ends(">=0.3,<0.4", versions) == []
