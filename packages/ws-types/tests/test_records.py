from __future__ import annotations

import copy
import dataclasses
from typing import ClassVar

import pytest

from ws_types.records import dataclass


@pytest.fixture
def point():
    @dataclass
    class Point:
        x: int
        y: int = 0
        scale: ClassVar[int] = 3

        def __init__(self, x: int, y: int = 0) -> None:
            self.x = x
            self.y = y

    return Point


def test_is_a_dataclass(point):
    assert dataclasses.is_dataclass(point)
    assert dataclasses.is_dataclass(point(1))


def test_fields_and_their_defaults(point):
    x, y = dataclasses.fields(point)
    assert (x.name, x.default) == ("x", dataclasses.MISSING)
    assert (y.name, y.default) == ("y", 0)


def test_fields_of_an_instance(point):
    assert dataclasses.asdict(point(1, 2)) == {"x": 1, "y": 2}


def test_replace(point):
    moved = dataclasses.replace(point(1, 2), y=3)
    assert (moved.x, moved.y) == (1, 3)


def test_replace_method(point):
    moved = point(1, 2).__replace__(x=0)
    assert (moved.x, moved.y) == (0, 2)


def test_match_by_position(point):
    match point(1, 2):
        case point(x, y):
            assert (x, y) == (1, 2)
        case _:
            pytest.fail("no match")


def test_methods_written_by_hand_stay(point):
    method = point.__init__
    dataclasses.fields(point)
    assert point.__init__ is method
    assert point(1) != point(1)


def test_parameters_can_be_read_first(point):
    assert point.__dataclass_params__.frozen is False


def test_a_dataclass_can_inherit_from_it(point):
    @dataclasses.dataclass
    class Point3(point):
        z: int = 0

    assert Point3(1, 2, 3) == Point3(1, 2, 3)
    assert [field.name for field in dataclasses.fields(Point3)] == ["x", "y", "z"]
    assert [field.name for field in dataclasses.fields(point)] == ["x", "y"]


def test_fields_read_through_a_subclass_first(point):
    class Sub(point):
        pass

    assert [field.name for field in dataclasses.fields(Sub(1))] == ["x", "y"]
    assert dataclasses.replace(Sub(1), x=2).x == 2


def test_copies(point):
    assert vars(copy.copy(point(1, 2))) == {"x": 1, "y": 2}
