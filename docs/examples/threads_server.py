"""A server that greets, with a page on the same port."""

from ws_sync import ServerConnection, serve
from ws_types import Request, Response


def greet(connection: ServerConnection) -> None:
    for name in connection:
        connection.send(f"Hello {name}!")


def page(connection: ServerConnection, request: Request) -> Response | None:
    if request.path == "/health":
        return connection.respond(200, "OK\n")
    return None


def main() -> None:
    with serve(
        greet, "localhost", 8765, process_request=page, origins=["same-origin", None]
    ) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
