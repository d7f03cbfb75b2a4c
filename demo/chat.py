"""A chat with a live page, a shared counter and bots that talk, all on one port.

::

    python3 run.py demo [--host HOST] [--port PORT] [--seconds N] [--bots N]

The server sends ``page.html`` to browsers and opens WebSockets for it. The bots, and a gauge that
measures round trips, are clients of ours in the same process and on the same event loop.
Messages are JSON objects with a ``type``.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import errno
import hashlib
import importlib
import io
import itertools
import json
import math
import os
import pathlib
import re
import signal
import statistics
import sys
import time
from collections import deque
from typing import Any

from ws_asyncio import ClientConnection, Server, ServerConnection, connect, serve
from ws_types.errors import WebSocketException
from ws_types.http11 import Request, Response
from ws_types.typing import Origin

PAGE = pathlib.Path(__file__).with_name("page.html")
PACKAGES = ("ws_types", "ws_sansio", "ws_asyncio")

#: How connections end for a client, if the server goes away at whatever moment.
ENDS = (WebSocketException, OSError)

#: The most bytes in a message from a page, and the most characters in a text and in a name.
MAX_SIZE, MAX_TEXT, MAX_NAME = 4096, 300, 24

NAMES = ("Ping", "Pong", "Mask", "Echo", "Fin", "Nonce", "Frame", "Opcode")
LINES = (
    "I mask every frame that I send, each with a new key.",
    "This page came through the same port as this message.",
    "An empty message still takes two bytes. Six, if a client sends it.",
    "Text is UTF-8, all of it: naïve café, привет, ☕.",
    "A close reason has room for 123 bytes. Be brief.",
    "Close code 1005 never travels: it says that no code came.",
    "126 in the length means: look at the next two bytes.",
    "A ping may carry 125 bytes. The pong brings the same ones back.",
    "Control frames may come between the fragments of a message.",
    "Open this page twice: both show the same counter.",
    "Close code 1000. No, not now. I only wanted to say it.",
)
REPLIES = (
    "Loud and clear, {name}.",
    "Hello {name}! I got that in one frame.",
    "{name}, have you seen the button next to the counter?",
    "Well said, {name}. FIN is set, I take it.",
)


def builds() -> dict[str, str]:
    """Say of each package which build runs."""
    names = {"c": "compiled", "python": "interpreted"}
    return {one: names[importlib.import_module(one).implementation] for one in PACKAGES}


# The server


class Member:
    """A connection in the room. Whoever reads too slowly misses messages, and delays nobody."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.name = "guest"
        self.bot = False
        self.waiting: asyncio.Queue[str] = asyncio.Queue(64)

    def put(self, message: str) -> None:
        """Have a message sent."""
        with contextlib.suppress(asyncio.QueueFull):
            self.waiting.put_nowait(message)


class Room:
    """Everybody who is here, the counter, and what was said last."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.members: set[Member] = set()
        self.history: deque[str] = deque(maxlen=30)
        self.counter = 0
        #: The messages that the server has received and sent.
        self.moved = 0

    async def handle(self, connection: ServerConnection) -> None:
        """Handle a connection: a member of the room, or one that wants echoes."""
        with contextlib.suppress(WebSocketException):
            if connection.request is not None and connection.request.path == "/echo":
                async for message in connection:
                    await connection.send(message)
                    self.moved += 2
            else:
                await self.chat(Member(connection))

    async def chat(self, member: Member) -> None:
        """Take a member in, until the connection is closed."""
        self.members.add(member)
        writer = asyncio.create_task(self.write(member))
        try:
            member.put(json.dumps({"type": "welcome", "builds": builds(), "counter": self.counter}))
            for said in self.history:
                member.put(said)
            async for message in member.connection:
                self.moved += 1
                try:
                    self.receive(member, json.loads(message))
                except (ValueError, TypeError, KeyError, RecursionError):
                    await member.connection.close(1008, "not a message of this chat")
        finally:
            self.members.discard(member)
            writer.cancel()

    async def write(self, member: Member) -> None:
        """Send what waits for a member."""
        with contextlib.suppress(WebSocketException):
            while True:
                await member.connection.send(await member.waiting.get())
                self.moved += 1

    def receive(self, member: Member, message: dict[str, Any]) -> None:
        """Act on a message; those that make no sense raise what indexing and comparing raise."""
        match message["type"]:
            case "hello":
                member.name = " ".join(str.split(message["name"]))[:MAX_NAME] or "guest"
                member.bot = message.get("bot") is True
            case "say":
                text = " ".join(str.split(message["text"]))[:MAX_TEXT]
                if text:
                    self.say(member, text, message.get("ref"))
            case "add":
                self.counter += 1
                self.broadcast({"type": "counter", "value": self.counter})
            case "echo":
                member.put(json.dumps(message))
            case _:
                raise ValueError("unknown type")

    def say(self, member: Member, text: str, ref: Any) -> None:
        """Tell everybody what somebody says."""
        message = {"type": "say", "name": member.name, "bot": member.bot, "text": text}
        message["at"] = time.time()
        self.history.append(json.dumps(message))
        # The sender knows its own message by what it put there, and so how long it took.
        self.broadcast({**message, "ref": ref})
        if not member.bot:
            self.terminal.said(member.name, text, member.connection.latency)

    def broadcast(self, message: dict[str, Any]) -> None:
        """Send a message to everybody."""
        encoded = json.dumps(message)
        for member in self.members:
            member.put(encoded)


class Site:
    """
    What browsers get.

    :param local: whether the server listens on this machine alone. Then it answers to this
        machine's names alone, or the page of a stranger whose name leads here could join.
    """

    def __init__(self, local: bool) -> None:
        self.local = local
        self.body = (page := PAGE.read_text("utf-8")).encode()
        sources = {"default": "'none'", "connect": "'self'", "img": "data:"}
        for kind, element in (("script", "script"), ("style", "style")):
            (text,) = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            sources[kind] = f"'sha256-{digest}'"
        policy = "; ".join(f"{kind}-src {source}" for kind, source in sources.items())
        policy += "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        self.headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"}
        self.headers |= {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}

    def process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        """Send the page, or let a WebSocket be opened."""
        host = ",".join(request.headers.get_all("Host"))
        if self.local and not re.fullmatch(r"(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?", host):
            return connection.respond(421, "This server is for programs on its own machine.\n")
        path = request.path.partition("?")[0]
        if path in ("/chat", "/echo"):
            return None
        if path != "/":
            return connection.respond(404, "There is a page at / only.\n")
        response = connection.respond(200, "")
        for name in ("Content-Length", "Content-Type"):
            del response.headers[name]
        response.headers["Content-Type"] = "text/html; charset=utf-8"
        response.headers["Content-Length"] = str(len(self.body))
        response.headers.update(self.headers)
        response.body = self.body
        return response


# The clients


class Bot:
    """
    A client that talks.

    :param index: which one of *count* it is; it says another thing at another time than the rest.
    """

    def __init__(self, index: int, count: int, terminal: Terminal) -> None:
        self.index, self.count = index, count
        self.terminal = terminal
        again = index // len(NAMES)
        self.name = NAMES[index % len(NAMES)] + (f" {again + 1}" if again else "")
        self.sent: dict[int, float] = {}
        self.refs = itertools.count()

    async def run(self, uri: str) -> None:
        """Connect, and talk until the server closes the connection."""
        with contextlib.suppress(*ENDS):
            async with connect(uri, ping_interval=None, max_queue=256) as connection:
                await connection.send(json.dumps({"type": "hello", "name": self.name, "bot": True}))
                talking = asyncio.create_task(self.talk(connection))
                try:
                    await self.listen(connection)
                finally:
                    talking.cancel()

    async def say(self, connection: ClientConnection, text: str) -> None:
        """Say something, and note when."""
        ref = next(self.refs)
        self.sent[ref] = time.perf_counter()
        await connection.send(json.dumps({"type": "say", "text": text, "ref": ref}))

    async def talk(self, connection: ClientConnection) -> None:
        """Say one thing after another."""
        with contextlib.suppress(WebSocketException):
            for turn in itertools.count():
                pause = 1.6 + 0.3 * ((self.index * 5 + turn * 3) % 7)
                await asyncio.sleep(pause if turn else 0.2 + 0.35 * self.index)
                await self.say(connection, LINES[(self.index * 5 + turn) % len(LINES)])
                if turn % 3 == self.index % 3:
                    await connection.send(json.dumps({"type": "add"}))

    async def listen(self, connection: ClientConnection) -> None:
        """Receive what is said; answer people, one bot each time."""
        people = 0
        async for received in connection:
            message = json.loads(received)
            if message["type"] != "say":
                continue
            if message["name"] == self.name and message.get("ref") in self.sent:
                latency = time.perf_counter() - self.sent.pop(message["ref"])
                self.terminal.said(self.name, message["text"], latency)
            elif not message["bot"] and "ref" in message:
                people += 1
                if people % self.count == self.index:
                    reply = REPLIES[people // self.count % len(REPLIES)]
                    await self.say(connection, reply.format(name=message["name"]))


class Gauge:
    """A client that measures: every second, messages there and back, one by one and in a row."""

    ALONE = 100
    IN_A_ROW, IN_FLIGHT = 1000, 64

    def __init__(self) -> None:
        self.latencies: deque[float] = deque(maxlen=10 * self.ALONE)
        self.rate = 0.0

    async def run(self, uri: str) -> None:
        """Measure until the server closes the connection."""
        with contextlib.suppress(*ENDS):
            async with connect(uri, ping_interval=None) as connection:
                while True:
                    for _ in range(self.ALONE):
                        start = time.perf_counter()
                        await connection.send("There and back")
                        await connection.recv()
                        self.latencies.append(time.perf_counter() - start)
                    start = time.perf_counter()
                    for number in range(self.IN_A_ROW + self.IN_FLIGHT):
                        if number < self.IN_A_ROW:
                            await connection.send("One of many")
                        if number >= self.IN_FLIGHT:
                            await connection.recv()
                    self.rate = self.IN_A_ROW / (time.perf_counter() - start)
                    await asyncio.sleep(1)

    def quantiles(self) -> tuple[float, float]:
        """Return the median and the 99th percentile of the last round trips, in milliseconds."""
        values = sorted(self.latencies) or [0.0]
        p99 = values[math.ceil(0.99 * len(values)) - 1]
        return 1000 * statistics.median(values), 1000 * p99


# The terminal


class Terminal:
    """
    Shows what happens: what is said scrolls by above a few lines that are kept up to date.

    Where the output isn't a terminal, all are plain lines.
    """

    def __init__(self) -> None:
        modern = os.name != "nt" or "WT_SESSION" in os.environ
        self.live = sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and modern
        self.colours = self.live and not os.environ.get("NO_COLOR")
        self.lines: list[str] = []
        self.status: list[str] = []
        self.changed, self.shown = False, 0

    def paint(self, code: str, text: str) -> str:
        """Colour a text."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colours else text

    def said(self, name: str, text: str, latency: float) -> None:
        """Add a line for what somebody said; latency in seconds, 0 where it isn't known."""
        # Anybody may have typed this: control characters stay out of the terminal.
        name, text = ("".join(c if c.isprintable() else "?" for c in s) for s in (name, text))
        took = f"{1000 * latency:8.2f} ms" if latency else 11 * " "
        clock = self.paint("2", time.strftime("%H:%M:%S"))
        who = self.paint(f"3{1 + sum(map(ord, name)) % 7}", f"{name:<8}")
        self.lines.append(f"{clock} {self.paint('36', took)}  {who} {text}")

    def update(self, *status: str) -> None:
        """Take the lines that are kept up to date."""
        if self.live:
            self.status, self.changed = [self.paint("2", 40 * "─"), *status], True
        else:
            self.lines.append("  ".join(status))

    def flush(self) -> None:
        """Write what there is to write."""
        if not self.lines and not self.changed:
            return
        output = self.lines
        if self.live:
            # Up to the first of the lines to replace; and long lines are cut, not wrapped.
            up = f"\x1b[{self.shown}A" if self.shown else ""
            lines = "\n".join([*self.lines, *self.status])
            output = [f"{up}\r\x1b[J\x1b[?7l{lines}\x1b[?7h"]
            self.shown = len(self.status)
        print(*output, sep="\n", flush=True)
        self.lines, self.changed = [], False

    def end(self, summary: str) -> None:
        """Leave the terminal as it was, with a summary."""
        self.lines.append(summary)
        self.status = []
        self.flush()


# All together


def address(server: Server) -> str:
    """Return the address of the page, as a browser takes it."""
    host, port, *_ = server.sockets[0].getsockname()
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (not listening)
    return f"{f'[{host}]' if ':' in host else host}:{port}"


async def show(room: Room, gauge: Gauge, terminal: Terminal) -> None:
    """Tell the room and the terminal how it goes."""
    before, since = room.moved, time.perf_counter()
    for tick in itertools.count(1):
        await asyncio.sleep(0.2)
        if tick % 5 == 0:
            now = time.perf_counter()
            rate = (room.moved - before) / (now - since)
            before, since = room.moved, now
            median, p99 = gauge.quantiles()
            stats = {"rate": rate, "median": median, "p99": p99, "row": gauge.rate}
            room.broadcast({"type": "stats", "people": len(room.members), **stats})
            terminal.update(
                f"{rate:,.0f} messages/s  round trip: median {median:.3f} ms, p99 {p99:.3f} ms",
                f"{gauge.IN_FLIGHT} in flight: {gauge.rate:,.0f} round trips/s  "
                f"in the room: {len(room.members)}  counter: {room.counter}",
            )
        terminal.flush()


async def start(room: Room, options: argparse.Namespace, port: int) -> Server:
    """Start the server."""
    local = options.host in ("localhost", "::1") or options.host.startswith("127.")
    server: Server = await serve(
        room.handle,
        options.host,
        port,
        origins=[Origin("same-origin"), None],
        process_request=Site(local).process_request,
        max_size=MAX_SIZE,
        # Each second: the latency of what people say is that of the last ping.
        ping_interval=1,
        close_timeout=1,
    )
    return server


async def run(options: argparse.Namespace) -> None:
    """Run everything until Ctrl-C, or for some seconds."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Where the loop can't do this, asyncio.run() turns Ctrl-C into a cancellation.
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    terminal, gauge = Terminal(), Gauge()
    room = Room(terminal)
    try:
        server = await start(room, options, options.port)
    except OSError as exc:
        if exc.errno != errno.EADDRINUSE or not options.port:
            raise
        print(f"Port {options.port} is taken: here is a free one.")
        server = await start(room, options, 0)
    here = address(server)
    running = ", ".join(f"{package} {build}" for package, build in builds().items())
    print(f"Builds: {running}")
    print(f"The chat is at http://{here}/ (Ctrl-C ends it)", flush=True)
    started = time.perf_counter()
    try:
        async with asyncio.TaskGroup() as group:
            for index in range(options.bots):
                bot = Bot(index, options.bots, terminal)
                group.create_task(bot.run(f"ws://{here}/chat"))
            group.create_task(gauge.run(f"ws://{here}/echo"))
            showing = group.create_task(show(room, gauge, terminal))
            try:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), options.seconds)
            finally:
                # This ends the clients too: they read until the connection is closed.
                server.close()
                await server.wait_closed()
                showing.cancel()
    except* BrokenPipeError:
        # Whoever read what is printed has gone. The interpreter itself prints too, when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        median, p99 = gauge.quantiles()
        terminal.end(
            f"Closed after {time.perf_counter() - started:.1f} s and {room.moved:,} messages; "
            f"round trip: median {median:.3f} ms, p99 {p99:.3f} ms"
        )


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="demo", description="A chat with a live page and bots.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8765, help="0 is any (%(default)s)")
    parser.add_argument("--seconds", type=float, help="end after this time; at Ctrl-C by default")
    parser.add_argument("--bots", type=int, default=4, help="clients that talk (%(default)s)")
    options = parser.parse_args(argv)
    positive = options.seconds is None or options.seconds > 0
    if not (0 <= options.port <= 65535 and options.bots >= 0 and positive):
        parser.error("ports are between 0 and 65535; --bots from 0 on, --seconds above 0")
    return options


def main() -> int:
    """Run the demo and return its exit code."""
    options = arguments()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # what it can't show is no reason to stop
    try:
        asyncio.run(run(options))
    except KeyboardInterrupt:
        return 0
    except OSError as exc:
        print(f"demo: can't listen on {options.host} port {options.port}: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
