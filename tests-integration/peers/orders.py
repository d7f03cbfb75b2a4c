"""What the peers that are Python scripts share: orders come in, and answers go out.

This runs in the environment of any of them, and so needs nothing but the standard library.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import ssl
import sys
from typing import Any

Order = dict[str, Any]

#: Whether the peer is to compress.
DEFLATE = "deflate" in sys.argv


def pack(data: str | bytes, order: Order) -> Order:
    """Make JSON of a message, or of what tells it from others, if the order says so."""
    if isinstance(data, str):
        return {"text": data}
    if order.get("digest"):
        return {"size": len(data), "digest": hashlib.sha256(data).hexdigest()}
    return {"binary": base64.b64encode(data).decode()}


def unpack(message: Order) -> str | bytes:
    """Make a message of JSON."""
    if "text" in message:
        text: str = message["text"]
        return text
    repeat: int = message.get("repeat", 1)
    return base64.b64decode(message["binary"]) * repeat


def server_context(order: Order) -> ssl.SSLContext | None:
    """Make what serves the certificate of an order ``listen``, if there is one."""
    if not order["certificate"]:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(order["certificate"])
    return context


def client_context(order: Order) -> ssl.SSLContext | None:
    """Make what trusts the authority of an order ``connect``, if there is one."""
    if not order["authority"]:
        return None
    return ssl.create_default_context(cafile=order["authority"])


def refusal(status: int, body: bytes | None) -> Order:
    """Make an answer of a response that refuses; its body is None where it isn't known."""
    return {"status": status, "body": None if body is None else base64.b64encode(body).decode()}


async def obey(peer: object) -> None:
    """Have a method of ``peer`` obey each order, until there are no more."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        try:
            answer = await getattr(peer, order["do"])(order)
        except Exception as exc:
            answer = {"error": f"{type(exc).__name__}: {exc}"}
        print(json.dumps(answer), flush=True)
