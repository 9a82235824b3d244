"""All-in cost: the rate of return against numpy's polynomial roots and by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from capmix.models.build import build_ledger
from capmix.models.schema.financing import Depth, Instrument, Step
from capmix.optimizer.analysis.expected import Amounts
from capmix.optimizer.analysis.funding_cost import cost_of_funding, rate_of_return, yearly

from ..cases import starter

PERIODS = 12
FEE, DISCOUNT = 0.0175, 0.01


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


def placed(period: int, **changes: Any) -> Amounts:
    """One billion of a single instrument, placed in a period of the starter case, and nothing else."""
    terms = {"tenor": 20, "amortisation": "bullet", "margin": 0.06, "fee": FEE, "discount": DISCOUNT, **changes}
    depth = (Depth(investor="managers", steps=(Step(size=1.0, spread=0.0),)),)
    case = replace(starter(), instrument=(Instrument(id="note", kind="bond", rate="fixed", depth=depth, **terms),))
    assert case.horizon.periods == PERIODS
    ledger = build_ledger(case)
    wanted = [d.block in ("issue", "commit") and d.period == period for d in ledger.decisions]
    decided = np.zeros(len(wanted))
    decided[wanted.index(True)] = 1.0
    if "draw_window" in terms:
        draw = next(j for j, d in enumerate(ledger.decisions) if d.block == "draw" and d.period == period + 1)
        decided[draw] = 1.0
    return Amounts(case, ledger, np.ones(ledger.factors.shape[0]), decided, np.zeros(PERIODS))


def test_what_outlives_the_horizon_leaves_its_part_of_the_fees() -> None:
    """A note of twenty quarters sold one before the end bears a twentieth of its fees, by hand."""
    cost = FEE + DISCOUNT
    by_hand = rate_of_return([1.0 - cost, -0.06 / 4 - 1.0 + cost * 19 / 20])
    assert cost_of_funding(placed(PERIODS - 2)) == pytest.approx(yearly(by_hand, 4), rel=1e-9)


@pytest.mark.parametrize("period", range(PERIODS - 1))
def test_a_note_costs_about_the_same_whenever_it_is_sold(period: int) -> None:
    """As to its maturity, where all flows are seen: within 15 basis points, of fees worth 100 a year."""
    cost = FEE + DISCOUNT
    to_maturity = yearly(rate_of_return([1.0 - cost, *[-0.015] * 19, -1.015]), 4)
    assert cost_of_funding(placed(period)) == pytest.approx(to_maturity, abs=0.0015)


def test_what_is_repaid_within_the_horizon_bears_all_of_its_fees() -> None:
    flows = [1.0 - FEE - DISCOUNT, -0.015, -0.015, -0.015, -1.015]
    found = cost_of_funding(placed(1, tenor=4))
    assert found == pytest.approx(yearly(rate_of_return(flows), 4), rel=1e-9)


def test_a_share_that_is_never_repaid_costs_its_dividend_on_what_came_in() -> None:
    found = cost_of_funding(placed(PERIODS - 3, tenor=None, amortisation="none"))
    assert found == pytest.approx(yearly(0.015 / (1.0 - FEE - DISCOUNT), 4), rel=1e-9)


def test_the_fee_of_a_facility_is_spread_over_its_life() -> None:
    """Committed one quarter before the draw: the fee on the commitment, the discount on the draw, a quarter later."""
    flows = np.zeros(PERIODS)
    agreed = PERIODS - 3
    flows[agreed] -= FEE
    flows[agreed + 1] += 1.0 - DISCOUNT
    flows[agreed + 2] -= 0.015 + 1.0 - FEE * 18 / 20 - DISCOUNT * 19 / 20
    found = cost_of_funding(placed(agreed, draw_window=2))
    assert found == pytest.approx(yearly(rate_of_return(flows), 4), rel=1e-9)
