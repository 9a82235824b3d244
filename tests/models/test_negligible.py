"""Amounts that no plan can show are zero before the solver sees them; all others stay, to the bit."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.resources import files

import numpy as np
import pytest
from capmix import load_case
from capmix.models.build import build_ledger, build_program
from capmix.models.ledger import LEAST, UNBOUNDED, Account, Decision, LedgerBuilder
from capmix.models.program import LinearProgram
from capmix.models.schema.case import Case
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog


@cache
def starter() -> Case:
    return load_case(str(files("capmix.models.reading") / "starter.toml"))


amount = st.tuples(st.floats(-18.0, 3.0), st.sampled_from([0.1, 7.0, 1e4, np.inf]), st.sampled_from([0.04, 1.0, 90.0]))


@given(st.lists(amount, min_size=1, max_size=20))
def test_what_is_left_out_comes_to_less_than_the_least_amount(amounts: list[tuple[float, float, float]]) -> None:
    made = LedgerBuilder({"price": ("price",)}, ["price"], len(amounts))
    for j, (exponent, upper, _) in enumerate(amounts):
        made.decide(Decision(f"d{j}", "order", 0, "systems", 0.0, upper, {}))
        made.post(j, Account.HARDWARE, j, 10.0**exponent, "price")
    ledger = made.freeze()
    price = np.array([mean for _, _, mean in amounts])
    means = np.where(ledger.factors[:, 0] < 0, 1.0, price[np.maximum(ledger.factors[:, 0], 0)])
    told = ledger.without_negligible(means)
    effect = {
        j: 10.0**exponent * (UNBOUNDED if np.isinf(upper) else upper) * max(1.0, mean)
        for j, (exponent, upper, mean) in enumerate(amounts)
    }
    for j, size in effect.items():
        if abs(size / LEAST - 1.0) > 1e-9:
            assert (j in told.decision) is (size >= LEAST)
    kept = np.isin(ledger.decision, told.decision)
    np.testing.assert_array_equal(told.coefficient, ledger.coefficient[kept])
    np.testing.assert_array_equal(told.atom, ledger.atom[kept])


def compiled(case: Case) -> LinearProgram:
    ledger = build_ledger(case)
    means = np.ones(ledger.factors.shape[0])
    return build_program(case, ledger.without_negligible(means), means, np.full(case.horizon.periods, 0.01))


def test_the_starter_case_keeps_every_posting() -> None:
    ledger = build_ledger(starter())
    assert ledger.without_negligible(np.ones(ledger.factors.shape[0])) is ledger


def lending(rate: float) -> Case:
    """The starter case with a second loan on the same systems that advances next to nothing."""
    case = starter()
    loan = next(i for i in case.instrument if i.secured_by == "accelerators" and i.advance_rate is not None)
    return replace(case, instrument=(*case.instrument, replace(loan, id="other", advance_rate=rate)))


def optimum(lp: LinearProgram, only: tuple[str, ...] = ()) -> tuple[float, np.ndarray]:
    """By SciPy, of the objective, or of the sum of the columns whose names begin so."""
    same = lp.row_lower == lp.row_upper
    high, low = np.isfinite(lp.row_upper) & ~same, np.isfinite(lp.row_lower) & ~same
    cost = np.array([float(name.startswith(only)) for name in lp.column_names]) if only else lp.cost
    a = np.vstack([lp.matrix[high].toarray(), -lp.matrix[low].toarray()])
    b = np.concatenate([lp.row_upper[high], -lp.row_lower[low]])
    found = linprog(
        -cost, a, b, lp.matrix[same].toarray(), lp.row_upper[same],
        np.column_stack([lp.col_lower, lp.col_upper]), method="highs",
    )  # fmt: skip
    assert found.status == 0
    return -float(found.fun), found.x


@pytest.mark.parametrize("rate", [1e-12, 1e-6, 1e-3, 0.0099])
def test_a_low_advance_rate_takes_no_collateral_from_others(rate: float) -> None:
    """Its rows hold no reciprocal of it, and it lends at most its rate times the value there is."""
    lp, without = compiled(lending(rate)), compiled(starter())
    assert np.abs(lp.matrix.data).max() == pytest.approx(np.abs(without.matrix.data).max())
    assert optimum(lp)[0] == pytest.approx(optimum(without)[0], rel=10.0 * rate + 1e-7)
    most, x = optimum(lp, ("outstanding_balance[other,",))
    value = -np.array([x[j] for j, name in enumerate(lp.column_names) if name.startswith("cash[")]).min(initial=0.0)
    assert 0.0 <= most <= 100.0 * rate + 1e-6
    assert np.isfinite(value)


@pytest.mark.parametrize("rate", [0.009999, 0.010001])
def test_advance_rates_on_both_sides_of_the_switch_agree(rate: float) -> None:
    """One percent: divided by above, a state of its own below."""
    assert optimum(compiled(lending(rate)))[0] == pytest.approx(optimum(compiled(lending(0.01)))[0], rel=1e-6)


@pytest.mark.parametrize(("share", "other"), [(0.009999, 0.010001), (1e-12, 1e-10)])
def test_shares_tied_to_a_supplier_have_no_step(share: float, other: float) -> None:
    def tied(amount: float) -> Case:
        case = starter()
        return replace(
            case, instrument=tuple(replace(i, tied_share=amount) if i.tied_to else i for i in case.instrument)
        )

    assert optimum(compiled(tied(share)))[0] == pytest.approx(optimum(compiled(tied(other)))[0], rel=1e-6)


def test_what_sums_leave_of_nothing_is_dropped() -> None:
    lp = compiled(starter())
    size = np.maximum(np.abs(lp.col_lower), np.abs(lp.col_upper))
    reach = np.where(np.isfinite(size), size, UNBOUNDED)
    assert (np.abs(lp.matrix.data) * reach[lp.matrix.indices]).min() >= LEAST
