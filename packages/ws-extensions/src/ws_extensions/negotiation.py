"""What the two sides of permessage-deflate agree on (RFC 7692, section 7.1): pure functions.

A client offers some :class:`Parameters`, a server answers with others, and each side derives from
them how it compresses. There are four parameters, two about each direction:

- ``server_no_context_takeover``, ``client_no_context_takeover``: each message that this side sends
  is compressed on its own;
- ``server_max_window_bits``, ``client_max_window_bits``: how far back in what it sent this side
  refers, as the base-2 logarithm of a number of bytes, from 8 to 15.

Everything here that a peer sent is checked: an unknown name, a name that is there twice, a value
that isn't exactly one of those allowed, and an answer that doesn't follow from the offer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from ws_types.errors import (
    DuplicateParameter,
    InvalidParameterName,
    InvalidParameterValue,
    NegotiationError,
)
from ws_types.typing import ExtensionParameter

__all__ = [
    "MAX_WINDOW_BITS",
    "MIN_WINDOW_BITS",
    "Parameters",
    "accept_offer",
    "accept_response",
    "build_parameters",
    "check_window_bits",
    "parse_offer",
    "parse_response",
]

#: The smallest window: 256 bytes.
MIN_WINDOW_BITS = 8
#: The largest window, and the one that is meant where nothing is said: 32 KiB.
MAX_WINDOW_BITS = 15

# Spelled out, because int() also takes signs, spaces, leading zeros and digits of other scripts,
# which section 7.1.2 doesn't.
_WINDOW_BITS = {str(bits): bits for bits in range(MIN_WINDOW_BITS, MAX_WINDOW_BITS + 1)}


class Parameters(NamedTuple):
    """The parameters of an offer or of a response, and the configuration of a factory.

    :param server_no_context_takeover: whether the server compresses each message on its own.
    :param client_no_context_takeover: whether the client does.
    :param server_max_window_bits: the window of the server; None where it isn't limited.
    :param client_max_window_bits: the window of the client; None where it isn't limited. True, in
        an offer only, means that the client lets the server choose (RFC 7692, section 7.1.2.2).
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int | None = None
    client_max_window_bits: int | Literal[True] | None = None


def check_window_bits(name: str, bits: int | None) -> None:
    """Check a window that the program configures.

    :param name: what to call it in the error.
    :param bits: 8 to 15, or None.
    :raises ValueError: if it is out of range.
    """
    # True would be 1.
    if bits is not None and not MIN_WINDOW_BITS <= bits <= MAX_WINDOW_BITS:
        raise ValueError(f"{name} must be between {MIN_WINDOW_BITS} and {MAX_WINDOW_BITS}")


def build_parameters(parameters: Parameters) -> list[ExtensionParameter]:
    """Write parameters as they stand in the ``Sec-WebSocket-Extensions`` header.

    :returns: pairs of name and value; None for a parameter without one.
    """
    params: list[ExtensionParameter] = []
    if parameters.server_no_context_takeover:
        params.append(("server_no_context_takeover", None))
    if parameters.client_no_context_takeover:
        params.append(("client_no_context_takeover", None))
    if parameters.server_max_window_bits is not None:
        params.append(("server_max_window_bits", str(parameters.server_max_window_bits)))
    client_bits = parameters.client_max_window_bits
    if client_bits is not None:
        params.append(("client_max_window_bits", None if client_bits is True else str(client_bits)))
    return params


def parse_offer(params: Sequence[ExtensionParameter]) -> Parameters:
    """Read the parameters of an offer (RFC 7692, section 7.1).

    :param params: pairs of name and value, as the client sent them.
    :raises InvalidParameterName: if there is no such parameter.
    :raises DuplicateParameter: if one is there twice.
    :raises InvalidParameterValue: if a value isn't allowed.
    """
    return _parse(params, offer=True)


def parse_response(params: Sequence[ExtensionParameter]) -> Parameters:
    """Read the parameters of a response (RFC 7692, section 7.1).

    :param params: pairs of name and value, as the server sent them.
    :raises InvalidParameterName: if there is no such parameter.
    :raises DuplicateParameter: if one is there twice.
    :raises InvalidParameterValue: if a value isn't allowed; in a response
        ``client_max_window_bits`` must have one.
    """
    return _parse(params, offer=False)


def _parse(params: Sequence[ExtensionParameter], *, offer: bool) -> Parameters:
    server_no_context = client_no_context = False
    server_bits: int | None = None
    client_bits: int | Literal[True] | None = None
    seen: set[str] = set()
    for name, value in params:
        if name not in Parameters._fields:
            raise InvalidParameterName(name)
        if name in seen:
            raise DuplicateParameter(name)
        seen.add(name)
        if name == "server_max_window_bits":
            server_bits = _parse_window_bits(name, value)
        elif name == "client_max_window_bits":
            client_bits = True if offer and value is None else _parse_window_bits(name, value)
        else:
            if value is not None:
                raise InvalidParameterValue(name, value)
            if name == "server_no_context_takeover":
                server_no_context = True
            else:
                client_no_context = True
    return Parameters(server_no_context, client_no_context, server_bits, client_bits)


def _parse_window_bits(name: str, value: str | None) -> int:
    bits = None if value is None else _WINDOW_BITS.get(value)
    if bits is None:
        raise InvalidParameterValue(name, value)
    return bits


def accept_offer(
    config: Parameters, offer: Parameters, *, require_client_max_window_bits: bool = False
) -> Parameters:
    """Answer an offer, on the side of the server.

    :param config: what the server wants.
    :param offer: what the client offers.
    :param require_client_max_window_bits: whether to decline the offer of a client whose window
        can't be limited, because it doesn't know ``client_max_window_bits``.
    :returns: the response.
    :raises NegotiationError: if the offer is declined.
    """
    server_bits = config.server_max_window_bits
    if offer.server_max_window_bits is not None:
        server_bits = min(server_bits or MAX_WINDOW_BITS, offer.server_max_window_bits)

    client_bits = config.client_max_window_bits
    if offer.client_max_window_bits is None:
        # The response may have it only if the offer has (section 7.1.2.2).
        if require_client_max_window_bits:
            raise NegotiationError("required client_max_window_bits")
        client_bits = None
    elif offer.client_max_window_bits is not True:
        client_bits = min(client_bits or MAX_WINDOW_BITS, offer.client_max_window_bits)

    return Parameters(
        config.server_no_context_takeover or offer.server_no_context_takeover,
        # A server may ask for this even of a client that doesn't offer it (section 7.1.1.2).
        config.client_no_context_takeover or offer.client_no_context_takeover,
        server_bits,
        client_bits,
    )


def accept_response(config: Parameters, response: Parameters) -> Parameters:
    """Judge a response, on the side of the client.

    :param config: what the client offered.
    :param response: what the server answered.
    :returns: what is agreed on.
    :raises NegotiationError: if the response doesn't follow from the offer; the connection fails.
    """
    if config.server_no_context_takeover and not response.server_no_context_takeover:
        raise NegotiationError("expected server_no_context_takeover")

    if config.server_max_window_bits is not None:
        if response.server_max_window_bits is None:
            raise NegotiationError("expected server_max_window_bits")
        if response.server_max_window_bits > config.server_max_window_bits:
            raise NegotiationError("unsupported server_max_window_bits")

    client_bits = response.client_max_window_bits
    if config.client_max_window_bits is None:
        if client_bits is not None:
            raise NegotiationError("unexpected client_max_window_bits")
    elif config.client_max_window_bits is not True:
        if client_bits is None:
            client_bits = config.client_max_window_bits
        elif client_bits > config.client_max_window_bits:
            raise NegotiationError("unsupported client_max_window_bits")

    return Parameters(
        response.server_no_context_takeover,
        config.client_no_context_takeover or response.client_no_context_takeover,
        response.server_max_window_bits,
        client_bits,
    )
