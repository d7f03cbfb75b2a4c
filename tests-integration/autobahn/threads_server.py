"""An echo server on threads for the suite: prints its port, and runs until it is killed."""

from __future__ import annotations

import contextlib

from ws_sync import ServerConnection, serve
from ws_types import ConnectionClosed


def echo(connection: ServerConnection) -> None:
    # The suite's peer misbehaves on purpose.
    with contextlib.suppress(ConnectionClosed):
        for message in connection:
            connection.send(message)


def main() -> None:
    with serve(echo, "127.0.0.1", 0, max_size=None) as server:
        print(server.socket.getsockname()[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
