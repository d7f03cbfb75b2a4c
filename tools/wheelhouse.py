"""Builds sdists and wheels into ``dist/`` once, and finds them there again.

``dist/sdist`` holds the sdists, ``dist/pure`` the ``py3-none-any`` wheels, ``dist/cp311`` the
wheels compiled for CPython 3.11, and so on. ``dist/index.json`` says from which sources each was
built: what is up to date isn't built again.

Wheels are built from the sdist, unpacked into an empty folder: so each sdist is known to be
complete. The interpreter that runs this module builds, with the build requirements that the
distributions declare and nothing else::

    python -m tools.wheelhouse sdist pure compiled
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from collections.abc import Collection

from .distributions import ROOT, Distribution, load

DIST = ROOT / "dist"
KINDS = ("sdist", "pure", "compiled")

PROBE = """
import sys
from setuptools import Distribution, Extension
distribution = Distribution({"ext_modules": [Extension("probe", ["probe.c"])]})
command = distribution.get_command_obj("build_ext")
command.build_lib = command.build_temp = "out"
command.ensure_finalized()
command.run()
"""


def folder_of(kind: str, python: str | None = None) -> pathlib.Path:
    """Return the folder of a kind; ``python`` (``3.11``) counts for ``compiled`` alone."""
    if kind == "compiled":
        version = python or f"{sys.version_info[0]}.{sys.version_info[1]}"
        return DIST / f"cp{version.replace('.', '')}"
    return DIST / kind


def source_key(distribution: Distribution, kind: str) -> str:
    """Return a digest of what the artifact is made from."""
    digest = hashlib.sha256(kind.encode())
    folders = ["src", "tests"] if kind == "sdist" else ["src"]
    names = ["pyproject.toml", "hatch_build.py", "README.md", "LICENSE"]
    names += ["CHANGELOG.md"] if kind == "sdist" else []
    paths = [distribution.folder / name for name in names]
    for folder in folders:
        paths += sorted((distribution.folder / folder).rglob("*"))
    for path in paths:
        if path.is_file() and not {"__pycache__", "_compiled"} & set(path.parts):
            digest.update(f"\0{path.relative_to(distribution.folder)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    if kind == "compiled":
        digest.update(os.environ.get("WS_BUILD_CFLAGS", "").encode())
    return digest.hexdigest()


def read_index() -> dict[str, dict[str, str]]:
    """Map each artifact (``cp311/ws-types``) to its file and the key of its sources."""
    try:
        index: dict[str, dict[str, str]] = json.loads((DIST / "index.json").read_text())
    except FileNotFoundError:
        return {}
    return index


def find(distribution: Distribution, kind: str, python: str | None = None) -> pathlib.Path | None:
    """Return the artifact if it is there, built from the present sources or not."""
    folder = folder_of(kind, python)
    entry = read_index().get(f"{folder.name}/{distribution.name}")
    if entry is None or not (folder / entry["file"]).is_file():
        return None
    return folder / entry["file"]


def wheels(python: str, build: str, without: Collection[str] = ()) -> list[pathlib.Path]:
    """Return the wheels for a build, ``compiled`` or ``pure``, but for some distributions.

    :raises FileNotFoundError: One was not built, where there is no C compiler for instance.
    """
    found = []
    for distribution in load().values():
        if distribution.name in without:
            continue
        kind = "compiled" if build == "compiled" and distribution.modules else "pure"
        path = find(distribution, kind, python)
        if path is None:
            raise FileNotFoundError(f"{distribution.name} has no {kind} wheel for Python {python}")
        found.append(path)
    return found


def has_compiled(python: str) -> bool:
    """Whether every distribution that has a compiled build has its wheel for this Python."""
    every = load().values()
    return all(find(one, "compiled", python) is not None for one in every if one.modules)


def every_artifact() -> list[pathlib.Path]:
    """Return everything that the wheelhouse holds."""
    index = read_index()
    paths = [DIST / name.partition("/")[0] / entry["file"] for name, entry in index.items()]
    return sorted(path for path in paths if path.is_file())


def find_compiler_problem() -> str | None:
    """Compile a trivial extension; return what went wrong, or None."""
    with tempfile.TemporaryDirectory(prefix="probe-") as folder:
        pathlib.Path(folder, "probe.c").write_text(
            "#include <Python.h>\nPyMODINIT_FUNC PyInit_probe(void) { return NULL; }\n"
        )
        run = subprocess.run(
            [sys.executable, "-c", PROBE], cwd=folder, capture_output=True, text=True, check=False
        )
    if run.returncode == 0:
        return None
    return (run.stderr.strip() or run.stdout.strip() or "unknown").splitlines()[-1]


def build_one(distribution: Distribution, kind: str) -> pathlib.Path:
    """Build one artifact with the running interpreter, and record it in the index."""
    out = folder_of(kind)
    out.mkdir(parents=True, exist_ok=True)
    key = source_key(distribution, kind)
    with tempfile.TemporaryDirectory(prefix=f"{distribution.name}-") as work:
        if kind == "sdist":
            target, folder = "sdist", distribution.folder
        else:
            target, folder = "wheel", unpack(distribution, pathlib.Path(work))
        built = pathlib.Path(work, "out")
        environment = {**os.environ, "WS_BUILD": "pure" if kind == "pure" else "require"}
        run = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(built)],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if run.returncode:
            raise SystemExit(f"{run.stdout}\n{distribution.name}: its {kind} build failed")
        (artifact,) = built.iterdir()
        record(distribution, out / artifact.name, artifact, key)
    return out / artifact.name


def unpack(distribution: Distribution, work: pathlib.Path) -> pathlib.Path:
    """Unpack the sdist of a distribution below ``work`` and return the folder."""
    sdist = find(distribution, "sdist")
    if sdist is None:
        raise SystemExit(f"{distribution.name} has no sdist to build a wheel from")
    with tarfile.open(sdist) as archive:
        # CPython 3.11.4 added filters. The archive is our own.
        if hasattr(tarfile, "data_filter"):
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(work)  # noqa: S202
    return work / sdist.name.removesuffix(".tar.gz")


def forget(distribution: Distribution) -> None:
    """Remove a compiled wheel that is out of date and can't be built again."""
    stale = find(distribution, "compiled")
    if stale is not None:
        stale.unlink()


def record(
    distribution: Distribution, path: pathlib.Path, artifact: pathlib.Path, key: str
) -> None:
    """Move an artifact to its place, in place of the one that it follows, and index it."""
    index = read_index()
    name = f"{path.parent.name}/{distribution.name}"
    if name in index:
        (path.parent / index[name]["file"]).unlink(missing_ok=True)
    path.write_bytes(artifact.read_bytes())
    index[name] = {"file": path.name, "key": key}
    temporary = DIST / f"index.{os.getpid()}.json"
    temporary.write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")
    temporary.replace(DIST / "index.json")


def ensure(kinds: list[str]) -> None:
    """Build whatever of these kinds is missing or out of date, with a line for each artifact."""
    todo = []
    for kind in kinds:
        for distribution in load().values():
            if kind == "compiled" and not distribution.modules:
                continue
            folder = folder_of(kind)
            entry = read_index().get(f"{folder.name}/{distribution.name}")
            fresh = entry is not None and entry["key"] == source_key(distribution, kind)
            if not fresh or find(distribution, kind) is None:
                todo.append((distribution, kind))
    if any(kind == "compiled" for _, kind in todo):
        problem = find_compiler_problem()
        if problem is not None:
            if os.environ.get("CI") == "true":
                raise SystemExit(f"no C compiler works here: {problem}")
            print(f"No C compiler works here, so there are pure wheels only: {problem}", flush=True)
            for distribution in [one for one, kind in todo if kind == "compiled"]:
                forget(distribution)
            todo = [(distribution, kind) for distribution, kind in todo if kind != "compiled"]
    for number, (distribution, kind) in enumerate(todo, 1):
        start = time.monotonic()
        path = build_one(distribution, kind)
        seconds = time.monotonic() - start
        print(f"[{number}/{len(todo)}] {path.relative_to(ROOT)} ({seconds:.1f} s)", flush=True)
    print(f"Up to date: {', '.join(str(folder_of(kind).relative_to(ROOT)) for kind in kinds)}")


def expected_tag(distribution: Distribution, kind: str) -> str:
    """Return the wheel tag that this interpreter gives to a kind of wheel."""
    if kind == "pure" or not distribution.modules:
        return "py3-none-any"
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return f"{python}-{python}-{platform}"


if __name__ == "__main__":
    ensure(sys.argv[1:] or list(KINDS))
