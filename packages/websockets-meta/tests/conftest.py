"""Says which builds are tested, and refuses an installed package that isn't the checkout's.

This file is the same in each distribution. The tests run against what is installed: a wheel built
before the last edit would be tested silently in place of the edited source.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import os
import pathlib
import tomllib

import hypothesis
import pytest

# Every run tries the same examples, and a busy machine is no failure.
hypothesis.settings.register_profile("tests", derandomize=True, deadline=None)
hypothesis.settings.load_profile("tests")

#: Folder in ``packages/`` and import name; below each other as they depend on each other.
PACKAGES = {
    "ws-types": "ws_types",
    "ws-sansio": "ws_sansio",
    "ws-extensions": "ws_extensions",
    "ws-asyncio": "ws_asyncio",
    "ws-sync": "ws_sync",
    "websockets-meta": "websockets",
}

HERE = pathlib.Path(__file__).resolve().parent.parent


def find_source(distribution: str) -> pathlib.Path | None:
    """Return the folder of a distribution; None for the siblings of an unpacked sdist."""
    for folder in (HERE.parent / distribution, HERE):
        source = folder / "src" / PACKAGES[distribution]
        if source.is_dir():
            return folder
    return None


def find_installed(package: str) -> pathlib.Path | None:
    """Return the folder that ``package`` is imported from, or None where it isn't installed."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    return pathlib.Path(spec.origin).resolve().parent


def read_sources(folder: pathlib.Path) -> dict[str, bytes]:
    """Return the content of each Python file below ``folder``."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*.py")
        if "_compiled" not in path.parts
    }


def find_stale(installed: pathlib.Path, source: pathlib.Path) -> str | None:
    """Say how the installed package differs from its source, or return None."""
    have, want = read_sources(installed), read_sources(source)
    for name in sorted(have.keys() | want.keys()):
        if have.get(name) != want.get(name):
            return f"{installed / name} is not {source / name}"
    manifest = installed / "_compiled" / "manifest.json"
    if manifest.is_file():
        for name, digest in json.loads(manifest.read_bytes())["sources"].items():
            path = source / name
            if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                return f"the extensions in {manifest.parent} were compiled from another {path}"
    return None


def find_wrong_build(folder: pathlib.Path, package: str) -> str | None:
    """Say where ``WS_TEST_BUILD`` (c or python) isn't what runs, or return None."""
    expected = os.environ.get("WS_TEST_BUILD")
    metadata = tomllib.loads((folder / "pyproject.toml").read_text())
    hooks = metadata["tool"]["hatch"]["build"]["targets"]["wheel"].get("hooks", {})
    if expected is None or not hooks.get("custom", {}).get("modules"):
        return None
    implementation = importlib.import_module(package).implementation
    if implementation != expected:
        return f"WS_TEST_BUILD={expected}, but {package} runs its {implementation!r} build"
    return None


def pytest_configure(config: pytest.Config) -> None:
    for distribution, package in PACKAGES.items():
        folder, installed = find_source(distribution), find_installed(package)
        if folder is None or installed is None:
            continue
        problem = find_stale(installed, folder / "src" / package)
        if problem is not None:
            raise pytest.UsageError(f"{package} is stale, install it again: {problem}")
        problem = find_wrong_build(folder, package)
        if problem is not None:
            raise pytest.UsageError(problem)


def pytest_report_header(config: pytest.Config) -> list[str]:
    lines = []
    for package in PACKAGES.values():
        installed = find_installed(package)
        if installed is None:
            continue
        try:
            module = importlib.import_module(package)
        except ImportError as exc:
            lines.append(f"{package}: can't be imported from {installed}: {exc}")
        else:
            implementation = getattr(module, "implementation", "python")
            lines.append(f"{package}: {implementation} build, from {installed}")
    return lines
