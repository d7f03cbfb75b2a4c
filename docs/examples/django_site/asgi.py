"""The site, with Channels for WebSocket, on uvicorn."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

site = get_asgi_application()


class Echo(AsyncWebsocketConsumer):
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data, bytes_data)


application = ProtocolTypeRouter(
    {"http": site, "websocket": URLRouter([path("echo", Echo.as_asgi())])}
)
