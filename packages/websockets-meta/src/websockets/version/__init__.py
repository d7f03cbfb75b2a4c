"""Versions: the API level that programs compare, followed by the version of this distribution.

This is a folder where one file would do. Where the PyPI package ``websockets`` was installed over
this one, all our files of the names that it has too are replaced, ``__init__.py`` among them; but a
folder is found before its ``version.py``, which each import of that package asks for. So the check
for a mixed installation runs whichever of the two was installed last.
"""

from __future__ import annotations

import os

from ..__about__ import __version__
from .._mixing import check_unmixed

__all__ = ["commit", "tag", "version"]

check_unmixed(os.path.dirname(os.path.dirname(__file__)))

API_LEVEL = "17.4"
"""The version of the PyPI package ``websockets`` whose API this package has."""

version = f"{API_LEVEL}.{__version__}"
"""The API level, then the version of ``websockets-meta``: a valid version, and in order, so that
programs that ask for a minimum, or for the first number, take the path for that API."""

# There is no other name for the commit than the version itself.
tag = commit = version
released = True
