"""The waterfall: nothing is lost on the way, ranks hold, and the compiled twin gives the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.kernels.cpu.numba_backend import NumbaBackend
from capmix.kernels.waterfall import Waterfall, distribute, waterfall
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


@st.composite
def tables(draw: st.DrawFn) -> Waterfall:
    claims, pools = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    pool = st.integers(0, pools - 1)
    steps = []
    for _ in range(draw(st.integers(0, 8))):
        source = draw(pool)
        target = draw(st.integers(-1, pools - 1).filter(lambda t, s=source: t != s))
        steps.append((source, draw(st.lists(st.integers(0, claims - 1), max_size=4, unique=True)), target))
    return waterfall(claims, pools, steps)


def amounts(table: Waterfall, rows: int = 7) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    value = st.floats(0.0, 1e6) | st.just(0.0)
    return st.tuples(
        arrays(float, (rows, table.claims), elements=value), arrays(float, (rows, table.pools), elements=value)
    )


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_what_claims_lose_is_what_pools_do_not_give(data: st.DataObject) -> None:
    table = data.draw(tables())
    due, pools = data.draw(amounts(table))
    unpaid, left = distribute(table, due, pools)
    assert (unpaid >= 0.0).all()
    assert (unpaid <= due).all()
    assert (left >= 0.0).all()
    paid, given_ = (due - unpaid).sum(axis=1), (pools - left).sum(axis=1)
    assert paid == pytest.approx(given_, rel=1e-12, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_twin_gives_the_same_bits(data: st.DataObject) -> None:
    table = data.draw(tables())
    due, pools = data.draw(amounts(table))
    for mine, other in zip(distribute(table, due, pools), NumbaBackend(2).distribute(table, due, pools), strict=True):
        assert np.array_equal(mine, other)


def test_the_twin_on_more_rows_than_one_worker_takes() -> None:
    rng = np.random.default_rng(5)
    table = waterfall(3, 2, [(1, [0, 1], 0), (0, [0, 1], -1), (0, [2], -1)])
    due, pools = rng.exponential(size=(2000, 3)), rng.exponential(size=(2000, 2))
    for mine, other in zip(distribute(table, due, pools), NumbaBackend(2).distribute(table, due, pools), strict=True):
        assert np.array_equal(mine, other)


def test_by_hand() -> None:
    """First lien on pool 1, then all seniors on pool 0 by what is left to them, then the last claim."""
    table = waterfall(3, 2, [(1, [0], 0), (0, [0, 1], -1), (0, [2], -1)])
    unpaid, left = distribute(table, np.array([[60.0, 40.0, 50.0]]), np.array([[10.0, 40.0]]))
    # the lien brings 40 of 60; 20 and 40 share 10 as 1 : 2; nothing is left for the last
    assert unpaid[0] == pytest.approx([20.0 - 10.0 / 3.0, 40.0 - 20.0 / 3.0, 50.0])
    assert left[0] == pytest.approx([0.0, 0.0])


def test_a_rank_loses_nothing_before_the_one_below_has_lost_all() -> None:
    rng = np.random.default_rng(3)
    due = rng.exponential(size=(500, 4))
    table = waterfall(4, 1, [(0, [k], -1) for k in range(4)])
    unpaid, left = distribute(table, due, rng.exponential(3.0, size=(500, 1)))
    for k in range(3):
        assert ((unpaid[:, k] == 0.0) | (unpaid[:, k + 1] == due[:, k + 1])).all()
    assert ((left[:, 0] == 0.0) | (unpaid.sum(axis=1) == 0.0)).all()


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([(2, [0], -1)], "source"),
        ([(0, [0], 2)], "target"),
        ([(0, [3], -1)], "member"),
        ([(0, [0], 0)], "another pool"),
    ],
)
def test_steps_out_of_range_are_refused(steps: list[tuple[int, list[int], int]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        waterfall(3, 2, steps)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0])
def test_amounts_that_are_no_amounts_are_refused(wrong: float) -> None:
    table = waterfall(1, 1, [(0, [0], -1)])
    for run in (distribute, NumbaBackend(1).distribute):
        with pytest.raises(ValueError, match="due must be finite"):
            run(table, np.array([[wrong]]), np.array([[1.0]]))
        with pytest.raises(ValueError, match="pools must be finite"):
            run(table, np.array([[1.0]]), np.array([[wrong]]))
        with pytest.raises(ValueError, match="must be"):
            run(table, np.array([[1.0, 2.0]]), np.array([[1.0]]))
