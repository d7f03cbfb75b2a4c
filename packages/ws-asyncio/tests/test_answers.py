"""What a server answers: pages, refusals, and callbacks that fail."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

import pytest
from kit import (
    REQUEST,
    URI,
    hold,
    in_memory,
    lines,
    on_sockets,
    pair,
    raw_client,
    turns,
)

from ws_asyncio import ServerConnection, connect, serve
from ws_types.errors import NegotiationError
from ws_types.exceptions import InvalidStatus
from ws_types.headers import Headers
from ws_types.http11 import Request, Response

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(autouse=True)
def log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


async def answer_to(data: bytes, **settings: Any) -> bytes:
    """What a server answers."""
    async with serve(hold, ping_interval=None, **settings):
        raw = await raw_client()
        raw.transport.write(data)
        await turns()
        raw.transport.abort()
        return bytes(raw.received)


@in_memory
async def test_process_request_may_let_through() -> None:
    def sync(connection: ServerConnection, request: Request) -> None:
        assert request.path == "/"

    async def not_sync(connection: ServerConnection, request: Request) -> None:
        await asyncio.sleep(1)

    for process_request in (sync, not_sync):
        async with pair(server={"process_request": process_request}) as both:
            assert both.client.state.name == "OPEN"


def page(connection: ServerConnection, request: Request) -> Response:
    return connection.respond(200, "page\n")


async def page_later(connection: ServerConnection, request: Request) -> Response:
    await asyncio.sleep(0)
    return connection.respond(200, "page\n")


@pytest.mark.parametrize("process_request", [page, page_later])
@in_memory
async def test_process_request_may_answer(
    process_request: Any, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await answer_to(GET, process_request=process_request)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\npage\n")
    assert re.search(rb"\r\nServer: Python/[0-9.]+ ws-sansio/[0-9.]+\r\n", answer)
    assert lines(caplog) == ["HTTP response sent (200 OK)", "server closing", "server closed"]


@pytest.mark.parametrize("body", [b"", b"\x00\xff" * 10, b"x" * 1_000_000])
@in_memory
async def test_a_response_with_any_body(body: bytes) -> None:
    response = Response(200, "OK", Headers({"Content-Length": str(len(body))}), body)

    async with serve(hold, process_request=lambda connection, request: response):
        raw = await raw_client()
        raw.transport.write(GET)
        await turns(200)
        assert raw.received.endswith(b"\r\n\r\n" + body)
        assert raw.eof
        raw.transport.abort()


@pytest.mark.parametrize("name", ["process_request", "process_response"])
@in_memory
async def test_a_callback_that_raises(name: str, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(*args: Any) -> None:
        raise ValueError("mine")

    answer = await answer_to(REQUEST, **{name: fail})
    assert answer.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"mine" not in answer
    assert lines(caplog, logging.ERROR) == [f"{name} failed"]


def _unserializable(connection: ServerConnection, request: Request) -> Response:
    return Response(1000, "OK", Headers())


@pytest.mark.parametrize(
    ("process_request", "line"),
    [
        (_unserializable, "opening handshake failed"),
        (lambda connection, request: "page", "process_request failed"),
        (lambda connection, request: (200, [], b""), "process_request failed"),
    ],
)
@in_memory
async def test_a_response_that_is_none(
    process_request: Any, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Regression: what can't be sent left the client without an answer."""
    answer = await answer_to(REQUEST, process_request=process_request)
    assert answer.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert lines(caplog, logging.ERROR) == [line]


@in_memory
async def test_process_response_may_add_or_replace() -> None:
    def add(connection: ServerConnection, request: Request, response: Response) -> None:
        response.headers["X-Added"] = "1"

    async def replace(
        connection: ServerConnection, request: Request, response: Response
    ) -> Response:
        return Response(418, "I'm a teapot", Headers())

    async with pair(server={"process_response": add}) as both:
        assert both.client.response is not None
        assert both.client.response.headers["X-Added"] == "1"
    async with serve(hold, process_response=replace):
        with pytest.raises(InvalidStatus, match="418"):
            await connect(URI)


@in_memory
async def test_the_server_header() -> None:
    assert b"Server:" not in await answer_to(REQUEST, server_header=None)
    assert b"\r\nServer: mine\r\n" in await answer_to(REQUEST, server_header="mine")


@in_memory
async def test_a_subprotocol_may_be_chosen() -> None:
    def choose(connection: ServerConnection, offered: Any) -> Any:
        assert isinstance(connection, ServerConnection)
        return offered[-1]

    settings: Any = {"select_subprotocol": choose}
    async with pair(client={"subprotocols": ["a", "b"]}, server=settings) as both:
        assert both.client.subprotocol == both.other.subprotocol == "b"


@in_memory
async def test_a_subprotocol_may_be_refused(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(connection: ServerConnection, offered: Any) -> Any:
        raise NegotiationError("none of these")

    answer = await answer_to(REQUEST, select_subprotocol=refuse)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert lines(caplog)[0] == "connection rejected (400 Bad Request)"


@in_memory
async def test_origins() -> None:
    for origins, status in (
        (None, b"101"),
        (["https://example.com"], b"403"),
        ([None], b"101"),
        ([re.compile(r"https://.*")], b"403"),
    ):
        assert (await answer_to(REQUEST, origins=origins)).startswith(b"HTTP/1.1 " + status)


@on_sockets
async def test_a_page_over_sockets() -> None:
    async with serve(hold, "127.0.0.1", 0, process_request=page) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(GET)
        assert (await reader.read()).endswith(b"\r\n\r\npage\n")
        writer.close()
        await writer.wait_closed()


@in_memory
async def test_process_request_may_drop_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    async def drop(connection: ServerConnection, request: Request) -> None:
        await connection.close()

    assert await answer_to(REQUEST, process_request=drop) == b""
    assert lines(caplog) == ["server closing", "server closed"]


@in_memory
async def test_process_request_that_cancels_itself() -> None:
    async def give_up(connection: ServerConnection, request: Request) -> None:
        raise asyncio.CancelledError

    async with serve(hold, process_request=give_up, open_timeout=None):
        raw = await raw_client()
        raw.transport.write(REQUEST)
        await turns()
        assert raw.lost.done()
        assert not raw.received


# Requests with a body


def form(connection: ServerConnection, request: Request) -> Response:
    return connection.respond(200, f"{request.method} {request.body.decode()}\n")


@in_memory
async def test_process_request_sees_methods_and_bodies() -> None:
    for data, said in (
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na=b", b"POST a=b\n"),
        (
            b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n",
            b"PUT a=b\n",
        ),
        (b"DELETE / HTTP/1.1\r\n\r\n", b"DELETE \n"),
        (b"HEAD / HTTP/1.1\r\n\r\n", b""),
    ):
        answer = await answer_to(data, process_request=form, max_body=3)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.partition(b"\r\n\r\n")[2] == said


@in_memory
async def test_bodies_over_the_limit() -> None:
    for framing in (b"Content-Length: 4\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n4\r\n"):
        post = b"POST / HTTP/1.1\r\n" + framing
        assert (await answer_to(post, process_request=form, max_body=3))[9:12] == b"413"
        assert (await answer_to(post, process_request=form))[9:12] == b"400"


@in_memory
async def test_a_body_that_dribbles_is_given_up() -> None:
    asked: list[Request] = []

    def process_request(connection: ServerConnection, request: Request) -> None:
        asked.append(request)

    async with serve(hold, process_request=process_request, max_body=100, open_timeout=10):
        raw = await raw_client()
        raw.transport.write(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n")
        for _ in range(9):
            await asyncio.sleep(1)
            raw.transport.write(b"x")
        assert not raw.lost.done()
        await asyncio.sleep(2)
        assert raw.lost.done()
        assert not asked


@on_sockets
async def test_a_form_over_sockets() -> None:
    async with serve(hold, "127.0.0.1", 0, process_request=form, max_body=2**20) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n")
        for _ in range(10):
            writer.write(b"x" * 100_000)
            await writer.drain()
        assert (await reader.read()).endswith(b"\r\n\r\nPOST " + b"x" * 1_000_000 + b"\n")
        writer.close()
        await writer.wait_closed()
