"""Clients of other libraries drive the programs that run on our packages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import harness
import pytest
import pytest_asyncio
from running import needs_programs

from ws_types.codes import EXTERNAL_CLOSE_CODES, CloseCode

pytestmark = [needs_programs, pytest.mark.asyncio(loop_scope="module")]

DRIVERS = ["websocket-client", "aiohttp, compressed", "ws", "ws, compressed"]
MIB = 2**20
MESSAGES = {
    "text": "naïve ☕ 👋🏽",
    "binary": bytes(range(256)),
    "empty text": "",
    "empty binary": b"",
    "long text": "é" * (MIB // 2),
    "long binary": bytes(range(256)) * (MIB // 256),
}
CODES = [*sorted(EXTERNAL_CLOSE_CODES), 3000, 4999]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=DRIVERS)
async def driver(request: pytest.FixtureRequest) -> AsyncIterator[harness.Peer]:
    """Each library, in its turn."""
    library = harness.PEERS[request.param]
    command = library.command()
    if command is None:
        pytest.skip(f"the environment of {request.param} isn't there: {library.variable} isn't set")
    async with harness.running(library, command) as running:
        yield running


async def test_echo(driver, uri):
    await driver.connect(uri)
    for message in MESSAGES.values():
        # Neither the program nor the driver reads while it sends.
        _, received = await asyncio.gather(driver.send(message), driver.recv())
        assert received == message
    assert await driver.close(1000, "enough") == (1000, _reason(driver, "enough"))


async def test_fragments_are_one_message(driver, uri):
    if "fragments" in driver.library.lacks:
        pytest.skip("the driver can't send fragments")
    await driver.connect(uri)
    await driver.send(["in ", "", "three"])
    assert await driver.recv() == "in three"
    await driver.send([b"\0" * 70000, b"\1"])
    assert await driver.recv() == b"\0" * 70000 + b"\1"
    await driver.close()


async def test_pings_are_answered(driver, uri):
    await driver.connect(uri)
    await driver.ping(b"\0\xff")
    await driver.close()


@pytest.mark.parametrize("code", CODES)
async def test_the_program_closes(driver, uri, code):
    await driver.connect(f"{uri}/close/{code}")
    assert await driver.closed() == (code, "as asked")


@pytest.mark.parametrize("code", CODES)
async def test_the_driver_closes(driver, uri, code):
    await driver.connect(uri)
    assert await driver.close(code, "a réason") == (code, _reason(driver, "a réason"))


async def test_the_driver_ends_abruptly_and_the_program_goes_on(driver, uri):
    for _ in range(3):
        await driver.connect(uri)
        await driver.send("the last")
        await driver.abort()
        assert (await driver.closed())[0] == CloseCode.ABNORMAL_CLOSURE
    await driver.connect(uri)
    await driver.send("still there?")
    assert await driver.recv() == "still there?"
    await driver.close()


@pytest.mark.parametrize(
    ("path", "status", "body"), [("/deny", 418, b"no coffee"), ("/refuse", 403, b"")]
)
async def test_uvicorn_refuses(driver, uvicorn, path, status, body):
    found, seen = await driver.refused(uvicorn + path)
    assert found == status
    assert seen in (body, None)


async def test_sanic_refuses_what_it_has_no_route_for(driver, sanic):
    assert (await driver.refused(f"{sanic}/nowhere"))[0] == 404


def _reason(driver: harness.Peer, reason: str) -> str | None:
    """What a driver tells of the reason that the program answered its own with."""
    return None if "reason" in driver.library.lacks else reason
