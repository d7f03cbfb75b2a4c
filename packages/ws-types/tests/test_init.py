import importlib
import pkgutil
import subprocess
import sys

import pytest

import ws_types


def test_version():
    assert ws_types.__version__ == importlib.import_module("ws_types.__about__").__version__


def test_every_public_name_exists():
    for name in ws_types.__all__:
        assert getattr(ws_types, name) is not None


def test_names_are_those_of_their_modules():
    from ws_types import exceptions, frames

    assert ws_types.Frame is frames.Frame
    assert {*exceptions.__all__} < {*ws_types.__all__}


def test_lazy_names_are_those_of_the_typing_module():
    from ws_types import LoggerLike, StatusLike, typing

    assert LoggerLike is typing.LoggerLike
    assert StatusLike is typing.StatusLike


def test_unknown_name():
    with pytest.raises(AttributeError, match="'ws_types' has no attribute 'Nonsense'"):
        _ = ws_types.Nonsense


def test_implementation_says_what_runs():
    extension = not ws_types.headers.__file__.endswith(".py")
    assert ws_types.implementation == ("c" if extension else "python")


@pytest.mark.parametrize(
    "module", [f"ws_types.{info.name}" for info in pkgutil.iter_modules(ws_types.__path__)]
)
def test_every_module_imports_first(module):
    code = f"import sys; sys.path[:] = {sys.path!r}; import {module}"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
