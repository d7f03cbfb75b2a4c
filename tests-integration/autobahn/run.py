"""
Runs the Autobahn suite against a shell, and compares the results with those expected.

``python run.py {server,client} OUTPUT-FOLDER`` runs all 517 cases; ``--shell ws-sync`` runs them on
threads, ``--cases`` and ``--exclude`` choose among them (patterns are prefixes: ``12.*.1`` means
``12.1.10`` too). Exit status: 0 as expected, 1 not as expected, 4 the suite can't run here.

``expected.json`` has the cases whose result isn't OK, with what it is, by side; a result that
differs in either direction is an error. Those listed as "flipping" are about how much is echoed
before a failure: they are OK or NON-STRICT, depending on what arrives together.

Installing the suite (``wstest``, which needs a Python 2.7) is left to ``install.sh``.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
WSTEST = pathlib.Path.home() / ".cache" / "autobahn" / "venv" / "bin" / "wstest"
#: The echo server and the client of each shell.
SHELLS = {
    "ws-asyncio": ("echo_server.py", "echo_client.py"),
    "ws-sync": ("threads_server.py", "threads_client.py"),
}
TIMEOUT = 1800


def wstest(mode: str, out: pathlib.Path, spec: dict[str, Any], *options: str) -> list[str]:
    """The command that runs the suite, with its specification written down."""
    path = out / "spec.json"
    path.write_text(json.dumps({"outdir": str(out), "exclude-agent-cases": {}, **spec}))
    return [str(WSTEST), "-m", mode, "-s", str(path), *options]


@contextlib.contextmanager
def running(command: list[str], log: pathlib.Path, **settings: Any) -> Iterator[Any]:
    """A process that is ended when it isn't needed any more."""
    with log.open("w") as output:
        process = subprocess.Popen(command, stderr=output, **settings)
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def test_server(shell: str, out: pathlib.Path, spec: dict[str, Any]) -> None:
    """The suite is the client."""
    command = [sys.executable, str(HERE / SHELLS[shell][0])]
    with running(command, out / "server.log", stdout=subprocess.PIPE, text=True) as server:
        port = int(server.stdout.readline())
        spec["servers"] = [{"url": f"ws://127.0.0.1:{port}", "agent": shell}]
        with (out / "wstest.log").open("w") as log:
            subprocess.run(
                wstest("fuzzingclient", out, spec),
                cwd=out,
                stdout=log,
                stderr=log,
                timeout=TIMEOUT,
                check=True,
            )
        if server.poll() is not None:
            raise RuntimeError("the echo server ended")


def test_client(shell: str, out: pathlib.Path, spec: dict[str, Any]) -> None:
    """The suite is the server. It can't choose a free port by itself."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    spec["url"] = url = f"ws://127.0.0.1:{port}"
    command = wstest("fuzzingserver", out, spec, "-u", "0")
    with running(command, out / "wstest.log", cwd=out, stdout=subprocess.DEVNULL) as suite:
        wait_for(port, suite)
        client = str(HERE / SHELLS[shell][1])
        subprocess.run([sys.executable, client, url, shell], timeout=TIMEOUT, check=True)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a process listens."""
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError("wstest doesn't listen; see wstest.log")


def compare(shell: str, side: str, out: pathlib.Path) -> list[str]:
    """What isn't as expected."""
    cases = json.loads((out / "index.json").read_text())[shell]
    table = json.loads((HERE / "expected.json").read_text())
    counts = collections.Counter(case["behavior"] for case in cases.values())
    print(f"{shell} as {side}, {len(cases)} cases:", *(f"{k} {v}" for k, v in counts.items()))
    surprises = [] if cases else ["no case was run"]
    for name, case in cases.items():
        found = [case["behavior"], case["behaviorClose"]]
        wanted = table[side].get(name, ["OK", "OK"])
        if found == wanted or (name in table["flipping"] and found[0] == "NON-STRICT"):
            continue
        surprises.append(f"case {name}: {'/'.join(found)}, expected {'/'.join(wanted)}")
    return surprises


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=["server", "client"])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--shell", choices=SHELLS, default="ws-asyncio")
    parser.add_argument("--cases", nargs="*", default=["*"], help="patterns of cases to run")
    parser.add_argument("--exclude", nargs="*", default=[], help="patterns of cases to leave out")
    options = parser.parse_args()
    installed = subprocess.run(
        ["bash", str(HERE / "install.sh")], env={**os.environ, "PY3": sys.executable}, check=False
    ).returncode
    if installed:
        return installed
    out = options.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    spec = {"cases": options.cases, "exclude-cases": options.exclude}
    (test_server if options.side == "server" else test_client)(options.shell, out, spec)
    surprises = compare(options.shell, options.side, out)
    print("\n".join(surprises) or "all as expected")
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
