import importlib
import importlib.machinery
import shutil
import subprocess
import sys
import sysconfig

import pytest

from ws_types.builds import choose_build

SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]

C_SOURCE = """
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "NAME", .m_size = -1};

PyMODINIT_FUNC PyInit_NAME(void) { return PyModule_Create(&module); }
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package on ``sys.path``, with modules ``one`` and ``two`` in Python; not imported yet."""
    monkeypatch.delenv("WS_IMPL", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "ws_example"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from ws_types.builds import choose_build\n"
        "implementation = choose_build(__name__, __path__)\n"
    )
    (folder / "one.py").write_text("")
    (folder / "two.py").write_text("")
    yield folder
    for name in [*sys.modules]:
        if name.partition(".")[0] == "ws_example":
            del sys.modules[name]


@pytest.fixture(scope="module")
def extension(tmp_path_factory):
    """Compile an extension module that loads; return a function that gives it a name."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or sys.platform == "win32":
        pytest.skip("there is no C compiler here that is called as on Unix")
    folder = tmp_path_factory.mktemp("extensions")

    def compile_extension(name):
        source, target = folder / f"{name}.c", folder / f"{name}{SUFFIX}"
        if not target.exists():
            source.write_text(C_SOURCE.replace("NAME", name))
            include = sysconfig.get_path("include")
            options = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
            built = subprocess.run(
                [compiler, "-shared", "-fPIC", f"-I{include}", *options, source, "-o", target],
                capture_output=True,
                text=True,
            )
            if built.returncode:
                pytest.skip(f"the C compiler doesn't work: {built.stderr[-200:]}")
        return target

    return compile_extension


def compiled(package):
    folder = package / "_compiled"
    folder.mkdir(exist_ok=True)
    return folder


def test_package_without_compiled_modules(package):
    module = importlib.import_module("ws_example")
    assert module.implementation == "python"
    assert module.__path__ == [str(package)]


def test_folder_without_extension_modules(package):
    (compiled(package) / "manifest.json").write_text("{}")
    assert importlib.import_module("ws_example").implementation == "python"


def test_file_in_place_of_the_folder(package):
    (package / "_compiled").write_text("")
    assert importlib.import_module("ws_example").implementation == "python"


def test_compiled_modules_come_first(package, extension):
    shutil.copy(extension("one"), compiled(package))
    module = importlib.import_module("ws_example")
    assert module.implementation == "c"
    assert module.__path__ == [str(package / "_compiled"), str(package)]
    assert importlib.import_module("ws_example.one").__file__.endswith(SUFFIX)
    assert importlib.import_module("ws_example.two").__file__ == str(package / "two.py")


def test_python_can_be_asked_for(package, monkeypatch):
    monkeypatch.setenv("WS_IMPL", "python")
    # It isn't even tried.
    (compiled(package) / f"one{SUFFIX}").write_bytes(b"garbage")
    module = importlib.import_module("ws_example")
    assert module.implementation == "python"
    assert module.__path__ == [str(package)]


def test_compiled_modules_can_be_asked_for(package, extension, monkeypatch):
    monkeypatch.setenv("WS_IMPL", "c")
    shutil.copy(extension("one"), compiled(package))
    assert importlib.import_module("ws_example").implementation == "c"


def test_broken_extension_falls_back_visibly(package):
    (compiled(package) / f"one{SUFFIX}").write_bytes(b"garbage")
    with pytest.warns(RuntimeWarning) as caught:
        module = importlib.import_module("ws_example")
    text = str(caught[0].message)
    assert text.startswith(f"ws_example: {package / '_compiled' / f'one{SUFFIX}'} can't be loaded")
    assert text.endswith("the pure Python form runs, which is slower")
    assert module.implementation == "python"
    assert module.__path__ == [str(package)]
    assert importlib.import_module("ws_example.one").__file__ == str(package / "one.py")


def test_one_broken_extension_takes_the_others_along(package, extension):
    shutil.copy(extension("one"), compiled(package))
    (compiled(package) / f"two{SUFFIX}").write_bytes(b"garbage")
    with pytest.warns(RuntimeWarning, match="two.*can't be loaded"):
        module = importlib.import_module("ws_example")
    assert module.implementation == "python"
    assert importlib.import_module("ws_example.one").__file__ == str(package / "one.py")


def test_broken_extension_is_an_error_when_asked_for(package, monkeypatch):
    monkeypatch.setenv("WS_IMPL", "c")
    (compiled(package) / f"one{SUFFIX}").write_bytes(b"garbage")
    with pytest.raises(ImportError, match=r"^WS_IMPL is 'c', but .*one.* can't be loaded"):
        importlib.import_module("ws_example")


FOREIGN = ["one.cpython-27-mars.so", "one.cp27-win_mars.pyd"]


@pytest.mark.parametrize("name", FOREIGN)
def test_extensions_of_other_interpreters_fall_back_visibly(package, name):
    (compiled(package) / name).write_bytes(b"")
    with pytest.warns(RuntimeWarning, match=f"{name} is for another interpreter than this one"):
        assert importlib.import_module("ws_example").implementation == "python"


@pytest.mark.parametrize("name", FOREIGN)
def test_extensions_of_other_interpreters_are_an_error_when_asked_for(package, name, monkeypatch):
    monkeypatch.setenv("WS_IMPL", "c")
    (compiled(package) / name).write_bytes(b"")
    with pytest.raises(ImportError, match=f"WS_IMPL is 'c', but .*{name}"):
        importlib.import_module("ws_example")


def test_extensions_of_other_interpreters_beside_ours_are_ignored(package, extension):
    shutil.copy(extension("one"), compiled(package))
    (compiled(package) / FOREIGN[0]).write_bytes(b"")
    assert importlib.import_module("ws_example").implementation == "c"


def test_no_compiled_modules_are_an_error_when_asked_for(package, monkeypatch):
    monkeypatch.setenv("WS_IMPL", "c")
    with pytest.raises(ImportError, match="there are no compiled modules in") as caught:
        importlib.import_module("ws_example")
    assert caught.value.name == "ws_example"


@pytest.mark.parametrize("value", ["C", "pure", "cython", " "])
def test_other_values_are_an_error(package, value, monkeypatch):
    monkeypatch.setenv("WS_IMPL", value)
    with pytest.raises(ImportError) as caught:
        importlib.import_module("ws_example")
    assert str(caught.value) == f"WS_IMPL is {value!r}; it may be 'c', 'python', or unset"


def test_empty_value_is_no_value(package, monkeypatch):
    monkeypatch.setenv("WS_IMPL", "")
    assert importlib.import_module("ws_example").implementation == "python"


def test_errors_other_than_import_errors_are_not_hidden(package, monkeypatch):
    (compiled(package) / f"one{SUFFIX}").write_bytes(b"")

    def fail(name):
        raise ZeroDivisionError(name)

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(ZeroDivisionError, match=r"ws_example\.one"):
        choose_build("ws_example", [str(package)])


def test_warning_as_error_leaves_the_path_as_it_was(package):
    (compiled(package) / f"one{SUFFIX}").write_bytes(b"garbage")
    (package / "__init__.py").write_text("")
    path = importlib.import_module("ws_example").__path__
    with pytest.raises(RuntimeWarning, match="can't be loaded"):
        choose_build("ws_example", path)
    assert path == [str(package)]
