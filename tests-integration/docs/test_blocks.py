"""Python code in the documentation compiles, and names and calls only what there is."""

from __future__ import annotations

import tomllib

import pytest
from doc_blocks import PAGES, ROOT, Block, blocks, read
from doc_calls import Page


def complaints(code: list[Block]) -> list[str]:
    """What is wrong with the code of a page; that in sentences comes last."""
    page = Page()
    found = []
    for block in code:
        if block.language == "python" or (block.language == "inline" and is_call(block.text)):
            found += [f"{block}: {complaint}" for complaint in page.complaints(block.text)]
    return found


def is_call(text: str) -> bool:
    """Whether something in a sentence may be a call with arguments."""
    if not text.endswith(")") or "(" not in text or text.startswith("-"):
        return False
    try:
        compile(text, "inline", "eval")
    except SyntaxError:
        return False
    return True


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_code_of_a_page(page):
    code = sorted(read(page), key=lambda block: block.language == "inline")
    assert complaints(code) == []


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_settings_can_be_read(block):
    assert tomllib.loads(block.text)


@pytest.mark.parametrize(
    ("language", "code", "complaint"),
    [
        ("python", "with connect(:", "invalid syntax: with connect(:\n"),
        ("python", "return 1", "'return' outside function: None"),
        ("python", "import ws_asincio", "No module named 'ws_asincio'"),
        ("python", "import no_such_thing", "No module named 'no_such_thing'"),
        (
            "python",
            "from ws_asyncio import conect",
            "module 'ws_asyncio' has no attribute 'conect'",
        ),
        (
            "python",
            "from ws_asyncio import serve\nserve(handler, max_sise=1)",
            "serve: there is no argument max_sise",
        ),
        ("python", "connect(uri, open_timeuot=1)", "connect: there is no argument open_timeuot"),
        ("python", "serve(handler, 'localhost', 8765, 1)", "serve: takes 3 arguments by position"),
        ("python", "connection.sned('hello')", "there is no connection.sned"),
        ("python", "await server.drain(60, spred=30)", "server.drain: there is no argument spred"),
        ("python", "print(connection.latncy)", "there is no connection.latncy"),
        (
            "python",
            "import ws_asyncio\nws_asyncio.client.conect(uri)",
            "there is no ws_asyncio.client.conect",
        ),
        ("inline", "serve(..., sll=context)", "serve: there is no argument sll"),
        ("inline", "recv(tiemout=5)", "recv: there is no argument tiemout"),
    ],
)
def test_what_is_wrong_is_found(language, code, complaint):
    assert complaints([Block("page", 1, language, code)]) == [f"page:1: {complaint}"]


@pytest.mark.parametrize(
    "code",
    [
        "async for message in connection:\n    await handle(message)",
        "connect(uri, host='192.0.2.1', proxy_ssl=context)",
        "serve(handler, 'localhost', 8765, reuse_port=True)",
        "from ws_sync import unix_serve\nunix_serve(handler, path, max_connections=3)",
        "def connect(a, b, c, d): ...\nconnect(1, 2, 3, 4, e=5)",
    ],
)
def test_what_is_right_is_not_complained_of(code):
    assert complaints([Block("page", 1, "python", code)]) == []
