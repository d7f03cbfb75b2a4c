"""The demo in its terminal, and its server under the hands of strangers."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys

import pytest

from ws_asyncio import connect
from ws_types.exceptions import ConnectionClosedError, InvalidStatus

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(sys.platform == "win32", reason="there are no POSIX signals on Windows"),
]

SAID = r"^\d\d:\d\d:\d\d +\d+\.\d\d ms  \w+ +\S"


async def get(host: str, path: str = "/", names: str | None = None) -> tuple[str, str]:
    """Send a GET request, and return the head and the body of the response."""
    address, _, port = host.rpartition(":")
    reader, writer = await asyncio.open_connection(address.strip("[]"), int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {names or host}\r\n\r\n".encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return head, body


async def test_shows_messages_with_latency_rate_and_builds(start, build):
    async with start("--port", "0") as demo:
        for name in ("Ping", "Pong", "Mask", "Echo"):
            await demo.printed(rf"^\d\d:\d\d:\d\d +\d+\.\d\d ms  {name} +\S")
        await demo.printed(
            r"^[1-9][\d,]* messages/s  round trip: median \d+\.\d+ ms, p99 \d+\.\d+ ms  "
        )
        demo.interrupt()
        assert await demo.ended() == 0
    names = ("ws_types", "ws_sansio", "ws_asyncio")
    assert demo.lines[0] == "Builds: " + ", ".join(f"{name} {build}" for name in names)
    assert re.fullmatch(
        r"The chat is at http://127\.0\.0\.1:\d+/ \(Ctrl-C ends it\)", demo.lines[1]
    )
    # Nothing is written over where there is no terminal.
    assert "\x1b" not in "".join(demo.lines)


async def test_ends_after_some_seconds(start):
    async with start("--port", "0", "--seconds", "0.5") as demo:
        assert await demo.ended() == 0
    assert re.match(r"Closed after \d+\.\d s and [\d,]+ messages; round trip: ", demo.lines[-1])


async def test_ctrl_c_ends_it_cleanly(start):
    async with start("--port", "0") as demo:
        await demo.printed(SAID)
        demo.interrupt()
        assert await demo.ended() == 0
    assert demo.lines[-1].startswith("Closed after ")


async def test_ctrl_c_ends_it_cleanly_at_once(start):
    async with start("--port", "0", "--bots", "20") as demo:
        demo.interrupt()
        assert await demo.ended() == 0


async def test_keeps_lines_up_to_date_on_a_terminal_and_restores_it(start_process):
    ours, theirs = os.openpty()
    screen = b""

    async def read_until(text: bytes) -> None:
        nonlocal screen
        while text not in screen:
            # In a thread: when there is something to read is up to the demo.
            screen += await asyncio.wait_for(asyncio.to_thread(os.read, ours, 4096), 60)

    try:
        async with start_process("--port", "0", stdout=theirs) as process:
            # The three lines are replaced.
            await read_until(b"\x1b[3A\r\x1b[J")
            assert b"in the room: 4" in screen
            process.send_signal(signal.SIGINT)
            await read_until(b"Closed after")
            screen = screen[screen.index(b"Closed after") :]
            # Long lines wrap again.
            await read_until(b"\x1b[?7h")
            assert await asyncio.wait_for(process.wait(), 60) == 0
    finally:
        os.close(ours)
        os.close(theirs)
    assert b"\x1b[?7l" not in screen


async def test_takes_a_free_port_where_the_port_is_taken(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with start("--port", str(port)) as demo:
            assert demo.lines[0] == f"Port {port} is taken: here is a free one."
            assert demo.host != f"127.0.0.1:{port}"
            assert "200 OK" in (await get(demo.host))[0]


async def test_sends_the_page_with_a_policy(start):
    async with start("--port", "0", "--bots", "0") as demo:
        head, body = await get(demo.host)
        assert head.startswith("HTTP/1.1 200 OK\r\n")
        assert "Content-Type: text/html; charset=utf-8" in head
        assert re.search(r"Content-Security-Policy: default-src 'none'; ", head)
        assert "unsafe" not in head
        assert body.rstrip().endswith("</html>")
        # Nothing comes from elsewhere.
        assert re.findall(r"""(?:src|href)=["'](?!data:)""", body) == []
        assert (await get(demo.host, "/elsewhere"))[0].startswith("HTTP/1.1 404 ")


async def test_answers_to_the_names_of_its_own_machine_alone(start):
    async with start("--port", "0", "--bots", "0") as demo:
        for names in (
            "attacker.example",
            "127.0.0.1.attacker.example",
            "localhost.attacker.example",
        ):
            assert (await get(demo.host, names=names))[0].startswith("HTTP/1.1 421 ")
        assert (await get(demo.host, names="localhost:8000"))[0].startswith("HTTP/1.1 200 ")


async def test_pages_from_elsewhere_may_not_connect(start):
    async with start("--port", "0", "--bots", "0") as demo:
        with pytest.raises(InvalidStatus) as caught:
            await connect(f"ws://{demo.host}/chat", origin="http://attacker.example")
        assert caught.value.response.status_code == 403
        async with connect(f"ws://{demo.host}/chat", origin=f"http://{demo.host}") as connection:
            assert json.loads(await connection.recv())["type"] == "welcome"


@pytest.mark.parametrize(
    "message",
    [
        b"\0",
        "hello",
        "[]",
        "[" * 4000,
        "{}",
        '{"type": "unknown"}',
        '{"type": ["say"]}',
        '{"type": "say"}',
        '{"type": "say", "text": 1}',
        '{"type": "hello", "name": null}',
    ],
    ids=lambda message: repr(message[:20]),
)
async def test_what_is_no_message_of_the_chat_ends_the_connection(start, message):
    async with start("--port", "0", "--bots", "0") as demo:
        async with connect(f"ws://{demo.host}/chat") as connection:
            await connection.send(message)
            with pytest.raises(ConnectionClosedError):
                async for _ in connection:
                    pass
            assert connection.close_code == 1008
        demo.process.terminate()
        assert await demo.ended() == 0


async def test_what_people_type_cannot_control_the_terminal(start):
    async with start("--port", "0", "--bots", "1") as demo:
        async with connect(f"ws://{demo.host}/chat") as connection:
            hello = {"type": "hello", "name": "\x1b[31mRed\u202e"}
            await connection.send(json.dumps(hello))
            say = {"type": "say", "text": "\x1b[2J\x9b2J lone \ud800 surrogate"}
            await connection.send(json.dumps(say))
            await demo.printed(r"\?\[31mRed\?  *\?\[2J\?2J lone \? surrogate$")
        demo.process.terminate()
        assert await demo.ended() == 0


async def test_bots_answer_people(start):
    async with start("--port", "0") as demo, connect(f"ws://{demo.host}/chat") as connection:
        await connection.send(json.dumps({"type": "hello", "name": "Maple"}))
        await connection.send(json.dumps({"type": "say", "text": "Is anybody there?"}))
        async with asyncio.timeout(60):
            async for message in connection:
                said = json.loads(message)
                if said["type"] == "say" and said["bot"] and "Maple" in said["text"]:
                    break
