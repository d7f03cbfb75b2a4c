"""Drives headless Chromium over the DevTools protocol, whose WebSocket a client of ours opens.

Nothing here waits for luck: :meth:`Tab.until` has the page itself say when it has changed.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import pathlib
import shutil
from collections.abc import AsyncIterator
from typing import Any

from ws_asyncio import ClientConnection, connect

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
]

#: Seconds after which something is broken, however busy the machine.
PATIENCE = 60


def find_chromium() -> str | None:
    """Return the path of Chromium, or None where it isn't installed."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


class Browser:
    """A running browser."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.numbers = itertools.count(1)
        self.answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.tabs: dict[str, Tab] = {}
        self.reading = asyncio.create_task(self.read())

    async def read(self) -> None:
        """Give answers to who asked, and events to the tab that they are about."""
        async for text in self.connection:
            message = json.loads(text)
            if "id" in message:
                answer = self.answers.pop(message["id"])
                if not answer.done():
                    answer.set_result(message)
            elif message.get("sessionId") in self.tabs:
                self.tabs[message["sessionId"]].event(message["method"], message["params"])

    async def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        number = next(self.numbers)
        answer = self.answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        await self.connection.send(json.dumps(message))
        async with asyncio.timeout(PATIENCE):
            result = await answer
        assert "error" not in result, (method, result["error"])
        found: dict[str, Any] = result["result"]
        return found

    async def open(self, url: str) -> Tab:
        """Open a page in a tab of its own."""
        target = (await self.call("Target.createTarget", url="about:blank"))["targetId"]
        attached = await self.call("Target.attachToTarget", targetId=target, flatten=True)
        session = attached["sessionId"]
        tab = self.tabs[session] = Tab(self, target, session)
        for domain in ("Page", "Runtime", "Log"):
            await tab.call(f"{domain}.enable")
        await tab.resize(1024, 768)
        navigated = await tab.call("Page.navigate", url=url)
        assert "errorText" not in navigated, navigated
        async with asyncio.timeout(PATIENCE):
            await tab.loaded.wait()
        return tab


class Tab:
    """A page in a tab."""

    def __init__(self, browser: Browser, target: str, session: str) -> None:
        self.browser = browser
        self.target = target
        self.session = session
        self.loaded = asyncio.Event()
        #: What the console would show in red: errors of scripts, refusals of the policy.
        self.complaints: list[str] = []

    def event(self, method: str, params: dict[str, Any]) -> None:
        """Take note of an event."""
        if method == "Page.loadEventFired":
            self.loaded.set()
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(params["entry"]["text"])

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol on this tab."""
        return await self.browser.call(method, self.session, **params)

    async def get(self, expression: str) -> Any:
        """Evaluate JavaScript, waiting for a promise, and return the value."""
        result = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def until(self, expression: str) -> Any:
        """Wait until an expression about the page is true, and return what it is then."""
        return await self.get(
            f"""new Promise((resolve) => {{
                const check = () => {{ const value = ({expression}); if (value) resolve(value); }};
                new MutationObserver(check).observe(document, {{
                    attributes: true, characterData: true, childList: true, subtree: true,
                }});
                check();
            }})"""
        )

    async def text(self, selector: str) -> str:
        """Return the text of an element."""
        found: str = await self.get(f"document.querySelector({selector!r}).textContent")
        return found

    async def click(self, selector: str) -> None:
        """Click on the middle of an element with the mouse."""
        x, y = await self.get(
            f"(() => {{ const box = document.querySelector({selector!r}).getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    async def type(self, text: str) -> None:
        """Type where the focus is."""
        await self.call("Input.insertText", text=text)

    async def press_enter(self) -> None:
        """Press the Enter key."""
        for kind, extra in (("keyDown", {"text": "\r"}), ("keyUp", {})):
            await self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key="Enter",
                code="Enter",
                windowsVirtualKeyCode=13,
                **extra,
            )

    async def resize(self, width: int, height: int) -> None:
        """Give the tab a size, in pixels."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    async def prefer(self, scheme: str) -> None:
        """Have the user prefer a colour scheme, light or dark."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        await self.call("Emulation.setEmulatedMedia", features=[feature])

    async def close(self) -> None:
        """Close the tab."""
        del self.browser.tabs[self.session]
        await self.browser.call("Target.closeTarget", targetId=self.target)

    async def screenshot(self, path: pathlib.Path) -> None:
        """Save what the tab shows as PNG."""
        result = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(result["data"]))


@contextlib.asynccontextmanager
async def chromium(program: str, profile: pathlib.Path) -> AsyncIterator[Browser]:
    """Run a browser with an empty profile."""
    process = await asyncio.create_subprocess_exec(
        program,
        *FLAGS,
        f"--user-data-dir={profile}",
        "about:blank",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    draining: asyncio.Task[bytes] | None = None
    try:
        assert process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            said = []
            async for line in process.stderr:
                said.append(line)
                if b"DevTools listening on " in line:
                    break
            else:
                raise AssertionError(f"Chromium ended: {b''.join(said).decode()}")
        # A full pipe would stop the browser.
        draining = asyncio.create_task(process.stderr.read())
        uri = said[-1].decode().rpartition(" ")[2].strip()
        async with connect(uri, max_size=None, ping_interval=None) as connection:
            browser = Browser(connection)
            try:
                yield browser
                await browser.call("Browser.close")
            finally:
                browser.reading.cancel()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise
    finally:
        await process.wait()
        if draining is not None:
            await draining
