"""The peer ``websocket-client``: runs in the environment of that library, on orders from the tests.

``harness.py`` says which orders there are. This one has no server, and can't compress.
"""

from __future__ import annotations

import asyncio
import base64
import collections

import websocket
from orders import Order, client_context, obey, pack, refusal, unpack

ABNF = websocket.ABNF


class Peer:
    """Holds one connection at a time. Its methods block, as nothing else happens meanwhile."""

    connection: websocket.WebSocket

    def __init__(self) -> None:
        self.messages: collections.deque[str | bytes] = collections.deque()

    async def connect(self, order: Order) -> Order:
        self.messages.clear()
        context = client_context(order)
        options = {"context": context} if context else {}
        self.connection = websocket.create_connection(order["uri"], sslopt=options)
        return {}

    async def refused(self, order: Order) -> Order:
        try:
            websocket.create_connection(order["uri"])
        except websocket.WebSocketBadStatusException as exc:
            return refusal(exc.status_code, exc.resp_body)
        raise ConnectionError("it was accepted")

    async def send(self, order: Order) -> Order:
        fragments = [unpack(part) for part in order.get("fragments", [order])]
        opcode = ABNF.OPCODE_TEXT if isinstance(fragments[0], str) else ABNF.OPCODE_BINARY
        for number, fragment in enumerate(fragments, 1):
            data = fragment.encode() if isinstance(fragment, str) else fragment
            fin = int(number == len(fragments))
            self.connection.send_frame(ABNF.create_frame(data, opcode, fin))
            opcode = ABNF.OPCODE_CONT
        return {}

    def receive(self) -> tuple[int, bytes]:
        """Keep a message for later, or return the opcode and the payload of a control frame."""
        opcode, frame = self.connection.recv_data_frame(control_frame=True)
        data: bytes = frame.data
        if opcode == ABNF.OPCODE_TEXT:
            self.messages.append(data.decode())
        elif opcode == ABNF.OPCODE_BINARY:
            self.messages.append(data)
        return opcode, data

    async def recv(self, order: Order) -> Order:
        while not self.messages:
            opcode, data = self.receive()
            if opcode == ABNF.OPCODE_CLOSE:
                raise ConnectionError(f"closed: {data!r}")
        return pack(self.messages.popleft(), order)

    async def ping(self, order: Order) -> Order:
        payload = base64.b64decode(order["payload"])
        self.connection.ping(payload)
        while (received := self.receive()) != (ABNF.OPCODE_PONG, payload):
            if received[0] == ABNF.OPCODE_CLOSE:
                raise ConnectionError(f"closed: {received[1]!r}")
        return {}

    async def close(self, order: Order) -> Order:
        self.connection.close(order["code"], order["reason"], timeout=None)
        frame = self.connection.close_frame
        return closing(frame.data if frame else b"")

    async def closed(self, order: Order) -> Order:
        try:
            while (received := self.receive())[0] != ABNF.OPCODE_CLOSE:
                pass
        except (websocket.WebSocketConnectionClosedException, OSError):
            return closing(b"")
        finally:
            self.connection.shutdown()
        return closing(received[1])

    async def abort(self, order: Order) -> Order:
        self.connection.shutdown()
        return {}


def closing(payload: bytes) -> Order:
    """Make an answer of what a Close frame holds, or of nothing where none came."""
    code = int.from_bytes(payload[:2]) if payload else websocket.STATUS_ABNORMAL_CLOSED
    return {"code": code, "reason": payload[2:].decode()}


asyncio.run(obey(Peer()))
