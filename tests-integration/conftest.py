"""Makes ``tools`` importable, and what the tests here share."""

from __future__ import annotations

import pathlib
import signal
import sys

import hypothesis

ROOT = pathlib.Path(__file__).resolve().parent.parent

sys.path.insert(0, str(ROOT))

# Every run tries the same examples, and a busy machine is no failure.
hypothesis.settings.register_profile("tests", derandomize=True, deadline=None)
hypothesis.settings.load_profile("tests")

# Programs under test are interrupted with Ctrl-C. One that was started by a job in the background
# would ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
