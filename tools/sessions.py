"""What the sessions of ``noxfile.py`` have in common: installing, and running tests."""

from __future__ import annotations

import os
import pathlib
import shutil
from collections.abc import Callable, Collection
from typing import Any

import nox
from nox.command import CommandFailed

from . import beside, distributions, interpreters, junit, wheelhouse

ROOT = distributions.ROOT
MAIN = interpreters.MAIN
#: Its tests take as long as those of all the others.
LARGEST = "ws-sansio"


def pip_install(session: nox.Session, *arguments: str) -> None:
    """Install quietly: what matters here is what failed."""
    session.install("--quiet", "--disable-pip-version-check", *arguments)


def install_wheels(session: nox.Session, build: str, without: Collection[str] = ()) -> None:
    """Install the distributions from the wheelhouse, or skip where there is no compiler."""
    python = session.python if isinstance(session.python, str) else MAIN
    try:
        paths = wheelhouse.wheels(python, build, without)
    except FileNotFoundError as exc:
        session.skip(f"{exc} (no C compiler?)")
    # The version doesn't change with the sources: pip must replace what is there.
    pip_install(session, "--no-index", "--no-deps", "--force-reinstall", *map(str, paths))


def run_pytest(
    session: nox.Session,
    report: str,
    folder: pathlib.Path,
    *arguments: str,
    under: tuple[str, ...] = (),
    python: str = "python",
    **env: str,
) -> None:
    """Run pytest in ``folder``, possibly under another module, and leave its counts in a report."""
    command = [python, *under, *pytest_options(report), *arguments]
    with session.chdir(folder):
        session.run(*command, env=env, external=python != "python")


def start_pytest(
    session: nox.Session,
    report: str,
    folder: pathlib.Path,
    *arguments: str,
    under: tuple[str, ...] = (),
    python: str = "python",
    **env: str,
) -> Callable[[], None]:
    """Start what run_pytest runs, beside what follows; returns what waits for it and shows it."""
    program = shutil.which(python, path=session.bin) or python
    command = [program, *under, *pytest_options(report), *arguments]
    session.log(f"beside what follows: {' '.join(command)}")
    variables = {name: value for name, value in session.env.items() if value is not None}
    wait = beside.start(command, folder, {**variables, **env})

    def finish() -> None:
        session.log(f"this ran beside it: {report}")
        if code := wait():
            raise CommandFailed(f"{report} failed with exit code {code}")

    return finish


def pytest_options(report: str) -> list[str]:
    """Return the arguments of Python that run pytest and leave its counts in a report."""
    junit.FOLDER.mkdir(parents=True, exist_ok=True)
    options = ["-q", "-p", "no:cacheprovider", f"--junit-xml={junit.FOLDER / report}.xml"]
    return ["-m", "pytest", *options]


def run_each(session: nox.Session, names: list[str], run: Callable[[str], None]) -> None:
    """Run something for each name, to the end, and fail the session afterwards if one failed."""
    failed = []
    for name in names:
        try:
            run(name)
        except CommandFailed:
            failed.append(name)
    if failed:
        session.error(f"failed: {', '.join(failed)}")


def run_tests(session: nox.Session, names: list[str], run: Callable[[str, Any], Any]) -> None:
    """Run the tests of each distribution, those of the largest beside those of the others.

    :param run: called with a name, and with ``run_pytest`` or ``start_pytest``.
    """
    finish = run(LARGEST, start_pytest) if {LARGEST} < set(names) else None

    def test(name: str) -> None:
        if name == LARGEST and finish is not None:
            finish()
        else:
            run(name, run_pytest)

    # The largest last, when it is waited for.
    run_each(session, sorted(names, key=LARGEST.__eq__), test)


def split_posargs(session: nox.Session) -> tuple[list[str], list[str]]:
    """Split the arguments after ``--`` into distributions (all, if none is named) and the rest."""
    chosen = [name for name in session.posargs if name in distributions.NAMES]
    rest = [argument for argument in session.posargs if argument not in distributions.NAMES]
    return chosen or list(distributions.NAMES), rest


def with_tests(session: nox.Session, names: list[str]) -> list[str]:
    """Leave out the distributions that have no tests."""
    every = distributions.load()
    for name in names:
        if not every[name].test_files:
            session.log(f"{name} has no tests yet")
    return [name for name in names if every[name].test_files]


def plugins(distribution: distributions.Distribution) -> list[str]:
    """Leave out the asyncio plugin, unless the distribution's own tests ask for it."""
    wanted = any(name.startswith("pytest-asyncio") for name in distribution.test_requirements)
    return [] if wanted else ["-p", "no:asyncio"]


def peer(session: nox.Session, requirements: pathlib.Path) -> str:
    """Make an environment in which ours isn't installed, and return its interpreter."""
    folder = ROOT / ".nox" / f"{requirements.parent.name}-{requirements.stem}"
    python = str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")
    stamp = folder / "requirements.txt"
    if not stamp.is_file() or stamp.read_text() != requirements.read_text():
        session.run("python", "-m", "venv", "--clear", str(folder))
        install = ["-m", "pip", "install", "--quiet", "-r", str(requirements)]
        session.run(python, *install, external=True)
        stamp.write_text(requirements.read_text())
    return python


def programs(session: nox.Session, build: str) -> str:
    """Make an environment of programs that require ``websockets``, on our wheels."""
    folder = ROOT / ".nox" / f"programs-{build}"
    python = str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")
    if not pathlib.Path(python).is_file():
        session.run("python", "-m", "venv", str(folder))
    session.run("python", "-m", "tools.shim")
    shim = str(ROOT / "dist" / "shim" / "websockets-17.4-py3-none-any.whl")
    ours = [*map(str, wheelhouse.wheels(str(session.python), build)), shim]
    requirements = str(ROOT / "tests-integration" / "programs" / "requirements.txt")
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # What has the version that is installed already isn't installed again, but our wheels are.
    session.run(python, *install, "--no-deps", "--force-reinstall", *ours, external=True)
    session.run(python, *install, "-r", requirements, external=True)
    return python


def frameworks(session: nox.Session, python: str) -> str:
    """Add what the how-tos on frameworks use to the environment of the programs."""
    requirements = str(ROOT / "tests-integration" / "docs" / "requirements.txt")
    # Most of what is installed is never imported.
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    session.run(python, *install, "-r", requirements, external=True)
    return python
