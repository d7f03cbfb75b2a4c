"""
How a connection fails (RFC 6455, section 7.1.7): from an exception to a close frame.

Exceptions that a connection keeps must not keep the connection: :func:`forget_frames`.
"""

from __future__ import annotations

from ws_types.codes import CloseCode
from ws_types.errors import PayloadTooBig, ProtocolError, TooManyFragments

from .logs import escape

__all__ = ["blames_peer", "close_for", "cut", "forget_frames"]


def blames_peer(error: Exception) -> bool:
    """Whether what the peer sent is at fault, rather than an extension of ours."""
    return isinstance(error, (ProtocolError, PayloadTooBig, TooManyFragments, UnicodeDecodeError))


def close_for(error: Exception, text_offset: int) -> tuple[CloseCode, str]:
    """
    The close code and the reason for input that can't be decoded (section 7.4.1).

    :param error: what decoding it raised.
    :param text_offset: how many bytes of the text in progress, if any, were whole characters.
    """
    if isinstance(error, ProtocolError):
        return CloseCode.PROTOCOL_ERROR, str(error)
    if isinstance(error, UnicodeDecodeError):
        position = text_offset + error.start
        return CloseCode.INVALID_DATA, f"{error.reason} at position {position}"
    if isinstance(error, (PayloadTooBig, TooManyFragments)):
        return CloseCode.MESSAGE_TOO_BIG, str(error)
    return CloseCode.INTERNAL_ERROR, ""


def cut(text: str, size: int) -> str:
    """As many characters of *text* as have room in *size* bytes of UTF-8, all of them printable."""
    return escape(text).encode()[:size].decode(errors="ignore")


def forget_frames(exc: Exception) -> Exception:
    """
    Drop the traceback of an exception that is kept, and of what caused it.

    It would hold the frames, and these the protocol, which holds the exception: a cycle.
    """
    links: list[BaseException | None] = [exc]
    seen: set[int] = set()
    while links:
        link = links.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            link.__traceback__ = None
            links += [link.__cause__, link.__context__]
    return exc
