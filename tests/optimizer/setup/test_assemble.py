"""The tables handed to the kernels against definitions written out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from capmix.kernels.cpu.numpy_backend import NumpyBackend
from capmix.kernels.drivers import Process
from capmix.models.build import build_ledger
from capmix.models.ledger import ACCOUNT_NUMBER, CASH_ACCOUNTS, TERMINAL_ACCOUNTS, Account
from capmix.models.schema.drivers import Correlation, Shortfall
from capmix.optimizer.setup.assemble import process_table
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.driver_order import correlation_factor, driver_order, reordered
from capmix.optimizer.setup.prepare import PlanningProblem, prepare

from ..cases import every_loss, starter


@pytest.fixture(scope="module")
def ready() -> PlanningProblem:
    return prepare(every_loss(), choose("cpu"), 1_000, 5)


def test_a_hazard_finds_the_driver_that_moves_it() -> None:
    case = starter()
    turned = replace(case, driver=case.driver[::-1])
    order = driver_order(turned)
    assert sorted(order) == sorted(d.id for d in case.driver)
    table = process_table(turned)
    assert table.kind[order.index("lab_alive")] == Process.SURVIVAL
    assert order[table.depends_on[order.index("lab_alive")]] == "rental"
    assert (np.delete(table.depends_on, order.index("lab_alive")) == -1).all()


def test_a_shortfall_finds_its_driver_and_moves_no_other_draw() -> None:
    case = starter()
    rental = next(d for d in case.driver if d.id == "rental")
    strike = 1.25 * rental.start
    below = Shortfall(id="a_below", process="shortfall", depends_on="rental", strike=strike)
    more = replace(case, driver=(below, *case.driver))
    table, order = process_table(more), driver_order(more)
    assert order == (*driver_order(case), "a_below")
    assert table.kind[-1] == Process.SHORTFALL
    assert order[table.depends_on[-1]] == "rental"
    assert table.start[-1] == pytest.approx(0.2)
    values = NumpyBackend().simulate(table, 500, 5).x(np.arange(500))
    alone = NumpyBackend().simulate(process_table(case), 500, 5).x(np.arange(500))
    assert np.array_equal(values[:, :-1], alone)
    shown = np.maximum(1.0 - values[:, order.index("rental")] / strike, 0.0)
    assert values[:, -1] == pytest.approx(shown, abs=1e-6)
    assert 0.0 < (shown > 0.0).mean() <= 1.0


def test_factors_point_to_the_same_drivers_after_reordering() -> None:
    case = replace(starter(), driver=starter().driver[::-1])
    before, after = build_ledger(case), reordered(build_ledger(case), case)
    old, new = [d.id for d in case.driver], driver_order(case)
    assert list(new) != old
    for a, b in zip(before.factors, after.factors, strict=True):
        named = {(old[f // before.periods], f % before.periods) for f in a if f >= 0}
        assert named == {(new[f // before.periods], f % before.periods) for f in b if f >= 0}


def test_correlation_factor_of_a_regular_and_of_singular_matrices() -> None:
    order = ("a", "b", "c", "d")
    for matrix in (
        ((1.0, 0.3, -0.2), (0.3, 1.0, 0.5), (-0.2, 0.5, 1.0)),
        ((1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
        ((1.0, -1.0, 0.5), (-1.0, 1.0, -0.5), (0.5, -0.5, 1.0)),
    ):
        lower = correlation_factor(order, Correlation(drivers=("d", "a", "c"), matrix=matrix))
        full = np.eye(4)
        full[np.ix_([3, 0, 2], [3, 0, 2])] = matrix
        assert np.allclose(lower @ lower.T, full, atol=1e-12)
        assert np.array_equal(lower, np.tril(lower))
    assert np.array_equal(correlation_factor(order, None), np.eye(4))


def test_correlation_that_is_not_semidefinite_is_refused() -> None:
    matrix = ((1.0, 0.9, -0.9), (0.9, 1.0, 0.9), (-0.9, 0.9, 1.0))
    with pytest.raises(ValueError, match="semidefinite"):
        correlation_factor(("a", "b", "c"), Correlation(drivers=("a", "b", "c"), matrix=matrix))


def test_deposit_rates_are_the_mean_of_floored_rates(ready: PlanningProblem) -> None:
    case = ready.case
    x = ready.backend.values(ready.store, np.arange(1_000))
    at = driver_order(case).index("sofr")
    expected = [
        np.mean(np.maximum(0.0, case.horizon.dt * (x[:, at, max(t - 1, 0)] + case.cash.deposit_margin)))
        for t in range(case.horizon.periods)
    ]
    assert ready.deposit_rates == pytest.approx(expected, rel=1e-13)
    floored = replace(ready.liquidity.table, surplus_margin=-0.035)
    expected = [
        np.mean(np.maximum(0.0, case.horizon.dt * (x[:, at, max(t - 1, 0)] - 0.035)))
        for t in range(case.horizon.periods)
    ]
    assert ready.backend.rates(ready.store, floored) == pytest.approx(expected, rel=1e-12)


def posted(ready: PlanningProblem, decided: np.ndarray, s: int, accounts: tuple[Account, ...]) -> np.ndarray:
    """(T,) flow of one scenario, posting by posting."""
    ledger, x = ready.ledger, ready.backend.values(ready.store, [s])[0].ravel()
    numbers = {ACCOUNT_NUMBER[a] for a in accounts}
    flow = np.zeros(ledger.periods)
    for j, account, t, value, atom in zip(
        ledger.decision, ledger.account, ledger.period, ledger.coefficient, ledger.atom, strict=True
    ):
        if account in numbers:
            price = 1.0
            for f in ledger.factors[atom]:
                price *= x[f] if f >= 0 else 1.0
            flow[t] += value * price * decided[j]
    return flow


def idle_tax(ready: PlanningProblem) -> np.ndarray:
    """(T,) tax of the opening balance sheet alone, period by period: income with its losses, and interest on cash."""
    case, ledger = ready.case, ready.ledger
    fixed = ledger.mask(block="fixed").astype(float)
    income = sum(ledger.expected([a], ready.means) @ fixed for a in Account if a.taxable)
    flow = sum(ledger.expected([a], ready.means) @ fixed for a in Account if a.cash)
    pool, held, tax = case.tax.opening_losses, case.cash.opening, np.zeros(ledger.periods)
    for t in range(ledger.periods):
        used = min(pool, case.tax.loss_use * max(income[t], 0.0))
        pool += max(-income[t], 0.0) - used
        interest = held * ready.deposit_rates[t]
        tax[t] = case.tax.rate * (max(income[t], 0.0) - used + interest)
        held += interest + flow[t] - tax[t]
    return tax


def test_losses_equal_a_sum_over_single_postings(ready: PlanningProblem) -> None:
    case, cash = ready.case, ready.case.cash
    decided = np.random.default_rng(3).uniform(0.0, 1.0, len(ready.ledger.decisions))
    rows = [0, 17, 999]
    found = {
        risk.id: ready.backend.losses(ready.store, [loss.table], [loss.matrix @ decided])[0][rows]
        for risk, loss in zip(case.risk, ready.losses, strict=True)
    }
    doing_nothing = idle_tax(ready)
    sofr = driver_order(case).index("sofr")
    for i, s in enumerate(rows):
        x = ready.backend.values(ready.store, [s])[0]
        balance, peak = cash.opening, -np.inf
        flows = posted(ready, decided, s, CASH_ACCOUNTS)
        for t, flow in enumerate(flows):
            seen = x[sofr, max(t - 1, 0)]
            surplus = max(0.0, case.horizon.dt * (seen + cash.deposit_margin))
            deficit = max(surplus, case.horizon.dt * (seen + cash.deficit_margin))
            balance = balance * (1.0 + (surplus if balance >= 0.0 else deficit)) + flow
            peak = max(peak, cash.minimum[t] - balance)
        assert found["liquidity"][i] == pytest.approx(peak, rel=1e-9)

        fixed = ready.ledger.mask(block="fixed")
        left = []
        for amounts, tax in ((np.where(fixed, 1.0, 0.0), doing_nothing), (np.where(fixed, 1.0, decided), 0.0 * flows)):
            wealth = cash.opening
            for t, flow in enumerate(posted(ready, amounts, s, CASH_ACCOUNTS)):
                wealth = wealth * (1.0 + ready.deposit_rates[t]) + flow - tax[t]
            left.append(wealth + posted(ready, amounts, s, TERMINAL_ACCOUNTS)[-1])
        years = case.horizon.periods * case.horizon.dt
        loss = (left[0] - left[1]) / (1.0 + case.objective.money_discount) ** years
        assert found["net_loss"][i] == pytest.approx(loss, rel=1e-9)

        late = case.risk[2]
        compute = posted(ready, decided, s, (Account.COMPUTE,))
        assert found["late"][i] == pytest.approx(late.target - compute[late.at], rel=1e-9)
