"""The files of a folder, as responses to browsers."""

from __future__ import annotations

import html
import http
import mimetypes
import pathlib
import urllib.parse

from ws_types.headers import Headers
from ws_types.http11 import Response

__all__ = ["MAX_FILE_SIZE", "answer", "page"]

MAX_FILE_SIZE = 2**25
"""The largest file that is served, in bytes: each is read as a whole."""


def answer(folder: pathlib.Path, target: str) -> Response:
    """Answer a request for a file, for ``index.html`` in a folder, or for the names in a folder.

    Hidden files, and what links lead to outside of the folder, aren't there.

    :param folder: the folder, without links on its path (:meth:`pathlib.Path.resolve`).
    :param target: the path and the query of the request.
    """
    try:
        encoded = urllib.parse.urlsplit(target).path
    except ValueError:
        return page(404, "There is no such file.\n", "text/plain")
    path = urllib.parse.unquote(encoded)
    found = _find(folder, path)
    if found is None:
        return page(404, "There is no such file.\n", "text/plain")
    if found.is_dir():
        if not path.endswith("/"):
            # Links in its pages are relative to the folder.
            response = page(301, "It is a folder.\n", "text/plain")
            response.headers["Location"] = f"{encoded.rstrip('/').rpartition('/')[2]}/"
            return response
        found, listed = found / "index.html", found
        if not found.is_file():
            try:
                return page(200, _listing(listed, path), "text/html")
            except OSError:
                return page(403, "The folder can't be read.\n", "text/plain")
    try:
        if found.stat().st_size > MAX_FILE_SIZE:
            return page(403, "The file is too large to be served.\n", "text/plain")
        body = found.read_bytes()
    except OSError:
        return page(403, "The file can't be read.\n", "text/plain")
    kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
    return page(200, body, kind)


def page(status: int, body: bytes | str, kind: str) -> Response:
    """Make a response.

    :param status: the HTTP status.
    :param body: what it holds; text is sent in UTF-8.
    :param kind: its media type.
    """
    if isinstance(body, str):
        body = body.encode(errors="backslashreplace")
    if kind.startswith("text/"):
        kind = f"{kind}; charset=utf-8"
    headers = Headers()
    headers["Content-Type"] = kind
    headers["Content-Length"] = str(len(body))
    headers["Cache-Control"] = "no-store"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Connection"] = "close"
    return Response(status, http.HTTPStatus(status).phrase, headers, body)


def _find(folder: pathlib.Path, path: str) -> pathlib.Path | None:
    """Return the file or the folder at a path, where it may be seen."""
    names = [name for name in path.split("/") if name]
    # A backslash and a colon lead elsewhere on Windows; what starts with a dot is hidden, or up.
    if any(name.startswith(".") or set(name) & {"\\", ":", "\0"} for name in names):
        return None
    try:
        found = folder.joinpath(*names).resolve(strict=True)
    except (OSError, ValueError):
        return None
    if not found.is_relative_to(folder) or not (found.is_file() or found.is_dir()):
        return None
    hidden = any(name.startswith(".") for name in found.relative_to(folder).parts)
    return None if hidden else found


def _listing(folder: pathlib.Path, path: str) -> str:
    names = sorted(
        f"{entry.name}/" if entry.is_dir() else entry.name
        for entry in folder.iterdir()
        if not entry.name.startswith(".")
    )
    title = html.escape(path)
    items = "".join(
        f'<li><a href="./{urllib.parse.quote(name, errors="surrogateescape")}">'
        f"{html.escape(name)}</a></li>\n"
        for name in names
    )
    return f"<!doctype html>\n<title>{title}</title>\n<h1>{title}</h1>\n<ul>\n{items}</ul>\n"
