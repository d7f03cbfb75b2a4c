"""
Which hosts a server answers for (RFC 9110, section 7.2).

In DNS rebinding, a page of an attacker's domain has the name of that domain resolve to a private
address, and its requests reach a server there; ``Origin`` and ``Host`` agree then. Only the server
knows which names are its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["HOST", "HOST_FLAGS", "check_hosts", "is_allowed_host"]

HOST: Final = r"(\[[0-9a-f:.]++\]|[-._~%!$&'()*+;=0-9a-z]++)(?::([0-9]{1,5}+))?+"
"""The pattern of a ``Host``: its groups are the host and the port. Compiled by :mod:`re`, which
caches it, when it is first needed."""
HOST_FLAGS: Final = re.ASCII | re.IGNORECASE


def check_hosts(hosts: Sequence[str | re.Pattern[str]] | None) -> None:
    """
    Check a list of hosts that a program gives.

    :raises TypeError: if it isn't a list of strings and patterns.
    :raises ValueError: if one of the strings isn't a host, or a host with a port.
    """
    if hosts is None:
        return
    if isinstance(hosts, str):
        raise TypeError(f"hosts must be a list of hosts, not a str; write [{hosts!r}]")
    for host in hosts:
        if isinstance(host, re.Pattern):
            continue
        if not isinstance(host, str):
            raise TypeError(
                f"hosts must be a list of str and patterns, not of {type(host).__name__}"
            )
        if re.fullmatch(HOST, host, HOST_FLAGS) is None:
            raise ValueError(
                f"{host!r} isn't a host; write it as in the Host header, such as 'example.com', "
                "'example.com:8000' or '[::1]'"
            )


def is_allowed_host(host: str | None, allowed: Sequence[str | re.Pattern[str]]) -> bool:
    """
    Tell whether a request is for a host that is allowed.

    :param host: the value of its ``Host`` header; None if there isn't exactly one.
    :param allowed: hosts, which match any port unless they have one; patterns, which must match the
        whole value. Case doesn't matter in the former.
    """
    match = None if host is None else re.fullmatch(HOST, host, HOST_FLAGS)
    if host is None or match is None:
        return False
    whole, name = host.lower(), match[1].lower()
    for candidate in allowed:
        if isinstance(candidate, re.Pattern):
            if candidate.fullmatch(host) is not None:
                return True
        elif candidate.lower() in (whole, name):
            return True
    return False
