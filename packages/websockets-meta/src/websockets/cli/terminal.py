"""Where messages come from and go to: a terminal with line editing, a plain one, or a pipe."""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import threading
from collections.abc import AsyncIterator
from typing import IO, Any

from ws_types.typing import Data

from .render import as_line, as_lines

__all__ = ["Pipe", "PlainTerminal", "PromptTerminal", "Screen"]

CHUNK = 2**16
"""How many bytes are read from standard input at once."""


class Screen:
    """What the program shows to people and to other programs.

    :param parse_json: whether JSON that arrives is laid out.
    """

    #: Whether a person types what is sent.
    interactive = True

    def __init__(self, *, parse_json: bool = False) -> None:
        self.parse_json = parse_json

    def status(self, text: str) -> None:
        """Say something about the connection."""
        print(text, flush=True)

    def message(self, message: Data) -> None:
        """Show a message that has arrived."""
        shown = as_lines(message, parse_json=self.parse_json)
        self.status("\n".join(f"< {line}" for line in shown.split("\n")))

    def lines(self) -> AsyncIterator[bytes | str]:
        """Read what is to be sent, line by line, to the end of the input."""
        raise NotImplementedError


class PromptTerminal(Screen):
    """A terminal with line editing and history, from prompt_toolkit.

    :param history: the path of the file that keeps what is typed, if any.
    :param settings: what :class:`Screen` takes.
    :raises ImportError: if prompt_toolkit isn't installed.
    """

    def __init__(self, history: str | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        from prompt_toolkit import PromptSession
        from prompt_toolkit.history import FileHistory
        from prompt_toolkit.patch_stdout import patch_stdout

        self._session: Any = PromptSession(
            history=None if history is None else FileHistory(history)
        )
        self._patch_stdout: Any = patch_stdout

    async def lines(self) -> AsyncIterator[bytes | str]:
        """Read lines until Ctrl-D or Ctrl-C; what is shown meanwhile goes above the prompt."""
        with self._patch_stdout():
            while True:
                try:
                    line: str = await self._session.prompt_async("> ")
                except (EOFError, KeyboardInterrupt):
                    return
                yield line


class PlainTerminal(Screen):
    """A terminal whose own line editing has to do."""

    async def lines(self) -> AsyncIterator[bytes | str]:
        """Read lines until Ctrl-D."""
        self._prompt()
        async for line in _split(StandardInput()):
            yield line
            self._prompt()

    def status(self, text: str) -> None:
        """Show something in place of the prompt, and the prompt again below."""
        sys.stdout.write("\r\x1b[K")
        super().status(text)

    def message(self, message: Data) -> None:
        """Show a message that has arrived, and the prompt again."""
        super().message(message)
        self._prompt()

    def _prompt(self) -> None:
        print("> ", end="", flush=True)


class Pipe(Screen):
    """Standard input and output of a program among others; statuses go to standard error.

    :param raw: whether to write messages as they are.
    :param whole: whether the input is one line.
    :param settings: what :class:`Screen` takes.
    """

    interactive = False

    def __init__(self, *, raw: bool = False, whole: bool = False, **settings: Any) -> None:
        super().__init__(**settings)
        self._raw, self._whole = raw, whole

    def status(self, text: str) -> None:
        """Say something on standard error."""
        print(text, file=sys.stderr, flush=True)

    def message(self, message: Data) -> None:
        """Write a message to standard output.

        :raises BrokenPipeError: if nobody reads it any more.
        """
        if not self._raw:
            print(as_line(message, parse_json=self.parse_json), flush=True)
            return
        stream: IO[bytes] = sys.stdout.buffer
        stream.write(message if isinstance(message, bytes) else f"{message}\n".encode())
        stream.flush()

    async def lines(self) -> AsyncIterator[bytes | str]:
        """Read lines to the end of the input."""
        source = StandardInput()
        if not self._whole:
            async for line in _split(source):
                yield line
            return
        whole = bytearray()
        while data := await source.read():
            whole += data
        yield bytes(whole)


class StandardInput:
    """Reads standard input in a thread: event loops can't wait for files, nor, on Windows, for
    terminals.

    The thread reads when it is asked to, so that nothing piles up. It reads from the descriptor:
    waiting inside of :data:`sys.stdin`, it would hold a lock that the end of the interpreter needs.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._requests: queue.SimpleQueue[asyncio.Future[bytes]] = queue.SimpleQueue()
        self._descriptor = sys.stdin.fileno()
        threading.Thread(target=self._run, name="standard input", daemon=True).start()

    async def read(self) -> bytes:
        """Read what there is, waiting for something; nothing at the end.

        :raises OSError: if it can't be read.
        """
        request: asyncio.Future[bytes] = self._loop.create_future()
        self._requests.put(request)
        return await request

    def _run(self) -> None:
        while True:
            request = self._requests.get()
            result: bytes | OSError
            try:
                result = os.read(self._descriptor, CHUNK)
            except OSError as exc:
                result = exc
            try:
                self._loop.call_soon_threadsafe(_settle, request, result)
            except RuntimeError:
                # The loop is closed: nobody wants to know any more.
                return


def _settle(request: asyncio.Future[bytes], result: bytes | OSError) -> None:
    if request.done():
        return
    if isinstance(result, OSError):
        request.set_exception(result)
    else:
        request.set_result(result)


async def _split(source: StandardInput) -> AsyncIterator[bytes]:
    """Split what is read into lines, without their ends; a last line needn't have one."""
    rest = bytearray()
    while data := await source.read():
        *lines, last = data.split(b"\n")
        for line in lines:
            yield bytes(rest + line).removesuffix(b"\r")
            rest.clear()
        rest += last
    if rest:
        yield bytes(rest)
