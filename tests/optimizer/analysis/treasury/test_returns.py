"""NPV and IRR: sums by hand, polynomials with known roots, and the objective that is the same figure."""

from __future__ import annotations

from dataclasses import replace

import capmix
import numpy as np
import pytest
from capmix.models.schema.rules import Objective
from capmix.optimizer.analysis.treasury.internal_rate import (
    BORROWED,
    NO_ROOT,
    NONE_CHANGE,
    internal_rate,
)
from capmix.optimizer.analysis.treasury.names import Measure
from capmix.optimizer.analysis.treasury.postings import Postings
from capmix.optimizer.analysis.treasury.returns import flows, net_present_value, return_tables
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ...cases import starter
from .hand import BOND, ORDER, by_hand, with_amounts

FACE = 0.3


def from_rates(*rates: float) -> list[float]:
    """Flows that are worth nothing at just these rates: minus the product of (x - 1 / (1 + r)), x = 1 / (1 + rate)."""
    found = np.array([1.0])
    for rate in rates:
        found = np.convolve(found, [1.0, -(1.0 + rate)])
    return list(-found)


def test_the_rate_of_one_investment() -> None:
    assert internal_rate([-100.0, 110.0])[0] == pytest.approx(0.1, abs=1e-12)
    assert internal_rate([0.0, -100.0, 0.0, 121.0, 0.0])[0] == pytest.approx(0.1, abs=1e-12)
    assert internal_rate([-1.0, *[0.0] * 399, 2.0])[0] == pytest.approx(2.0 ** (1 / 400) - 1, abs=1e-12)
    assert internal_rate([-100.0, 30.0])[0] == pytest.approx(-0.7, abs=1e-12)
    assert internal_rate([-1.0, 1e6])[0] == pytest.approx(1e6 - 1, rel=1e-9)


def test_flows_that_have_no_rate_say_why() -> None:
    assert internal_rate([1.0, 2.0]) == (None, NONE_CHANGE)
    assert internal_rate([0.0, 0.0]) == (None, NONE_CHANGE)
    assert internal_rate([]) == (None, NONE_CHANGE)
    assert internal_rate([-1.0, 2.0, -3.0]) == (None, NO_ROOT)  # worth less than nothing at every rate
    assert internal_rate([100.0, -110.0]) == (None, BORROWED)
    rate, why = internal_rate(from_rates(0.1, 0.4, 0.2))
    assert rate is None
    assert "3 times" in why
    assert "3 rates" in why
    rate, why = internal_rate([-1.0, 2.3, -1.32])  # 10 % and 20 %: the textbook's mine that is filled up again
    assert rate is None
    assert "2 rates" in why


@given(st.floats(-0.5, 2.0), st.floats(0.01, 5.0), st.integers(1, 60))
def test_flows_with_one_root_among_several_changes_of_sign(rate: float, wobble: float, periods: int) -> None:
    """1 - a x + a² x² has no real root: times it, one root stays one, whatever the signs."""
    factor = np.array([1.0, -wobble, wobble**2])
    periods = max(1, min(periods, int(np.log(1e6) / abs(np.log1p(rate))) if abs(rate) > 1e-3 else periods))
    f = np.convolve(factor, [-1.0, *[0.0] * (periods - 1), (1.0 + rate) ** periods])
    found, why = internal_rate(f)
    assert why == ""
    assert found == pytest.approx(rate, abs=1e-8)


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(st.integers(-10, 10), min_size=2, max_size=24))
def test_at_the_rate_the_flows_are_worth_nothing(values: list[int]) -> None:
    rate, why = internal_rate(values)
    assert (rate is None) == bool(why)
    assume(rate is not None)
    assert rate is not None
    power = -np.arange(len(values)) * np.log1p(rate)
    terms = np.array(values) * np.exp(power - power.max())
    assert abs(terms.sum()) <= 1e-9 * np.abs(terms).sum()


def test_returns_by_hand() -> None:
    """A hundred systems for 0.22, sold for 0.1, and nothing earned; a bond of 0.3 that is owed at the end."""
    case = replace(by_hand(), tax=None, objective=Objective(kind="compute", money_discount=0.1))
    amounts = with_amounts(case, rate=0.005, **{ORDER: 100.0, BOND: FACE})
    own = Postings(amounts)
    found = flows(own)
    support = -0.0025
    plan = [-0.05, -0.17 + support, support, support, support, 0.1, 0.0, 0.0]
    assert list(found[Measure.PLAN].flows) == pytest.approx(plan, abs=1e-15)
    assert found[Measure.PLAN].end == 0.0
    equity = [p + q for p, q in zip(plan, [0.291, *[-0.0045] * 7], strict=True)]
    assert list(found[Measure.EQUITY].flows) == pytest.approx(equity, abs=1e-15)
    assert found[Measure.EQUITY].end == pytest.approx(-FACE, abs=1e-15)
    discount = [1.1 ** (-(t + 1) / 4) for t in range(8)]
    assert net_present_value(amounts, found[Measure.PLAN]) == pytest.approx(
        sum(p * d for p, d in zip(plan, discount, strict=True)), abs=1e-15
    )
    # kept in the company, what comes in period t earns 0.5 % in each later one
    kept = sum(e * 1.005 ** (7 - t) for t, e in enumerate(equity)) - FACE
    assert net_present_value(amounts, found[Measure.OWNERS]) == pytest.approx(kept * discount[-1], abs=1e-14)
    table = return_tables(own)["returns"]
    assert table.row("owners, as the company keeps its cash")["IRR"] is None
    rate = table.row("plan, before financing").number("IRR")
    assert sum(p * (1 + rate) ** (-t / 4) for t, p in enumerate(plan)) == pytest.approx(0.0, abs=1e-12)


def test_doing_nothing_returns_nothing() -> None:
    case = replace(by_hand(), objective=Objective(kind="compute", money_discount=0.1))
    amounts = with_amounts(case, rate=0.005, **{f"tax[{x}]": v for x, v in _idle_tax(case).items()})
    for measure, found in flows(Postings(amounts)).items():
        assert net_present_value(amounts, found) == pytest.approx(0.0, abs=1e-15), measure


def _idle_tax(case: capmix.models.schema.case.Case) -> dict[str, float]:
    """A quarter of the interest on a billion that grows by three quarters of half a percent."""
    return {label: 0.25 * 0.005 * (1.0 + 0.75 * 0.005) ** t for t, label in enumerate(case.horizon.labels)}


def test_npv_of_the_owners_is_minus_the_cost() -> None:
    """The figure that the objective `cost` minimises, of the plan that minimises it."""
    case = replace(starter(), objective=replace(starter().objective, kind="cost", at=11, target=30_000.0), covenant=())
    plan = capmix.optimize(case, scenarios=500, seed=1, out_of_sample=False)
    found = plan.tables["returns"].row("owners, as the company keeps its cash").number("NPV")
    assert found == pytest.approx(-plan.objective_value, rel=1e-7)
