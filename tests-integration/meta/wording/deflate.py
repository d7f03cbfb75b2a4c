"""Negotiation of permessage-deflate, and what can't be inflated."""

# ruff: noqa: B023  (each function is called at once)

from __future__ import annotations

from common import record

from websockets.extensions import permessage_deflate as deflate
from websockets.frames import Frame, Opcode


def deflate_cases() -> None:
    client, server = deflate.ClientPerMessageDeflateFactory, deflate.ServerPerMessageDeflateFactory
    for kind in (client, server):
        for options in (
            {"server_max_window_bits": 7},
            {"client_max_window_bits": 16},
            {"client_max_window_bits": True},
            {"server_max_window_bits": 8},
            {"compress_settings": {"wbits": 9}},
        ):
            record(f"{kind.__name__} {options}", lambda: kind(**options) and "made")
    parameters: list[list[tuple[str, str | None]]] = [
        [("unknown", None)],
        [("server_no_context_takeover", "1")],
        [("server_max_window_bits", None)],
        [("server_max_window_bits", "7")],
        [("server_max_window_bits", "08")],
        [("client_max_window_bits", "16")],
        [("client_max_window_bits", "9")],
        [("server_no_context_takeover", None), ("server_no_context_takeover", None)],
        [("client_no_context_takeover", None)],
        [],
    ]
    for given in parameters:
        for options in (
            {},
            {"server_max_window_bits": 10},
            {"server_max_window_bits": 10, "require_server_max_window_bits": True},
            {"client_max_window_bits": 10, "require_client_max_window_bits": True},
            {"server_no_context_takeover": True},
        ):
            if "require_client_max_window_bits" not in options:
                made = {key: value for key, value in options.items() if "require" not in key}
                record(
                    f"client deflate {given} {made} {len(options)}",
                    lambda: client(**made).process_response_params(given, []),
                )
            record(
                f"server deflate {given} {options}",
                lambda: server(**options).process_request_params(given, []),
            )
    made = client().process_response_params([], [])
    record("deflate twice, client", lambda: client().process_response_params([], [made]))
    record("deflate twice, server", lambda: server().process_request_params([], [made]))
    record("deflate twice, list", lambda: deflate.enable_client_permessage_deflate([client()]))

    def inflate(data: bytes, max_size: int | None = None) -> Frame:
        frame = Frame(Opcode.BINARY, data, rsv1=True)
        return client().process_response_params([], []).decode(frame, max_size=max_size)

    bomb = server().process_request_params([], [])[1].encode(Frame(Opcode.BINARY, bytes(5000)))
    record("inflate garbage", lambda: inflate(b"\xff\xff\xff"))
    record("inflate too much", lambda: inflate(bytes(bomb.data), 1000))
