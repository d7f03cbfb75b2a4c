"""A client: what another server sends is stored."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from chat.database import database
from chat.models import Message
from ws_sync import reconnect
from ws_types import ConnectionClosed


class Command(BaseCommand):
    help = "Stores what a server sends."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("uri")

    def handle(self, *args: Any, uri: str, **options: Any) -> None:
        for feed in reconnect(uri):
            try:
                for text in feed:
                    with database():
                        Message.objects.create(author="feed", text=text)
                    self.stdout.write(f"stored {text}")
            except ConnectionClosed:
                continue
