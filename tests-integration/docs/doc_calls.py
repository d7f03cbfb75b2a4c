"""Holds Python code in the documentation against what there is: names, arguments, methods."""

from __future__ import annotations

import ast
import asyncio
import builtins
import concurrent.futures
import importlib
import importlib.util
import inspect
import socket
from collections.abc import Callable, Iterator
from typing import Any

import ws_asyncio.testing
import ws_sansio
import ws_sync.testing
import ws_types

OURS = {"ws_types", "ws_sansio", "ws_extensions", "ws_asyncio", "ws_sync", "websockets"}
# What code in the documentation may import and isn't installed for these tests.
FOREIGN = {"aiofastnet", "django", "fastapi", "uvloop", "werkzeug"}

# Where a name is looked for that no block of the page imports.
HOMES = [ws_asyncio, ws_asyncio.testing, ws_sync, ws_sync.testing, ws_sansio, ws_types]
SHELLS = [ws_asyncio, ws_sync]


async def _on_asyncio() -> list[Any]:
    async with ws_asyncio.testing.connected_pair() as pair:
        return [pair.client, pair.server, pair]


def _on_threads() -> list[Any]:
    with ws_sync.testing.connected_pair() as pair:
        return [pair.client, pair.server, pair]


# Instances, because some attributes are theirs alone.
_CLIENT, _SERVER, _PAIR = zip(asyncio.run(_on_asyncio()), _on_threads(), strict=True)
CONNECTIONS = [*_CLIENT, *_SERVER]
# Variables that have the same meaning in all of the documentation.
RECEIVERS = {
    **dict.fromkeys(["connection", "client", "websocket", "guest", "room", "feed"], CONNECTIONS),
    "server": [
        *(shell.Server for shell in SHELLS),
        *(shell.testing.LocalServer for shell in SHELLS),
        *_SERVER,
    ],
    "protocol": [ws_sansio.ClientProtocol, ws_sansio.ServerProtocol],
    "pair": [*_PAIR],
    "request": [ws_types.Request("/", ws_types.Headers())],
}
METHODS = [owner for owners in RECEIVERS.values() for owner in owners]

# Who gets the arguments that a function takes as **kwargs.
_LOOP = asyncio.BaseEventLoop
_CONNECT = [ws_asyncio.connect, ws_sync.connect, ws_sync.reconnect]
_SERVE = [ws_asyncio.serve, ws_sync.serve]
PASSED_ON: dict[str, list[Callable[..., Any]]] = {
    "ClientConnection": [shell.Connection for shell in SHELLS],
    "ServerConnection": [shell.Connection for shell in SHELLS],
    "broadcast": [concurrent.futures.ThreadPoolExecutor],
    "connect": [_LOOP.create_connection, socket.create_connection],
    "reconnect": [socket.create_connection],
    "serve": [_LOOP.create_server, socket.create_server],
    "route": [*_SERVE],
    "serving": [*_SERVE],
    "unix_connect": [*_CONNECT],
    "unix_reconnect": [*_CONNECT],
    "unix_route": [*_SERVE],
    "unix_serve": [*_SERVE],
}
# Those for the connection to a proxy are taken by their prefix.
PROXY = {f"proxy_{name}" for name in inspect.signature(_LOOP.create_connection).parameters}


class Page:
    """The names that the blocks of a page have imported or defined so far."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}

    def complaints(self, code: str) -> Iterator[str]:
        """What is wrong with a block, given those before it."""
        try:
            compile(code, "block", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        except SyntaxError as exc:
            yield f"{exc.msg}: {exc.text}"
            return
        tree = ast.parse(code)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield from self._import(node)
        for name in defined(tree):
            self.names[name] = None
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield from self._call(node)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                yield from self._attribute(node)

    def _import(self, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        for alias in node.names:
            path = node.module or "" if isinstance(node, ast.ImportFrom) else alias.name
            top = path.split(".")[0]
            if top in FOREIGN and importlib.util.find_spec(top) is None:
                self.names[alias.asname or alias.name] = None
                continue
            try:
                module = importlib.import_module(path)
                if isinstance(node, ast.Import):
                    found = module if alias.asname else importlib.import_module(top)
                else:
                    found = getattr(module, alias.name)
            except (ImportError, AttributeError) as exc:
                yield str(exc)
                continue
            known = found if top in OURS else None
            self.names[alias.asname or alias.name.split(".")[0]] = known

    def _call(self, node: ast.Call) -> Iterator[str]:
        problems = [problem(candidate, node) for candidate in self._resolve(node.func)]
        if problems and all(problems):
            yield f"{ast.unparse(node.func)}: {problems[0]}"

    def _attribute(self, node: ast.Attribute) -> Iterator[str]:
        owners = RECEIVERS.get(ast.unparse(node.value)) or [self._module(node.value)]
        if owners != [None] and not any(_has(owner, node.attr) for owner in owners):
            yield f"there is no {ast.unparse(node)}"

    def _resolve(self, func: ast.expr) -> list[Any]:
        """What of ours may be meant; what isn't there is complained of elsewhere."""
        if isinstance(func, ast.Name):
            if func.id in self.names:
                return [self.names[func.id]] if self.names[func.id] is not None else []
            # The arguments of serve() and connect() are functions of the program.
            if hasattr(builtins, func.id) or func.id in keywords(ws_asyncio.serve):
                return []
            return _attributes(HOMES, func.id) or _attributes(METHODS, func.id)
        if not isinstance(func, ast.Attribute):
            return []
        owners = RECEIVERS.get(ast.unparse(func.value)) or [self._module(func.value)]
        return _attributes(owners, func.attr)

    def _module(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.Attribute):
            return getattr(self._module(node.value), node.attr, None)
        return None


def defined(tree: ast.Module) -> set[str]:
    """The names to which the block itself gives a meaning, imports aside."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names


def problem(function: Callable[..., Any], call: ast.Call) -> str | None:
    """Say why a function can't be called like that, or None."""
    try:
        accepted = keywords(function)
    except ValueError:
        # A compiled class, or a type for annotations, has no signature.
        return None
    for keyword in call.keywords:
        if keyword.arg is not None and keyword.arg not in accepted:
            return f"there is no argument {keyword.arg}"
    given = [argument for argument in call.args if not _is_ellipsis(argument)]
    if any(isinstance(argument, ast.Starred) for argument in given):
        return None
    places = positions(function)
    if places is not None and len(given) > places:
        return f"takes {places} arguments by position"
    return None


def keywords(function: Callable[..., Any]) -> set[str]:
    """The names of the arguments that a function takes, and passes on."""
    accepted = set()
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            for other in PASSED_ON[function.__name__]:
                accepted |= keywords(other)
        else:
            accepted.add(parameter.name)
    return accepted | PROXY if function.__name__ == "connect" else accepted


def positions(function: Callable[..., Any]) -> int | None:
    """How many arguments it takes by position; None: any number."""
    parameters = list(inspect.signature(function).parameters.values())
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    named = [parameter.name for parameter in parameters if parameter.kind in kinds]
    return len([name for name in named if name != "self"])


def _has(owner: Any, name: str) -> bool:
    # What a handler or process_request sets is declared, and isn't there yet.
    kinds = inspect.getmro(owner if isinstance(owner, type) else type(owner))
    declared = [getattr(kind, "__annotations__", {}) for kind in kinds]
    return hasattr(owner, name) or any(name in names for names in declared)


def _attributes(owners: list[Any], name: str) -> list[Any]:
    found = [getattr(owner, name) for owner in owners if hasattr(owner, name)]
    return [item for item in found if callable(item)]


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...
