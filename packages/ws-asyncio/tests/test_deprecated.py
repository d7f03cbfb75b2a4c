"""Attributes and arguments of the legacy API work and warn, or say what to write."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from kit import in_memory, pair

from ws_asyncio import connect, serve
from ws_types.headers import Headers


def old(message: str) -> Any:
    return pytest.warns(DeprecationWarning, match=message)


@in_memory
async def test_old_attributes_of_both_sides() -> None:
    async with pair() as both:
        for connection in (both.client, both.other):
            with old(r"^connection\.open is deprecated; use connection\.state is State\.OPEN"):
                assert connection.open is True
            with old(r"^connection\.closed is deprecated; use"):
                assert connection.closed is False
            with old(r"use connection\.request\.path") as caught:
                assert connection.path == "/"
            assert caught[0].filename == __file__
            with old(r"use connection\.request\.headers"):
                assert connection.request_headers is connection.request.headers
            with old(r"use connection\.response\.headers"):
                assert connection.response_headers is connection.response.headers
    with old("open"):
        assert both.client.open is False
    with old("closed"):
        assert both.client.closed is True


@in_memory
async def test_headers_of_a_client_under_their_old_name() -> None:
    with old(r"^extra_headers= is deprecated; use additional_headers=$") as caught:
        settings = connect("ws://localhost/", extra_headers={"X-Token": "1"})
    assert caught[0].filename == __file__
    del settings
    with old("extra_headers"):
        async with pair(client={"extra_headers": {"X-Token": "1"}}) as both:
            assert both.other.request.headers["X-Token"] == "1"


@in_memory
async def test_timeout_is_that_of_closing() -> None:
    with old("^timeout= is deprecated; use close_timeout=$"):
        async with pair(server={"timeout": 7}, client={"timeout": 8}) as both:
            assert both.other.close_timeout == 7
            assert both.client.close_timeout == 8


@in_memory
@pytest.mark.parametrize("headers", [{"X-Node": "a"}, [("X-Node", "a")], Headers(X_Node="a")])
async def test_headers_of_a_server(headers: Any) -> None:
    name = "X_Node" if isinstance(headers, Headers) else "X-Node"
    with old(r"^extra_headers= is deprecated; set headers in process_response$"):
        async with pair(server={"extra_headers": headers}) as both:
            assert both.client.response.headers[name] == "a"


@in_memory
async def test_headers_of_a_server_that_depend_on_the_request() -> None:
    def headers(path: str, request_headers: Headers) -> dict[str, str]:
        return {"X-Seen": f"{path} {request_headers['Host']}"}

    with old("extra_headers"):
        async with pair(server={"extra_headers": headers}) as both:
            assert both.client.response.headers["X-Seen"] == "/ localhost"


@in_memory
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_headers_of_a_server_beside_process_response(asynchronous: bool) -> None:
    def process(connection: Any, request: Any, response: Any) -> None:
        response.headers["X-Order"] = "1"

    async def process_later(connection: Any, request: Any, response: Any) -> Any:
        process(connection, request, response)
        return response

    chosen = process_later if asynchronous else process
    settings = {"extra_headers": {"X-Node": "a"}, "process_response": chosen}
    with old("extra_headers"):
        async with pair(server=settings) as both:
            assert both.client.response.headers["X-Order"] == "1"
            assert both.client.response.headers["X-Node"] == "a"


@pytest.mark.parametrize("name", ["loop", "read_limit", "legacy_recv"])
def test_arguments_without_effect(name: str) -> None:
    with old(f"^{name}= has no effect: "):
        connect("ws://localhost/", **{name: None})


@pytest.mark.parametrize("name", ["create_protocol", "klass"])
def test_arguments_that_are_gone_say_what_to_write(name: str) -> None:
    with pytest.raises(TypeError, match=rf"^{name}= isn't supported any more; write create_conn"):
        connect("ws://localhost/", **{name: object})
    with pytest.raises(TypeError, match=rf"^{name}= isn't supported any more; write create_conn"):
        serve(lambda connection: None, "localhost", 0, **{name: object})


def test_old_and_new_name_together() -> None:
    with pytest.raises(TypeError, match="write additional_headers= alone"):
        connect("ws://localhost/", extra_headers={}, additional_headers={})


@pytest.mark.parametrize("function", [connect, serve])
def test_signature_has_the_new_names_alone(function: Any) -> None:
    parameters = inspect.signature(function).parameters
    assert "close_timeout" in parameters
    assert not {"extra_headers", "timeout", "create_protocol"} & set(parameters)
