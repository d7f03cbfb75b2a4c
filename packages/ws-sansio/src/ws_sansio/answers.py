"""What a server answers to a request: the program's callbacks decide, and then the core."""

from __future__ import annotations

from collections.abc import Callable, Generator
from http import HTTPStatus
from typing import Any

from ws_types.http11 import Request, Response

from .server import INTERNAL_ERROR, ServerProtocol

__all__ = ["decide", "internal_error", "unavailable"]


def decide(
    connection: Any,
    protocol: ServerProtocol,
    request: Request,
    *,
    process_request: Callable[[Any, Request], Any] | None,
    process_response: Callable[[Any, Request, Response], Any] | None,
    server_header: str | None,
    closing: Callable[[], bool],
) -> Generator[Any, Any, Response]:
    """
    Find the response to a request. What a callback raises is logged, and answered with 500.

    A generator, so that any shell can use it: it yields what a callback returned, and wants to be
    sent what came of that, where it was something to wait for; or to be thrown what it raised.

    :param connection: the connection, for the callbacks.
    :param protocol: its core.
    :param request: the request.
    :param process_request: may return a response, in place of opening a connection.
    :param process_response: may return another response, in place of the one decided on.
    :param server_header: the value of the ``Server`` header, if there is to be one.
    :param closing: whether the server opens no connections any more.
    """
    response: Response | None = None
    if process_request is not None:
        try:
            response = yield process_request(connection, request)
            _check(response, "process_request")
        except Exception:
            protocol.logger.error("process_request failed", exc_info=True)
            response = internal_error(protocol)
    if response is None:
        response = unavailable(protocol) if closing() else protocol.accept(request)
    if server_header is not None and "Server" not in response.headers:
        response.headers["Server"] = server_header
    if process_response is not None:
        try:
            replacement = yield process_response(connection, request, response)
            _check(replacement, "process_response")
            response = replacement or response
        except Exception:
            protocol.logger.error("process_response failed", exc_info=True)
            response = internal_error(protocol)
    if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS and closing():
        # Since it was accepted: the server has closed its connections, and would miss this one.
        response = unavailable(protocol)
    return response


def _check(result: object, name: str) -> None:
    if not (result is None or isinstance(result, Response)):
        raise TypeError(f"{name} must return a Response or None, not {type(result).__name__}")


def unavailable(protocol: ServerProtocol) -> Response:
    """The response where the server is about to end."""
    return protocol.reject(HTTPStatus.SERVICE_UNAVAILABLE, "Server is shutting down.\n")


def internal_error(protocol: ServerProtocol) -> Response:
    """The response where something of the program's has failed."""
    return protocol.reject(HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL_ERROR)
