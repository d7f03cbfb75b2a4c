"""The site of the how-to on Django: its commands, and Channels on uvicorn and our packages."""

from __future__ import annotations

import pathlib
import re
import shutil

import pytest
from doc_examples import EXAMPLES
from doc_frameworks import call, needs_frameworks, running, uvicorn

from ws_sync import ServerConnection, connect
from ws_sync.testing import serving
from ws_types import InvalidStatus

pytestmark = needs_frameworks

LOGGED_IN = """
import django
django.setup()
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.management import call_command

call_command("migrate", run_syncdb=True, verbosity=0)
user = User.objects.create_user("ada")
session = SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
print(session.session_key)
"""
STORED = """
import django
django.setup()
from chat.models import Message
for message in Message.objects.order_by("pk"):
    print(message.author, message.text)
"""
ANNOUNCE = """
import sys, django
django.setup()
from chat.views import announce
from django.test import RequestFactory

headers = {"Cookie": f"sessionid={sys.argv[1]}"}
assert announce(RequestFactory().post("/", {"text": "news"}, headers=headers)).status_code == 200
"""
ORIGIN = "http://localhost:8000"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A copy of the site, which gets its database in it."""
    folder = tmp_path_factory.mktemp("django") / "site"
    shutil.copytree(EXAMPLES / "django_site", folder)
    return folder


@pytest.fixture(scope="module")
def session(site: pathlib.Path) -> str:
    """The key of the session of a user who is logged in."""
    return call(site, "-c", LOGGED_IN, DJANGO_SETTINGS_MODULE="settings").strip()


def test_commands(site, session):
    command = ["-m", "django", "serve_chat", "--settings=settings", "--port=0"]
    with running(site, *command, until="listening") as printed:
        (port,) = re.findall(r"listening on (\d+)", printed)
        uri = f"ws://localhost:{port}"
        for headers in ({}, {"Cookie": "sessionid=guessed"}):
            with pytest.raises(InvalidStatus) as refused:
                connect(uri, origin=ORIGIN, additional_headers=headers)
            assert refused.value.response.status_code == 401
        cookies = {"Cookie": f"theme=dark; sessionid={session}"}
        with connect(uri, origin=ORIGIN, additional_headers=cookies) as connection:
            connection.send("hello")
            assert connection.recv(timeout=30) == "ada: hello"
            call(site, "-c", ANNOUNCE, session, DJANGO_SETTINGS_MODULE="settings", CHAT=uri)
            assert connection.recv(timeout=30) == "ada: news"

    def feed(connection: ServerConnection) -> None:
        connection.send("42")
        for _ in connection:
            pass

    with serving(feed) as server:
        command = ["-m", "django", "record", "--settings=settings", server.uri]
        with running(site, *command, until="stored 42"):
            pass
    stored = call(site, "-c", STORED, DJANGO_SETTINGS_MODULE="settings")
    assert stored.splitlines() == ["ada hello", "ada news", "feed 42"]


def test_channels(site, tmp_path):
    with (
        uvicorn(site, "asgi:application", tmp_path) as (address, _),
        connect(f"ws://{address}/echo") as connection,
    ):
        assert connection.response.headers["Server"] == "uvicorn"
        for message in ("hello", b"\0\xff"):
            connection.send(message)
            assert connection.recv(timeout=30) == message
