"""The border is found to the width asked for, in few searches, whatever way what is missing falls."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from capmix.optimizer.cutting_planes.least_violation import Violation
from capmix.optimizer.questions.border import border
from hypothesis import given, settings
from hypothesis import strategies as st

Falls = Callable[[float], float]


def sought(falls: Falls, most: float, width: float = 1e-3) -> tuple[tuple[float, float] | None, int]:
    """What is found, and in how many searches."""
    asked: list[float] = []

    def at(multiple: float) -> Violation:
        asked.append(multiple)
        assert 0.0 < multiple <= most
        value = max(falls(multiple), -1.0)
        return Violation(value, value, True)

    return border(at, falls(0.0), most, lambda high: width * high), len(asked)


SHAPES: dict[str, tuple[Falls, float, float]] = {
    "straight": (lambda x: 0.7 - 0.3 * x, 0.7 / 0.3, math.inf),
    "far": (lambda x: 1.0 - x / 300.0, 300.0, math.inf),
    "kinked": (lambda x: max(0.5 - x, 0.05 - 0.01 * x), 5.0, math.inf),
    "hollow": (lambda x: 1.0 / (1.0 + x) - 0.2, 4.0, math.inf),
    "bulging": (lambda x: 1.0 - x**6, 1.0, 3.0),
    "jumping to nothing": (lambda x: 0.1 if x < 1.8 else -1.0, 1.8, 1.8),
    "falling to a jump": (lambda x: 0.05 * (1.0 - x) + 1e-4 if x < 1.0 else -0.2, 1.0, 1.8),
    "not to be measured": (lambda x: math.inf if x < 0.37 else -1.0, 0.37, 1.0),
    "plenty at once": (lambda x: 0.2 - 9.0 * x if x < 0.3 else -1.0, 0.2 / 9.0, math.inf),
    "near nothing": (lambda x: 1e-4 - x, 1e-4, math.inf),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str) -> None:
    falls, truth, most = SHAPES[name]
    found, searches = sought(falls, most)
    assert found is not None
    high, proven = found
    assert proven <= truth <= high * (1.0 + 1e-12)
    assert high - proven <= 1e-3 * high
    assert searches <= 20


def test_a_straight_fall_takes_few() -> None:
    assert sought(*SHAPES["straight"][::2])[1] <= 6


def test_where_no_multiple_is_enough() -> None:
    assert sought(lambda _: 1.0, 2.0)[0] is None
    assert sought(lambda _: math.inf, math.inf)[0] is None


@settings(deadline=None, derandomize=True, max_examples=400)
@given(truth=st.floats(0.02, 50.0), power=st.floats(0.3, 4.0), size=st.floats(1e-3, 1.0), jump=st.floats(0.0, 1.0))
def test_the_border_lies_between(truth: float, power: float, size: float, jump: float) -> None:
    def falls(x: float) -> float:
        if x < truth:
            return size * (1.0 - (x / truth) ** power) + 1e-6
        return -jump - size * ((x / truth) ** power - 1.0) - 1e-6

    found, searches = sought(falls, math.inf)
    assert found is not None
    assert found[1] <= truth <= found[0] * (1.0 + 1e-9)
    assert searches <= 40
    assert found[0] - found[1] <= 0.05 * found[0]
