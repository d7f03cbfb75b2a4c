"""The ``websockets`` import package, on top of the ws distributions."""

from .__about__ import __version__

__all__ = ["__version__"]
