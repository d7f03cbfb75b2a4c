"""Dataclasses that cost nothing until someone asks for their fields.

Frames, close frames, requests, responses and URIs are dataclasses to their users:
:func:`dataclasses.replace`, :func:`dataclasses.fields` and matching by position work. Importing
:mod:`dataclasses` (which imports :mod:`inspect`) and having it write their methods would take
about as long as importing all the rest of this distribution; so their methods are written by hand,
and the machinery is fetched on first use. Type checkers see the real decorator.
"""

from __future__ import annotations

from typing import Any, TypeVar

__all__ = ["dataclass"]

T = TypeVar("T")


class _Deferred:
    """Stands for an attribute of a dataclass until it is read, and then makes the class one."""

    def __init__(self, owner: type, name: str) -> None:
        self.owner = owner
        self.name = name

    def __get__(self, instance: object, owner: type) -> Any:
        import dataclasses

        # This replaces the attributes that stood for others.
        dataclasses.dataclass(init=False, repr=False, eq=False)(self.owner)
        return self.owner.__dict__[self.name]


def _replace(self: Any, /, **changes: Any) -> Any:
    import dataclasses

    return dataclasses.replace(self, **changes)


def dataclass(cls: type[T]) -> type[T]:
    """Make a class that has its own ``__init__``, ``__repr__`` and ``__eq__`` a dataclass."""
    for name in ("__dataclass_fields__", "__dataclass_params__"):
        setattr(cls, name, _Deferred(cls, name))
    names = [name for name, kind in cls.__annotations__.items() if not kind.startswith("ClassVar")]
    setattr(cls, "__match_args__", tuple(names))  # noqa: B010
    setattr(cls, "__replace__", _replace)  # noqa: B010
    return cls
