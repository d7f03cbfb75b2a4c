"""Makes ``tools`` importable, and what the tests here share."""

from __future__ import annotations

import pathlib
import sys

import hypothesis

ROOT = pathlib.Path(__file__).resolve().parent.parent

sys.path.insert(0, str(ROOT))

# Every run tries the same examples, and a busy machine is no failure.
hypothesis.settings.register_profile("tests", derandomize=True, deadline=None)
hypothesis.settings.load_profile("tests")
