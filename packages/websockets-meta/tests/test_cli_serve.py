"""The server of the command line."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from websockets.cli.arguments import parse
from websockets.cli.serve import Echo, _local_hosts, serve
from ws_sansio.hosts import check_hosts, is_allowed_host


@pytest.mark.parametrize(
    ("host", "named"), [("localhost", "localhost"), ("127.0.0.2", "127.0.0.2"), ("::1", "[::1]")]
)
def test_a_local_server_answers_for_its_address(host: str, named: str) -> None:
    hosts = _local_hosts(host)
    check_hosts(hosts)
    assert is_allowed_host(f"{named}:8000", hosts)
    assert not is_allowed_host("example.com", hosts)


def test_a_folder_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert serve(parse(["serve", "no\x1bwhere"])) == 2
    assert capsys.readouterr().err == "websockets serve: no\\x1bwhere isn't a folder\n"


@pytest.mark.parametrize("host", ["a" * 64, "\udcff"])
def test_a_host_that_can_be_none(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert serve(parse(["serve", "--port", "0", "--host", host])) == 1
    assert "it can't be the name of a host (see --host, --port)" in capsys.readouterr().err


class Output(io.StringIO):
    """What somebody reads for a while."""

    broken = False

    def write(self, text: str) -> int:
        if self.broken:
            raise BrokenPipeError
        return super().write(text)


async def ask(output: Output, head: str) -> bytes:
    """Send a request to the server that has told where it listens."""
    found = re.search(r"http://127\.0\.0\.1:(\d+)/", output.getvalue())
    assert found is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", int(found[1]))
    writer.write(f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer


def run_echo(use: Callable[[Output], Coroutine[Any, Any, None]]) -> None:
    """Run the server for as long as it is used."""

    async def main() -> None:
        output = Output()
        options = parse(["serve", "--port", "0", "--host", "127.0.0.1"])
        with contextlib.redirect_stdout(output):
            running = asyncio.create_task(Echo(options, None).run())
            while "Ctrl-C" not in output.getvalue():
                await asyncio.sleep(0)
            using = asyncio.create_task(use(output))
            await asyncio.wait([running, using], return_when=asyncio.FIRST_COMPLETED)
            using.cancel()
            running.cancel()
            await running
            await using

    asyncio.run(main())


def test_a_server_whose_output_nobody_reads_ends() -> None:
    async def use(output: Output) -> None:
        assert (await ask(output, "")).startswith(b"HTTP/1.1 200 ")
        assert "GET /: 200\n" in output.getvalue()
        output.broken = True
        # That isn't the fault of who asked.
        assert (await ask(output, "")).startswith(b"HTTP/1.1 200 ")
        await asyncio.Event().wait()

    with pytest.raises(BrokenPipeError):
        run_echo(use)


def test_a_request_with_two_of_the_same_header_is_answered() -> None:
    async def use(output: Output) -> None:
        answer = await ask(output, "Upgrade: websocket\r\nUpgrade: other\r\n")
        assert answer.startswith(b"HTTP/1.1 4")

    run_echo(use)
