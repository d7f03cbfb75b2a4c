"""Checks what is in the sdists and wheels of the wheelhouse.

Run by the interpreter that built them: ``python -m tools.artifacts``.
"""

from __future__ import annotations

import collections
import email.message
import email.parser
import pathlib
import sys
import sysconfig
import tarfile
import zipfile

from . import wheelhouse
from .distributions import Distribution, load

#: What a package may hold. Sources of extensions are for the sdist alone.
SHIPPED = frozenset({".py", ".pyi", ".typed", ".html", ".css", ".js"})
SOURCES = frozenset({".pyx", ".pxd", ".pxi", ".h"})


def source_files(distribution: Distribution, suffixes: frozenset[str]) -> set[str]:
    """Return the files of the package that have one of these suffixes, below ``src``."""
    base = distribution.folder / "src"
    return {
        path.relative_to(base).as_posix()
        for path in distribution.source.rglob("*")
        if path.is_file()
        and (path.suffix in suffixes or path.name == "py.typed")
        and not {"__pycache__", "_compiled"} & set(path.parts)
    }


def compare(kind: str, names: list[str], expected: set[str]) -> list[str]:
    """Say what is missing, stray or there twice."""
    problems = [f"{kind} lacks {name}" for name in sorted(expected - set(names))]
    problems += [f"{kind} has the stray file {name}" for name in sorted(set(names) - expected)]
    counts = collections.Counter(names)
    problems += [f"{kind} has {name} {n} times" for name, n in counts.items() if n > 1]
    return problems


def check_wheel(path: pathlib.Path, distribution: Distribution, kind: str) -> list[str]:
    """Return what is wrong with a wheel."""
    stem = f"{distribution.name.replace('-', '_')}-{distribution.version}"
    tag = wheelhouse.expected_tag(distribution, kind)
    problems = []
    if path.name != f"{stem}-{tag}.whl":
        problems.append(f"{path.name} should be {stem}-{tag}.whl")
    expected = source_files(distribution, SHIPPED)
    if kind == "compiled" and distribution.modules:
        compiled = f"{distribution.package}/_compiled"
        suffix = sysconfig.get_config_var("EXT_SUFFIX")
        expected |= {f"{compiled}/{module}{suffix}" for module in distribution.modules}
        expected.add(f"{compiled}/manifest.json")
    info = f"{stem}.dist-info"
    expected |= {f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "licenses/LICENSE")}
    if distribution.metadata["project"].get("scripts"):
        expected.add(f"{info}/entry_points.txt")
    for needed in (f"{distribution.package}/py.typed", f"{distribution.package}/__init__.py"):
        if needed not in expected:
            problems.append(f"the source lacks {needed}")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        problems += compare(path.name, names, expected)
        parser = email.parser.Parser()
        problems += check_metadata(
            parser.parsestr(archive.read(f"{info}/METADATA").decode()), distribution
        )
        wheel = parser.parsestr(archive.read(f"{info}/WHEEL").decode())
    if wheel.get_all("Tag") != [tag]:
        problems.append(f"{path.name} says Tag: {wheel.get_all('Tag')}")
    pure = "true" if tag == "py3-none-any" else "false"
    if wheel["Root-Is-Purelib"] != pure:
        problems.append(f"{path.name} says Root-Is-Purelib: {wheel['Root-Is-Purelib']}")
    return problems


def check_metadata(metadata: email.message.Message, distribution: Distribution) -> list[str]:
    """Return what the metadata lacks."""
    problems = []
    expected = {
        "Name": distribution.name,
        "Version": distribution.version,
        "License-Expression": "BSD-3-Clause",
        "License-File": "LICENSE",
        "Requires-Python": ">=3.11",
        "Description-Content-Type": "text/markdown",
    }
    for field, value in expected.items():
        if metadata[field] != value:
            problems.append(f"{distribution.name} says {field}: {metadata[field]}, not {value}")
    for field in ("Summary", "Keywords", "Project-URL"):
        if not metadata[field]:
            problems.append(f"the metadata of {distribution.name} lacks {field}")
    if "Typing :: Typed" not in metadata.get_all("Classifier", []):
        problems.append(f"the metadata of {distribution.name} doesn't say that it is typed")
    if not str(metadata.get_payload()).strip():
        problems.append(f"the README of {distribution.name} is empty")
    return problems


def check_sdist(path: pathlib.Path, distribution: Distribution) -> list[str]:
    """Return what is wrong with an sdist."""
    stem = f"{distribution.name.replace('-', '_')}-{distribution.version}"
    expected = {"PKG-INFO", "pyproject.toml", "LICENSE", "README.md", "CHANGELOG.md"}
    if (distribution.folder / "hatch_build.py").is_file():
        expected.add("hatch_build.py")
    expected |= {f"src/{name}" for name in source_files(distribution, SHIPPED | SOURCES)}
    expected |= {
        file.relative_to(distribution.folder).as_posix()
        for file in (distribution.folder / "tests").rglob("*")
        if file.is_file()
        and "__pycache__" not in file.parts
        # What tools leave behind, .hypothesis for one, isn't packed either.
        and not any(part.startswith(".") for part in file.relative_to(distribution.folder).parts)
    }
    with tarfile.open(path) as archive:
        # Hatchling puts the repository's own into every sdist, and can't be told otherwise.
        expected.add(".gitignore")
        names = [member.name for member in archive.getmembers() if not member.isdir()]
    return compare(path.name, names, {f"{stem}/{name}" for name in expected})


def main() -> None:
    """Check everything that the running interpreter's wheelhouse holds."""
    problems: list[str] = []
    checked = 0
    for distribution in load().values():
        for kind in wheelhouse.KINDS:
            path = wheelhouse.find(distribution, kind)
            if path is None:
                if kind != "compiled":
                    problems.append(f"{distribution.name} has no {kind} artifact")
                continue
            checked += 1
            if kind == "sdist":
                problems += check_sdist(path, distribution)
            else:
                problems += check_wheel(path, distribution, kind)
    for problem in problems:
        print(problem)
    print(f"{checked} artifacts checked, {len(problems)} problems")
    if problems:
        sys.exit(1)


if __name__ == "__main__":
    main()
