"""Opcodes and close codes: the numbers of RFC 6455 (sections 5.2, 7.4) and of the IANA registry of
close codes."""

from __future__ import annotations

import enum

__all__ = [
    "CLOSE_CODE_EXPLANATIONS",
    "CTRL_OPCODES",
    "DATA_OPCODES",
    "EXTERNAL_CLOSE_CODES",
    "OK_CLOSE_CODES",
    "CloseCode",
    "Opcode",
]


class Opcode(enum.IntEnum):
    """What a frame carries (RFC 6455, section 5.2). The other values of the four bits are
    reserved."""

    CONT = 0x00
    """Another fragment of the message that is under way."""
    TEXT = 0x01
    """A text message, or its first fragment: UTF-8."""
    BINARY = 0x02
    """A binary message, or its first fragment."""
    CLOSE = 0x08
    """The closing handshake."""
    PING = 0x09
    """Asks for a pong with the same payload."""
    PONG = 0x0A
    """Answers a ping, or says that its sender is alive."""


DATA_OPCODES = (Opcode.CONT, Opcode.TEXT, Opcode.BINARY)
CTRL_OPCODES = (Opcode.CLOSE, Opcode.PING, Opcode.PONG)


class CloseCode(enum.IntEnum):
    """Why a connection was closed (RFC 6455, section 7.4.1).

    Besides these, 3000-3999 are registered by libraries and frameworks, and 4000-4999 are free for
    applications. 1005, 1006 and 1015 never travel in a frame: they are how an endpoint reports that
    no code arrived.
    """

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    # 1004 is reserved, and has no meaning.
    NO_STATUS_RCVD = 1005
    ABNORMAL_CLOSURE = 1006
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015


CLOSE_CODE_EXPLANATIONS: dict[int, str] = {
    CloseCode.NORMAL_CLOSURE: "OK",
    CloseCode.GOING_AWAY: "going away",
    CloseCode.PROTOCOL_ERROR: "protocol error",
    CloseCode.UNSUPPORTED_DATA: "unsupported data",
    CloseCode.NO_STATUS_RCVD: "no status received [internal]",
    CloseCode.ABNORMAL_CLOSURE: "abnormal closure [internal]",
    CloseCode.INVALID_DATA: "invalid frame payload data",
    CloseCode.POLICY_VIOLATION: "policy violation",
    CloseCode.MESSAGE_TOO_BIG: "message too big",
    CloseCode.MANDATORY_EXTENSION: "mandatory extension",
    CloseCode.INTERNAL_ERROR: "internal error",
    CloseCode.SERVICE_RESTART: "service restart",
    CloseCode.TRY_AGAIN_LATER: "try again later",
    CloseCode.BAD_GATEWAY: "bad gateway",
    CloseCode.TLS_HANDSHAKE: "TLS handshake failure [internal]",
}
"""A few words for each close code, as they appear in logs and exceptions."""

EXTERNAL_CLOSE_CODES: set[int] = {*CloseCode} - {
    CloseCode.NO_STATUS_RCVD,
    CloseCode.ABNORMAL_CLOSURE,
    CloseCode.TLS_HANDSHAKE,
}
"""The codes below 3000 that a close frame may carry."""

OK_CLOSE_CODES: set[int] = {
    CloseCode.NORMAL_CLOSURE,
    CloseCode.GOING_AWAY,
    CloseCode.NO_STATUS_RCVD,
}
"""The codes of a connection that ended as its users meant it to."""
