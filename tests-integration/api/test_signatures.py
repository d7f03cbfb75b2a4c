"""Our public names against those of ``websockets`` 17.4, as ``websockets-17.4.json`` lists them.

Names, kinds, defaults and the order of parameters are the same; parameters of our own are
keyword-only and optional. ``not_yet.txt`` lists what doesn't exist so far, on each line a module, a
name, a member or a parameter (``websockets.asyncio.server.serve(compression)``): what is there and
still on that list fails, so that the list can only shrink.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import json
import pathlib
import warnings

import pytest

HERE = pathlib.Path(__file__).parent
API = json.loads((HERE / "websockets-17.4.json").read_text())
NOT_YET = set((HERE / "not_yet.txt").read_text().split())

#: Where the names of a module have their home.
HOMES = {
    "websockets": "websockets",
    "websockets.asyncio.client": "ws_asyncio.client",
    "websockets.asyncio.connection": "ws_asyncio.connection",
    "websockets.asyncio.router": "ws_asyncio.router",
    "websockets.asyncio.server": "ws_asyncio.server",
    "websockets.auth": "websockets.auth",
    "websockets.cli": "websockets.cli",
    "websockets.client": "ws_sansio.client",
    "websockets.datastructures": "ws_types.headers",
    "websockets.exceptions": "ws_types.exceptions",
    "websockets.extensions": "ws_types.extension",
    "websockets.extensions.base": "ws_types.extension",
    "websockets.extensions.permessage_deflate": "ws_extensions.permessage_deflate",
    "websockets.frames": "ws_types.frames",
    "websockets.headers": "ws_sansio.grammar",
    "websockets.http11": "websockets.http11",
    "websockets.protocol": "ws_sansio.protocol",
    "websockets.server": "ws_sansio.server",
    "websockets.sync.client": "ws_sync.client",
    "websockets.sync.connection": "ws_sync.connection",
    "websockets.sync.router": "ws_sync.router",
    "websockets.sync.server": "ws_sync.server",
    "websockets.typing": "ws_types.typing",
    "websockets.uri": "ws_types.uri",
}

#: The legacy API, of which only the names are held: what they had as members isn't there any more.
LEGACY = {"websockets.auth"}

#: The same class under another name of the standard library: any kind of protocol will do.
BASES = {"asyncio.protocols.Protocol": "asyncio.protocols.BaseProtocol"}

#: Names that have a room of their own.
ROOMS = {"websockets.asyncio.server.broadcast": "ws_asyncio.broadcast"}

POSITIONAL = ("positional_only", "positional_or_keyword", "var_positional")


def names():
    """Yield each public name with its description, and each member of a class with that class."""
    for module, described in API.items():
        for name, description in described.items():
            if name == "__all__":
                for public in description:
                    yield f"{module}.{public}", module, [public], {"kind": "constant"}
                continue
            yield f"{module}.{name}", module, [name], description
            if module in LEGACY:
                continue
            for member, about in description.get("members", {}).items():
                if not isinstance(about, dict):
                    about = {"kind": "enum member", "value": about}
                yield f"{module}.{name}.{member}", module, [name, member], about


NAMES = list({entry[0]: entry for entry in names()}.values())


def expected_absent(name):
    """Whether this name, or what it belongs to, is on the list of what doesn't exist yet."""
    parts = name.split(".")
    return any(".".join(parts[:end]) in NOT_YET for end in range(1, len(parts) + 1))


def find(module, path):
    """Return our object and its owner, or raise what says that it is missing."""
    owner = None
    home = ROOMS.get(".".join([module, *path[:1]]), HOMES[module])
    found = importlib.import_module(home)
    with warnings.catch_warnings():
        # Looking up what is deprecated warns.
        warnings.simplefilter("ignore", DeprecationWarning)
        for part in path:
            owner, found = found, getattr(found, part)
    return owner, found


def exists(module, path):
    try:
        find(module, path)
    except (AttributeError, ModuleNotFoundError):
        return False
    return True


def normalize(default):
    """Write a default value in the way of the API file."""
    if isinstance(default, enum.Enum):
        return default.name
    if isinstance(default, bytes):
        return repr(default)
    if callable(default):
        return "<callable>"
    if isinstance(default, str) and default.startswith("Python/"):
        return "<user agent>"
    return default


def describe(signature):
    """Write a signature in the way of the API file, without the types."""
    described = []
    for parameter in signature.parameters.values():
        entry = {"name": parameter.name, "kind": parameter.kind.name.lower()}
        if parameter.default is not parameter.empty:
            entry["default"] = normalize(parameter.default)
        described.append(entry)
    return described


def compare(full_name, ours, theirs):
    """Hold parameters against each other."""
    absent = [one["name"] for one in theirs if f"{full_name}({one['name']})" in NOT_YET]
    theirs = [
        {key: value for key, value in parameter.items() if key != "type"}
        for parameter in theirs
        if parameter["name"] not in absent
    ]
    assert not {one["name"] for one in ours}.intersection(absent), "take it off not_yet.txt"
    wanted = {parameter["name"] for parameter in theirs}
    for parameter in ours:
        if parameter["name"] not in wanted:
            optional = "default" in parameter or parameter["kind"] == "var_keyword"
            assert parameter["kind"] in ("keyword_only", "var_keyword"), parameter
            assert optional, parameter
    kept = [parameter for parameter in ours if parameter["name"] in wanted]

    def positional(parameters):
        return [one for one in parameters if one["kind"] in POSITIONAL]

    def by_name(parameters):
        return {one["name"]: one for one in parameters if one["kind"] not in POSITIONAL}

    assert positional(kept) == positional(theirs)
    assert by_name(kept) == by_name(theirs)


def compare_bases(ours, bases):
    """Each base of theirs is one of ours: by name if it is of the library, else itself."""
    inherited = {base.__name__ for base in ours.__mro__}
    for base in bases:
        module, _, name = BASES.get(base, base).rpartition(".")
        if module.startswith("websockets"):
            assert name in inherited
        else:
            assert issubclass(ours, getattr(importlib.import_module(module), name))


#: What an instance alone has can't be seen here.
PRESENT = [
    entry
    for entry in NAMES
    if entry[3]["kind"] != "instance attribute" and not expected_absent(entry[0])
]


@pytest.mark.parametrize(
    ("full_name", "module", "path", "description"),
    [pytest.param(*entry, id=entry[0]) for entry in PRESENT],
)
def test_name_is_there_and_has_the_same_signature(full_name, module, path, description):
    kind = description["kind"]
    if kind == "attribute":
        owner = find(module, path[:-1])[1]
        annotated = {key for base in owner.__mro__ for key in vars(base).get("__annotations__", {})}
        assert path[-1] in annotated or hasattr(owner, path[-1])
        return
    owner, ours = find(module, path)
    if kind == "class":
        compare_bases(ours, description["bases"])
        if description.get("init") is not None:
            compare(full_name, describe(inspect.signature(ours)), description["init"])
    elif kind in {"function", "method", "async method", "classmethod", "staticmethod"}:
        theirs = description["params"]
        if kind == "classmethod":
            theirs = theirs[1:]
        compare(full_name, describe(inspect.signature(ours)), theirs)
    elif kind == "property":
        assert not callable(inspect.getattr_static(owner, path[-1]))
    elif kind == "enum member":
        assert ours.value == description["value"]


@pytest.mark.parametrize("entry", sorted(one for one in NOT_YET if "(" not in one))
def test_what_is_there_is_not_on_the_list(entry):
    module = max((one for one in API if f"{entry}.".startswith(f"{one}.")), key=len)
    path = entry.removeprefix(module).strip(".").split(".") if entry != module else []
    assert not exists(module, path), f"{entry} exists: take it off not_yet.txt"


def test_list_names_only_what_the_api_has():
    known = {name for name, *_ in NAMES} | set(API)
    for name, _, _, description in NAMES:
        for parameter in [*description.get("params", ()), *(description.get("init") or ())]:
            known.add(f"{name}({parameter['name']})")
    assert known >= NOT_YET
