"""The lazy names of ``websockets`` are those of its stub, which type checkers read."""

from __future__ import annotations

import ast
import importlib
import pathlib
import pkgutil
import subprocess
import sys
from types import ModuleType

import pytest

import websockets

STUB = pathlib.Path(websockets.__file__).with_suffix(".pyi")


def read_stub() -> tuple[dict[str, str], list[str], list[str], list[str]]:
    """Return the names with the module each comes from, the modules, ``__all__``, and the names
    that are deprecated.
    """
    names: dict[str, str] = {}
    modules: list[str] = []
    public: list[str] = []
    deprecated: list[str] = []
    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            assert node.level == 1
            imported = [alias.name for alias in node.names]
            if node.module is None:
                modules += imported
            elif node.names[0].asname is not None:
                deprecated += imported
            else:
                names.update(dict.fromkeys(imported, f"websockets.{node.module}"))
        elif isinstance(node, ast.Assign):
            public += ast.literal_eval(node.value)
    return names, modules, public, deprecated


NAMES, MODULES, PUBLIC, DEPRECATED = read_stub()


def submodules() -> list[str]:
    found = pkgutil.walk_packages(websockets.__path__, "websockets.")
    return sorted(module.name for module in found)


def run(program: str) -> str:
    command = [sys.executable, "-W", "error", "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_stub_and_package_have_the_same_names() -> None:
    assert sorted(NAMES) == sorted(PUBLIC) == sorted(websockets.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_name_is_the_object_of_the_module_in_the_stub(name: str) -> None:
    home = importlib.import_module(NAMES[name])
    assert getattr(websockets, name) is getattr(home, name)
    assert name in home.__all__


@pytest.mark.parametrize("name", DEPRECATED)
def test_deprecated_name_warns(name: str) -> None:
    assert name not in PUBLIC
    with pytest.warns(DeprecationWarning, match=rf"^websockets\.{name} is deprecated; use websock"):
        getattr(websockets, name)


def test_stub_names_each_module() -> None:
    top = {name for name in submodules() if name.count(".") == 1}
    assert {f"websockets.{name}" for name in MODULES} == {
        name for name in top if not name.startswith("websockets._")
    }


@pytest.mark.parametrize("name", [name for name in submodules() if "._" not in name])
def test_module_is_an_attribute_without_being_imported(name: str) -> None:
    assert run(f"import websockets; print({name}.__name__)").strip() == name


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    program = "import sys, websockets; print([name for name in sys.modules if 'ws_' in name])"
    assert run(program).strip() == "[]"


def test_star_gives_every_name() -> None:
    program = "from websockets import *; print(serve.__name__, Frame.__name__)"
    assert run(program).strip() == "serve Frame"


def test_dir_lists_names_and_modules() -> None:
    assert {*NAMES, *MODULES, "__version__"} <= set(dir(websockets))


@pytest.mark.parametrize(
    "module",
    [websockets, websockets.asyncio, websockets.connection, websockets.legacy, websockets.client],
)
def test_other_names_are_attribute_errors(module: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'nope'"):
        module.nope  # noqa: B018


def test_name_that_is_replaced_in_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    original, other = websockets.connect, object()
    monkeypatch.setattr("websockets.asyncio.client.connect", other)
    assert websockets.connect is other
    monkeypatch.undo()
    assert websockets.connect is original


def test_name_that_is_replaced_at_the_top(monkeypatch: pytest.MonkeyPatch) -> None:
    original, other = websockets.connect, object()
    monkeypatch.setattr("websockets.connect", other)
    assert websockets.connect is other
    monkeypatch.undo()
    assert websockets.connect is original
