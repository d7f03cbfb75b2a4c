"""Runs the demo in a process of its own, on the build that the tests run on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import re
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable

import pytest

import ws_asyncio

HERE = pathlib.Path(__file__).resolve().parent
CHAT = HERE.parent.parent / "demo" / "chat.py"

sys.path.insert(0, str(HERE))

#: Seconds after which something is broken, however busy the machine.
PATIENCE = 60


class Demo:
    """A running demo; what it prints is in ``lines``."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self.more = asyncio.Condition()
        self.reading = asyncio.create_task(self.read())
        self.host = ""

    async def read(self) -> None:
        """Collect what is printed."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self.more:
                self.lines.append(line.decode().rstrip("\n"))
                self.more.notify_all()

    async def printed(self, pattern: str) -> re.Match[str]:
        """Wait for a line in which a pattern is found."""

        def find() -> re.Match[str] | None:
            return next(filter(None, (re.search(pattern, line) for line in self.lines)), None)

        async with asyncio.timeout(PATIENCE), self.more:
            match = await self.more.wait_for(find)
        assert match is not None
        return match

    def interrupt(self) -> None:
        """Do what Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    async def ended(self) -> int:
        """Wait for the end, and return the exit code."""
        async with asyncio.timeout(PATIENCE):
            await self.reading
            return await self.process.wait()


@contextlib.asynccontextmanager
async def run_demo(
    *arguments: str, stdout: int = asyncio.subprocess.PIPE
) -> AsyncIterator[Process]:
    """Start the demo, and see to it that it ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "error", str(CHAT), *arguments),
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    errors = asyncio.create_task(process.stderr.read())
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        async with asyncio.timeout(PATIENCE):
            await process.wait()
        said = (await errors).decode()
    # Nothing goes wrong behind the scenes either.
    assert said == ""


@contextlib.asynccontextmanager
async def running_demo(*arguments: str) -> AsyncIterator[Demo]:
    """Start the demo, and wait for its address."""
    async with run_demo(*arguments) as process:
        demo = Demo(process)
        try:
            demo.host = (await demo.printed(r"http://(\S+)/"))[1]
            yield demo
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
            await demo.ended()


@pytest.fixture(scope="session")
def build() -> str:
    """Say which build is tested, as the demo does: it runs with the same environment."""
    return {"c": "compiled", "python": "interpreted"}[ws_asyncio.implementation]


@pytest.fixture(scope="session")
def start() -> Callable[..., contextlib.AbstractAsyncContextManager[Demo]]:
    """Start the demo with some arguments."""
    return running_demo


@pytest.fixture(scope="session")
def start_process() -> Callable[..., contextlib.AbstractAsyncContextManager[Process]]:
    """Start the demo with some arguments, and a file descriptor as its standard output."""
    return run_demo
