"""Build hook: compiles the modules that ``pyproject.toml`` lists and puts them into the wheel.

This file is the same in each distribution that has a compiled build. The table
``[tool.hatch.build.targets.wheel.hooks.custom]`` says what differs: ``package`` is the import
name, ``modules`` are the modules to compile. A module ``name`` is either ``name.pyx`` (``name.py``
beside it is its interpreted twin) or ``name.py``, with its C types in ``name.pxd``. C headers lie
in the package's folder.

The extensions go into ``<package>/_compiled/``, together with ``manifest.json``, which holds the
SHA-256 of each source that they were compiled from, so that a stale extension can be told.

Environment variables:

``WS_BUILD``
    Unset: compile if possible, else warn and build the pure wheel. ``require``: a failed
    compilation fails the build. ``pure``: build the pure wheel. Editable installs are compiled
    only when this is ``require``.
``WS_BUILD_CFLAGS``
    More flags for the C compiler and the linker, for instance those of a sanitizer.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import tempfile
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "_compiled"
MANIFEST = "manifest.json"

DIRECTIVES = {
    "language_level": 3,
    # Annotations are for type checkers: as C types they would refuse subclasses and bytes-likes.
    "annotation_typing": False,
    "binding": True,
    "embedsignature": False,
    # Interpreters with a GIL of their own refuse the extension, and run the Python form.
    "subinterpreters_compatible": "shared_gil",
}


class CompiledBuildHook(BuildHookInterface):
    """Adds the compiled modules to a wheel, or explains in the build's log why it has none."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the wheel is written; ``version`` is ``standard`` or ``editable``."""
        mode = os.environ.get("WS_BUILD", "")
        if mode not in {"", "require", "pure"}:
            raise ValueError(f"WS_BUILD must be unset, 'require' or 'pure', not {mode!r}")
        package: str = self.config["package"]
        modules: list[str] = self.config["modules"]
        source = pathlib.Path(self.root, "src", package)
        in_place = source / FOLDER
        editable = version == "editable"
        if editable:
            # A pure editable install must not find the extensions of an earlier compiled one.
            shutil.rmtree(in_place, ignore_errors=True)
        if mode == "pure" or (editable and mode != "require"):
            return
        if not modules:
            self.app.display_info(f"{package} lists no modules to compile: the wheel is pure")
            return
        inputs = find_inputs(source, modules)

        self.work = tempfile.TemporaryDirectory(prefix=f"{package}-")
        try:
            built = compile_modules(source, package, inputs, pathlib.Path(self.work.name))
        except (Exception, SystemExit) as exc:
            # SystemExit: setuptools may exit where it finds no compiler. Whatever went wrong,
            # the pure wheel works.
            if mode == "require":
                raise RuntimeError(
                    f"WS_BUILD=require, and {package} can't be compiled: {exc}"
                ) from exc
            self.app.display_warning(f"{package} is not compiled, the wheel is pure Python: {exc}")
            return

        if editable:
            in_place.mkdir()
            for path in built:
                shutil.copy2(path, in_place)
        else:
            for path in built:
                build_data["force_include"][str(path)] = f"{package}/{FOLDER}/{path.name}"
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary folder once the wheel is written."""
        if hasattr(self, "work"):
            self.work.cleanup()


def find_inputs(source: pathlib.Path, modules: list[str]) -> dict[str, str]:
    """Map each module to the file that is compiled; a ``.pyx`` wins over its interpreted twin."""
    inputs = {}
    for module in modules:
        for suffix in (".pyx", ".py"):
            if (source / f"{module}{suffix}").is_file():
                inputs[module] = f"{module}{suffix}"
                break
        else:
            raise FileNotFoundError(f"{source} has neither {module}.pyx nor {module}.py")
    return inputs


def compile_modules(
    source: pathlib.Path, package: str, inputs: dict[str, str], work: pathlib.Path
) -> list[pathlib.Path]:
    """Compile a copy of the package in ``work``; return the extensions and their manifest."""
    # Setuptools comes first: it provides the distutils that Cython imports.
    from setuptools import Distribution, Extension  # isort: skip
    from setuptools.command.build_ext import build_ext  # isort: skip
    from Cython.Build import cythonize  # isort: skip

    class Compiler(build_ext):
        def build_extensions(self) -> None:
            extra = shlex.split(os.environ.get("WS_BUILD_CFLAGS", ""))
            msvc = self.compiler.compiler_type == "msvc"
            for extension in self.extensions:
                extension.extra_compile_args = [
                    "/O2" if msvc else "-O3",
                    *([] if msvc else ["-g0"]),
                    *extra,
                ]
                extension.extra_link_args = [] if msvc else extra
            super().build_extensions()

    copy = work / package
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__", FOLDER, "*.c"))
    for module, file in inputs.items():
        if file.endswith(".pyx"):
            (copy / f"{module}.py").unlink(missing_ok=True)

    # Relative paths keep the name of the temporary folder out of the C code.
    with contextlib.chdir(work):
        extensions = cythonize(
            [
                Extension(f"{package}.{module}", [f"{package}/{file}"], include_dirs=[package])
                for module, file in inputs.items()
            ],
            compiler_directives=DIRECTIVES,
            quiet=True,
        )
        distribution = Distribution({"name": package, "ext_modules": extensions})
        # Settings for cross-compilation come from the file that DIST_EXTRA_CONFIG names.
        distribution.parse_config_files()
        command = Compiler(distribution)
        command.build_lib = "build"
        command.build_temp = "temp"
        command.parallel = os.cpu_count() or 1
        command.ensure_finalized()
        command.run()
        outputs = [work / path for path in command.get_outputs()]

    manifest = work / MANIFEST
    manifest.write_text(json.dumps(describe(source, inputs), indent=1, sort_keys=True) + "\n")
    return [*outputs, manifest]


def describe(source: pathlib.Path, inputs: dict[str, str]) -> dict[str, Any]:
    """Return the manifest: what was compiled, and the digest of each source of it."""
    used = {path.name for path in source.iterdir() if path.suffix in {".pxd", ".pxi", ".h"}}
    used.update(inputs.values())
    return {
        "modules": sorted(inputs),
        "sources": {
            name: hashlib.sha256((source / name).read_bytes()).hexdigest() for name in sorted(used)
        },
    }
