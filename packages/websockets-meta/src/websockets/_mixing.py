"""Refuses to run where the PyPI package ``websockets`` was installed into the same folder.

Both have the same import name, and no installer keeps them apart: the one that is installed last
replaces those files of the other that it has too, and what is left of both would run together.
"""

from __future__ import annotations

import os

__all__ = ["check_unmixed"]

FOREIGN = frozenset({"imports.py", "speedups.c", "speedups.pyi"})
"""Files that one release or another of the PyPI package has, and that this one never has."""


def check_unmixed(folder: str) -> None:
    """Check that the folder of this package holds no files of the other.

    :param folder: the folder of the import package.
    :raises ImportError: if it does; the message says how to repair it.
    """
    try:
        found = FOREIGN.intersection(os.listdir(folder))
    except OSError:
        # Not a folder: the package is in a zip archive, where installers don't write.
        return
    if found:
        raise ImportError(
            f"{folder} holds files of two packages: of websockets-meta, and of the package "
            f"'websockets' from PyPI ({', '.join(sorted(found))}), which has the same import name. "
            "Remove both, then install the one that you want:\n"
            "    pip uninstall -y websockets websockets-meta\n"
            "    pip install websockets-meta\n"
            "Programs that require 'websockets' bring it back, unless the installer is told not "
            "to: the how-to 'Programs that require websockets' has recipes for pip and uv.",
            name="websockets",
            path=folder,
        )
