"""What the common check of all engines promises: a bound that nothing feasible undercuts, and no point that cheats."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from capmix import CvarProgram, CvarTerm
from capmix.bench.certificate_oracle import highs
from capmix.kernels.cpu.matrix_backend import MatrixBackend
from capmix.optimizer.cvar.book import Book
from capmix.optimizer.cvar.check import checked
from capmix.optimizer.cvar.program import means
from capmix.optimizer.cvar.proof import Evidence, bound, broken, farkas, in_units
from capmix.optimizer.cvar.repair import kept
from capmix.optimizer.cvar.units import scaled, sized, units_of
from hypothesis import given, settings
from hypothesis import strategies as st

from .programs import cvar, heavy_tailed

BACKEND = MatrixBackend(1)
LOSSES, MEAN = heavy_tailed(120, 6, 3)
LIMIT = 0.95 * cvar(LOSSES @ np.full(6, 1 / 6), 0.9)


def small(lower: float = 0.0, upper: float = math.inf) -> CvarProgram:
    """A portfolio with a priced tail that is limited too."""
    tails = [CvarTerm(LOSSES, 0.9, price=0.5, limit=LIMIT)]
    return CvarProgram(-MEAN, tails=tails, matrix=np.ones((1, 6)), row_lower=1, row_upper=1, lower=lower, upper=upper)


def sized_program(program: CvarProgram):
    found = checked(program)
    return sized(found, means(found, BACKEND))


def evidence(weights: np.ndarray, price: float, row: float) -> Evidence:
    """Any weights made admissible for a tail of a tenth, times a price."""
    most = 1.0 / (0.1 * 120)
    share = np.minimum(weights / weights.sum(), most)
    while abs(share.sum() - 1.0) > 1e-15:
        share = np.minimum(share + (1.0 - share.sum()) * (most - share) / (most - share).sum(), most)
        if share.sum() > 1.0:
            share /= share.sum()
    return Evidence(np.array([price]), price * (share @ LOSSES)[None, :], np.zeros(1), np.array([row]), np.zeros(6))


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 20.0), st.floats(-1.0, 1.0), st.booleans())
def test_whatever_the_multipliers_the_bound_is_one(seed: int, price: float, row: float, box: bool) -> None:
    weights = np.random.default_rng(seed).random(120) ** 4 + 1e-12
    program = small(-0.2, 1.0) if box else small()
    best = highs(program).objective
    found = bound(sized_program(program), evidence(weights, price, row), np.full(6, 1 / 6))
    assert found.value <= best + 1e-12


def test_multipliers_that_leave_an_unbounded_column_a_reduced_cost_prove_nothing() -> None:
    program = sized_program(small(-math.inf))
    found = bound(program, evidence(np.ones(120), 0.5, 0.0), np.full(6, 1 / 6))
    assert found.value == -math.inf
    assert math.isfinite(bound(sized_program(small(-5.0, 5.0)), evidence(np.ones(120), 0.5, 0.0), np.ones(6)).value)


def test_a_row_multiplier_of_a_side_that_has_no_bound_is_not_counted() -> None:
    program = dataclasses.replace(small(-1.0, 1.0), row_lower=-np.inf)
    with_row = bound(sized_program(program), evidence(np.ones(120), 0.5, 0.7), np.ones(6))
    without = bound(sized_program(program), evidence(np.ones(120), 0.5, 0.0), np.ones(6))
    assert with_row.value == without.value


def test_no_point_is_proven_only_where_there_is_none() -> None:
    """The weighted mean loss of the best column is above the limit, or is not."""
    held = evidence(np.ones(120), 1.0, float((np.ones(120) @ LOSSES / 120).min()))
    tight = float((LOSSES.mean(axis=0)).min())
    for limit, none in ((tight - 1e-6, True), (tight + 1e-6, False)):
        program = dataclasses.replace(small(), tails=[CvarTerm(LOSSES, 0.9, limit=limit)])
        assert farkas(sized_program(program), held) is none


@settings(derandomize=True, max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.floats(-6.0, 6.0), min_size=6, max_size=6))
def test_a_bound_is_the_same_in_any_units(seed: int, decades: list[float]) -> None:
    """Losses per unit of columns of very different size; the scaled program's bound, turned back, is the bound."""
    factor = 10.0 ** np.array(decades)
    base = small(-0.2, 1.0)
    given_units = dataclasses.replace(
        base,
        cost=-MEAN * factor,
        tails=[CvarTerm(LOSSES * factor, 0.9, price=0.5, limit=LIMIT)],
        matrix=factor[None, :],
        lower=-0.2 / factor,
        upper=1.0 / factor,
    )
    program = sized_program(given_units)
    units = units_of(program, means(program, BACKEND))
    small_one = scaled(program, units)
    assert np.abs(small_one.matrix.data).max() <= 4.0
    plain = evidence(np.random.default_rng(seed).random(120) + 0.01, 0.8, 0.01)
    theirs = dataclasses.replace(plain, gradient=plain.gradient * factor)
    f, d = units.objective, units.columns
    mine = Evidence(
        theirs.prices * f / units.losses,
        theirs.gradient * f * d,
        theirs.constant * f,
        theirs.rows * f / units.rows,
        np.zeros(6),
    )
    back = in_units(mine, units)
    assert back.gradient == pytest.approx(theirs.gradient, rel=1e-14)
    x = np.full(6, 1 / 6) / factor
    assert bound(program, back, x).value == pytest.approx(bound(small_one, mine, x / d).value / f, rel=1e-9)


def test_points_that_exceed_anything_are_not_taken() -> None:
    program = sized_program(dataclasses.replace(small(0.0, 0.3), matrix=np.vstack([np.ones(6), np.arange(6)]),
                                                row_lower=[1.0, -np.inf], row_upper=[1.0, 2.5]))  # fmt: skip
    even = np.full(6, 1 / 6)
    loose = dataclasses.replace(program, limits=(1.0,))
    book = Book(loose, BACKEND, 1e-5)
    assert book.point(even, "test")
    assert book.best.objective == pytest.approx(-MEAN @ even + 0.5 * cvar(LOSSES @ even, 0.9), rel=1e-12)
    moved = Book(loose, BACKEND, 1e-5)
    assert moved.point(even * 1.01, "test")
    assert moved.best.x.sum() == pytest.approx(1.0, abs=1e-15)
    assert not Book(loose, BACKEND, 1e-5).point(np.full(6, np.nan), "test")
    assert not Book(program, BACKEND, 1e-5).point(even, "test")
    check = broken(loose, np.array([0.0, 0.0, 0.0, 0.3, 0.3, 0.4]), np.array([0.5]))
    assert check.named == "row[1]"
    assert check.row == pytest.approx((0.9 + 1.2 + 2.0 - 2.5) / 2.5)


def test_bounds_that_cross_are_no_certificate() -> None:
    program = dataclasses.replace(sized_program(small(0.0, 1.0)), limits=(1.0,))
    book = Book(program, BACKEND, 1e-5)
    book.point(np.full(6, 1 / 6), "test")
    lie = Evidence(np.array([0.5]), np.zeros((1, 6)), np.array([10.0]), np.zeros(1), np.zeros(6))
    book.bound(lie, np.ones(6))
    assert book.crossed
    assert not book.met
    assert book.lower == -math.inf
    assert "dropped" in book.messages[0]


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(-8.0, -3.0))
def test_points_are_moved_onto_rows_within_their_bounds(seed: int, decade: float) -> None:
    rng = np.random.default_rng(seed)
    x = np.where(rng.random(6) < 0.3, 0.0, rng.random(6))
    matrix = rng.normal(size=(2, 6))
    sides = matrix @ x
    program = dataclasses.replace(small(0.0, 1.0), matrix=matrix, row_lower=sides, row_upper=sides)
    found = kept(sized_program(program), x + 10.0**decade * rng.normal(size=6))
    assert (found >= 0.0).all()
    assert (found <= 1.0).all()
    if np.count_nonzero(x) >= 3:
        assert np.abs(matrix @ found - sides).max() <= 1e-13
