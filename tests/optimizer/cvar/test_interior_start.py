"""A warm start: rows on the central path, and the same optimum as from a cold one in fewer steps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from capmix.optimizer.cvar.interior_point import InteriorPoint
from capmix.optimizer.cvar.interior_program import Quadratic, TermRows
from capmix.optimizer.cvar.interior_start import central
from scipy.sparse import csr_array


def made(seed: int, rows: int, limit: float = math.inf) -> tuple[Quadratic, TermRows]:
    """Mean and variance of 30 weights that add up to 1, with a price on a CVaR at 90 %, or a limit."""
    rng = np.random.default_rng(seed)
    n = 30
    values = rng.standard_normal((rows, n)) - 0.1
    program = Quadratic(
        cost=values.mean(axis=0),
        quadratic=np.cov(values.T),
        matrix=csr_array(np.ones((1, n))),
        row_lower=np.ones(1),
        row_upper=np.ones(1),
        lower=np.zeros(n),
        upper=np.full(n, np.inf),
    )
    price = 1.0 if math.isinf(limit) else 0.0
    share = np.full(rows, 1.0 / (0.1 * rows))
    return program, TermRows(values, np.zeros(rows), share, price, limit, np.zeros(n), 0.0, 0.0)


@pytest.mark.parametrize("complementarity", [1e-2, 1e-5, 1e-9])
@pytest.mark.parametrize("multiplier", [0.0, 0.7])
def test_rows_lie_on_the_central_path(complementarity: float, multiplier: float) -> None:
    _, rows = made(1, 400, math.inf if multiplier == 0.0 else 1.0)
    x = np.full(30, 1.0 / 30)
    term = central(rows, x, multiplier, complementarity)
    theta = rows.price + multiplier
    loss = rows.values @ x
    assert min(term.a.min(), term.u.min(), term.lam.min(), term.nu.min()) > 0.0
    np.testing.assert_allclose(term.a * term.lam, complementarity, rtol=1e-9)
    np.testing.assert_allclose(term.u * term.nu, complementarity, rtol=1e-9)
    np.testing.assert_allclose(term.lam + term.nu, theta * rows.share, rtol=1e-12)
    np.testing.assert_allclose(term.u - term.a, loss - term.t, atol=1e-9 * float(np.abs(loss).max()))
    assert term.lam.sum() == pytest.approx(theta, rel=1e-6)


@pytest.mark.parametrize("limit", [math.inf, 0.28])
def test_a_warm_start_on_other_rows_finds_the_same_optimum_sooner(limit: float) -> None:
    tolerance = 1e-9
    start = np.full(30, 1.0 / 30)
    program, rows = made(2, 2_000, limit)
    half = rows.values[: rows.values.shape[0] // 2]
    fewer = TermRows(half, rows.offset[::2], 2.0 * rows.share[::2], rows.price, limit, rows.linear, 0.0, 0.0)
    first = InteriorPoint(program, [fewer], start).solve(1e-2)
    cold = InteriorPoint(program, [rows], start).solve(tolerance)
    warm = InteriorPoint(program, [rows], start, centre=first.centre).solve(tolerance)
    assert cold.converged
    assert warm.converged
    np.testing.assert_allclose(warm.x, cold.x, atol=1e-6)
    assert warm.iterations < cold.iterations
