"""A program that uses the names as they are meant."""

import asyncio
import http

import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.extensions import ClientExtensionFactory, Extension
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import CLOSE_CODE_EXPLANATIONS, Close, CloseCode, Frame, Opcode
from websockets.headers import parse_extension
from websockets.http11 import Request, Response
from websockets.protocol import SEND_EOF, Event, Side, State
from websockets.server import ServerProtocol
from websockets.typing import Data, ExtensionParameter, LoggerLike, Origin, Subprotocol
from websockets.uri import parse_uri
from websockets.version import version


class Reversing(Extension):
    """An extension of a program's own."""

    def encode(self, frame: Frame) -> Frame:
        return Frame(frame.opcode, bytes(frame.data)[::-1], frame.fin)


async def handle(connection: ServerConnection) -> None:
    message: Data
    async for message in connection:
        await connection.send(message)
    code: int | None = connection.close_code
    print(code, connection.close_reason, connection.remote_address)


def refuse(connection: ServerConnection, request: Request) -> Response | None:
    origin: str | None = request.headers.get("Origin")
    if origin is None:
        return connection.respond(http.HTTPStatus.FORBIDDEN, "no origin\n")
    return None


async def main() -> None:
    server: Server
    async with serve(handle, "localhost", 0, process_request=refuse) as server:
        await server.start_serving()
    connection: ClientConnection
    async with connect("ws://localhost/", origin=Origin("http://localhost")) as connection:
        await connection.send("text")
        data: str | bytes = await connection.recv()
        waiter = await connection.ping()
        seconds: float = await waiter
        print(data, seconds)
    try:
        await (await websockets.connect("ws://localhost/")).close(CloseCode.GOING_AWAY)
    except ConnectionClosed as exc:
        close: Close | None = exc.rcvd
        print(close)
    except InvalidStatus as exc:
        print(exc.response.status_code + 1)


def without_io(logger: LoggerLike, factory: ClientExtensionFactory) -> list[Event]:
    client = ClientProtocol(parse_uri("ws://localhost/"), subprotocols=[Subprotocol("chat")])
    client.send_request(client.connect())
    chunks: list[bytes] = client.data_to_send()
    deflate = ServerPerMessageDeflateFactory(compress_settings={"level": 1})
    server = ServerProtocol(logger=logger, extensions=[deflate])
    for chunk in chunks:
        if chunk is not SEND_EOF:
            server.receive_data(chunk)
    parameters: list[ExtensionParameter] = list(factory.get_request_params())
    print(parameters, parse_extension("a; b")[0], Opcode.TEXT, server.state is State.OPEN)
    print(Headers(a="1")["a"].lower(), Side.CLIENT, CLOSE_CODE_EXPLANATIONS[1000].lower())
    return server.events_received()


def by_attributes(name: str) -> str:
    error: type[Exception] = websockets.exceptions.ConnectionClosedOK
    protocol: websockets.Protocol = websockets.client.ClientProtocol(websockets.uri.parse_uri(name))
    connection: type[websockets.ClientConnection] = websockets.asyncio.client.ClientConnection
    print(error, protocol.close_code, connection.send)
    return websockets.__version__ + version


def of_the_past(given: object, connection: websockets.WebSocketClientProtocol) -> ClientConnection:
    if isinstance(given, websockets.legacy.client.WebSocketClientProtocol):
        return given
    try:
        raise websockets.exceptions.InvalidStatusCode(Response(403, "no", Headers()))
    except websockets.InvalidStatusCode as exc:
        print(exc.response)
    return connection


asyncio.run(main())
