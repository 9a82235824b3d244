"""What the tax of the expected income hides: against each scenario's tax written down again, and by Jensen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from capmix import optimize
from capmix.kernels.paths import simulate
from capmix.models.blocks.idle import wealth_weights
from capmix.models.ledger import Account
from capmix.models.schema.case import Case
from capmix.models.schema.drivers import Deterministic
from capmix.models.schema.rules import Tax
from capmix.optimizer.analysis import tax_by_scenario as own
from capmix.optimizer.analysis.expected import Amounts
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import PlanningProblem, prepare

from ..cases import starter

COUNT, SEED = 700, 3


def planned(case: Case, device: str = "cpu") -> tuple[PlanningProblem, Amounts]:
    """The case on its scenarios, and the amounts of its plan as they are listed."""
    ready = prepare(case, choose(device), COUNT, SEED)
    plan = optimize(case, scenarios=COUNT, seed=SEED, device=device, out_of_sample=False)
    by_name = {str(row[0]): float(row[3]) for row in plan.decisions.rows}  # type: ignore[arg-type]
    decided = np.array([1.0 if d.block == "fixed" else by_name.get(d.key, 0.0) for d in ready.ledger.decisions])
    return ready, Amounts(ready.case, ready.ledger, ready.means, decided, ready.deposit_rates)


def by_hand(ready: PlanningProblem, amounts: Amounts) -> np.ndarray:
    """(S, T) tax of each scenario, posting by posting."""
    ledger, case, tax, rates = ready.ledger, ready.case, ready.case.tax, ready.deposit_rates
    assert tax is not None
    count = ledger.periods
    drawn = simulate(ready.processes, np.arange(COUNT, dtype=np.uint64), SEED, 0)
    values = drawn.astype(np.float32).astype(np.float64)  # as they are stored
    flat = np.concatenate([values.reshape(len(values), -1), np.ones((len(values), 1))], axis=1)
    price = flat[:, ledger.factors].prod(axis=2)
    posted = ledger.coefficient * amounts.decided[ledger.decision]
    kinds = list(Account)
    taxable, cash, borrowing, ebitda = (np.zeros((len(values), count)) for _ in range(4))
    for value, account, t, atom in zip(posted, ledger.account, ledger.period, ledger.atom, strict=True):
        kind, amount = kinds[account], value * price[:, atom]
        cash[:, t] += amount if kind.cash else 0.0
        if kind.taxable:
            taxable[:, t] += amount
            if kind.ebitda:
                ebitda[:, t] += amount
            if kind.name in ("INTEREST", "ACCRETION", "FEES", "FEES_SPREAD"):
                borrowing[:, t] -= amount
    out = np.zeros_like(taxable)
    for s in range(len(values)):
        held, pool, waiting = case.cash.opening, tax.opening_losses, tax.opening_interest
        for t in range(count):
            interest = rates[t] * held
            income = taxable[s, t] + interest
            if tax.interest_limit is not None:
                owed = waiting + borrowing[s, t] - interest
                deducted = min(owed, tax.interest_limit * ebitda[s, t])
                income += borrowing[s, t] - interest - deducted
                waiting = owed - deducted
            used = min(pool, tax.loss_use * income) if income > 0.0 else 0.0
            pool += max(-income, 0.0) - used
            out[s, t] = tax.rate * (max(income, 0.0) - used)
            held += interest + cash[s, t]
    return out


@pytest.mark.parametrize("changes", [{}, {"interest_limit": 0.1, "fees": "straight"}])
def test_each_scenario_owes_the_tax_of_its_own_income(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    case = starter()
    ready, amounts = planned(replace(case, tax=replace(case.tax or Tax(rate=0.3), **changes)))
    expected = by_hand(ready, amounts)
    monkeypatch.setattr(own, "CELLS", 5_000)  # several blocks of scenarios
    found = own.found(amounts, ready.backend, ready.store)
    np.testing.assert_allclose(found.mean, expected.mean(axis=0), atol=1e-9)
    paid = -amounts.of(Account.TAX)
    weights = wealth_weights(ready.case, ready.deposit_rates)
    np.testing.assert_allclose(found.extra, (expected - paid) @ weights, atol=1e-9)


def test_the_mean_tax_up_to_any_date_is_no_less_than_that_of_the_mean_income() -> None:
    ready, amounts = planned(starter())
    found = own.found(amounts, ready.backend, ready.store)
    hidden = np.cumsum(found.mean + amounts.of(Account.TAX))
    assert (hidden >= -1e-9).all()
    assert hidden[-1] > 1e-4


def test_blocks_and_backends_agree() -> None:
    ready, amounts = planned(starter())
    slow = prepare(starter(), choose("numpy"), COUNT, SEED)
    one, other = own.found(amounts, ready.backend, ready.store), own.found(amounts, slow.backend, slow.store)
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(one.extra, other.extra, rtol=1e-9, atol=1e-12)


def test_the_plan_tells_it_by_period_and_for_each_limit_on_net_loss() -> None:
    plan = optimize(starter(), scenarios=COUNT, seed=SEED, out_of_sample=False)
    assert plan.tax is not None
    rows = plan.tables["tax_by_scenario"].rows
    assert sum(float(r[1]) for r in rows) == pytest.approx(plan.tax.expected)  # type: ignore[arg-type]
    assert sum(float(r[2]) for r in rows) == pytest.approx(plan.tax.mean)  # type: ignore[arg-type]
    assert float(rows[-1][4]) == pytest.approx(plan.tax.mean - plan.tax.expected)  # type: ignore[arg-type]
    assert plan.tax.at_end >= plan.tax.mean - plan.tax.expected
    limits = {f.name: f.value for f in plan.risk if f.loss == "net_loss"}
    assert {one.limit: one.expected_tax for one in plan.tax.net_loss} == pytest.approx(limits)
    for one in plan.tax.net_loss:
        assert one.own_tax != one.expected_tax


def known(case: Case) -> Case:
    """The same with drivers that are known."""
    path = (1.0,) * case.horizon.periods
    low = {"sofr", "hy_spread"}
    driver = tuple(
        Deterministic(id=d.id, process="deterministic", path=tuple(0.04 * p for p in path) if d.id in low else path)
        for d in case.driver
    )
    return replace(case, driver=driver, correlation=None, risk=())


@pytest.mark.parametrize("change", ["no tax", "known"])
def test_where_nothing_is_hidden_nothing_is_told(change: str) -> None:
    case = replace(starter(), tax=None) if change == "no tax" else known(starter())
    plan = optimize(case, scenarios=64, seed=SEED, out_of_sample=False)
    assert plan.tax is None
    assert "tax_by_scenario" not in plan.tables
