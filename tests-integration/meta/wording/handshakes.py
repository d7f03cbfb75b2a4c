"""Opening handshakes, right and wrong."""

# ruff: noqa: B023  (each function is called at once)

from __future__ import annotations

from typing import Any

from common import record, show

from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def request(**changes: str | None) -> Request:
    """Return a request that is right, but for what is changed (None removes a header)."""
    fields = {
        "Host": "localhost",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    fields.update({name.replace("_", "-"): value for name, value in changes.items()})
    return Request("/", Headers([item for item in fields.items() if item[1] is not None]))


def accept(accepted: Request, **options: Any) -> str:
    server = ServerProtocol(**options)
    response = server.accept(accepted)
    body = response.body.decode()
    fields = {name: value for name, value in response.headers.raw_items() if name != "Date"}
    text = f"{response.status_code} {response.reason_phrase} {fields} {body!r}"
    return f"{text} {show(server.handshake_exc)}"


def server_cases() -> None:
    for name, changes in {
        "right": {},
        "no Connection": {"Connection": None},
        "Connection": {"Connection": "close"},
        "no Upgrade": {"Upgrade": None},
        "Upgrade": {"Upgrade": "h2c"},
        "two Upgrades": {"Upgrade": "websocket, h2c"},
        "no key": {"Sec-WebSocket-Key": None},
        "short key": {"Sec-WebSocket-Key": "YQ=="},
        "key not base64": {"Sec-WebSocket-Key": "!"},
        "no version": {"Sec-WebSocket-Version": None},
        "version 8": {"Sec-WebSocket-Version": "8"},
        "bad extensions": {"Sec-WebSocket-Extensions": "a b"},
        "unknown extension": {"Sec-WebSocket-Extensions": "x-unknown"},
        "bad Connection": {"Connection": "a b"},
    }.items():
        record(f"server {name}", lambda: accept(request(**changes)))
    other = request(Origin="http://other")
    record("server origin", lambda: accept(other, origins=["http://here"]))
    record("server no origin", lambda: accept(request(), origins=["http://here"]))
    record("server origin None", lambda: accept(request(), origins=[None]))

    def two(name: str, value: str) -> Request:
        twice = request()
        twice.headers[name] = value
        return twice

    record("server two keys", lambda: accept(two("Sec-WebSocket-Key", KEY)))
    record("server two versions", lambda: accept(two("Sec-WebSocket-Version", "13")))
    record("server two origins", lambda: accept(two("Origin", "a")))
    chat = request(Sec_WebSocket_Protocol="chat")
    record("server subprotocol", lambda: accept(chat, subprotocols=["chat"]))
    record("server other subprotocol", lambda: accept(chat, subprotocols=["superchat"]))
    record("server no subprotocol", lambda: accept(request(), subprotocols=["chat"]))
    record("server subprotocol unasked", lambda: accept(chat))
    bad = request(Sec_WebSocket_Protocol="a b")
    record("server bad subprotocol", lambda: accept(bad, subprotocols=["chat"]))

    def fail(*_: object) -> None:
        raise RuntimeError("oops")

    record("server error", lambda: accept(chat, subprotocols=["chat"], select_subprotocol=fail))

    def reject(status: int) -> str:
        response = ServerProtocol().reject(status, "text é\n")
        fields = {name: value for name, value in response.headers.raw_items() if name != "Date"}
        return f"{response.status_code} {response.reason_phrase} {fields} {response.body!r}"

    for status in (200, 401, 503):
        record(f"server reject {status}", lambda: reject(status))
    record("server reject 999", lambda: reject(999))


def client_cases() -> None:
    def run(status: str = "101 Switching Protocols", **changes: str | None) -> str:
        client = ClientProtocol(
            parse_uri("ws://localhost/"), subprotocols=changes.pop("_offer", None)
        )  # type: ignore[arg-type]
        client.key = KEY
        fields: dict[str, str | None] = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Accept": ACCEPT,
            "Content-Length": None if status.startswith("101") else "0",
        }
        fields.update({name.replace("_", "-"): value for name, value in changes.items()})
        client.send_request(client.connect())
        head = f"HTTP/1.1 {status}\r\n"
        for name, value in fields.items():
            for one in [] if value is None else value.split("\n"):
                head += f"{name}: {one}\r\n"
        client.receive_data(f"{head}\r\n".encode())
        client.events_received()
        exc = client.handshake_exc
        return f"{client.state.name} {client.subprotocol} {show(exc)}"

    for name, changes in {
        "right": {},
        "no Connection": {"Connection": None},
        "Connection": {"Connection": "close"},
        "no Upgrade": {"Upgrade": None},
        "Upgrade": {"Upgrade": "h2c"},
        "no accept": {"Sec-WebSocket-Accept": None},
        "accept": {"Sec-WebSocket-Accept": "x"},
        "two accepts": {"Sec-WebSocket-Accept": f"{ACCEPT}\n{ACCEPT}"},
        "extension": {"Sec-WebSocket-Extensions": "x-unknown"},
        "bad extension": {"Sec-WebSocket-Extensions": "a b"},
        "subprotocol": {"Sec-WebSocket-Protocol": "chat"},
    }.items():
        record(f"client {name}", lambda: run(**changes))
    for name, value in {
        "chosen": "chat",
        "other": "superchat",
        "two": "chat, b",
        "lines": "chat\nb",
    }.items():
        record(f"client {name}", lambda: run(Sec_WebSocket_Protocol=value, offer=["chat"]))
    for status in (
        "200 OK",
        "301 Moved Permanently",
        "404 Not Found",
        "503 Service Unavailable",
        "403 ",
    ):
        record(f"client {status}", lambda: run(status))

    def garbage(data: bytes) -> str:
        client = ClientProtocol(parse_uri("ws://localhost/"))
        client.send_request(client.connect())
        client.receive_data(data)
        client.receive_eof()
        return show(client.handshake_exc)

    for data in (
        b"",
        b"HTTP/1.1",
        b"hello\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"SSH-2.0\r\n",
    ):
        record(f"client garbage {data!r}", lambda: garbage(data))

    def server_garbage(data: bytes) -> str:
        server = ServerProtocol()
        server.receive_data(data)
        server.receive_eof()
        return show(server.handshake_exc)

    for data in (
        b"",
        b"GET /",
        b"hello\r\n",
        b"POST / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
    ):
        record(f"server garbage {data!r}", lambda: server_garbage(data))
