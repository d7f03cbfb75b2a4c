"""Basic authentication; what is valid is tested in ws-sansio."""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import Any

import pytest
from kit import URI, hold, in_memory, lines, pair

from ws_asyncio import ServerConnection, basic_auth, connect, serve
from ws_types.exceptions import InvalidStatus
from ws_types.http11 import Request, Response


def authorization(username: str, password: str) -> dict[str, str]:
    credentials = base64.b64encode(f"{username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {credentials}"}


async def refused(**settings: Any) -> Response:
    with pytest.raises(InvalidStatus) as raised:
        await connect(URI, **settings)
    return raised.value.response


async def check_later(username: str, password: str) -> bool:
    await asyncio.sleep(1)
    return (username, password) == ("héllo", "wörld")


@pytest.mark.parametrize(
    "arguments",
    [
        {"credentials": ("héllo", "wörld")},
        {"credentials": [("a", "b"), ("héllo", "wörld")]},
        {"check_credentials": lambda *given: given == ("héllo", "wörld")},
        {"check_credentials": check_later},
    ],
)
@in_memory
async def test_users(arguments: Any) -> None:
    server = {"process_request": basic_auth("realm", **arguments)}
    right = authorization("héllo", "wörld")
    async with pair(server=server, client={"additional_headers": right}) as both:
        assert both.other.username == "héllo"
        for headers in (authorization("héllo", "x"), authorization("x", "wörld")):
            response = await refused(additional_headers=headers)
            assert (response.status_code, response.body) == (401, b"Invalid credentials\n")
        response = await refused()
        assert (response.status_code, response.body) == (401, b"Missing credentials\n")
        challenge = response.headers["WWW-Authenticate"]
        assert challenge == 'Basic realm="realm", charset="UTF-8"'


@in_memory
async def test_a_check_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    def check(username: str, password: str) -> bool:
        raise RuntimeError("no database")

    async with serve(hold, process_request=basic_auth("realm", check_credentials=check)):
        response = await refused(additional_headers=authorization("a", "b"))
        assert response.status_code == 500
    assert lines(caplog, logging.ERROR) == ["process_request failed"]


@in_memory
async def test_secrets_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    headers = authorization("a", "hunter2")
    async with serve(hold, process_request=basic_auth("realm", ("a", "other2"))):
        await refused(additional_headers=headers)
    for secret in ("hunter2", "other2", headers["Authorization"].split()[1]):
        assert secret not in caplog.text


@in_memory
async def test_it_can_be_part_of_a_process_request() -> None:
    authenticate = basic_auth("realm", ("a", "b"))

    async def process_request(connection: ServerConnection, request: Request) -> Response | None:
        if request.path == "/public":
            return None
        return await authenticate(connection, request)

    async with serve(hold, process_request=process_request):
        assert (await refused()).status_code == 401
        async with connect(URI + "public"):
            pass


def test_arguments_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="either credentials or check_credentials"):
        basic_auth("realm")
