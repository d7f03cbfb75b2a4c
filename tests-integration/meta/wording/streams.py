"""What is wrong in a stream, and what can't be sent."""

# ruff: noqa: B023  (each function is called at once)

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from common import record, show

from websockets.http11 import Request, Response
from websockets.protocol import Protocol, Side, State


def parse_cases() -> None:
    def reader(data: bytes) -> tuple[Callable[..., Any], ...]:
        left = bytearray(data)

        def take(count: int) -> bytes:
            taken = bytes(left[:count])
            if len(taken) < count:
                raise EOFError(f"stream ends after {len(taken)} bytes, expected {count} bytes")
            del left[:count]
            return taken

        def line(limit: int, *_: object) -> Iterator[None]:
            end = left.find(b"\n") + 1
            if not end:
                raise EOFError("stream ends before the line")
            return take(end)
            yield

        def exact(count: int) -> Iterator[None]:
            return take(count)
            yield

        def to_eof(limit: int, *_: object) -> Iterator[None]:
            return take(len(left))
            yield

        return line, exact, to_eof

    def finish(generator: Iterator[None]) -> object:
        try:
            next(generator)
        except StopIteration as stop:
            return stop.value
        return "unfinished"

    for name, head in {
        "empty": b"",
        "not HTTP": b"hello\r\n\r\n",
        "method": b"POST / HTTP/1.1\r\nHost: a\r\n\r\n",
        "version": b"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
        "no colon": b"GET / HTTP/1.1\r\nHost\r\n\r\n",
        "name": b"GET / HTTP/1.1\r\nHo st: a\r\n\r\n",
        "value": b"GET / HTTP/1.1\r\nHost: \x00\r\n\r\n",
        "body": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "length": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "chunked": b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "no return": b"GET / HTTP/1.1\nHost: a\r\n\r\n",
        "many headers": b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    }.items():
        record(f"request {name}", lambda: finish(Request.parse(reader(head)[0])).path)
    for name, head in {
        "not HTTP": b"hello\r\n\r\n",
        "version": b"HTTP/1.0 200 OK\r\n\r\n",
        "code": b"HTTP/1.1 2x0 OK\r\n\r\n",
        "code 99": b"HTTP/1.1 099 OK\r\n\r\n",
        "code 600": b"HTTP/1.1 600 OK\r\n\r\n",
        "phrase": b"HTTP/1.1 200 \x00\r\n\r\n",
        "short body": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        "coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "length": b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    }.items():
        record(f"response {name}", lambda: finish(Response.parse(*reader(head))).body)


def mask(data: bytes) -> bytes:
    """Set the mask bit of a frame, and mask it with zeros."""
    length = data[1]
    start = 2 + {126: 2, 127: 8}.get(length, 0)
    return data[:1] + bytes([length | 0x80]) + data[2:start] + bytes(4) + data[start:]


def protocol_cases() -> None:
    wires = {
        "rsv1": [b"\xc1\x00"],
        "rsv3": [b"\x91\x00"],
        "opcode 3": [b"\x83\x00"],
        "opcode 15": [b"\x8f\x00"],
        "fragmented ping": [b"\x09\x00"],
        "long ping": [b"\x89\x7e\x00\x7e" + bytes(126)],
        "unexpected continuation": [b"\x80\x00"],
        "text in text": [b"\x01\x00", b"\x81\x00"],
        "too big": [b"\x82\x7e\x04\x00"],
        "too big in fragments": [b"\x02\x7e\x02\x58" + bytes(600), b"\x80\x7e\x02\x58"],
        "not UTF-8": [b"\x81\x01\xff"],
        "close of one byte": [b"\x88\x01\x03"],
        "close 999": [b"\x88\x02\x03\xe7"],
        "close 1005": [b"\x88\x02\x03\xed"],
        "close reason not UTF-8": [b"\x88\x03\x03\xe8\xff"],
        "close": [b"\x88\x00"],
        "close 1000": [b"\x88\x02\x03\xe8"],
        "close 1001 away": [b"\x88\x06\x03\xe9away"],
        "close 4000": [b"\x88\x05\x0f\xa0why"],
        "cut in the header": [b"\x81"],
        "cut in the payload": [b"\x81\x05ab"],
        "end": [],
    }
    for side in Side:
        for name, wire in wires.items():

            def run(side: Side = side, wire: list[bytes] = wire) -> str:
                protocol = Protocol(side, state=State.OPEN, max_size=1000)
                for data in wire:
                    whole = len(data) > 2 or data[1:] == b"\0"
                    protocol.receive_data(mask(data) if side is Side.SERVER and whole else data)
                protocol.receive_eof()
                protocol.data_to_send()
                reasons = f"{protocol.close_rcvd} / {protocol.close_sent} / "
                reasons += f"{protocol.close_code} {protocol.close_reason} / "
                return reasons + f"{show(protocol.parser_exc)} / {show(protocol.close_exc)}"

            record(f"wire {side.name} {name}", run)

        def wrong_mask(side: Side = side) -> str:
            protocol = Protocol(side, state=State.OPEN)
            data = b"\x81\x01a"
            protocol.receive_data(data if side is Side.SERVER else mask(data))
            return f"{protocol.close_sent} / {show(protocol.parser_exc)}"

        record(f"wire {side.name} wrong mask", wrong_mask)

    def use(*commands: tuple[Any, ...], state: State = State.OPEN) -> str:
        protocol = Protocol(Side.SERVER, state=state)
        for command, *arguments in commands:
            getattr(protocol, command)(*arguments)
        return f"{protocol.state.name} {protocol.close_sent}"

    commands: dict[str, list[tuple[Any, ...]]] = {
        "text": [("send_text", b"x")],
        "binary": [("send_binary", b"x")],
        "ping": [("send_ping", b"x")],
        "pong": [("send_pong", b"x")],
        "continuation": [("send_continuation", b"x", True)],
        "close": [("send_close", 1000)],
    }
    for state in State:
        for name, sequence in commands.items():
            record(f"send {name} in {state.name}", lambda: use(*sequence, state=state))
    record("send text in text", lambda: use(("send_text", b"x", False), ("send_text", b"x")))
    record("send binary in text", lambda: use(("send_text", b"x", False), ("send_binary", b"x")))
    record("send close in text", lambda: use(("send_text", b"x", False), ("send_close", 1000)))
    record("send a long ping", lambda: use(("send_ping", bytes(126))))
    record("send a reason alone", lambda: use(("send_close", None, "why")))
    record("send code 1005", lambda: use(("send_close", 1005)))
    record("send code 1006", lambda: use(("send_close", 1006)))
    record("send code 999", lambda: use(("send_close", 999)))
    record("send a long reason", lambda: use(("send_close", 1000, "x" * 124)))
    record("send close twice", lambda: use(("send_close", 1000), ("send_close", 1000)))
    record("fail 1006", lambda: use(("fail", 1006)))
    record("fail 1002", lambda: use(("fail", 1002, "why")))
    for name in ("close_code", "close_reason", "close_exc"):
        record(f"{name} too early", lambda: getattr(Protocol(Side.CLIENT), name))
