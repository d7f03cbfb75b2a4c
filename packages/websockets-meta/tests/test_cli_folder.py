"""Files of a folder: what is served, and what isn't."""

from __future__ import annotations

import pathlib

import pytest

from websockets.cli import folder as module
from websockets.cli.folder import answer


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "secret.txt").write_text("secret")
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("hidden")
    (root / "a b.html").write_text("<p>hello")
    (root / "sub" / "index.html").write_text("index")
    (root / "sub" / "data.bin").write_bytes(b"\x00\x01")
    (root / "<i>.txt").write_text("odd")
    return root.resolve()


def test_a_file(folder: pathlib.Path) -> None:
    response = answer(folder, "/a%20b.html?query")
    assert (response.status_code, response.body) == (200, b"<p>hello")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Content-Length"] == "8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert answer(folder, "/sub/data.bin").headers["Content-Type"] == "application/octet-stream"


def test_a_folder_has_its_index_or_a_listing(folder: pathlib.Path) -> None:
    assert answer(folder, "/sub/").body == b"index"
    listing = bytes(answer(folder, "/").body).decode()
    assert '<a href="./sub/">sub/</a>' in listing
    assert '<a href="./%3Ci%3E.txt">&lt;i&gt;.txt</a>' in listing
    assert ".git" not in listing


def test_a_folder_without_a_slash_redirects_within_it(folder: pathlib.Path) -> None:
    response = answer(folder, "/sub")
    assert (response.status_code, response.headers["Location"]) == (301, "sub/")


@pytest.mark.parametrize(
    "target",
    [
        "/nope",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/sub/..%2f..%2fsecret.txt",
        "/..%5csecret.txt",
        "/.git/config",
        "/a%00b",
        "//etc/passwd",
        "/C:/secret.txt",
        "/" + "a" * 5000,
    ],
)
def test_what_is_not_there(folder: pathlib.Path, target: str) -> None:
    assert answer(folder, target).status_code == 404


def test_links_that_lead_out(folder: pathlib.Path) -> None:
    try:
        (folder / "out.txt").symlink_to(folder.parent / "secret.txt")
        (folder / "shown.txt").symlink_to(folder / ".git" / "config")
        (folder / "inside.txt").symlink_to(folder / "sub" / "index.html")
    except OSError as exc:
        pytest.skip(f"links can't be made here: {exc}")
    assert answer(folder, "/out.txt").status_code == 404
    assert answer(folder, "/shown.txt").status_code == 404
    assert answer(folder, "/inside.txt").body == b"index"


def test_a_file_that_is_too_large(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILE_SIZE", 4)
    assert answer(folder, "/a%20b.html").status_code == 403


@pytest.mark.parametrize("target", ["//[", "http://[/"])
def test_targets_that_cannot_be_parsed(folder: pathlib.Path, target: str) -> None:
    assert answer(folder, target).status_code == 404


def test_a_folder_that_cannot_be_listed(
    folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: pathlib.Path) -> None:
        raise PermissionError

    (folder / "closed").mkdir()
    monkeypatch.setattr(pathlib.Path, "iterdir", refuse)
    assert answer(folder, "/closed/").status_code == 403
