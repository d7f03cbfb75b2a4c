"""Frames, opcodes and close codes, from ``ws_types.frames``."""

from __future__ import annotations

from ws_types.frames import BINARY as BINARY
from ws_types.frames import CLOSE as CLOSE
from ws_types.frames import CLOSE_CODE_EXPLANATIONS as CLOSE_CODE_EXPLANATIONS
from ws_types.frames import CONT as CONT
from ws_types.frames import CTRL_OPCODES as CTRL_OPCODES
from ws_types.frames import DATA_OPCODES as DATA_OPCODES
from ws_types.frames import EXTERNAL_CLOSE_CODES as EXTERNAL_CLOSE_CODES
from ws_types.frames import OK_CLOSE_CODES as OK_CLOSE_CODES
from ws_types.frames import PING as PING
from ws_types.frames import PONG as PONG
from ws_types.frames import TEXT as TEXT
from ws_types.frames import BytesLike as BytesLike
from ws_types.frames import (
    Close,
    CloseCode,
    Frame,
    Opcode,
)

__all__ = ["Close", "CloseCode", "Frame", "Opcode"]
