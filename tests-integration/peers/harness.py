"""Peers: other WebSocket libraries, each in an environment and a process of its own.

A peer is a script beside this file that obeys orders. It reads them from standard input and
answers each on standard output, as JSON objects, one a line. It serves at most one server and one
connection at a time. Its answer to an order that fails is ``{"error": TEXT}``.

======================================================  ==========================================
order (``do``)                                          answer
======================================================  ==========================================
``listen`` with ``certificate``, a path or null         ``port``, on 127.0.0.1
``unlisten``                                            nothing, once the server is closed
``accept``                                              nothing, once a connection was accepted
``connect`` with ``uri`` and ``authority``, a path or   nothing, once it is open
null
``refused`` with ``uri``                                ``status`` of the response that refuses, and
                                                        ``body`` (in base64, or null where the peer
                                                        doesn't tell)
``send`` with ``text``, ``binary`` (in base64, and      nothing
``repeat``, if it is to be repeated) or ``fragments``,
a list of such
``recv``                                                the next message: ``text`` or ``binary``
``recv`` with ``digest``                                ``size`` and ``digest`` (SHA-256) of the
                                                        next message
``ping`` with ``payload`` (in base64)                   nothing, once the pong is there
``close`` with ``code`` and ``reason``                  ``code`` and ``reason`` of the closing, as
                                                        the peer reports it; ``reason`` is null
                                                        where it doesn't
``closed``                                              the same, once the connection is closed;
                                                        messages that come before are dropped
``abort``                                               nothing, and no closing handshake either
======================================================  ==========================================

Tests don't rely on a peer doing anything between its orders: a peer may answer pings and
closing handshakes only while it receives. To add a peer, write its script, and add it to
:data:`PEERS` (and its requirements, as ``NAME.txt`` here, if it is a Python library). What the
scripts in Python share is in ``orders.py``.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import AsyncIterator
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent

#: Seconds after which something is broken, however busy the machine.
PATIENCE = 60


@dataclasses.dataclass(frozen=True)
class Library:
    """
    What it takes to start a peer.

    :param script: a file in this folder.
    :param variable: the environment variable that names the program to run it with.
    :param lacks: orders that it can't obey, and ``fragments``; their tests are skipped. Then,
        ``reason``: it doesn't report the reason of a closing that it began; ``echoed code`` and
        ``echoed reason``: it answers any closing with 1000, or without a reason. ``ping within``:
        it forgets at a ping that the message around it is compressed. ``code 1014``: it takes that
        code for one that nobody may send.
    :param arguments: what the script is told, besides orders.
    """

    script: str
    variable: str
    lacks: frozenset[str] = frozenset()
    arguments: tuple[str, ...] = ()

    def command(self) -> list[str] | None:
        """Return the command that starts the peer, or None where the environment isn't there."""
        program = os.environ.get(self.variable)
        return None if not program else [program, str(HERE / self.script), *self.arguments]


AIOHTTP_LACKS = frozenset({"fragments", "reason", "echoed code", "echoed reason"})
TORNADO_LACKS = frozenset({"fragments", "echoed reason"})
WEBSOCKET_CLIENT_LACKS = frozenset({"listen", "echoed code", "echoed reason"})
WSPROTO_LACKS = frozenset({"code 1014"})

PEERS = {
    "websocket-client": Library(
        "websocket_client_peer.py", "WS_PEER_WEBSOCKET_CLIENT", WEBSOCKET_CLIENT_LACKS
    ),
    "websockets": Library("websockets_peer.py", "WS_PEER_WEBSOCKETS"),
    "websockets, compressed": Library(
        "websockets_peer.py", "WS_PEER_WEBSOCKETS", arguments=("deflate",)
    ),
    "aiohttp": Library("aiohttp_peer.py", "WS_PEER_AIOHTTP", AIOHTTP_LACKS),
    "aiohttp, compressed": Library(
        "aiohttp_peer.py", "WS_PEER_AIOHTTP", AIOHTTP_LACKS, arguments=("deflate",)
    ),
    "tornado": Library("tornado_peer.py", "WS_PEER_TORNADO", TORNADO_LACKS),
    "tornado, compressed": Library(
        "tornado_peer.py",
        "WS_PEER_TORNADO",
        TORNADO_LACKS | {"ping within"},
        arguments=("deflate",),
    ),
    "picows": Library("picows_peer.py", "WS_PEER_PICOWS"),
    "wsproto": Library("wsproto_peer.py", "WS_PEER_WSPROTO", WSPROTO_LACKS),
    "wsproto, compressed": Library(
        "wsproto_peer.py",
        "WS_PEER_WSPROTO",
        WSPROTO_LACKS | {"ping within"},
        arguments=("deflate",),
    ),
    "ws": Library("ws_peer.mjs", "WS_PEER_WS"),
    "ws, compressed": Library("ws_peer.mjs", "WS_PEER_WS", arguments=("deflate",)),
}


class Peer:
    """A running peer; each method is an order."""

    def __init__(self, library: Library, process: asyncio.subprocess.Process) -> None:
        self.library = library
        self.process = process
        self.turn = asyncio.Lock()

    async def do(self, order: str, **details: Any) -> dict[str, Any]:
        """Give an order, and return the answer."""
        reader, writer = self.process.stdout, self.process.stdin
        assert reader is not None and writer is not None
        async with self.turn:
            try:
                async with asyncio.timeout(PATIENCE):
                    writer.write(json.dumps({"do": order, **details}).encode() + b"\n")
                    await writer.drain()
                    line = await reader.readline()
            except BaseException:
                # The answer may still come: it mustn't be taken for that to the next order.
                self.process.kill()
                raise
        assert line, "the peer has ended"
        answer: dict[str, Any] = json.loads(line)
        assert "error" not in answer, f"{order}: {answer['error']}"
        return answer

    async def listen(self, certificate: str | None = None) -> int:
        port: int = (await self.do("listen", certificate=certificate))["port"]
        return port

    async def unlisten(self) -> None:
        await self.do("unlisten")

    async def accept(self) -> None:
        await self.do("accept")

    async def connect(self, uri: str, authority: str | None = None) -> None:
        await self.do("connect", uri=uri, authority=authority)

    async def refused(self, uri: str) -> tuple[int, bytes | None]:
        answer = await self.do("refused", uri=uri)
        body = answer["body"]
        return answer["status"], None if body is None else base64.b64decode(body)

    async def send(self, message: str | bytes | list[str] | list[bytes]) -> None:
        if isinstance(message, list):
            await self.do("send", fragments=[_pack(fragment) for fragment in message])
        else:
            await self.do("send", **_pack(message))

    async def recv(self) -> str | bytes:
        return _unpack(await self.do("recv"))

    async def send_repeated(self, data: bytes, repeat: int) -> None:
        """Send data over and over, as one message."""
        await self.do("send", repeat=repeat, **_pack(data))

    async def recv_repeated(self, data: bytes, repeat: int) -> None:
        """Receive what :meth:`send_repeated` sends."""
        whole = data * repeat
        answer = await self.do("recv", digest=True)
        assert answer == {"size": len(whole), "digest": hashlib.sha256(whole).hexdigest()}

    async def ping(self, payload: bytes) -> None:
        await self.do("ping", payload=base64.b64encode(payload).decode())

    async def close(self, code: int = 1000, reason: str = "") -> tuple[int, str | None]:
        answer = await self.do("close", code=code, reason=reason)
        return answer["code"], answer["reason"]

    async def closed(self) -> tuple[int, str]:
        answer = await self.do("closed")
        return answer["code"], answer["reason"]

    async def abort(self) -> None:
        await self.do("abort")


def _pack(data: str | bytes) -> dict[str, str]:
    if isinstance(data, str):
        return {"text": data}
    return {"binary": base64.b64encode(data).decode()}


def _unpack(message: dict[str, str]) -> str | bytes:
    return message["text"] if "text" in message else base64.b64decode(message["binary"])


@contextlib.asynccontextmanager
async def running(library: Library, command: list[str]) -> AsyncIterator[Peer]:
    """Start a peer, and see to it that it ends."""
    process = await asyncio.create_subprocess_exec(
        *command,
        # A peer knows nothing of the environment of the tests.
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    try:
        yield Peer(library, process)
        assert process.stdin is not None
        # Without further orders, it ends by itself.
        process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
