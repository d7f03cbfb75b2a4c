"""Which origins a server accepts connections from (RFC 6455 4.2.2, 10.2; RFC 6454).

Browsers let any page open a WebSocket to any server, and send along the cookies of that server. A
server that trusts cookies, or the network that it is on, must look at ``Origin``: programs can
forge it, browsers can't.

``"same-origin"`` in the list is the short way: it accepts pages served from the host and port that
the request names in ``Host``. It doesn't compare schemes, since a server behind a proxy that ends
TLS doesn't know its own. It doesn't stop DNS rebinding either, in which ``Host`` names the
attacker's domain just as ``Origin`` does: a server on a private address must list its origins, or
check ``Host``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ws_types.errors import InvalidOrigin
from ws_types.typing import Origin

from .hosts import HOST, HOST_FLAGS

__all__ = ["SAME_ORIGIN", "check_origin"]

SAME_ORIGIN: Final = Origin("same-origin")
"""In a list of origins, admits those whose host and port are the request's own."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ORIGIN = rf"(https?+)://{HOST}"


def check_origin(
    origin: str | None,
    allowed: Sequence[Origin | re.Pattern[str] | None] | None,
    host: str | None = None,
) -> None:
    """Check the ``Origin`` of a request against the origins that are allowed.

    :param origin: value of the ``Origin`` header, or None if the request has none.
    :param allowed: origins, patterns that must match the whole of an origin, None for a request
        without ``Origin``, :data:`SAME_ORIGIN`. When it is None itself, everything is allowed.
    :param host: value of the ``Host`` header, for :data:`SAME_ORIGIN`.
    :raises InvalidOrigin: if the origin is not allowed.
    """
    if allowed is None:
        return
    for candidate in allowed:
        if candidate is None or origin is None:
            if candidate is origin:
                return
        elif isinstance(candidate, re.Pattern):
            if candidate.fullmatch(origin) is not None:
                return
        elif candidate == SAME_ORIGIN:
            if host is not None and _is_same_origin(origin, host):
                return
        elif candidate == origin:
            return
    raise InvalidOrigin(origin)


def _is_same_origin(origin: str, host: str) -> bool:
    own = re.fullmatch(HOST, host, HOST_FLAGS)
    theirs = re.fullmatch(_ORIGIN, origin, HOST_FLAGS)
    if own is None or theirs is None:
        return False
    scheme, their_name, their_port = theirs.groups()
    own_name, own_port = own.groups()
    # The page and the socket share a port, hence the default of the page's scheme holds for both.
    default = _DEFAULT_PORTS[scheme.lower()]
    return (their_name.lower(), int(their_port or default)) == (
        own_name.lower(),
        int(own_port or default),
    )
