"""A page that speaks in the chat, as the user who sent it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from ws_sync import connect


def announce(request: HttpRequest) -> HttpResponse:
    with connect(
        settings.CHAT,
        origin=settings.CHAT_ORIGINS[0],
        additional_headers={"Cookie": request.headers["Cookie"]},
        open_timeout=3,
    ) as chat:
        chat.send(request.POST["text"])
    return HttpResponse("announced")
