"""Imports every module of the packages that are named, and says which build of each runs."""

from __future__ import annotations

import importlib
import pkgutil
import sys


def main() -> None:
    """Import them one after the other, in this interpreter."""
    for name in sys.argv[1:]:
        package = importlib.import_module(name)
        found = {
            module.name
            for module in pkgutil.walk_packages(package.__path__, f"{name}.")
            if not module.name.endswith(".__main__")
        }
        for module in sorted(found):
            importlib.import_module(module)
        implementation = getattr(package, "implementation", "python")
        print(f"{name}: {len(found)} modules, {implementation} build")


if __name__ == "__main__":
    main()
