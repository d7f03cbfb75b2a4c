"""A program that uses them wrongly, once on each line that says so."""

import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import Frame, Opcode
from websockets.http11 import nope  # wrong
from websockets.typing import Subprotocol

print(websockets.nope)  # wrong
print(websockets.frames.nope, nope)  # wrong
Frame(Opcode.TEXT, "text")  # wrong
Frame(Opcode.TEXT, b"text", whole=True)  # wrong
connect(1)  # wrong
connect("ws://localhost/", subprotocols=[1])  # wrong
websockets.parse_uri("ws://localhost/")  # wrong
websockets.Headers(a=1)  # wrong


async def use(connection: ClientConnection) -> None:
    text: str = await connection.recv(decode=False)  # wrong
    await connection.send(1)  # wrong
    await connection.close("1000")  # wrong
    await connection.nope()  # wrong
    connection.close_code.bit_length()  # wrong
    print(text, Subprotocol(1))  # wrong
