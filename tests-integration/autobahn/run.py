"""
Runs the Autobahn suite against ws-asyncio, and compares the results with those expected.

``python run.py {server,client} OUTPUT-FOLDER`` runs all 517 cases; ``--cases`` and ``--exclude``
choose among them. Exit status: 0 as expected, 1 not as expected, 4 the suite can't run here.

``expected.json`` has the cases whose result isn't OK, with what it is, by side. A result that
differs in either direction is an error; those listed under "flipping" depend on the order in
which the kernel delivers things, and may be OK or NON-STRICT.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
AGENT = "ws-asyncio"


def free_port() -> int:
    """A port that nobody listens on: the suite's server can't choose one by itself."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def run_server(out: pathlib.Path, env: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, str(HERE / "echo_server.py")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        url = f"ws://127.0.0.1:{port}"
        subprocess.run(
            ["bash", str(HERE / "run_server_suite.sh"), url, AGENT, str(out)], env=env, check=False
        )
        assert process.poll() is None, "the echo server ended"
    finally:
        process.kill()
        process.wait()


def run_client(out: pathlib.Path, env: dict[str, str]) -> None:
    command = [sys.executable, str(HERE / "echo_client.py"), "{url}", "{agent}"]
    subprocess.run(
        ["bash", str(HERE / "run_client_suite.sh"), str(free_port()), str(out), *command],
        env={**env, "AUTOBAHN_AGENT": AGENT},
        check=False,
    )


def compare(side: str, out: pathlib.Path) -> list[str]:
    """What isn't as expected."""
    index = json.loads((out / "index.json").read_text())
    cases = index[AGENT]
    table = json.loads((HERE / "expected.json").read_text())
    expected, flipping = table[side], set(table["flipping"])
    surprises = []
    for case, result in cases.items():
        found = result["behavior"], result["behaviorClose"]
        wanted = tuple(expected.get(case, ("OK", "OK")))
        if case in flipping and found[0] in ("OK", "NON-STRICT"):
            continue
        if found != wanted:
            surprises.append(f"case {case}: {found[0]}/{found[1]}, expected {wanted[0]}/{wanted[1]}")
    if not cases:
        surprises.append("no case was run")
    print(f"{AGENT} as {side}: {len(cases)} cases, {len(surprises)} not as expected")
    return surprises


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=["server", "client"])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--cases", default="*", help="patterns, separated by spaces")
    parser.add_argument("--exclude", default="", help="patterns, separated by spaces")
    options = parser.parse_args()
    installed = subprocess.run(["bash", str(HERE / "install.sh")], check=False).returncode
    if installed:
        print("the Autobahn suite needs a Python 2.7, which isn't here")
        return installed
    options.out.mkdir(parents=True, exist_ok=True)
    env = {
        **os.environ,
        "PYTHON3": sys.executable,
        "AUTOBAHN_CASES": options.cases,
        "AUTOBAHN_EXCLUDE": options.exclude,
    }
    out = options.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    (run_server if options.side == "server" else run_client)(out, env)
    surprises = compare(options.side, out)
    print("\n".join(surprises))
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
