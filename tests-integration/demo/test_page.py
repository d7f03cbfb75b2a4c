"""The page of the demo, loaded and used in a browser."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from devtools import Browser, Tab, chromium, find_chromium

CHROMIUM = find_chromium()

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(sys.platform == "win32", reason="there are no POSIX signals on Windows"),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium isn't installed (Debian: chromium)"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory) -> AsyncIterator[Browser]:
    async with chromium(CHROMIUM, tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(start):
    async with start("--port", "0") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def tabs(browser, demo) -> AsyncIterator[tuple[Tab, Tab]]:
    """Two tabs with the page, both connected; scripts and policy have nothing to complain of."""
    both = (await browser.open(f"http://{demo.host}/"), await browser.open(f"http://{demo.host}/"))
    for tab in both:
        await tab.until("document.querySelector('#state').textContent === 'connected'")
    yield both
    for tab in both:
        assert tab.complaints == []
        await tab.close()


def line(*parts: str) -> str:
    """An expression for the line of the chat that has each of these parts in it."""
    tests = " && ".join(f"item.textContent.includes({json.dumps(part)})" for part in parts)
    return f"[...document.querySelectorAll('#log li')].find((item) => {tests})"


async def test_shows_which_build_runs(tabs, build):
    names = ("ws_types", "ws_sansio", "ws_asyncio")
    await tabs[0].until("document.querySelector('#builds').textContent.includes('ws_types')")
    assert await tabs[0].text("#builds") == " · ".join(f"{name} {build}" for name in names)


async def test_what_is_typed_appears_in_both_tabs_and_a_bot_answers(tabs):
    one, other = tabs
    await one.click("#name")
    await one.get("document.querySelector('#name').select()")
    await one.type("Maple")
    await one.click("#text")
    await one.type("Hello from a browser")
    await one.press_enter()
    mine = await one.until(line("Maple", "Hello from a browser") + "?.textContent")
    # The sender sees how long it took.
    assert re.search(r"\d+\.\d+ ms, \d\d:\d\d:\d\d$", mine)
    theirs = await other.until(line("Maple", "Hello from a browser") + "?.textContent")
    assert " ms" not in theirs
    answers = [line(", Maple."), line("Maple!"), line("Maple,")]
    assert await other.until(f"Boolean({' || '.join(answers)})")
    # The box is empty again, and has the focus.
    assert await one.get("document.activeElement.id + document.activeElement.value") == "text"


async def test_markup_stays_text(tabs):
    markup = "<img src=x onerror=\"document.title='gone'\"><script>document.title='gone'</script>"
    one = tabs[0]
    await one.click("#text")
    await one.type(markup)
    await one.click("#send")
    for tab in tabs:
        assert await tab.until(line(markup) + "?.querySelector('.text').textContent") == markup
        assert await tab.get("document.querySelectorAll('#log img, #log script').length") == 0
        assert await tab.get("document.title") == "ws chat"


async def test_the_counter_is_the_same_in_both_tabs(tabs):
    one, other = tabs
    number = "Number(document.querySelector('#counter').textContent)"
    before = await other.get(number)
    for _ in range(3):
        await one.click("#add")
    # Bots add to it too.
    after = await other.until(f"{number} >= {before + 3} && {number}")
    assert await one.until(f"{number} >= {after}")


async def test_bots_talk_and_can_be_hidden(tabs):
    one = tabs[0]
    shown = "[...document.querySelectorAll('#log li.bot')].some((item) => item.offsetHeight > 0)"
    await one.until(shown)
    await one.click("#bots")
    await one.until("!document.querySelector('#bots').checked")
    assert not await one.get(shown)


async def test_latency_and_rate_are_live(tabs):
    one = tabs[0]
    await one.until("Number(document.querySelector('#latency').textContent) > 0")
    assert re.search(r"median \d+\.\d+ · p99 \d+\.\d+", await one.text("#quantiles"))
    await one.until("/^[1-9]/.test(document.querySelector('#rate').textContent)")
    assert "round trip" not in await one.text("#row")
    assert re.search(r"Our client: \d+\.\d+ ms, or [\d,]+/s in a row", await one.text("#row"))


async def test_everything_has_a_name_and_fits_on_a_small_screen(tabs):
    one = tabs[0]
    unnamed = await one.get(
        "[...document.querySelectorAll('input, button')].filter((element) =>"
        " !(element.labels?.length || element.ariaLabel || element.textContent.trim()))"
        ".map((element) => element.id)"
    )
    assert unnamed == []
    await one.resize(320, 640)
    assert await one.get("document.documentElement.scrollWidth") <= 320


async def test_the_page_says_when_the_server_is_gone(browser, start):
    async with start("--port", "0", "--bots", "0") as demo:
        tab = await browser.open(f"http://{demo.host}/")
        await tab.until("document.querySelector('#state').textContent === 'connected'")
        demo.process.terminate()
        await tab.until("document.querySelector('#state').textContent.startsWith('not connected')")
        assert await tab.get("document.querySelector('#send').disabled")
        assert await demo.ended() == 0
    await tab.close()
