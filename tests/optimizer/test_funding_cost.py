"""All-in cost: the rate of return against numpy's polynomial roots and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from capmix.optimizer.funding_cost import rate_of_return, yearly


def test_a_bullet_at_par_costs_its_coupon() -> None:
    flows = [100.0, *[-2.0] * 19, -102.0]
    assert rate_of_return(flows) == pytest.approx(0.02, abs=1e-12)


def test_fees_raise_the_cost() -> None:
    flows = np.array([97.0, *[-2.3125] * 19, -102.3125])
    roots = np.roots(flows[::-1])
    real = [float(r.real) for r in roots if abs(r.imag) < 1e-9 and r.real > 0]
    expected = next(1 / v - 1 for v in real if 0.5 < v < 1)
    assert rate_of_return(flows) == pytest.approx(expected, rel=1e-9)
    assert rate_of_return(flows) > 0.023125


def test_money_that_costs_less_than_nothing() -> None:
    assert rate_of_return([100.0, -90.0]) == pytest.approx(-0.10)


@pytest.mark.parametrize("flows", [[], [1.0], [0.0, 0.0], [1.0, 2.0], [-1.0, -2.0], [-100.0, 50.0, 40.0]])
def test_no_rate(flows: list[float]) -> None:
    assert rate_of_return(flows) is None


def test_leading_noughts_do_not_matter() -> None:
    assert rate_of_return([0.0, 0.0, 100.0, -105.0, 0.0]) == pytest.approx(0.05)


def test_a_fee_before_the_first_draw() -> None:
    """A facility's fee comes before its money: there are two roots, and the small one is the cost."""
    flows = [-1.0, 50.0, 50.0, -2.0, -102.0]
    found = rate_of_return(flows)
    assert found is not None
    assert 0.0 < found < 0.05
    assert sum(f / (1 + found) ** t for t, f in enumerate(flows)) == pytest.approx(0.0, abs=1e-9)


def test_yearly() -> None:
    assert yearly(0.02, 4) == pytest.approx(1.02**4 - 1)
    assert yearly(None, 4) is None
