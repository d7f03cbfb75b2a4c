"""Configuration of Sphinx; ``nox -s docs`` builds with warnings as errors."""

import importlib.metadata
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "_ext"))

project = "ws"
author = "The ws authors"
copyright = "2026, The ws authors"  # noqa: A001
release = importlib.metadata.version("websockets-meta")

extensions = ["sphinx.ext.autodoc", "sphinx.ext.graphviz", "state_table"]
graphviz_output_format = "svg"
exclude_patterns = ["_build"]
nitpicky = False
# Annotations name classes by their last name, which both shells have.
suppress_warnings = ["ref.python"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"

html_theme = "alabaster"
html_show_sourcelink = False
