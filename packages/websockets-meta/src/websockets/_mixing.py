"""Refuses to run where the PyPI package ``websockets`` was installed into the same folder.

Both have the same import name, and no installer keeps them apart. Installed after it, our files
replace some of its files, and those that are left would run together with ours. Installed before
it, ours are all replaced: what is imported then is that package alone, and nothing here runs.
"""

from __future__ import annotations

import os

__all__ = ["check_unmixed"]

FOREIGN = frozenset({"imports.py", "speedups.c", "speedups.pyi"})
"""Files that one release or another of the PyPI package has, and that this one never has."""


def check_unmixed(folders: list[str]) -> None:
    """Check that the folders of this package hold no files of the other.

    :param folders: the package's ``__path__``.
    :raises ImportError: if they do; the message says how to repair it.
    """
    for folder in folders:
        try:
            found = FOREIGN.intersection(os.listdir(folder))
        except OSError:
            # Not a folder: the package is in a zip archive, where installers don't write.
            continue
        if found:
            raise ImportError(
                f"{folder} holds files of two packages: of websockets-meta, and of the package "
                f"'websockets' from PyPI ({', '.join(sorted(found))}), which has the same import "
                "name. Remove both, then install the one that you want:\n"
                "    pip uninstall -y websockets websockets-meta\n"
                "    pip install websockets-meta\n"
                "Programs that require 'websockets' bring it back, unless they are told not to: "
                "the how-to 'Programs that require websockets' has recipes for pip and uv.",
                name="websockets",
                path=folder,
            )
