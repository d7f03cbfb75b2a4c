"""Scripts in Chromium drive the programs that run on our packages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from devtools import PATIENCE, Tab, chromium, find_chromium
from running import needs_programs

CHROMIUM = find_chromium()

pytestmark = [
    needs_programs,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium isn't installed (Debian: chromium)"),
]

# What scripts may close with; the program may close with others.
THEIR_CODES = [1000, 3000, 4999]
OUR_CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 4999]

SCRIPT = """
globalThis.open = (uri) => new Promise((resolve, reject) => {
    const socket = new WebSocket(uri);
    socket.binaryType = "arraybuffer";
    socket.closed = new Promise((done) => {
        socket.onclose = (event) => {
            done({ code: event.code, reason: event.reason, clean: event.wasClean });
        };
    });
    socket.onopen = () => resolve(socket);
    socket.onerror = () => reject(new Error("not opened"));
});
// Whether what is sent comes back, for each message.
globalThis.echo = async (socket, messages) => {
    const same = [];
    for (const message of messages) {
        const answer = new Promise((resolve) => {
            socket.onmessage = (event) => resolve(event.data);
        });
        socket.send(message);
        const received = await answer;
        if (typeof message === "string") same.push(received === message);
        else {
            const bytes = new Uint8Array(received);
            same.push(bytes.length === message.length
                && bytes.every((byte, i) => byte === message[i]));
        }
    }
    return same;
};
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tab(tmp_path_factory: pytest.TempPathFactory, uvicorn: str) -> AsyncIterator[Tab]:
    """A page that knows the functions above."""
    assert CHROMIUM is not None
    async with chromium(CHROMIUM, tmp_path_factory.mktemp("profile")) as browser:
        tab = await browser.open(uvicorn.replace("ws:", "http:"))
        await tab.get(SCRIPT)
        yield tab
        await tab.close()


async def test_echo(tab, uri):
    found = await tab.get(f"""(async () => {{
        const socket = await open({json.dumps(uri)});
        const long = new Uint8Array(2 ** 20);
        for (let i = 0; i < long.length; i += 2 ** 16) {{
            crypto.getRandomValues(long.subarray(i, i + 2 ** 16));
        }}
        const same = await echo(socket, [
            "naïve ☕ 👋🏽", "", new Uint8Array(), Uint8Array.of(0, 255), "é".repeat(2 ** 19), long,
        ]);
        const extensions = socket.extensions;
        socket.close(1000, "enough");
        return [same, extensions.split(";")[0], await socket.closed];
    }})()""")
    # Sanic doesn't offer compression.
    extension = found[1]
    assert extension in ("permessage-deflate", "")
    assert found == [[True] * 6, extension, {"code": 1000, "reason": "enough", "clean": True}]


async def test_uvicorn_compresses(tab, uvicorn):
    extensions = await tab.get(f"""(async () => {{
        const socket = await open({json.dumps(uvicorn)});
        socket.close();
        return socket.extensions;
    }})()""")
    assert extensions.startswith("permessage-deflate")


@pytest.mark.parametrize("code", THEIR_CODES)
async def test_the_script_closes(tab, uri, code):
    closed = await tab.get(f"""(async () => {{
        const socket = await open({json.dumps(uri)});
        socket.close({code}, "a réason");
        return socket.closed;
    }})()""")
    assert closed == {"code": code, "reason": "a réason", "clean": True}


@pytest.mark.parametrize("code", OUR_CODES)
async def test_the_program_closes(tab, uri, code):
    address = json.dumps(f"{uri}/close/{code}")
    closed = await tab.get(f"open({address}).then((socket) => socket.closed)")
    assert closed == {"code": code, "reason": "as asked", "clean": True}


async def test_subprotocols(tab, uvicorn):
    chosen = await tab.get(f"""(async () => {{
        const socket = new WebSocket({json.dumps(uvicorn)}, ["chat", "superchat"]);
        await new Promise((resolve) => {{ socket.onopen = resolve; }});
        socket.close();
        return socket.protocol;
    }})()""")
    assert chosen == "chat"


@pytest.mark.parametrize(("path", "status"), [("/deny", 418), ("/refuse", 403)])
async def test_uvicorn_refuses(tab, uvicorn, path, status):
    tab.complaints.clear()
    address = json.dumps(uvicorn + path)
    assert await tab.get(f"open({address}).catch((error) => error.message)") == "not opened"
    # Scripts aren't told why; people are, soon after.
    async with asyncio.timeout(PATIENCE):
        while not tab.complaints:
            await tab.get("null")
    assert [str(status) in complaint for complaint in tab.complaints] == [True]
