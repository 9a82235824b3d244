"""A plan whose systems come up late and whose bills are paid late: its statements, claims and every single scenario."""

from __future__ import annotations

from dataclasses import dataclass, replace

import capmix
import numpy as np
import pytest
from capmix.kernels.terms import atoms, flows
from capmix.models.blocks.availability import backing, spare
from capmix.models.ledger import ACCOUNT_NUMBER, OWED_AT_END, OWNED_AT_END, Account
from capmix.models.schema.case import Case
from capmix.models.schema.revenue import WorkingCapital
from capmix.optimizer.analysis.claims import PAYABLES, SUPPLIERS, claims
from capmix.optimizer.analysis.compose import Circumstances, compose
from capmix.optimizer.analysis.expected import Amounts
from capmix.optimizer.analysis.loss_allocation import settling, stock_means
from capmix.optimizer.cutting_planes.search import maximise
from capmix.optimizer.cutting_planes.settings import Settings
from capmix.optimizer.plan import Plan
from capmix.optimizer.setup.assemble import risk_limits
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.driver_order import driver_order
from capmix.optimizer.setup.prepare import PlanningProblem, prepare

from ..cases import every_loss, starter
from .test_statements import line

COUNT = 2_000


def late(case: Case) -> Case:
    """Customers pay after 45 days, suppliers are paid after 30 and 60; what is short costs half its price beside."""
    return replace(
        case,
        working_capital=WorkingCapital(receivable_days=45.0, payable_days=30.0, system_days=60.0),
        contract=tuple(
            replace(c, volume=90_000.0, price_decline=0.0, shortfall="damages", damages=0.5, damages_cap=0.25)
            for c in case.contract
        ),
        risk=tuple(replace(r, limit=r.limit * 1.3) if r.loss != "compute_shortfall" else r for r in case.risk),
    )


@dataclass(frozen=True)
class Made:
    ready: PlanningProblem
    amounts: Amounts
    plan: Plan

    def values(self, rows: np.ndarray, account: Account) -> np.ndarray:
        """(S, T) amounts of the plan in some scenarios."""
        ledger, x = self.ready.ledger, self.ready.backend.values(self.ready.store, rows)
        keep = ledger.account == ACCOUNT_NUMBER[account]
        each = atoms(x, ledger.factors)[:, ledger.atom[keep]] * ledger.coefficient[keep]
        each *= self.amounts.decided[ledger.decision[keep]]
        return np.array([np.bincount(ledger.period[keep], weights=one, minlength=ledger.periods) for one in each])


@pytest.fixture(scope="module")
def made() -> Made:
    ready = prepare(late(every_loss()), choose("cpu"), COUNT, 5)
    limits = risk_limits(ready.case, ready.losses)
    solution = maximise(ready.program, limits, ready.backend, ready.store, Settings())
    assert solution.decisions is not None
    plan = compose(ready, solution, Circumstances(5, 1e-5, None, ()))
    amounts = Amounts(ready.case, ready.ledger, ready.means, solution.decisions, ready.deposit_rates)
    return Made(ready, amounts, plan)


def test_the_plan_uses_what_is_tested_here(made: Made) -> None:
    for block in ("contract", "serve", "defer", "merchant", "order"):
        assert max(amount for _, amount in made.amounts.decisions(block)) > 1.0, block


def test_expected_cash_is_the_mean_over_the_scenarios(made: Made) -> None:
    ready = made.ready
    exposure = ready.liquidity.matrix @ made.amounts.decided
    simulated = flows(ready.backend.values(ready.store, np.arange(COUNT)), ready.liquidity.table.terms, exposure)
    assert made.amounts.cash_flow == pytest.approx(simulated.mean(axis=0), rel=1e-9, abs=1e-9)


def test_balances_roll_forward_and_stand_in_the_balance_sheet(made: Made) -> None:
    amounts, plan = made.amounts, made.plan
    receivable, payable = amounts.of(Account.RECEIVABLE), amounts.of(Account.PAYABLE)
    assert receivable.max() > 1e-3
    assert payable.max() > 1e-3
    moved = -amounts.of(Account.RECEIVABLES) + amounts.of(Account.BAD_DEBTS)
    assert np.diff(receivable, prepend=0.0) == pytest.approx(moved, abs=1e-9)
    assert line(plan, "balance_sheet_at_market", "receivables") == pytest.approx(receivable, abs=1e-9)
    assert line(plan, "balance_sheet_at_market", "payables") == pytest.approx(payable, abs=1e-9)
    # Operation: what is open is a third of a quarter's cost; systems: what was delivered and not paid for.
    cost = -amounts.of(Account.POWER, Account.SUPPORT, Account.SITE_OPEX)
    deferred = payable - cost * 30.0 / 91.25
    assert (deferred >= -1e-9).all()
    bought = sum(amount for _, amount in amounts.decisions("defer"))
    assert (deferred.max() > 1e-4) == (bought > 1.0)


def test_equity_at_the_end_is_what_terminal_equity_tests(made: Made) -> None:
    amounts, plan = made.amounts, made.plan
    worth = amounts.cash[-1] + amounts.of(*OWNED_AT_END)[-1] + amounts.of(*OWED_AT_END)[-1]
    shares = {i.id for i in plan.case.instrument if i.amortisation == "none"}
    outside = sum(
        amounts.part(a, lambda d: d.tags.get("instrument") in shares)[-1]
        for a in (Account.TERMINAL_DEBT, Account.DEFERRED)
    )
    found = plan.tables["balance_sheet_at_market"].rows
    equity = next(float(row[-1]) for row in found if row[0] == "equity")  # type: ignore[arg-type]
    assert equity == pytest.approx(worth - outside, abs=1e-9)


def test_no_scenario_is_paid_for_more_than_is_available(made: Made) -> None:
    """Promises kept, reckoned from the shares that are up, and rentals are together at most what is up."""
    ready, amounts, rows = made.ready, made.amounts, np.arange(0, COUNT, 7)
    x, order = ready.backend.values(ready.store, rows), driver_order(ready.case)
    up = x[:, order.index("energised")].astype(np.float64)
    promised = made.values(rows, Account.CONTRACTED)
    strike = backing(ready.case, "energised").strikes[0]
    levels = {"sure": None, **{f"spare{i}": k.strikes[0] for i, k in enumerate(spare(ready.case, "energised"))}}
    short = promised * (1.0 - np.minimum(1.0, up / strike))
    for decision, amount in amounts.decisions("serve"):
        t, k = decision.period, levels[decision.tags["level"]]
        better = 0.0 if k is None else 1.0 - np.minimum(1.0, up[:, t] / k)
        short[:, t] += amount * (better - (1.0 - np.minimum(1.0, up[:, t] / strike)))
    there, rented = made.values(rows, Account.COMPUTE), made.values(rows, Account.MERCHANT)
    assert (promised + rented - short <= there * (1.0 + 1e-6) + 1e-3).all()
    assert short.min() > -1e-3
    assert short.max() > 100.0
    # What is not kept is not paid: half of it is owed beside, up to a quarter of the bill.
    damages = -made.values(rows, Account.DAMAGES)
    assert ((damages > 1e-6) <= (short > 1e-3)).all()
    assert damages.max() > 1e-4


def test_open_bills_are_claims_and_losses_are_conserved(made: Made) -> None:
    known = claims(made.amounts)
    held = {(c.instrument, c.holder) for c in known.claims}
    assert (PAYABLES, SUPPLIERS) in held
    assert {h for i, h in held if i == PAYABLES} - {SUPPLIERS} <= {a.vendor for a in made.ready.case.accelerator}
    ready = made.ready
    means = stock_means(known, lambda factors: ready.backend.means(ready.store, factors))
    table = settling(made.amounts, known, ready.liquidity, means)
    ((_, one),) = made.ready.backend.inner.settled(made.ready.store.whole, table, np.arange(COUNT))  # type: ignore[attr-defined]
    assert one.total == pytest.approx(np.maximum(one.due.sum(axis=1) - one.value, 0.0), rel=1e-9, abs=1e-9)


def test_terms_of_payment_move_the_plan_the_right_way() -> None:
    """Customers who pay later lower the certified optimum, suppliers who wait do not; zero days change nothing."""

    def best(**days: float) -> float:
        case = replace(starter(), working_capital=WorkingCapital(opening_payables=0.0, **days))
        plan = capmix.optimize(case, scenarios=1_000, seed=2, device="cpu")
        assert plan.certificate is not None
        return float(plan.certificate.lower_bound)

    plain = best()
    today = capmix.optimize(starter(), scenarios=1_000, seed=2, device="cpu")
    assert plain == today.certificate.lower_bound  # type: ignore[union-attr]
    slack = 2e-5 * plain
    assert best(receivable_days=60.0) < plain - slack
    assert best(payable_days=45.0) > plain - slack
    assert best(system_days=90.0) > plain - slack
