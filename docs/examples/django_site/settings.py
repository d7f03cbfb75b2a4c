"""As few settings as the example needs."""

import os

SECRET_KEY = os.environ.get("SECRET_KEY", "for trying things out")
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "chat",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DATABASE", "db.sqlite3"),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

# The chat has a port of its own. The origins are those of the pages that may connect.
CHAT = os.environ.get("CHAT", "ws://localhost:8765")
CHAT_ORIGINS = ["http://localhost:8000"]
