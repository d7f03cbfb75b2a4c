"""What a server answers to a request, step by step; the shells test what comes of it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from wiring import request_bytes, requested

from ws_sansio.answers import decide
from ws_sansio.server import ServerProtocol
from ws_types.http11 import Response


class Deciding:
    """A request that is being decided on."""

    def __init__(self, closing: bool = False, **callbacks: Any) -> None:
        self.protocol, self.request = requested(request_bytes())
        self.closing = closing
        self.connection = object()
        settings: dict[str, Any] = {
            "process_request": None,
            "process_response": None,
            "server_header": None,
        }
        self.steps: Generator[Any, Any, Response] = decide(
            self.connection,
            self.protocol,
            self.request,
            closing=lambda: self.closing,
            **settings | callbacks,
        )

    def finish(self, result: Any = None) -> Response:
        """Send the result of the last step; there must be none after it."""
        with pytest.raises(StopIteration) as raised:
            self.steps.send(result)
        response = raised.value.value
        assert isinstance(response, Response)
        return response


def test_without_callbacks_there_is_nothing_to_wait_for() -> None:
    assert Deciding().finish().status_code == 101


def test_callbacks_are_waited_for_in_order() -> None:
    calls: list[tuple[Any, ...]] = []

    def process_request(*args: Any) -> str:
        calls.append(args)
        return "first"

    def process_response(*args: Any) -> str:
        calls.append(args)
        return "second"

    deciding = Deciding(process_request=process_request, process_response=process_response)
    assert next(deciding.steps) == "first"
    assert deciding.steps.send(None) == "second"
    assert deciding.finish(None).status_code == 101
    (connection, request), (_, _, response) = calls
    assert connection is deciding.connection
    assert request is deciding.request
    assert response.status_code == 101


def test_responses_of_callbacks() -> None:
    mine = ServerProtocol().reject(200, "page")
    deciding = Deciding(process_request=lambda *_: mine, server_header="x")
    assert next(deciding.steps) is mine
    assert deciding.finish(mine) is mine
    assert mine.headers["Server"] == "x"

    other = ServerProtocol().reject(418, "tea")
    deciding = Deciding(process_response=lambda *_: other)
    assert next(deciding.steps) is other
    assert deciding.finish(other) is other


def fail(*args: Any) -> None:
    raise ValueError("mine")


@pytest.mark.parametrize("name", ["process_request", "process_response"])
@pytest.mark.parametrize("later", [False, True])
def test_what_callbacks_raise_is_logged(
    name: str, later: bool, caplog: pytest.LogCaptureFixture
) -> None:
    callbacks: dict[str, Any] = {name: (lambda *_: None) if later else fail}
    deciding = Deciding(**callbacks)
    if later:
        next(deciding.steps)
        with pytest.raises(StopIteration) as raised:
            deciding.steps.throw(ValueError("mine"))
        response = raised.value.value
    else:
        response = deciding.finish()
    assert response.status_code == 500
    assert b"mine" not in response.body
    (record,) = caplog.records
    assert record.getMessage() == f"{name} failed"
    assert record.exc_info is not None


@pytest.mark.parametrize("name", ["process_request", "process_response"])
def test_what_callbacks_may_return(name: str, caplog: pytest.LogCaptureFixture) -> None:
    callbacks: dict[str, Any] = {name: lambda *_: None}
    deciding = Deciding(**callbacks)
    next(deciding.steps)
    assert deciding.finish((404, [], b"")).status_code == 500
    assert f"TypeError: {name} must return a Response or None, not tuple" in caplog.text


def test_a_server_that_is_closing() -> None:
    assert Deciding(closing=True).finish().status_code == 503


@pytest.mark.parametrize("name", ["process_request", "process_response"])
def test_a_server_that_closes_while_callbacks_are_waited_for(name: str) -> None:
    callbacks: dict[str, Any] = {name: lambda *_: None}
    deciding = Deciding(**callbacks)
    next(deciding.steps)
    deciding.closing = True
    assert deciding.finish().status_code == 503


def test_a_closing_server_still_answers_requests() -> None:
    mine = ServerProtocol().reject(200, "page")
    deciding = Deciding(closing=True, process_request=lambda *_: mine)
    next(deciding.steps)
    assert deciding.finish(mine) is mine
