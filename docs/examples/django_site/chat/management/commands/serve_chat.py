"""A server, beside the site: users who are logged in there talk to each other."""

import signal
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.core.management.base import BaseCommand, CommandParser
from django.http import HttpRequest, parse_cookie

from chat.database import database
from chat.models import Message
from ws_sync import ServerConnection, broadcast, serve
from ws_types import Request, Response


def identify(connection: ServerConnection, request: Request) -> Response | None:
    cookies = parse_cookie("; ".join(request.headers.get_all("Cookie")))
    visitor = HttpRequest()
    visitor.session = SessionStore(cookies.get(settings.SESSION_COOKIE_NAME))
    with database():
        user = get_user(visitor)
    if not user.is_authenticated:
        return connection.respond(HTTPStatus.UNAUTHORIZED, "Log in first.\n")
    connection.username = user.get_username()
    return None


def talk(connection: ServerConnection) -> None:
    for text in connection:
        with database():
            Message.objects.create(author=connection.username, text=text)
        broadcast(connection.server.connections, f"{connection.username}: {text}")


class Command(BaseCommand):
    help = "Runs the chat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8765)

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        with serve(
            talk, "localhost", port, process_request=identify, origins=settings.CHAT_ORIGINS
        ) as server:
            signal.signal(signal.SIGTERM, lambda *_: server.shutdown())
            self.stdout.write(f"listening on {server.socket.getsockname()[1]}")
            server.serve_forever()
