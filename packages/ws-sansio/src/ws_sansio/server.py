"""The server's side of the opening handshake (RFC 6455, section 4.2)."""

from __future__ import annotations

import binascii
import re
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Final

from ws_types.errors import (
    BodyTooLarge,
    InvalidHandshake,
    InvalidHeader,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidMethod,
    InvalidOrigin,
    InvalidProtocol,
    InvalidUpgrade,
    NegotiationError,
    RequestLineTooLong,
    SecurityError,
)
from ws_types.extension import Extension, ServerExtensionFactory
from ws_types.headers import Headers, MultipleValuesError
from ws_types.http11 import MAX_HEAD_SIZE, Request, Response
from ws_types.typing import (
    BytesLike,
    ExtensionHeader,
    LoggerLike,
    Origin,
    StatusLike,
    Subprotocol,
)

from .admission import Refusal
from .failures import forget_frames
from .grammar import (
    build_extension,
    parse_extension,
    parse_subprotocol,
    validate_subprotocols,
)
from .handshake import accept_key, check_upgrade, http_date, single_header
from .http11 import RequestParser
from .logs import escape, redact, redact_url
from .origins import check_origin
from .protocol import Protocol
from .states import Side, State, Step

__all__ = ["INTERNAL_ERROR", "ServerProtocol"]

INTERNAL_ERROR: Final = "Failed to open a WebSocket connection; the server's log says why.\n"
"""What a client is told where something of the program's has failed."""

SelectSubprotocol = Callable[["ServerProtocol", Sequence[Subprotocol]], Subprotocol | None]


class ServerProtocol(Protocol):
    """
    One connection, seen from the server.

    The client's :class:`~ws_types.http11.Request` is the first event. Answer it with
    :meth:`send_response`, given what :meth:`accept` or :meth:`reject` returned.

    :param origins: the origins that may connect: strings, patterns that match the whole of an
        origin, ``"same-origin"``, and :data:`None` for requests without ``Origin``. By default
        any may: enough for programs, too little where browsers send cookies along.
    :param extensions: the extensions to accept, in order of preference.
    :param subprotocols: the subprotocols to accept, in order of preference.
    :param select_subprotocol: decides which subprotocol is used: called with the protocol and
        what the client offers, returns one of them or :data:`None`, or raises
        :exc:`~ws_types.errors.NegotiationError` to refuse the connection.
    :param max_body: bytes that the body of a request may have, for requests that aren't about
        WebSocket; more is answered with 413. With 0, any body is answered with 400.
    :param state: ``OPEN`` where the handshake took place elsewhere.
    :param settings: everything else that :class:`~ws_sansio.protocol.Protocol` takes.
    """

    def __init__(
        self,
        *,
        origins: Sequence[Origin | re.Pattern[str] | None] | None = None,
        extensions: Sequence[ServerExtensionFactory] | None = None,
        subprotocols: Sequence[Subprotocol] | None = None,
        select_subprotocol: SelectSubprotocol | None = None,
        max_body: int = 0,
        state: State = State.CONNECTING,
        max_size: int | None | tuple[int | None, int | None] = 2**20,
        logger: LoggerLike | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(Side.SERVER, state=state, max_size=max_size, logger=logger, **settings)
        if subprotocols is not None:
            validate_subprotocols(subprotocols)
        if max_body < 0:
            raise ValueError(f"max_body must be at least 0 bytes, not {max_body}")
        self.origins = origins
        self.available_extensions = extensions
        self.available_subprotocols = subprotocols
        self._select_subprotocol = select_subprotocol
        self._parser = RequestParser(max_body=max_body)
        # The request has been received; what follows it has to wait for the response.
        self._requested = False
        self._early = bytearray()
        # What is logged of a response that opens no connection: where none was even considered,
        # nothing was rejected.
        self._meaning = "HTTP response sent"
        # Whether the request was HEAD, the response to which ends with its headers.
        self._head_only = False

    def accept(self, request: Request) -> Response:
        """
        Make the response that opens the connection, or one that says why it can't.

        In the latter case :attr:`handshake_exc` is set. More headers may be added to the
        response, before it goes to :meth:`send_response`.
        """
        self._meaning = "connection rejected"
        try:
            return self._accepted(*self.process_request(request))
        except InvalidOrigin as exc:
            return self._refuse_request(HTTPStatus.FORBIDDEN, exc, request)
        except InvalidMethod as exc:
            return self._refuse_request(HTTPStatus.METHOD_NOT_ALLOWED, exc, request, Allow="GET")
        except InvalidProtocol as exc:
            return self._refuse_request(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, exc, request)
        except InvalidUpgrade as exc:
            upgrade = {"Upgrade": "websocket"}
            return self._refuse_request(HTTPStatus.UPGRADE_REQUIRED, exc, request, **upgrade)
        except InvalidHandshake as exc:
            if isinstance(exc, InvalidHeaderValue) and exc.name == "Sec-WebSocket-Version":
                # Section 4.4: say which version it has to be.
                version = {exc.name: "13"}
                return self._refuse_request(HTTPStatus.UPGRADE_REQUIRED, exc, request, **version)
            return self._refuse_request(HTTPStatus.BAD_REQUEST, exc, request)
        except Exception as exc:
            # A callback of ours is at fault, or what it returned.
            self.logger.error("opening handshake failed", exc_info=True)
            self.handshake_exc = request._exception = forget_frames(exc)
            return self.reject(HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL_ERROR)

    def reject(self, status: StatusLike, text: str) -> Response:
        """
        Make a response that doesn't open the connection.

        :param status: an HTTP status other than 101.
        :param text: the body, sent as plain text in UTF-8.
        """
        status = HTTPStatus(status)
        body = text.encode()
        headers = Headers(
            [
                ("Date", http_date(time.time())),
                ("Connection", "close"),
                ("Content-Length", str(len(body))),
                ("Content-Type", "text/plain; charset=utf-8"),
            ]
        )
        return Response(status.value, status.phrase, headers, body)

    def refuse(self, refusal: Refusal) -> Response:
        """
        Make a response that refuses the connection before the request is considered.

        :param refusal: why, from :class:`~ws_sansio.admission.Admission`.
        """
        self._meaning = f"connection refused, {refusal.reason}"
        response = self.reject(refusal.status, f"Connection refused: {refusal.text}.\n")
        if refusal.retry_after is not None:
            response.headers["Retry-After"] = str(refusal.retry_after)
        return response

    def send_response(self, response: Response, *, now: float | None = None) -> None:
        """
        Send the response to the opening handshake: frames follow where its status is 101.

        Does nothing where the client is gone, or was refused already.

        :param response: what :meth:`accept` or :meth:`reject` returned, or any other response.
        :param now: the time, in seconds.
        :raises ValueError: if the response can't go on the wire.
        """
        data = response.serialize()
        if now is not None:
            self._deadlines.tell(now, self._state)
        if self._eof_sent:
            return
        if self.debug:
            reason = escape(response.reason_phrase)
            self.logger.debug("> HTTP/1.1 %d %s", response.status_code, reason)
            for name, value in redact(response.headers):
                self.logger.debug("> %s: %s", name, value)
            if response.body:
                self.logger.debug("> [body] (%d bytes)", len(response.body))
        if self._head_only:
            # RFC 9110, section 9.3.2. Its length may be told nevertheless.
            data = data[: len(data) - len(response.body)]
        self._encoder.append(data)
        if response.status_code == 101:
            self._step(Step.OPEN)
            self.logger.info("connection open")
            early, self._early = self._early, bytearray()
            if early:
                self.receive_data(early)
        else:
            status = response.status_code, escape(response.reason_phrase)
            self.logger.info("%s (%d %s)", self._meaning, *status)
            self._step(Step.REFUSE)
            self._send_eof()

    def process_request(self, request: Request) -> tuple[str, str | None, str | None]:
        """
        Check a request (section 4.2.1), and note what is negotiated.

        :returns: the values of ``Sec-WebSocket-Accept``, ``Sec-WebSocket-Extensions`` and
            ``Sec-WebSocket-Protocol``; :data:`None` stands for no such header.
        :raises InvalidHandshake: if it can't open a connection; the subclass says why.
        """
        if request.method != "GET":
            raise InvalidMethod(request.method)
        if request.protocol != "HTTP/1.1":
            raise InvalidProtocol(request.protocol)
        headers = request.headers
        # RFC 9112, section 3.2.
        host = single_header(headers, "Host")
        check_upgrade(headers)
        key = single_header(headers, "Sec-WebSocket-Key")
        try:
            raw = binascii.a2b_base64(key.encode("ascii"), strict_mode=True)
        except ValueError as exc:
            raise InvalidHeaderValue("Sec-WebSocket-Key", key) from exc
        if len(raw) != 16:
            raise InvalidHeaderValue("Sec-WebSocket-Key", key)
        version = single_header(headers, "Sec-WebSocket-Version")
        if version != "13":
            raise InvalidHeaderValue("Sec-WebSocket-Version", version)
        self.process_origin(headers, host)
        accepted, self.extensions = self.process_extensions(headers)
        self.subprotocol = self.process_subprotocol(headers)
        return accept_key(key), accepted, self.subprotocol

    def process_origin(self, headers: Headers, host: str | None = None) -> Origin | None:
        """
        Check the ``Origin`` of a request.

        :returns: the origin; :data:`None` where the request has none.
        :raises InvalidOrigin: if it may not connect.
        """
        try:
            origin = headers.get("Origin")
        except MultipleValuesError:
            raise InvalidHeader("Origin", "multiple values") from None
        check_origin(origin, self.origins, host)
        return None if origin is None else Origin(origin)

    def process_extensions(self, headers: Headers) -> tuple[str | None, list[Extension]]:
        """
        Choose extensions among those that the client offers (section 9.1).

        An offer that can't be accepted is declined, and the next one considered.

        :returns: the value of ``Sec-WebSocket-Extensions``, and the extensions.
        """
        response: list[ExtensionHeader] = []
        accepted: list[Extension] = []
        if self.available_extensions:
            for header in headers.get_all("Sec-WebSocket-Extensions"):
                for name, params in parse_extension(header):
                    for factory in self.available_extensions:
                        if factory.name != name:
                            continue
                        try:
                            agreed, extension = factory.process_request_params(params, accepted)
                        except NegotiationError:
                            continue
                        response.append((name, agreed))
                        accepted.append(extension)
                        break
        return (build_extension(response) if response else None), accepted

    def process_subprotocol(self, headers: Headers) -> Subprotocol | None:
        """
        Choose the subprotocol among those that the client offers (section 4.2.2).

        :raises NegotiationError: if none will do.
        """
        offered = [
            name
            for header in headers.get_all("Sec-WebSocket-Protocol")
            for name in parse_subprotocol(header)
        ]
        return self.select_subprotocol(offered)

    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol | None:
        """
        Pick a subprotocol: by default the first of the server's that the client offers.

        :param subprotocols: what the client offers.
        :returns: the subprotocol; :data:`None` where the server knows none.
        :raises NegotiationError: if the server knows some, and the client offers none of them.
        """
        if self._select_subprotocol is not None:
            return self._select_subprotocol(self, subprotocols)
        if not self.available_subprotocols:
            return None
        if not subprotocols:
            raise NegotiationError("missing subprotocol")
        for subprotocol in self.available_subprotocols:
            if subprotocol in subprotocols:
                return subprotocol
        expected = ", ".join(self.available_subprotocols)
        raise NegotiationError(f"invalid subprotocol; expected one of {expected}")

    def _step(self, step: Step) -> None:
        was = self._state
        super()._step(step)
        # A line for a connection that was open, none for a scanner's.
        if self._state is State.CLOSED and was in (State.OPEN, State.CLOSING):
            self.logger.info("connection closed")

    def _receive_handshake(self, data: BytesLike) -> None:
        if self._eof_sent:
            return
        if self._requested:
            # Section 4.1 has the client wait for the response. What comes early is kept, within
            # the bound of a request.
            if len(self._early) + len(data) <= MAX_HEAD_SIZE:
                self._early += data
            else:
                self._refuse_input(
                    HTTPStatus.BAD_REQUEST, SecurityError("too much data before the response")
                )
            return
        try:
            request = self._parser.receive(data)
        except RequestLineTooLong as exc:
            self._refuse_input(HTTPStatus.REQUEST_URI_TOO_LONG, exc)
        except BodyTooLarge as exc:
            self._refuse_input(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, exc)
        except SecurityError as exc:
            self._refuse_input(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, exc)
        except TypeError:
            raise  # data of a wrong type, which wasn't looked at
        except Exception as exc:
            invalid = InvalidMessage("did not receive a valid HTTP request")
            invalid.__cause__ = exc
            self._refuse_input(HTTPStatus.BAD_REQUEST, invalid)
        else:
            if request is not None:
                self._received_request(request)

    def _receive_handshake_eof(self) -> None:
        if self._eof_sent or self.handshake_exc is not None:
            return
        self.handshake_exc = InvalidMessage("did not receive a valid HTTP request")
        if self._requested:
            self.handshake_exc.__cause__ = EOFError("connection closed before the response")
            return
        try:
            self._parser.receive_eof()
        except Exception as exc:
            self.handshake_exc.__cause__ = forget_frames(exc)

    def _received_request(self, request: Request) -> None:
        if self.debug:
            self.logger.debug(
                "< %s %s %s", escape(request.method), redact_url(request.path), request.protocol
            )
            for name, value in redact(request.headers):
                self.logger.debug("< %s: %s", name, value)
            if request.body:
                self.logger.debug("< [body] (%d bytes)", len(request.body))
        self._requested = True
        self._head_only = request.method == "HEAD"
        self._early += self._parser.leftover
        self._events.append(request)

    @staticmethod
    def _accepted(accept: str, extensions: str | None, subprotocol: str | None) -> Response:
        """The response that opens the connection."""
        headers = Headers()
        headers["Date"] = http_date(time.time())
        headers["Upgrade"] = "websocket"
        headers["Connection"] = "Upgrade"
        headers["Sec-WebSocket-Accept"] = accept
        if extensions is not None:
            headers["Sec-WebSocket-Extensions"] = extensions
        if subprotocol is not None:
            headers["Sec-WebSocket-Protocol"] = subprotocol
        return Response(101, "Switching Protocols", headers)

    def _refuse_request(
        self, status: HTTPStatus, exc: Exception, request: Request | None = None, **headers: str
    ) -> Response:
        """The response to a request that can't open a connection."""
        self.handshake_exc = forget_frames(exc)
        if request is not None:
            request._exception = exc
        text = f"Failed to open a WebSocket connection: {escape(str(exc))}"
        if exc.__cause__ is not None:
            text += f"; {escape(str(exc.__cause__))}"
        text += ".\n"
        if isinstance(exc, InvalidUpgrade):
            text += "\nThis address is for WebSocket clients: a browser can't show it as a page.\n"
        response = self.reject(status, text)
        for name, value in headers.items():
            response.headers[name] = value
        return response

    def _refuse_input(self, status: HTTPStatus, exc: Exception) -> None:
        """Answer a client that doesn't speak HTTP as it has to; nothing more is read."""
        if self.debug:
            self.logger.debug("! %s", escape(repr(exc)))
        response = self._refuse_request(status, exc)
        self.send_response(response)
