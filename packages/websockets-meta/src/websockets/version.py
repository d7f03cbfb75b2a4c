"""Versions: the API level that programs compare, followed by the version of this distribution."""

from __future__ import annotations

from .__about__ import __version__

__all__ = ["commit", "tag", "version"]

API_LEVEL = "17.4"
"""The version of the PyPI package ``websockets`` whose API this package has."""

version = f"{API_LEVEL}.{__version__}"
"""The API level, then the version of ``websockets-meta``: a valid version, and in order, so that
programs that ask for a minimum, or for the first number, take the path for that API."""

# There is no other name for the commit than the version itself.
tag = commit = version
released = True
