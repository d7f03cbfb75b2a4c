"""
Attributes and arguments of the legacy API of ``websockets``, which programs still use.

They work, and warn. What had no successor is an error that says what to write.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from ws_sansio.states import State
from ws_types.deprecation import deprecated
from ws_types.headers import Headers
from ws_types.http11 import Request, Response

from .transport import Link

__all__ = ["OldAttributes", "takes_old_arguments"]

_Called = TypeVar("_Called", bound=Callable[..., Any])

RENAMED = {"extra_headers": "additional_headers", "timeout": "close_timeout"}
"""The old names of arguments."""

WITHOUT_EFFECT = {
    "legacy_recv": "recv() behaves the same whichever it is",
    "loop": "connections belong to the running event loop",
    "read_limit": "the library bounds what it reads by itself",
}
"""Old arguments that need no successor, and why."""

GONE = {
    "create_protocol": "create_connection=, with a subclass of ClientConnection or "
    "ServerConnection; for basic authentication, process_request=basic_auth(...)",
    "klass": "create_connection=, with a subclass of ClientConnection or ServerConnection",
}
"""Old arguments whose values can't be used any more, and what to write."""

_OLD = frozenset({*RENAMED, *WITHOUT_EFFECT, *GONE})


class OldAttributes(Link):
    """What connections of the legacy API had."""

    @property
    @deprecated("connection.open is deprecated; use connection.state is State.OPEN")
    def open(self) -> bool:
        """Whether the connection is open. Deprecated."""
        return self.protocol.state is State.OPEN

    @property
    @deprecated("connection.closed is deprecated; use connection.state is State.CLOSED")
    def closed(self) -> bool:
        """Whether the connection is closed. Deprecated."""
        return self.protocol.state is State.CLOSED

    @property
    @deprecated("connection.path is deprecated; use connection.request.path")
    def path(self) -> str:
        """The path and the query of the request; empty before there is one. Deprecated."""
        return "" if self.request is None else self.request.path

    @property
    @deprecated("connection.request_headers is deprecated; use connection.request.headers")
    def request_headers(self) -> Headers:
        """The headers of the request; none before there is one. Deprecated."""
        return Headers() if self.request is None else self.request.headers

    @property
    @deprecated("connection.response_headers is deprecated; use connection.response.headers")
    def response_headers(self) -> Headers:
        """The headers of the response; none before there is one. Deprecated."""
        return Headers() if self.response is None else self.response.headers


def takes_old_arguments(function: _Called) -> _Called:
    """
    Let a function that opens connections be called with arguments of the legacy API.

    They warn, and become those of today. The signature stays that of today.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not _OLD.isdisjoint(kwargs):
            _translate(function, kwargs)
        return function(*args, **kwargs)

    return call  # type: ignore[return-value]


def _translate(function: Callable[..., Any], arguments: dict[str, Any]) -> None:
    for old in sorted(_OLD.intersection(arguments)):
        value = arguments.pop(old)
        if old in GONE:
            raise TypeError(f"{old}= isn't supported any more; write {GONE[old]}")
        if old in WITHOUT_EFFECT:
            _warn(f"{old}= has no effect: {WITHOUT_EFFECT[old]}")
            continue
        new = RENAMED[old]
        if new not in inspect.signature(function).parameters:
            # Of headers, a server has no argument: it sets them when it has decided what to answer.
            _warn(f"{old}= is deprecated; set headers in process_response")
            arguments["process_response"] = _adds(value, arguments.get("process_response"))
        elif new in arguments:
            raise TypeError(f"{old}= is the old name of {new}=: write {new}= alone")
        else:
            _warn(f"{old}= is deprecated; use {new}=")
            arguments[new] = value


def _warn(message: str) -> None:
    # From here to who called the function: _translate, call.
    warnings.warn(message, DeprecationWarning, stacklevel=4)


def _adds(headers: Any, process_response: Callable[..., Any] | None) -> Callable[..., Any]:
    """Make a *process_response* that adds headers, behind another or none."""

    async def process(connection: Any, request: Request, response: Response) -> Response:
        if process_response is not None:
            other = process_response(connection, request, response)
            if inspect.isawaitable(other):
                other = await other
            response = other or response
        added = headers(request.path, request.headers) if callable(headers) else headers
        response.headers.update(added or ())
        return response

    return process
