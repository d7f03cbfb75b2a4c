"""The client's side of the opening handshake (RFC 6455, section 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ws_types.errors import (
    InvalidHandshake,
    InvalidHeader,
    InvalidHeaderValue,
    InvalidMessage,
    NegotiationError,
)
from ws_types.exceptions import InvalidStatus
from ws_types.extension import ClientExtensionFactory, Extension
from ws_types.headers import Headers, HeadersLike, MultipleValuesError
from ws_types.http11 import Request, Response
from ws_types.typing import BytesLike, LoggerLike, Origin, Subprotocol
from ws_types.uri import WebSocketURI

from .failures import forget_frames
from .grammar import (
    build_authorization_basic,
    build_extension,
    build_host,
    build_subprotocol,
    parse_extension,
    parse_subprotocol,
    validate_subprotocols,
)
from .handshake import accept_key, check_upgrade, generate_key, single_header
from .http11 import ResponseParser
from .logs import escape, redact
from .protocol import Protocol
from .states import Side, State, Step

__all__ = ["ClientProtocol"]


class ClientProtocol(Protocol):
    """
    One connection, seen from the client.

    Send the opening handshake with :meth:`connect` and :meth:`send_request`. The server's
    :class:`~ws_types.http11.Response` is the first event; after it the state is ``OPEN``, or
    :attr:`handshake_exc` says why it isn't.

    :param uri: what to connect to.
    :param origin: the ``Origin`` header.
    :param extensions: the extensions to offer, in order of preference.
    :param subprotocols: the subprotocols to offer, in order of preference.
    :param state: ``OPEN`` where the handshake took place elsewhere.
    :param settings: everything else that :class:`~ws_sansio.protocol.Protocol` takes.
    """

    def __init__(
        self,
        uri: WebSocketURI,
        *,
        origin: Origin | None = None,
        extensions: Sequence[ClientExtensionFactory] | None = None,
        subprotocols: Sequence[Subprotocol] | None = None,
        state: State = State.CONNECTING,
        max_size: int | None | tuple[int | None, int | None] = 2**20,
        logger: LoggerLike | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(Side.CLIENT, state=state, max_size=max_size, logger=logger, **settings)
        if subprotocols is not None:
            validate_subprotocols(subprotocols)
        self.uri = uri
        self.origin = origin
        self.available_extensions = extensions
        self.available_subprotocols = subprotocols
        #: The value of ``Sec-WebSocket-Key``.
        self.key = generate_key()
        self._parser = ResponseParser()

    def connect(
        self,
        *,
        additional_headers: HeadersLike | None = None,
        user_agent_header: str | None = None,
    ) -> Request:
        """
        Make the request that opens the connection.

        More headers may be added to it, before it goes to :meth:`send_request`.

        :param additional_headers: headers to add to it.
        :param user_agent_header: the value of the ``User-Agent`` header, unless that is among them.
        :raises ValueError: if something can't be written into a header.
        """
        uri = self.uri
        headers = Headers()
        headers["Host"] = build_host(uri.host, uri.port, uri.secure)
        headers["Upgrade"] = "websocket"
        headers["Connection"] = "Upgrade"
        headers["Sec-WebSocket-Key"] = self.key
        headers["Sec-WebSocket-Version"] = "13"
        if uri.user_info:
            headers["Authorization"] = build_authorization_basic(*uri.user_info)
        if self.origin is not None:
            headers["Origin"] = self.origin
        if self.available_extensions:
            headers["Sec-WebSocket-Extensions"] = build_extension(
                [
                    (factory.name, list(factory.get_request_params()))
                    for factory in self.available_extensions
                ]
            )
        if self.available_subprotocols:
            headers["Sec-WebSocket-Protocol"] = build_subprotocol(self.available_subprotocols)
        if additional_headers is not None:
            headers.update(additional_headers)
        if user_agent_header is not None:
            headers.setdefault("User-Agent", user_agent_header)
        return Request(uri.resource_name, headers)

    def send_request(self, request: Request, *, now: float | None = None) -> None:
        """
        Send the opening handshake.

        :param request: what :meth:`connect` returned, perhaps with more headers.
        :param now: the time, in seconds.
        :raises ValueError: if the request can't go on the wire.
        """
        data = request.serialize()
        if now is not None:
            self._deadlines.tell(now, self._state)
        if self.debug:
            self.logger.debug("> %s %s HTTP/1.1", request.method, escape(request.path))
            for name, value in redact(request.headers):
                self.logger.debug("> %s: %s", name, value)
        self._encoder.append(data)

    def process_response(self, response: Response) -> None:
        """
        Check the server's response (section 4.1), and note what was negotiated.

        :raises InvalidHandshake: if it doesn't open the connection; the subclass says why.
        """
        if response.status_code != 101:
            raise InvalidStatus(response)
        headers = response.headers
        check_upgrade(headers)
        accept = single_header(headers, "Sec-WebSocket-Accept")
        if accept != accept_key(self.key):
            raise InvalidHeaderValue("Sec-WebSocket-Accept", accept)
        self.extensions = self.process_extensions(headers)
        self.subprotocol = self.process_subprotocol(headers)

    def process_extensions(self, headers: Headers) -> list[Extension]:
        """
        Set up the extensions that the server accepted (section 9.1).

        :raises NegotiationError: if it accepted something that wasn't offered, or in a way
            that wasn't.
        """
        accepted: list[Extension] = []
        for header in headers.get_all("Sec-WebSocket-Extensions"):
            if not self.available_extensions:
                raise NegotiationError("no extensions supported")
            for name, params in parse_extension(header):
                accepted.append(self._accept_extension(name, params, accepted))
        return accepted

    def _accept_extension(self, name: Any, params: Any, accepted: list[Extension]) -> Extension:
        reason: NegotiationError | None = None
        for factory in self.available_extensions or ():
            if factory.name == name:
                try:
                    return factory.process_response_params(params, accepted)
                except NegotiationError as exc:
                    # A traceback would hold this frame, which holds the exception.
                    reason = exc.with_traceback(None)
        raise NegotiationError(
            f"Unsupported extension: name = {name}, params = {params}"
        ) from reason

    def process_subprotocol(self, headers: Headers) -> Subprotocol | None:
        """
        Find the subprotocol that the server selected (section 4.1).

        :raises NegotiationError: if it selected one that wasn't offered.
        :raises InvalidHeader: if it selected several.
        """
        selected = [
            name
            for header in headers.get_all("Sec-WebSocket-Protocol")
            for name in parse_subprotocol(header)
        ]
        if not selected:
            return None
        if self.available_subprotocols is None:
            raise NegotiationError("no subprotocols supported")
        if len(selected) > 1:
            raise InvalidHeader("Sec-WebSocket-Protocol", f"multiple values: {', '.join(selected)}")
        if selected[0] not in self.available_subprotocols:
            raise NegotiationError(f"unsupported subprotocol: {escape(selected[0])}")
        return selected[0]

    def _receive_handshake(self, data: BytesLike) -> None:
        if self.handshake_exc is not None:
            return
        try:
            response = self._parser.receive(data)
        except TypeError:
            raise  # data of a wrong type, which wasn't looked at
        except Exception as exc:
            self._give_up(exc)
            return
        if response is not None:
            self._received_response(response)

    def _receive_handshake_eof(self) -> None:
        if self.handshake_exc is not None:
            return
        try:
            response = self._parser.receive_eof()
            if response is None:
                raise EOFError("connection closed before the response")
        except Exception as exc:
            self._give_up(exc)
            return
        self._received_response(response)

    def _received_response(self, response: Response) -> None:
        if self.debug:
            self.logger.debug(
                "< HTTP/1.1 %d %s", response.status_code, escape(response.reason_phrase)
            )
            for name, value in redact(response.headers):
                self.logger.debug("< %s: %s", name, value)
            if response.body:
                self.logger.debug("< [body] (%d bytes)", len(response.body))
        self._events.append(response)
        try:
            self.process_response(response)
        except (InvalidHandshake, MultipleValuesError) as exc:
            if not isinstance(exc, InvalidStatus):  # which holds the response
                response._exception = exc
            self._refuse(exc)
            return
        except Exception as exc:
            # An extension factory of the program is at fault.
            self.logger.error("opening handshake failed", exc_info=True)
            self._refuse(exc)
            return
        early = self._parser.leftover
        self._step(Step.OPEN)
        if early:
            self.receive_data(early)

    def _give_up(self, cause: Exception) -> None:
        exc = InvalidMessage("did not receive a valid HTTP response")
        exc.__cause__ = cause
        self._refuse(exc)

    def _refuse(self, exc: Exception) -> None:
        self.handshake_exc = forget_frames(exc)
        self._step(Step.REFUSE)
        self._send_eof()
