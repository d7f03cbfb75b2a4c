"""Every job of the repository: ``nox --list`` names the sessions, ``nox -s NAME`` runs one.

The wheelhouse ``dist/`` is built once for each Python (sessions ``build-*``) and used by all
sessions that test what is installed. ``python3 run.py NAME`` runs a session where nox isn't
installed.
"""

from __future__ import annotations

import itertools
import os
import pathlib
import shutil
import sys
from collections.abc import Callable
from typing import Any

import nox

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from tools import distributions, interpreters, wheelhouse
from tools.sessions import (
    frameworks,
    install_wheels,
    peer,
    pip_install,
    plugins,
    programs,
    run_each,
    run_pytest,
    run_tests,
    split_posargs,
    start_pytest,
    with_tests,
)

ROOT = distributions.ROOT
MAIN = interpreters.MAIN
PYTHONS = interpreters.expose()
OTHERS = [version for version in PYTHONS if version != MAIN]
BUILDS = ["compiled", "pure"]

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "venv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["ci"]

COVERAGE = ["coverage>=7.6"]
LINT = ["ruff>=0.15,<1"]
# Optional dependencies whose types are used.
TYPES = ["mypy>=1.18,<3", "werkzeug>=3.1", "python-socks>=2.5"]
DOCS = ["sphinx>=8,<10"]
INTEGRATION = ["pytest>=8.2", "pytest-asyncio>=0.24", "hypothesis>=6.100", "packaging>=24"]
INTEGRATION += ["trustme>=1.2"]
# The extra of the command line, and a pseudo-terminal to test it in.
INTEGRATION += ["prompt-toolkit>=3.0.36,<4", "rich>=13.0", "pexpect>=4.9"]
# Type checkers and an installer, as users of websockets-meta run them.
USERS = [*TYPES, "pyright>=1.1.390", "uv>=0.5"]
IMPORTS = ["import-linter>=2.5,<3"]
METADATA = ["twine>=6.1"]
RELEASE = ["packaging>=24"]
CIBW = ["cibuildwheel>=3"]

# Of the thousand messages that each case of 12 and 13 compresses, one case of each kind.
AUTOBAHN_DEFLATE = ["12.1.2", "12.2.3", "12.3.4", "12.4.5", "12.5.6", "13.1.2", "13.2.2"]
AUTOBAHN_DEFLATE += ["13.3.3", "13.4.4", "13.5.5", "13.6.6", "13.7.2"]
AUTOBAHN_SAMPLE = [*(f"{group}.*" for group in range(1, 11)), *AUTOBAHN_DEFLATE]
AUTOBAHN_SAMPLE_PURE = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*", *AUTOBAHN_DEFLATE]


# Build


@nox.session(python=PYTHONS)
def build(session: nox.Session) -> None:
    """Build every sdist and wheel into dist/, where not up to date, and check their contents."""
    # Nothing but the declared build requirements: what isn't declared must be missed.
    pip_install(session, *distributions.build_requirements(distributions.load()))
    kinds = ["sdist", "pure", "compiled"] if session.python == MAIN else ["sdist", "compiled"]
    # With --install-only too: the wheels are what the other sessions install.
    session.run_install("python", "-m", "tools.wheelhouse", *kinds)
    session.run("python", "-m", "tools.artifacts")


@nox.session(python=MAIN, requires=[f"build-{MAIN}"])
def metadata(session: nox.Session) -> None:
    """Check that the metadata of everything in dist/ is valid and renders."""
    pip_install(session, *METADATA)
    paths = [str(path) for path in wheelhouse.every_artifact()]
    session.run("twine", "check", "--strict", *paths, silent=True)


@nox.session(python=MAIN)
def shim(session: nox.Session) -> None:
    """Build the empty wheel "websockets" that requires websockets-meta (-- 15.0), to dist/shim/."""
    pip_install(session, *distributions.build_requirements(distributions.load()))
    session.run("python", "-m", "tools.shim", *session.posargs)


# Test


@nox.session(python=PYTHONS, requires=["build-{python}", f"build-{MAIN}"])
@nox.parametrize("build", [nox.param(build, id=build) for build in BUILDS])
def tests(session: nox.Session, build: str) -> None:
    """Run each distribution's tests from its folder against the installed wheels (-- ws-types)."""
    pip_install(session, *distributions.test_requirements(distributions.load()))
    install_wheels(session, build)
    chosen, arguments = split_posargs(session)
    every = distributions.load()
    env = {"WS_TEST_BUILD": "c" if build == "compiled" else "python"}

    def test(name: str, run: Any) -> Any:
        report = f"tests-{session.python}-{build}-{name}"
        options = [*plugins(every[name]), *arguments]
        return run(session, report, every[name].folder, *options, **env)

    run_tests(session, with_tests(session, chosen), test)


@nox.session(python=OTHERS or [MAIN], requires=["build-{python}", f"build-{MAIN}"])
def smoke(session: nox.Session) -> None:
    """Import every module of the installed wheels, compiled and interpreted."""
    install_wheels(session, "compiled")
    for implementation in ("c", "python"):
        names = [distribution.package for distribution in distributions.load().values()]
        env = {"WS_IMPL": "python"} if implementation == "python" else {}
        session.run("python", "-W", "error", str(ROOT / "tools" / "smoke.py"), *names, env=env)


@nox.session(python=MAIN, requires=[f"build-{MAIN}"])
def coverage(session: nox.Session) -> None:
    """Measure the branch coverage of each module by the distribution's own tests."""
    pip_install(session, *COVERAGE, *distributions.test_requirements(distributions.load()))
    install_wheels(session, "pure")
    every = distributions.load()
    names = with_tests(session, split_posargs(session)[0])
    data = ROOT / "reports" / "coverage"
    data.mkdir(parents=True, exist_ok=True)

    def measure(name: str, run: Any) -> Any:
        under = ["-m", "coverage", "run", f"--rcfile={ROOT / '.coveragerc'}"]
        under += [f"--data-file={data / name}", f"--source={every[name].package}"]
        options = plugins(every[name])
        env = {"WS_TEST_BUILD": "python"}
        return run(
            session, f"coverage-{name}", every[name].folder, *options, under=tuple(under), **env
        )

    run_tests(session, names, measure)
    session.run("python", "-m", "tools.coverage_table", *names)


@nox.session(python=MAIN, requires=[f"build-{MAIN}"])
def isolated(session: nox.Session) -> None:
    """Install each distribution alone, import each module alone, and hold the import contracts."""
    pip_install(session, *INTEGRATION, *IMPORTS)
    install_wheels(session, "pure")
    folder = ROOT / "tests-integration"
    run_pytest(session, "isolated", folder, "isolated", *session.posargs)
    # The contracts are about what is imported, not about what importing it says.
    session.run("lint-imports", "--config", str(ROOT / ".importlinter"), "--no-cache")


@nox.session(python=MAIN, requires=[f"build-{MAIN}"])
@nox.parametrize("build", [nox.param(build, id=build) for build in BUILDS])
def integration(session: nox.Session, build: str) -> None:
    """Run tests-integration/ with every distribution installed, and peers beside it."""
    build_tools = distributions.build_requirements(distributions.load())
    pip_install(session, *INTEGRATION, *USERS, *build_tools)
    install_wheels(session, build)
    env = {}
    for requirements in sorted((ROOT / "tests-integration" / "peers").glob("*.txt")):
        name = requirements.stem.upper().replace("-", "_")
        env[f"WS_PEER_{name}"] = peer(session, requirements)
    node = shutil.which("node")
    # Where somebody ran `npm install` in that folder.
    if node and (ROOT / "tests-integration" / "node" / "node_modules" / "ws").is_dir():
        env["WS_PEER_WS"] = node
    env["WS_PROGRAMS"] = programs(session, build)
    folder = ROOT / "tests-integration"
    # Packaging is the same whatever build is installed, but for where there is no compiler.
    twice = build == "pure" and wheelhouse.has_compiled(MAIN)
    # So are the how-tos on frameworks.
    if not twice:
        env["WS_FRAMEWORKS"] = frameworks(session, env["WS_PROGRAMS"])
    arguments = ["--ignore=isolated", *(["--ignore=packaging"] if twice else [])]
    arguments += session.posargs
    # What the scenarios ask for is what the reference does, whatever build of ours is installed.
    oracle: dict[str, Callable[[], None]] = {}
    if not twice and not session.posargs:
        python = peer(session, folder / "conformance" / "oracle.txt")
        oracle["conformance"] = start_pytest(
            session, "conformance", folder, "conformance", python=python, WS_ORACLE="1"
        )

    def test(name: str) -> None:
        if name in oracle:
            oracle[name]()
        else:
            run_pytest(session, name, folder, *arguments, **env)

    run_each(session, [f"integration-{build}", *oracle], test)


@nox.session(python=MAIN, requires=[f"build-{MAIN}"])
@nox.parametrize("build", [nox.param(build, id=build) for build in BUILDS])
def sdks(session: nox.Session, build: str) -> None:
    """Have the SDKs of services talk to local servers, on our wheels."""
    pip_install(session, *INTEGRATION, *distributions.build_requirements(distributions.load()))
    install_wheels(session, build)
    # Some SDKs admit older versions of websockets only.
    session.run("python", "-m", "tools.shim", "15.0")
    shim = str(ROOT / "dist" / "shim" / "websockets-15.0-py3-none-any.whl")
    pip_install(session, "--no-deps", "--force-reinstall", shim)
    folder = ROOT / "tests-integration"
    pip_install(session, "-r", str(folder / "sdks" / "requirements.txt"))
    pip_install(session, "--no-deps", "-r", str(folder / "sdks" / "pipecat.txt"))
    # What the SDKs warn of isn't ours to change.
    options = ["-W", "ignore", "-p", "no:anyio", "sdks", *session.posargs]
    run_pytest(session, f"sdks-{build}", folder, *options)


@nox.session(python=MAIN, requires=[f"build-{MAIN}"])
@nox.parametrize("build", [nox.param(build, id=build) for build in BUILDS])
def autobahn(session: nox.Session, build: str) -> None:
    """Run the whole Autobahn suite (-- --cases "1.*" for a part), as server and client."""
    run_autobahn(session, build, session.posargs)


@nox.session(name="autobahn-sample", python=MAIN, requires=[f"build-{MAIN}"])
@nox.parametrize("build", [nox.param(build, id=build) for build in BUILDS])
def autobahn_sample(session: nox.Session, build: str) -> None:
    """Run the cases of the Autobahn suite that take little time."""
    cases = AUTOBAHN_SAMPLE if build == "compiled" else AUTOBAHN_SAMPLE_PURE
    run_autobahn(session, build, ["--cases", *cases])


@nox.session(python=MAIN, requires=[f"build-{MAIN}"])
def stress(session: nox.Session) -> None:
    """Have many threads use one connection, a few hundred times."""
    install_wheels(session, "compiled" if wheelhouse.has_compiled(MAIN) else "pure")
    distribution = distributions.load()["ws-sync"]
    pip_install(session, *distribution.test_requirements)
    folder = ROOT / "packages" / "ws-sync"
    run_pytest(
        session, "stress", folder, "tests/test_stress.py", "-p", "no:asyncio", WS_STRESS="300"
    )


@nox.session(python=MAIN, requires=[f"build-{MAIN}"])
def soak(session: nox.Session) -> None:
    """Run 2,000 connections for a minute and look for leaks (-- --connections 100 --seed 1)."""
    install_wheels(session, "compiled" if wheelhouse.has_compiled(MAIN) else "pure")
    script = ROOT / "tests-integration" / "soak" / "soak.py"
    session.run("python", str(script), *session.posargs)


def run_autobahn(session: nox.Session, build: str, arguments: list[str]) -> None:
    """Run the suite on both sides, or say why it can't run here."""
    install_wheels(session, build)
    script = str(ROOT / "tests-integration" / "autobahn" / "run.py")
    for shell, side in itertools.product(("ws-asyncio", "ws-sync"), ("server", "client")):
        out = ROOT / "reports" / "autobahn" / f"{shell}-{side}-{build}"
        command = ["python", script, side, str(out), "--shell", shell, *arguments]
        # 4: there is no Python 2.7.
        session.run(*command, success_codes=[0, 4])


# Read


@nox.session(python=MAIN)
def lint(session: nox.Session) -> None:
    """Check style and format (-- --fix repairs both)."""
    pip_install(session, *LINT)
    fix = "--fix" in session.posargs
    session.run("ruff", "check", *(["--fix"] if fix else []))
    session.run("ruff", "format", *([] if fix else ["--check"]))


@nox.session(python=MAIN)
def types(session: nox.Session) -> None:
    """Check types strictly, each distribution by itself."""
    # The tools use nox themselves.
    pip_install(session, *TYPES, *RELEASE, f"nox{nox.needs_version}")
    every = distributions.load()
    path = os.pathsep.join(str(distribution.folder / "src") for distribution in every.values())

    def check(name: str) -> None:
        session.run("mypy", "-p", every[name].package, env={"MYPYPATH": path})

    run_each(session, split_posargs(session)[0], check)
    session.run("mypy", "tools", "run.py")


@nox.session(python=MAIN, requires=[f"build-{MAIN}"])
def docs(session: nox.Session) -> None:
    """Build the documentation into docs/_build/html, with warnings as errors."""
    pip_install(session, *DOCS)
    install_wheels(session, "pure")
    out = ROOT / "docs" / "_build"
    session.run("sphinx-build", "-q", "-W", "--keep-going", "-E", "docs", str(out / "html"))
    session.log(f"{out / 'html' / 'index.html'}")


# Run


@nox.session(python=MAIN, requires=[f"build-{MAIN}"])
def demo(session: nox.Session) -> None:
    """Run the chat with its live page (-- --seconds 5)."""
    install_wheels(session, "compiled" if wheelhouse.has_compiled(MAIN) else "pure")
    # The demo gets time to end cleanly on Ctrl-C.
    program = ["python", str(ROOT / "demo" / "chat.py"), *session.posargs]
    session.run(*program, interrupt_timeout=10, terminate_timeout=5)


@nox.session(python=MAIN, requires=[f"build-{MAIN}"])
def bench(session: nox.Session) -> None:
    """Run the benchmarks against the peers (-- ARGUMENTS)."""
    requirements = ROOT / "benchmarks" / "requirements.txt"
    if not requirements.is_file():
        session.skip("there are no benchmarks yet")
    pip_install(session, "-r", str(requirements))
    # One of the peers has the same import name.
    install_wheels(session, "compiled", without=["websockets-meta"])
    session.run("python", "-m", "benchmarks", *session.posargs)


# Release


@nox.session(python=MAIN)
def hatch(session: nox.Session) -> None:
    """Use hatch in the folder of each distribution: version, build, tests."""
    pip_install(session, "hatch>=1.14")
    every = distributions.load()
    # An environment of hatch is made anew: a reused one may hold siblings of another checkout.
    data = pathlib.Path(session.create_tmp()).resolve()
    env = {"HATCH_DATA_DIR": str(data), "HATCH_CACHE_DIR": str(data)}

    def use(name: str) -> None:
        with session.chdir(every[name].folder):
            session.run("hatch", "version", env=env)
            session.run("hatch", "build", str(data / name), env=env)
            if every[name].test_files:
                session.run("hatch", "run", "test", "-q", "-p", "no:cacheprovider", env=env)

    run_each(session, split_posargs(session)[0], use)


@nox.session(python=MAIN)
def bump(session: nox.Session) -> None:
    """Give a distribution its next version (-- ws-types 0.2.0), and siblings their ranges."""
    pip_install(session, *RELEASE)
    session.run("python", "-m", "tools.releases", "bump", *session.posargs)


@nox.session(name="check-tag", python=MAIN)
def check_tag(session: nox.Session) -> None:
    """Check that a tag (-- ws-types-v0.1.0) equals the version of its distribution."""
    pip_install(session, *RELEASE)
    session.run("python", "-m", "tools.releases", "check-tag", *session.posargs)


@nox.session(python=MAIN)
def cibw(session: nox.Session) -> None:
    """Print the wheels that cibuildwheel makes of each distribution, on each platform."""
    pip_install(session, *CIBW)
    every = distributions.load()
    for name in split_posargs(session)[0]:
        if not every[name].modules:
            session.log(f"{name} is pure: one py3-none-any wheel")
            continue
        for platform in ("linux", "macos", "windows"):
            session.log(f"{name} on {platform}")
            options = ["--print-build-identifiers", "--platform", platform]
            session.run("cibuildwheel", *options, str(every[name].folder))


# All together


def notify(session: nox.Session, *names: str) -> None:
    """Queue sessions, after the builds that all of them need."""
    for name in (*(f"build-{version}" for version in PYTHONS), *names):
        session.notify(name, posargs=[])


@nox.session(venv_backend="none")
def ci(session: nox.Session) -> None:
    """What CI runs: one Python in full on both builds, the others compiled."""
    # The coverage is that of all tests on the pure build: they needn't run a second time.
    names = ["lint", "types", f"tests-{MAIN}(compiled)", "coverage"]
    names += ["isolated", "integration(compiled)", "integration(pure)", "metadata", "docs"]
    names += [f"autobahn-sample({build})" for build in BUILDS]
    names += ["sdks(compiled)"]
    for version in OTHERS:
        names += [f"tests-{version}(compiled)", f"smoke-{version}"]
    notify(session, *names)


@nox.session(venv_backend="none")
def full(session: nox.Session) -> None:
    """Everything: every Python on both builds, and what only releases need."""
    names = ["lint", "types", "coverage", "isolated", "metadata", "docs", "hatch", "cibw"]
    names += [f"{name}({build})" for name in ("integration", "sdks") for build in BUILDS]
    names += ["autobahn(compiled)", "autobahn-sample(pure)", "stress", "soak"]
    for version in PYTHONS:
        names += [f"tests-{version}({build})" for build in BUILDS]
    names += [f"smoke-{version}" for version in OTHERS or [MAIN]]
    notify(session, *names)
