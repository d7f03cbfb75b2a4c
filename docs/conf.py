"""Configuration of Sphinx; ``nox -s docs`` builds with warnings as errors."""

import importlib.metadata

project = "ws"
author = "The ws authors"
copyright = "2026, The ws authors"  # noqa: A001
release = importlib.metadata.version("websockets-meta")

extensions = ["sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
nitpicky = False

autodoc_member_order = "bysource"
autodoc_typehints = "description"

html_theme = "alabaster"
html_show_sourcelink = False
