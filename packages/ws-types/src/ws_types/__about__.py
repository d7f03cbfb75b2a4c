"""The version of this distribution, in the one place from which its metadata takes it."""

__version__ = "0.1.0"
