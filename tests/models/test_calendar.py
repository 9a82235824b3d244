"""The calendar of distributions, chosen by the engine, against every calendar there is."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from capmix.models.build import build_ledger, build_program
from capmix.models.schema.case import Case
from capmix.models.schema.rules import Cash
from capmix.optimizer.setup.lockup_calendar import closed_periods
from scipy.optimize import linprog
from scipy.sparse import vstack

from .solving import RATE
from .test_entities import case_with_debt, group
from .tiny import PERIODS, known_means, series

RATES = np.full(PERIODS, RATE)


def best(case: Case, closed: frozenset[tuple[str, int]]) -> float:
    """Optimum for a calendar; -inf where there is no plan."""
    ledger = build_ledger(case)
    lp = build_program(case, ledger, known_means(case, ledger), RATES, closed)
    high, low = np.isfinite(lp.row_upper), np.isfinite(lp.row_lower)
    found = linprog(
        -lp.cost,
        A_ub=vstack([lp.matrix[high], -lp.matrix[low]]),
        b_ub=np.concatenate([lp.row_upper[high], -lp.row_lower[low]]),
        bounds=np.column_stack([lp.col_lower, lp.col_upper]),
    )
    return -float(found.fun) if found.status == 0 else -np.inf


def waiting(**changes: object) -> Case:
    """The SPV's cash buys for the group only if it may be distributed: the site for new systems is the parent's."""
    base = case_with_debt(**changes)
    north = base.site[0]
    return replace(
        base,
        cash=Cash(opening=0.02, minimum=series(0.0), dividends=series(0.0)),
        site=(north, replace(north, id="south", entity=None)),
    )


@pytest.mark.parametrize(
    "changes", [{"lock_up": 3.0}, {"reserve": series(0.03)}, {"lock_up": 2.5, "reserve": series(0.021)}]
)
def test_the_calendar_is_the_best_of_all(changes: dict[str, object]) -> None:
    """Against every calendar there is."""
    case = waiting(**changes)
    ledger = build_ledger(case)
    chosen = closed_periods(case, ledger, known_means(case, ledger), RATES)
    every = [
        frozenset(("spv", t) for t in range(PERIODS) if mask[t]) for mask in product((False, True), repeat=PERIODS)
    ]
    values = {closed: best(case, closed) for closed in every}
    assert values[chosen] == pytest.approx(max(values.values()), rel=1e-6)
    assert values[chosen] > values[frozenset(("spv", t) for t in range(PERIODS))] + 1e-6 or chosen == every[-1]


def test_a_lock_up_out_of_reach_stops_every_distribution() -> None:
    case = waiting(lock_up=10.0, reserve=series(0.5))
    ledger = build_ledger(case)
    assert closed_periods(case, ledger, known_means(case, ledger), RATES) == {("spv", t) for t in range(PERIODS)}


def test_without_tests_nothing_is_closed() -> None:
    case = group()
    ledger = build_ledger(case)
    assert closed_periods(case, ledger, known_means(case, ledger), RATES) == frozenset()
