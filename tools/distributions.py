"""The distributions of this repository, as their ``pyproject.toml`` files describe them."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import tomllib
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent

#: Folders of ``packages/``; each one depends only on those before it.
NAMES = ("ws-types", "ws-sansio", "ws-extensions", "ws-asyncio", "ws-sync", "websockets-meta")

VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Distribution:
    """One distribution: a folder of ``packages/`` that is built and published on its own."""

    name: str
    folder: pathlib.Path
    metadata: dict[str, Any] = dataclasses.field(repr=False, compare=False)

    @property
    def package(self) -> str:
        """The import name."""
        return pathlib.PurePosixPath(self.wheel_target["packages"][0]).name

    @property
    def wheel_target(self) -> dict[str, Any]:
        """The table ``tool.hatch.build.targets.wheel``."""
        table: dict[str, Any] = self.metadata["tool"]["hatch"]["build"]["targets"]["wheel"]
        return table

    @property
    def source(self) -> pathlib.Path:
        """The folder of the import package."""
        return self.folder / "src" / self.package

    @property
    def modules(self) -> list[str]:
        """The modules that are compiled, empty for a pure distribution."""
        modules: list[str] = self.wheel_target.get("hooks", {}).get("custom", {}).get("modules", [])
        return modules

    @property
    def about(self) -> pathlib.Path:
        """The file that holds the version."""
        return self.folder / str(self.metadata["tool"]["hatch"]["version"]["path"])

    @property
    def version(self) -> str:
        """The version in ``__about__.py``."""
        match = VERSION.search(self.about.read_text())
        if match is None:
            raise ValueError(f"{self.about} holds no version")
        return match[1]

    @property
    def siblings(self) -> dict[str, str]:
        """The declared siblings, each with its range of versions (``>=0.1,<0.2``)."""
        ranges = {}
        for requirement in self.metadata["project"].get("dependencies", []):
            match = re.match(r"([A-Za-z0-9-]+)\s*(.*)", requirement)
            if match is not None and match[1] in NAMES:
                ranges[match[1]] = match[2]
        return ranges

    @property
    def test_requirements(self) -> list[str]:
        """What its tests need besides the distribution itself."""
        requirements: list[str] = self.metadata["dependency-groups"]["test"]
        return requirements

    @property
    def test_files(self) -> list[pathlib.Path]:
        """Its test files, in order."""
        return sorted((self.folder / "tests").rglob("test_*.py"))


def load(root: pathlib.Path = ROOT) -> dict[str, Distribution]:
    """Read every distribution of the checkout at ``root``, in the order of their dependencies."""
    found = {}
    for name in NAMES:
        folder = root / "packages" / name
        metadata = tomllib.loads((folder / "pyproject.toml").read_text())
        if metadata["project"]["name"] != name:
            raise ValueError(f"{folder} holds {metadata['project']['name']}")
        found[name] = Distribution(name, folder, metadata)
    return found


def build_requirements(distributions: dict[str, Distribution]) -> list[str]:
    """Return the build requirements of all distributions, without duplicates."""
    requirements: dict[str, None] = {}
    for distribution in distributions.values():
        requirements.update(dict.fromkeys(distribution.metadata["build-system"]["requires"]))
    return list(requirements)


def test_requirements(distributions: dict[str, Distribution]) -> list[str]:
    """Return the test requirements of all distributions, without duplicates."""
    requirements: dict[str, None] = {}
    for distribution in distributions.values():
        requirements.update(dict.fromkeys(distribution.test_requirements))
    return list(requirements)
