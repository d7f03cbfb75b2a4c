"""The client: sends what is typed or read, shows what arrives."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from ws_asyncio.client import ClientConnection
from ws_types.exceptions import ConnectionClosed
from ws_types.frames import Close

from .opening import opening
from .render import to_message
from .terminal import Pipe, PlainTerminal, PromptTerminal, Screen

__all__ = ["ABNORMAL", "talk"]

ABNORMAL = 3
"""The exit code where a connection ended with an error."""

NORMAL_CODES = (1000, 1001, 1005)


def talk(options: argparse.Namespace) -> int:
    """Connect, and talk until either side has had enough.

    :param options: the options of the command line.
    :returns: the exit code.
    """
    screen = make_screen(options)
    return asyncio.run(Talk(options, screen).run())


def make_screen(options: argparse.Namespace) -> Screen:
    """Choose where messages come from and go to.

    :raises SystemExit: if they can't go there as they are.
    """
    on_terminal = sys.stdout.isatty()
    if options.raw and on_terminal:
        print("websockets: --raw writes to a file or a program, not to a terminal", file=sys.stderr)
        raise SystemExit(2)
    if not (sys.stdin.isatty() and on_terminal):
        return Pipe(raw=options.raw, whole=options.one_message, parse_json=options.json)
    try:
        return PromptTerminal(options.history, parse_json=options.json)
    except ImportError:
        if options.history is not None:
            advice = "pip install 'websockets-meta[cli]'"
            print(f"websockets: --history needs prompt_toolkit: {advice}", file=sys.stderr)
        return PlainTerminal(parse_json=options.json)


class Talk:
    """A conversation with a server.

    :param options: the options of the command line.
    :param screen: where messages come from and go to.
    """

    def __init__(self, options: argparse.Namespace, screen: Screen) -> None:
        self.options, self.screen = options, screen
        self.received = 0
        self.exit_code = 0

    async def run(self) -> int:
        """Talk, from opening the connection to its end.

        :returns: the exit code.
        """
        async with opening(self.options) as connection:
            self.screen.status(f"Connected to {self.options.shown_uri}.")
            await self._converse(connection)
        close = Close(connection.close_code or 1006, connection.close_reason or "")
        self.screen.status(f"Connection closed: {_failure(connection) or close}.")
        if self.exit_code == 0 and close.code not in NORMAL_CODES:
            return ABNORMAL
        return self.exit_code

    async def _converse(self, connection: ClientConnection) -> None:
        receiving = asyncio.create_task(self._receive(connection))
        sending = asyncio.create_task(self._send(connection))
        others = [asyncio.create_task(self._ping(connection))] if self.options.ping else []
        try:
            await asyncio.wait([receiving, sending], return_when=asyncio.FIRST_COMPLETED)
            if not receiving.done() and not sending.exception():
                await self._linger(receiving)
        except asyncio.CancelledError:
            # Ctrl-C: the way to end it, at a terminal.
            self.exit_code = 0 if self.screen.interactive else 130
        for task in (sending, *others):
            task.cancel()
        await asyncio.wait([sending, *others])
        # What arrives until the end is still shown.
        await connection.close()
        await asyncio.wait([receiving])
        for task in (receiving, sending):
            if not task.cancelled():
                task.result()

    async def _receive(self, connection: ClientConnection) -> None:
        try:
            async for message in connection:
                self.screen.message(message)
                self.received += 1
                if self.received == self.options.count:
                    return
        except ConnectionClosed:
            # How it ended is shown at the end.
            return

    async def _send(self, connection: ClientConnection) -> None:
        number = 0
        async for line in self.screen.lines():
            number += 1
            try:
                message = to_message(line, binary=self.options.binary, check_json=self.options.json)
            except ValueError as exc:
                if not self.screen.interactive:
                    self.exit_code = 2
                    self.screen.status(f"websockets: line {number} of the input is {exc}")
                    return
                self.screen.status(f"Not sent: {exc}.")
                continue
            try:
                await connection.send(message)
            except ConnectionClosed:
                return

    async def _linger(self, receiving: asyncio.Task[Any]) -> None:
        """Wait for the answers to what was sent."""
        wait = self.options.wait
        if self.screen.interactive or self.exit_code:
            return
        if wait is None and self.options.count is None:
            wait = 1.0
        before = -1
        while not receiving.done() and before != self.received:
            before = self.received
            await asyncio.wait([receiving], timeout=wait)

    async def _ping(self, connection: ClientConnection) -> None:
        try:
            while True:
                await asyncio.sleep(self.options.ping)
                latency = await (await connection.ping())
                self.screen.status(f"Ping answered after {latency * 1000:.1f} ms.")
        except ConnectionClosed:
            return


def _failure(connection: ClientConnection) -> str | None:
    """Say why this side gave the connection up, if it did: the close code would only be 1006."""
    sent = connection.protocol.close_sent
    if connection.close_code != 1006 or sent is None or sent.code in NORMAL_CODES:
        return None
    return f"sent {sent}"
