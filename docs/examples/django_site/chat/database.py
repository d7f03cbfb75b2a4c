"""What Django does around each request, for threads that serve none."""

import contextlib
from collections.abc import Iterator

from django.db import close_old_connections


@contextlib.contextmanager
def database() -> Iterator[None]:
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()
