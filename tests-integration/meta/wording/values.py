"""Frames, exceptions, headers and URIs."""

# ruff: noqa: B023  (each function is called at once)

from __future__ import annotations

from common import record

from websockets import exceptions as errors
from websockets import frames, headers
from websockets.datastructures import Headers
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri


def frame_cases() -> None:
    long = 200
    for opcode in Opcode:
        for data in (
            b"",
            b"text",
            b"caf\xc3\xa9",
            b"\xff\xfe",
            b"a" * long,
            b"\xff" * long,
            b"\xc3\xa9\n\x1b" * 40,
            b"it's",
            b'say "it\'s"',
        ):
            if opcode is Opcode.CLOSE and len(data) >= 2 and data[:1] != b"\x03":
                data = b"\x03\xe8" + data
            for fin in (True, False):
                record(f"frame {opcode.name} {data!r:.40} {fin}", lambda: Frame(opcode, data, fin))
    for data in (b"\x03", b"\x03\xe8", b"\x03\xe8\xff", b"\x00\x01", b"\x0b\xb8ok", b"\x0f\xa1why"):
        record(f"frame CLOSE {data!r}", lambda: Frame(Opcode.CLOSE, data))
    record("frame rsv", lambda: Frame(Opcode.TEXT, b"x", True, True, True, True))
    for code in (1000, 1001, 1005, 1006, 1011, 1015, 1016, 2999, 3000, 3999, 4000, 4999, 5000, 0):
        for reason in ("", "why", "x\ny"):
            record(f"close {code} {reason!r}", lambda: Close(code, reason))
            record(f"close check {code} {reason!r}", lambda: Close(code, reason).serialize())
    for data in (b"", b"\x03", b"\x03\xe8\xff", b"\x00\x01"):
        record(f"close parse {data!r}", lambda: Close.parse(data))
    record("close reason too long", lambda: Frame(Opcode.CLOSE, b"\x03\xe8" + bytes(124)).check())
    record("fragmented ping", lambda: Frame(Opcode.PING, b"", fin=False).check())
    record("long ping", lambda: Frame(Opcode.PING, bytes(126)).check())
    record("explanations", lambda: sorted(frames.CLOSE_CODE_EXPLANATIONS.items()))


def exception_cases() -> None:
    ok, away, odd = Close(1000, ""), Close(1001, "bye"), Close(4000, "x")
    for kind in (errors.ConnectionClosedOK, errors.ConnectionClosedError):
        for received in (None, ok, away, odd):
            for sent in (None, ok, away, odd):
                for first in (None, True, False) if received and sent else (None,):
                    name = f"{kind.__name__} {received} {sent} {first}"
                    record(name, lambda: kind(received, sent, first))
    record("InvalidURI", lambda: errors.InvalidURI("x", "wrong"))
    record("InvalidProxy", lambda: errors.InvalidProxy("x", "wrong"))
    record("InvalidHeader", lambda: errors.InvalidHeader("Name"))
    record("InvalidHeader None", lambda: errors.InvalidHeader("Name", None))
    record("InvalidHeader empty", lambda: errors.InvalidHeader("Name", ""))
    record("InvalidHeader value", lambda: errors.InvalidHeader("Name", "value"))
    record("InvalidHeaderFormat", lambda: errors.InvalidHeaderFormat("Name", "wrong", "a,b", 1))
    record("InvalidHeaderValue", lambda: errors.InvalidHeaderValue("Name", "value"))
    record("InvalidOrigin", lambda: errors.InvalidOrigin("http://a"))
    record("InvalidOrigin None", lambda: errors.InvalidOrigin(None))
    record("InvalidUpgrade", lambda: errors.InvalidUpgrade("Upgrade", "other"))
    record("InvalidUpgrade None", lambda: errors.InvalidUpgrade("Upgrade", None))
    for status in (200, 301, 404, 599, 799):
        response = Response(status, "Reason", Headers())
        record(f"InvalidStatus {status}", lambda: errors.InvalidStatus(response))
        record(f"InvalidProxyStatus {status}", lambda: errors.InvalidProxyStatus(response))
    record("DuplicateParameter", lambda: errors.DuplicateParameter("x"))
    record("InvalidParameterName", lambda: errors.InvalidParameterName("x"))
    record("InvalidParameterValue", lambda: errors.InvalidParameterValue("x", "y"))
    record("InvalidParameterValue None", lambda: errors.InvalidParameterValue("x", None))
    record("InvalidParameterValue empty", lambda: errors.InvalidParameterValue("x", ""))
    for arguments in ((None, 1), (5, 4), (5, 4, 3), ("text",), (None, None)):
        record(f"PayloadTooBig {arguments}", lambda: errors.PayloadTooBig(*arguments))
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.WebSocketException):
            if kind.__name__ in errors.__all__:
                bases = [base.__name__ for base in kind.__mro__ if base is not object]
                record(f"bases of {kind.__name__}", lambda: bases)


def header_cases() -> None:
    def multiple() -> str:
        return Headers([("A", "1"), ("a", "2")])["A"]

    record("headers multiple", multiple)
    record("headers missing", lambda: Headers()["A"])
    record("headers str", lambda: repr(str(Headers([("A", "1"), ("b", "2")]))))
    record("headers repr", lambda: repr(Headers([("A", "1"), ("b", "2")])))
    record("headers from int", lambda: Headers(1))
    record("headers from two", lambda: Headers({}, {}))
    for parse in (
        headers.parse_connection,
        headers.parse_upgrade,
        headers.parse_extension,
        headers.parse_subprotocol,
        headers.parse_authorization_basic,
    ):
        for value in (
            "",
            ",",
            "a",
            "a b",
            "a;",
            "a; b=",
            'a; b="',
            "a/",
            "a,,b",
            "Basic",
            "Basic !",
        ):
            record(f"{parse.__name__} {value!r}", lambda: parse(value))
    for value in ("Basic YQ==", "Basic YTpi", "Digest YTpi", "Basic YQ", "Basic w6k6"):
        record(f"authorization {value!r}", lambda: headers.parse_authorization_basic(value))
    record("authorization colon", lambda: headers.build_authorization_basic("a:b", "c"))
    record("realm", lambda: headers.build_www_authenticate_basic('a"b'))
    for names in ([], ["a"], ["a b"], "ab", ["é"], [""]):
        record(f"subprotocols {names!r}", lambda: headers.validate_subprotocols(names))


def uri_cases() -> None:
    for uri in (
        "http://a/",
        "a",
        "",
        "ws:a",
        "ws://",
        "ws:///path",
        "ws://a#b",
        "ws://user@a/",
        "ws://user:@a/",
        "ws://a:x/",
        "ws://a:99999/",
        "ws://[::1/",
    ):
        record(f"uri {uri!r}", lambda: parse_uri(uri).resource_name)
