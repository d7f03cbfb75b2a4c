"""What a server answers to a request, where callbacks may be coroutine functions."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import Any

from ws_types.http11 import Response

__all__ = ["settle"]


async def settle(decision: Generator[Any, Any, Response]) -> Response:
    """
    Wait for what :func:`ws_sansio.answers.decide` has to wait for.

    :param decision: what it returned.
    """
    try:
        value = next(decision)
        while True:
            try:
                result = await value if isinstance(value, Awaitable) else value
            except Exception as exc:
                value = decision.throw(exc)
            else:
                value = decision.send(result)
    except StopIteration as stop:
        response: Response = stop.value
        return response
