"""
Who is connected to a server, and who may be.

A connection arrives, asks for something, is considered, and then open; or it is answered in another
way, and ends. :class:`Admission` keeps account of that, and says no where a limit is reached. A
shell tells it what happens; with threads, under a lock of the server.

**Pending connections** are those that aren't open. They are what a slowloris piles up, so their
number has a bound. At the bound, whoever came first among those that have had their answer, then
among those that haven't finished their request, makes room for the newcomer: a client that means it
needs a moment, an attacker wants to stay. Where all are being considered by the program, the
newcomer is dropped.

**Open connections** are limited as a whole, and from one address. A request that asks for an
upgrade counts from when it is complete, so that any number at once can't pass together; other
requests don't count, so that a full server still tells about its health.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from http import HTTPStatus
from typing import Any, Final, Generic, NamedTuple, TypeVar

from ws_types.headers import Headers, MultipleValuesError
from ws_types.http11 import Request

from .hosts import check_hosts, is_allowed_host

__all__ = ["MAX_PENDING", "RETRY_AFTER", "Admission", "Refusal"]

MAX_PENDING: Final = 2048
"""The default bound of pending connections: enough for thousands of clients that come back at once,
each of which needs a few round trips; and few enough for their heads to fit into memory."""

RETRY_AFTER: Final = 5
"""When a client that met a limit is asked to come back, in seconds."""

T = TypeVar("T", bound=Hashable)


class Refusal(NamedTuple):
    """
    Why a connection is refused.

    :param status: the status of the response.
    :param text: what to tell the client.
    :param reason: what to log; nothing of it is the client's.
    :param retry_after: seconds after which it may come back; None where that won't help.
    """

    status: HTTPStatus
    text: str
    reason: str
    retry_after: int | None = None


class Admission(Generic[T]):
    """
    The connections of a server, and its limits.

    :param hosts: the values of ``Host`` to answer; see :func:`~ws_sansio.hosts.is_allowed_host`.
    :param max_connections: how many may be open.
    :param max_connections_per_address: how many may be open from one address. All of an IPv6 /64
        counts as one, since that is what a single client is given.
    :param max_pending: how many may be pending.

    None is no limit, for each.

    :raises TypeError: if *hosts* isn't a list of strings and patterns.
    :raises ValueError: if a limit isn't at least 1, or a host isn't one.
    """

    def __init__(
        self,
        *,
        hosts: Sequence[str | re.Pattern[str]] | None = None,
        max_connections: int | None = None,
        max_connections_per_address: int | None = None,
        max_pending: int | None = MAX_PENDING,
    ) -> None:
        check_hosts(hosts)
        for name, limit in (
            ("max_connections", max_connections),
            ("max_connections_per_address", max_connections_per_address),
            ("max_pending", max_pending),
        ):
            if limit is not None and limit < 1:
                raise ValueError(f"{name} must be None or at least 1, not {limit}")
        self._hosts = hosts
        self._max_connections = max_connections
        self._max_per_address = max_connections_per_address
        self._max_pending = max_pending
        #: Those that haven't finished their request, in the order in which they came.
        self.waiting: dict[T, None] = {}
        #: Those whose request is being considered.
        self.considered: dict[T, None] = {}
        #: Those that are open.
        self.opened: dict[T, None] = {}
        #: Those that were answered without being opened, and aren't gone yet.
        self.ending: dict[T, None] = {}
        # Those that count as open, with the address that they count for.
        self._counted: dict[T, str | None] = {}
        self._addresses: dict[str, int] = {}

    @property
    def drop_reason(self) -> str:
        """What to log of a connection that :meth:`arrived` wants to be dropped."""
        return f"connection dropped, max_pending ({self._max_pending}) reached"

    def arrived(self, connection: T) -> T | None:
        """
        A connection was accepted.

        :returns: who has to be dropped to make room; it may be *connection* itself.
        """
        self.waiting[connection] = None
        pending = len(self.waiting) + len(self.considered) + len(self.ending)
        if self._max_pending is None or pending <= self._max_pending:
            return None
        victim = next(iter(self.ending or self.waiting))
        self.left(victim)
        return victim

    def requested(self, connection: T, request: Request, address: Any) -> Refusal | None:
        """
        A request is complete.

        :param address: where it comes from: a tuple that starts with the IP address, or anything
            else for what isn't TCP, to which the limit of an address doesn't apply.
        :returns: the reason to refuse it, if there is one.
        """
        if connection not in self.waiting:
            return None  # it was dropped already
        del self.waiting[connection]
        self.considered[connection] = None
        if self._hosts is not None and not is_allowed_host(_host(request.headers), self._hosts):
            text = "this server doesn't answer for that Host"
            return Refusal(HTTPStatus.FORBIDDEN, text, "Host not allowed")
        if "Upgrade" not in request.headers:
            return None
        limit = self._max_connections
        if limit is not None and len(self._counted) >= limit:
            text = "the server has too many connections"
            reason = f"max_connections ({limit}) reached"
            return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, text, reason, RETRY_AFTER)
        limit = self._max_per_address
        key = None if limit is None else address_key(address)
        if limit is not None and key is not None:
            count = self._addresses.get(key, 0)
            if count >= limit:
                text = "there are too many connections from this address"
                reason = f"max_connections_per_address ({limit}) reached by {key}"
                return Refusal(HTTPStatus.TOO_MANY_REQUESTS, text, reason, RETRY_AFTER)
            self._addresses[key] = count + 1
        self._counted[connection] = key
        return None

    def answered(self, connection: T, opened: bool) -> None:
        """
        The response was sent.

        :param opened: whether it opened the connection.
        """
        if connection not in self.considered:
            return  # it is gone already
        del self.considered[connection]
        if opened:
            self.opened[connection] = None
        else:
            self._uncount(connection)
            self.ending[connection] = None

    def left(self, connection: T) -> None:
        """A connection is gone, or dropped."""
        for stage in (self.waiting, self.considered, self.opened, self.ending):
            stage.pop(connection, None)
        self._uncount(connection)

    def is_empty(self) -> bool:
        """Whether nobody is connected."""
        return not (self.waiting or self.considered or self.opened or self.ending)

    def _uncount(self, connection: T) -> None:
        key = self._counted.pop(connection, None)
        if key is not None:
            count = self._addresses[key] - 1
            if count:
                self._addresses[key] = count
            else:
                del self._addresses[key]


def _host(headers: Headers) -> str | None:
    try:
        return headers.get("Host")
    except MultipleValuesError:
        return None


def address_key(address: Any) -> str | None:
    """
    What connections of one client have in common: the IPv4 address, or the IPv6 network of 64 bits.

    :param address: the address of a socket.
    :returns: None where it isn't an IP address, as for Unix sockets.
    """
    if not isinstance(address, tuple) or not address:
        return None
    # Imported late: most servers have no limit for an address.
    from ipaddress import IPv6Address, IPv6Network, ip_address

    try:
        ip = ip_address(str(address[0]).partition("%")[0])
    except ValueError:
        return None
    if not isinstance(ip, IPv6Address):
        return str(ip)
    # A socket that takes both kinds gives IPv4 addresses in this form.
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(IPv6Network((ip, 64), strict=False))
