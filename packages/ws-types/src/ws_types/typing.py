"""Names for types that several distributions share.

``LoggerLike`` and ``StatusLike`` are made when they are first asked for, because :mod:`logging` and
:mod:`http` would be the most expensive imports of this distribution, and nothing in it needs them
while it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NewType, TypeAlias

if TYPE_CHECKING:
    import http
    import logging

__all__ = [
    "BytesLike",
    "ConnectionOption",
    "Data",
    "DataLike",
    "ExtensionHeader",
    "ExtensionName",
    "ExtensionParameter",
    "LoggerLike",
    "Origin",
    "StatusLike",
    "Subprotocol",
    "UpgradeProtocol",
]

Data: TypeAlias = str | bytes
"""A message: :class:`str` for a text message, :class:`bytes` for a binary one (RFC 6455, section
5.6)."""

BytesLike: TypeAlias = bytes | bytearray | memoryview
"""What is accepted where bytes are sent."""

DataLike: TypeAlias = str | bytes | bytearray | memoryview
"""What is accepted as a message to send."""

if TYPE_CHECKING:
    LoggerLike: TypeAlias = logging.Logger | logging.LoggerAdapter[Any]
    """What is accepted where a logger is wanted."""

    StatusLike: TypeAlias = http.HTTPStatus | int
    """What is accepted as an HTTP status code."""

Origin = NewType("Origin", str)
"""The value of an ``Origin`` header (RFC 6454), such as ``https://example.com``."""

Subprotocol = NewType("Subprotocol", str)
"""The name of a subprotocol (RFC 6455, section 1.9)."""

ExtensionName = NewType("ExtensionName", str)
"""The name of an extension (RFC 6455, section 9)."""

ExtensionParameter: TypeAlias = tuple[str, str | None]
"""The name of a parameter of an extension, and its value if it has one."""

ExtensionHeader: TypeAlias = tuple[ExtensionName, list[ExtensionParameter]]
"""One item of a ``Sec-WebSocket-Extensions`` header."""

ConnectionOption = NewType("ConnectionOption", str)
"""One item of a ``Connection`` header (RFC 9110, section 7.6.1)."""

UpgradeProtocol = NewType("UpgradeProtocol", str)
"""One item of an ``Upgrade`` header (RFC 9110, section 7.8)."""


def __getattr__(name: str) -> Any:
    if name == "LoggerLike":
        import logging

        value: Any = logging.Logger | logging.LoggerAdapter[Any]
    elif name == "StatusLike":
        import http

        value = http.HTTPStatus | int
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value
