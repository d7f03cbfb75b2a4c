"""
Run the benchmarks and print tables: ``python -m benchmarks [--rounds N] [NAME ...]``.

Ratios are to be quoted, not times: machines are noisy. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from . import echo
from .measure import Contender, Results, Table, alternate, worker

PURE = {"WS_IMPL": "python"}


def core(rounds: int) -> list[Table]:
    """The sans-I/O core, compiled and pure, and the reference with and without its speedups."""
    title = "Core: time for each message"
    compiled = alternate(
        Table(f"{title}, compiled", "µs"),
        [
            Contender("websockets", lambda: worker("codec", "websockets")),
            Contender("ws-sansio", lambda: worker("codec", "ws-sansio")),
        ],
        rounds,
    )
    pure = alternate(
        Table(f"{title}, pure Python", "µs"),
        [
            Contender(
                "websockets without speedups",
                lambda: worker("codec", "websockets without speedups"),
            ),
            Contender("ws-sansio, pure", lambda: worker("codec", "ws-sansio", env=PURE)),
        ],
        rounds,
    )
    return [compiled, pure]


def echo_servers(rounds: int) -> list[Table]:
    """Echo servers on asyncio, one connection."""
    loads = {
        "64 B, 64 in flight": (64, 64),
        "64 B, 1 in flight": (64, 1),
        "1 KiB, 64 in flight": (1024, 64),
        "64 KiB, 8 in flight": (65536, 8),
    }
    names: list[tuple[str, str, dict[str, str]]] = [
        ("websockets", "websockets", {}),
        ("picows.websockets", "picows.websockets", {}),
        ("picows, callbacks", "picows", {}),
        ("ws-asyncio", "ws-asyncio", {}),
        ("ws-asyncio, pure", "ws-asyncio", PURE),
    ]
    rate = Table("Echo server, one connection: throughput", "messages/s", higher_is_better=True)
    cpu = Table("Echo server, one connection: the server's CPU time for each message", "µs")

    def contender(label: str, name: str, env: dict[str, str]) -> Contender:
        def run() -> Results:
            results = {}
            for load, (size, in_flight) in loads.items():
                frames = echo.plain_frames(size)
                results[load], used = echo.measure(name, frames, in_flight=in_flight, env=env)
                cpu.add(label, {load: used})
            return results

        return Contender(label, run)

    alternate(rate, [contender(*name) for name in names], rounds)
    return [rate, cpu]


def sync(rounds: int) -> list[Table]:
    """Echo clients on threads, against one server."""

    def contender(label: str, name: str, env: dict[str, str]) -> Contender:
        def run() -> Results:
            with echo.server("ws-asyncio", False, {}) as (port, _):
                return worker("echo_client", name, str(port), env=env)

        return Contender(label, run)

    table = Table("Echo client on threads: its CPU time for each message", "µs")
    contenders = [
        contender("websockets.sync", "websockets", {}),
        contender("websocket-client", "websocket-client", {}),
        contender("ws-sync", "ws-sync", {}),
        contender("ws-sync, pure", "ws-sync", PURE),
    ]
    return [alternate(table, contenders, rounds)]


def compressed(rounds: int) -> list[Table]:
    """Echo servers with permessage-deflate: JSON of 1 KB, 20 connections."""
    table = Table(
        "Echo server, 20 connections, JSON of 1 KB, compressed: throughput",
        "messages/s",
        higher_is_better=True,
    )
    frames = echo.json_frames(2000)

    def contender(name: str) -> Contender:
        def run() -> Results:
            rate, _ = echo.measure(name, frames, connections=20, in_flight=8, compressed=True)
            return {"8 in flight on each": rate}

        return Contender(name, run)

    return [alternate(table, [contender("websockets"), contender("ws-asyncio")], rounds)]


def memory(rounds: int) -> list[Table]:
    """What an idle connection takes, and what compression that isn't used yet adds to it."""
    allocated = Table("Idle connection on asyncio: allocated by Python", "KiB")
    grown = Table("Idle connection on asyncio: resident memory of the process", "KiB")

    def contender(name: str) -> Contender:
        def run() -> Results:
            results = _idle(name, "resident")
            allocated.add(name, _idle(name, "traced"))
            return results

        return Contender(name, run)

    alternate(grown, [contender("websockets"), contender("ws-asyncio")], rounds)
    return [allocated, grown]


def _idle(name: str, what: str) -> Results:
    results = {}
    for side in ("server", "client"):
        off = worker("memory", name, side, "off", what)["KiB"]
        on = worker("memory", name, side, "on", what)["KiB"]
        results |= {side: off, f"{side}, added by compression": on - off}
    return results


def imports(rounds: int) -> list[Table]:
    """The time that an import takes, net of the interpreter's own start."""

    def start(code: str) -> float:
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            subprocess.run([sys.executable, "-I", "-c", code], check=True)
            times.append(time.perf_counter() - begin)
        return statistics.median(times)

    def contender(label: str, module: str) -> Contender:
        def run() -> Results:
            return {"import": (start(f"import {module}") - start("pass")) * 1e3}

        return Contender(label, run)

    table = Table("Import, net of the interpreter's start", "ms")
    contenders = [
        contender("websockets.client", "websockets.client"),
        contender("ws_sansio", "ws_sansio"),
        contender("websockets.asyncio.client", "websockets.asyncio.client"),
        contender("ws_asyncio", "ws_asyncio"),
    ]
    return [alternate(table, contenders, rounds)]


def broadcasts(rounds: int) -> list[Table]:
    """Messages of 1 KB to many clients."""

    def contender(name: str) -> Contender:
        def run() -> Results:
            return worker("broadcast", name, "500") | worker("broadcast", name, "1000")

        return Contender(name, run)

    table = Table("Broadcast of 1 KB: the server's CPU time for each client", "µs")
    return [alternate(table, [contender("websockets"), contender("ws-asyncio")], rounds)]


BENCHMARKS: dict[str, Callable[[int], list[Table]]] = {
    "core": core,
    "echo": echo_servers,
    "sync": sync,
    "compressed": compressed,
    "broadcast": broadcasts,
    "imports": imports,
    "memory": memory,
}


def describe() -> str:
    """What was measured, and on what."""
    from importlib.metadata import version

    import ws_sansio

    packages = ("ws-sansio", "ws-asyncio", "ws-sync", "websockets", "picows")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{platform.python_implementation()} {platform.python_version()} on "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores; {versions}; "
        f"ws-sansio runs its {ws_sansio.implementation!r} form.\n"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - BENCHMARKS.keys()
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    print(describe())
    for name in options.names or BENCHMARKS:
        for table in BENCHMARKS[name](options.rounds):
            print(table.markdown(), flush=True)


if __name__ == "__main__":
    main()
