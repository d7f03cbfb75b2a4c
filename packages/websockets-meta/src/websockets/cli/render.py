"""Messages as text: what a peer sent never reaches a terminal as it is, and what a person typed is
checked before it is sent.
"""

from __future__ import annotations

import json
from typing import Any

from ws_types.escaping import printable
from ws_types.typing import Data

__all__ = ["as_line", "as_lines", "to_message"]


def as_line(message: Data, *, parse_json: bool = False) -> str:
    """Write a message on one line, for other programs: text, or binary in hexadecimal.

    :param message: the message.
    :param parse_json: whether to write JSON without spaces; what isn't JSON stays as it is.
    """
    if isinstance(message, bytes):
        return message.hex()
    laid_out = _lay_out(message, separators=(",", ":")) if parse_json else None
    return printable(message) if laid_out is None else laid_out


def as_lines(message: Data, *, parse_json: bool = False) -> str:
    """Write a message for people.

    :param message: the message.
    :param parse_json: whether to lay out JSON on several lines.
    """
    if isinstance(message, bytes):
        return f"(binary) {message.hex()}"
    laid_out = _lay_out(message, indent=2) if parse_json else None
    return printable(message) if laid_out is None else laid_out


def to_message(line: bytes | str, *, binary: bool = False, check_json: bool = False) -> Data:
    """Make the message to send of what was typed or read.

    :param line: a line without its end.
    :param binary: whether to send it as binary.
    :param check_json: whether it must be JSON.
    :raises ValueError: if it can't be sent; the text says why.
    """
    if binary:
        return line.encode() if isinstance(line, str) else line
    try:
        text = line if isinstance(line, str) else line.decode()
    except UnicodeDecodeError as exc:
        raise ValueError(f"not UTF-8 at byte {exc.start}: send it with --binary") from None
    if check_json:
        try:
            json.loads(text, parse_constant=_refuse)
        except RecursionError:
            raise ValueError("not JSON: too deeply nested") from None
        except ValueError as exc:
            raise ValueError(f"not JSON: {exc}") from None
    # As it was written: numbers keep their digits.
    return text


def _refuse(name: str) -> None:
    raise ValueError(f"{name} isn't a number in JSON")


def _lay_out(text: str, **settings: Any) -> str | None:
    """Write JSON in another way; None for what isn't JSON."""
    try:
        value = json.loads(text, parse_constant=_refuse)
        laid_out = json.dumps(value, ensure_ascii=False, allow_nan=False, **settings)
    except (ValueError, RecursionError):
        return None
    return "\n".join(map(_escape, laid_out.split("\n")))


def _escape(line: str) -> str:
    """Escape what isn't printable in the way of JSON, where it stands in strings only."""
    if line.isprintable():
        return line
    return "".join(
        char if char.isprintable() else json.dumps(char)[1:-1].replace("\x7f", "\\u007f")
        for char in line
    )
