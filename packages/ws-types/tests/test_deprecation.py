"""What is deprecated warns where it is used, and works."""

from __future__ import annotations

import pytest

from ws_types.deprecation import deprecated


@deprecated("twice() is deprecated; use a product")
def twice(number: int, *, plus: int = 0) -> int:
    """Double a number."""
    return 2 * number + plus


class Sample:
    @property
    @deprecated("Sample.old is deprecated")
    def old(self) -> str:
        return "found"


def test_call_warns_at_the_caller_and_returns_the_result() -> None:
    with pytest.warns(DeprecationWarning, match=r"^twice\(\) is deprecated; use a product$") as got:
        assert twice(2, plus=1) == 5
    assert got[0].filename == __file__


def test_property_warns_at_the_reader() -> None:
    sample = Sample()
    with pytest.warns(DeprecationWarning, match=r"^Sample\.old is deprecated$") as got:
        assert sample.old == "found"
    assert got[0].filename == __file__


def test_definition_does_not_warn_and_keeps_its_description() -> None:
    assert (twice.__name__, twice.__doc__) == ("twice", "Double a number.")
