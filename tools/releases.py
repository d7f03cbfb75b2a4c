"""Gives distributions their next version, and holds tags against versions.

``python -m tools.releases bump ws-types 0.2.0`` writes the version into ``__about__.py``, dates
the changelog's ``unreleased`` heading, and moves the ranges of siblings that don't admit the new
version. It refuses what is inconsistent before it writes anything.

``python -m tools.releases check-tag ws-types-v0.2.0`` fails unless the tag names the version that
the checkout holds.
"""

from __future__ import annotations

import datetime
import pathlib
import re
import sys

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from .distributions import NAMES, ROOT, VERSION, Distribution, load

UNRELEASED = re.compile(r"^## (\S+) - unreleased$", re.MULTILINE)
RELEASED = re.compile(r"^## (\S+) - \d{4}-\d{2}-\d{2}$", re.MULTILINE)


class Inconsistent(Exception):
    """What was asked for doesn't fit what is there; the text says what to change."""


def compatible_range(version: Version) -> str:
    """Return the range from ``version`` to the next one that may break things, exclusive.

    Before 1.0 a new minor version may break things, after it only a new major version.
    """
    upper = f"0.{version.minor + 1}" if version.major == 0 else str(version.major + 1)
    return f">={version},<{upper}"


def parse_version(text: str) -> Version:
    """Parse a final version of three numbers."""
    try:
        version = Version(text)
    except InvalidVersion as exc:
        raise Inconsistent(f"{text!r} is not a version") from exc
    if str(version) != text or len(version.release) != 3 or version.is_devrelease or version.local:
        raise Inconsistent(f"{text!r} should be three numbers such as 0.2.0 (or 0.2.0rc1)")
    return version


def check(root: pathlib.Path = ROOT) -> list[str]:
    """Return where versions, changelogs and ranges of the checkout contradict each other."""
    every = load(root)
    problems = []
    for distribution in every.values():
        changelog = (distribution.folder / "CHANGELOG.md").read_text()
        headings = [*UNRELEASED.findall(changelog), *RELEASED.findall(changelog)]
        if distribution.version not in headings:
            problems.append(f"the changelog of {distribution.name} lacks {distribution.version}")
        if len(UNRELEASED.findall(changelog)) > 1:
            problems.append(f"the changelog of {distribution.name} has two unreleased headings")
        for sibling, range_ in distribution.siblings.items():
            operators = {specifier.operator for specifier in SpecifierSet(range_)}
            if operators != {">=", "<"}:
                problems.append(f"{distribution.name} needs both ends in {sibling}{range_}")
            if not SpecifierSet(range_).contains(every[sibling].version, prereleases=True):
                problems.append(
                    f"{distribution.name} asks for {sibling}{range_}, "
                    f"and the checkout has {every[sibling].version}"
                )
    return problems


def bump(name: str, text: str, root: pathlib.Path = ROOT, date: str | None = None) -> list[str]:
    """Give a distribution a version.

    :param name: The distribution.
    :param text: Its new version.
    :param root: The checkout to edit.
    :param date: The date of the release (``2026-01-31``), today by default.
    :returns: A line for each edit.
    :raises Inconsistent: Nothing was written.
    """
    if problems := check(root):
        raise Inconsistent("; ".join(problems))
    every = load(root)
    if name not in every:
        raise Inconsistent(f"{name!r} is none of {', '.join(NAMES)}")
    distribution = every[name]
    version, current = parse_version(text), Version(distribution.version)
    path = distribution.folder / "CHANGELOG.md"
    changelog = path.read_text()
    pending = UNRELEASED.findall(changelog)
    if version < current or (version == current and not pending):
        raise Inconsistent(f"{name} is at {current} already")
    if pending not in ([text], [str(current)]):
        raise Inconsistent(f"{path} needs a heading '## {text} - unreleased' with its entries")
    if not section(changelog, pending[0]).strip():
        raise Inconsistent(f"{path} says nothing about {text}")

    date = date or datetime.datetime.now(datetime.UTC).date().isoformat()
    about = VERSION.sub(f'__version__ = "{text}"', distribution.about.read_text())
    edits = {path: UNRELEASED.sub(f"## {text} - {date}", changelog), distribution.about: about}
    done = [f"{name}: {current} -> {text}", f"{name}: changelog dated {date}"]
    for other in every.values():
        range_ = other.siblings.get(name)
        if range_ is None or SpecifierSet(range_).contains(version, prereleases=True):
            continue
        # Past the upper end the sibling may have broken what is used of it: only the new versions
        # were tested.
        moved = compatible_range(version)
        edits[other.folder / "pyproject.toml"] = move_range(other, f"{name}{range_}", name + moved)
        done.append(f"{other.name}: {name}{range_} -> {name}{moved}, so release it too")
    for target, content in edits.items():
        target.write_text(content)
    return done


def section(changelog: str, heading: str) -> str:
    """Return what the changelog says below the heading of a version."""
    _, _, rest = changelog.partition(f"## {heading} - unreleased\n")
    return rest.partition("\n## ")[0]


def move_range(distribution: Distribution, before: str, after: str) -> str:
    """Return the ``pyproject.toml`` of a distribution with one requirement replaced."""
    path = distribution.folder / "pyproject.toml"
    content = path.read_text()
    if content.count(f'"{before}"') != 1:
        raise Inconsistent(f'{path} should have "{before}" once')
    return content.replace(f'"{before}"', f'"{after}"')


def check_tag(tag: str, root: pathlib.Path = ROOT) -> str:
    """Return the distribution that a tag (``ws-types-v0.1.0``) releases.

    :raises Inconsistent: The tag isn't of that form, or names another version than the checkout's.
    """
    match = re.fullmatch(r"(.+)-v([^-]+)", tag)
    if match is None or match[1] not in NAMES:
        raise Inconsistent(f"{tag!r} should be DISTRIBUTION-vVERSION, such as ws-types-v0.1.0")
    distribution = load(root)[match[1]]
    if distribution.version != match[2]:
        raise Inconsistent(f"{tag} tags a checkout where {match[1]} is {distribution.version}")
    return distribution.name


def ends(range_: str, versions: list[str]) -> list[str]:
    """Return the oldest and the newest of ``versions`` that a range admits, once if equal."""
    admitted = sorted(SpecifierSet(range_).filter(versions, prereleases=True), key=Version)
    return list(dict.fromkeys([*admitted[:1], *admitted[-1:]]))


def main(arguments: list[str]) -> int:
    """Run a command, and say in one line what is inconsistent."""
    try:
        match arguments:
            case ["bump", name, version]:
                print("\n".join(bump(name, version)))
            case ["check-tag", tag]:
                print(f"{tag} is the version of {check_tag(tag)}")
            case ["check"]:
                if problems := check():
                    raise Inconsistent("; ".join(problems))
            case _:
                print("usage: bump DISTRIBUTION VERSION | check-tag TAG | check", file=sys.stderr)
                return 2
    except Inconsistent as exc:
        print(f"refused: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
