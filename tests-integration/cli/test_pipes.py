"""The command line among other programs: pipes, exit codes, errors."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.error
import urllib.request

import pytest

from .conftest import COMMAND, Served, run


def test_lines_are_messages(served: Served) -> None:
    done = run("--count", "3", served.uri, given="one\r\nzwö\nlast".encode())
    assert (done.returncode, done.stdout.decode()) == (0, "one\nzwö\nlast\n")
    assert b"Connection closed: 1000 (OK)." in done.stderr


def test_answers_are_waited_for(served: Served) -> None:
    done = run("--wait", "0.5", served.uri, given=b"one\ntwo\n")
    assert (done.returncode, done.stdout) == (0, b"one\ntwo\n")


def test_escapes_are_written_as_text_unless_raw(served: Served) -> None:
    given = b"a\x1b[31m\n"
    assert run("--count", "1", served.uri, given=given).stdout == b"a\\x1b[31m\n"
    assert run("--raw", "--count", "1", served.uri, given=given).stdout == given


def test_whole_input_in_binary_and_back(served: Served) -> None:
    given = bytes(range(256)) * 300
    arguments = ["--binary", "--one-message", "--raw", "--count", "1", served.uri]
    assert run(*arguments, given=given).stdout == given


def test_json_is_checked_and_written_on_a_line(served: Served) -> None:
    arguments = ["--json", "--one-message", "--count", "1", served.uri]
    done = run(*arguments, given=b'{\n "a": [1]\n}')
    assert done.stdout == b'{"a":[1]}\n'
    done = run("--json", served.uri, given=b"{}\n{\n")
    assert done.returncode == 2
    assert b"line 2 of the input is not JSON" in done.stderr


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("ws://127.0.0.1:1/", "nobody listens there"),
        ("ws://user:secret@127.0.0.1:1/", "nobody listens there"),
    ],
)
@pytest.mark.parametrize("command", [[], ["bench"]], ids=["connect", "bench"])
def test_connections_that_fail(command: list[str], uri: str, reason: str) -> None:
    done = run(*command, uri)
    assert (done.returncode, done.stdout) == (1, b"")
    assert reason in done.stderr.decode()
    assert done.stderr.startswith(b"Failed to connect to ")
    assert b"Traceback" not in done.stderr
    assert b"secret" not in done.stderr


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:1/", "127.0.0.1:1", "ws://u:secret@127.0.0.1:1/#x"]
)
@pytest.mark.parametrize("command", [[], ["bench"]], ids=["connect", "bench"])
def test_uris_that_are_wrong(command: list[str], uri: str) -> None:
    done = run(*command, uri)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"websockets: ")
    assert b"isn't a valid URI: " in done.stderr
    assert b"write ws://host:port/path" in done.stderr
    assert b"secret" not in done.stderr


def test_server_without_tls(served: Served) -> None:
    done = run(served.uri.replace("ws://", "wss://"))
    assert done.returncode == 1
    assert b"without TLS, write ws://" in done.stderr


def test_nobody_reads_the_output(served: Served) -> None:
    process = subprocess.Popen(
        [*COMMAND, served.uri],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(b"one\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"one\n"
    process.stdout.close()
    process.stdin.write(b"two\n")
    process.stdin.close()
    assert process.wait(20) == 1
    assert process.stderr is not None
    errors = process.stderr.read()
    process.stderr.close()
    assert b"Traceback" not in errors and b"BrokenPipe" not in errors


def test_interruption_closes_the_connection(served: Served) -> None:
    process = subprocess.Popen(
        [*COMMAND, served.uri],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(b"one\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"one\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors.endswith(b"Connection closed: 1000 (OK).\n")


def test_measurement_as_json(served: Served) -> None:
    done = run("bench", "--json", "--seconds", "0.1", "--connections", "2", served.uri)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["connections"] == 2
    assert found["throughput"]["in_flight"] == 64
    assert found["latency"]["messages"] > 0
    assert found["latency"]["latency_ms"]["median"] > 0


def test_page_of_the_server(served: Served) -> None:
    with urllib.request.urlopen(served.http) as response:
        assert b"new WebSocket(" in response.read()
    rebound = urllib.request.Request(served.http, headers={"Host": "attacker.example"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(rebound)
    assert caught.value.code == 403
    caught.value.close()


def test_port_that_is_taken(served: Served) -> None:
    port = served.uri.rstrip("/").rpartition(":")[2]
    done = run("serve", "--port", port)
    assert done.returncode == 1
    assert b"Failed to listen on localhost:" in done.stderr
    assert b"Traceback" not in done.stderr
