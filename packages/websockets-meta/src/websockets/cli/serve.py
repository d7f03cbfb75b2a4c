"""The server to try things out with: it echoes messages, and serves files or a page."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.resources
import ipaddress
import os
import pathlib
import signal
import socket
import sys

from ws_asyncio.server import Server, ServerConnection
from ws_asyncio.server import serve as start
from ws_types.escaping import printable
from ws_types.exceptions import ConnectionClosed
from ws_types.frames import Close
from ws_types.http11 import Request, Response

from .folder import answer, page

__all__ = ["Echo", "serve"]

LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
"""The hosts that requests name where only this machine can reach the server: pages of others that
bring their name to point here (DNS rebinding) are refused."""


def serve(options: argparse.Namespace) -> int:
    """Run the server until it is interrupted.

    :param options: the options of the command line.
    :returns: the exit code.
    :raises BrokenPipeError: if nobody reads the output.
    """
    folder = None
    if options.folder is not None:
        folder = pathlib.Path(options.folder).resolve()
        if not folder.is_dir():
            shown = printable(options.folder)
            print(f"websockets serve: {shown} isn't a folder", file=sys.stderr)
            return 2
    try:
        asyncio.run(Echo(options, folder).run())
    except BrokenPipeError:
        raise
    except (OSError, UnicodeError) as exc:
        where = f"{printable(options.host)}:{options.port}"
        print(f"Failed to listen on {where}: {_reason(exc)} (see --host, --port).", file=sys.stderr)
        return 1
    return 0


def _reason(exc: Exception) -> str:
    if isinstance(exc, UnicodeError):
        return "it can't be the name of a host"
    assert isinstance(exc, OSError)
    return os.strerror(exc.errno) if exc.errno and exc.errno > 0 else printable(str(exc))


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _local_hosts(host: str) -> list[str]:
    """What requests may name: also an address such as 127.0.0.2."""
    return [*LOCAL_HOSTS, f"[{host}]" if ":" in host else host]


class Echo:
    """A server that sends each message back.

    :param options: the options of the command line.
    :param folder: the folder that browsers see; :data:`None` for the page.
    """

    def __init__(self, options: argparse.Namespace, folder: pathlib.Path | None) -> None:
        self.options, self.folder = options, folder
        # Ends with the server.
        self._end: asyncio.Future[None]

    async def run(self) -> None:
        """Serve until the task is cancelled, or SIGTERM.

        :raises OSError: if it can't listen.
        :raises BrokenPipeError: if nobody reads the output.
        """
        options = self.options
        self._end = asyncio.get_running_loop().create_future()
        task = asyncio.current_task()
        assert task is not None
        with contextlib.suppress(NotImplementedError):
            # Windows has no such signal.
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        server = start(
            self._echo,
            options.host,
            options.port,
            compression=None if options.no_compression else "deflate",
            process_request=self._process_request,
            hosts=_local_hosts(options.host) if _is_local(options.host) else None,
        )
        async with server:
            self._announce(server)
            with contextlib.suppress(asyncio.CancelledError):
                await self._end
        print("Stopped.", flush=True)

    def _announce(self, server: Server) -> None:
        name, port = self.options.host, server.sockets[0].getsockname()[1]
        if name in ("", "0.0.0.0", "::"):  # noqa: S104 (to be shown)
            print(f"Listening on all addresses of {socket.gethostname()}: others can reach it.")
            name = "localhost"
        elif ":" in name:
            name = f"[{name}]"
        what = "A page to try it" if self.folder is None else f"The files of {self.folder}"
        print(f"Echo server: ws://{name}:{port}/")
        print(f"{printable(what)}: http://{name}:{port}/")
        print("Ctrl-C ends it.", flush=True)

    async def _echo(self, connection: ServerConnection) -> None:
        count = 0
        assert connection.request is not None
        self._log(connection, f"opened {connection.request.path}")
        try:
            while True:
                await connection.send(await connection.recv())
                count += 1
        except ConnectionClosed:
            close = Close(connection.close_code or 1006, connection.close_reason or "")
            plural = "" if count == 1 else "s"
            self._log(connection, f"closed {close} after {count} message{plural}")

    async def _process_request(
        self, connection: ServerConnection, request: Request
    ) -> Response | None:
        """Answer browsers that ask for a page."""
        if "websocket" in ",".join(request.headers.get_all("Upgrade")).lower():
            return None
        if request.method not in ("GET", "HEAD"):
            response = page(405, "Only GET and HEAD are answered.\n", "text/plain")
            response.headers["Allow"] = "GET, HEAD"
        elif self.folder is not None:
            response = await asyncio.to_thread(answer, self.folder, request.path)
        elif request.path == "/":
            source = importlib.resources.files(__package__).joinpath("page.html")
            response = page(200, source.read_bytes(), "text/html")
        else:
            response = page(404, "There is a page at / only.\n", "text/plain")
        self._log(connection, f"{request.method} {request.path}: {response.status_code}")
        return response

    def _log(self, connection: ServerConnection, text: str) -> None:
        if self.options.quiet:
            return
        address = connection.remote_address
        try:
            print(printable(f"{address[0]}:{address[1]} {text}", limit=300), flush=True)
        except BrokenPipeError as exc:
            # Not the fault of the connection.
            if not self._end.done():
                self._end.set_exception(exc)
