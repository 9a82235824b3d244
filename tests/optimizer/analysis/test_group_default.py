"""Default and loss in a group: a recount company by company in plain Python, and what a ring fence must mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar

import numpy as np
import pytest
from capmix.kernels.group_settling import settle_group
from capmix.kernels.terms import atoms
from capmix.models.ledger import CASH_ACCOUNTS, Account
from capmix.models.schema.case import Case
from capmix.models.schema.entities import Entity
from capmix.optimizer.analysis.claims import ARREARS, OWN, Claims, claims
from capmix.optimizer.analysis.expected import Amounts
from capmix.optimizer.analysis.group_loss_allocation import group_settling
from capmix.optimizer.analysis.loss_allocation import bear, stock_means
from capmix.optimizer.setup.device import choose
from capmix.optimizer.setup.prepare import PlanningProblem, prepare
from hypothesis import given, settings
from hypothesis import strategies as st

from ..cases import starter

COUNT = 800
DIVIDEND = 0.13
WITHIN = (Account.RECEIVED_WITHIN, Account.PAID_WITHIN)


def group_case(**changes: Any) -> Case:
    """The campus with its debts in an SPV under a company between, notes and cash above; a reserve and a lock-up."""
    case = starter()
    nothing = (0.0,) * case.horizon.periods
    base = {"minimum_cash": nothing, "reserve": nothing}
    return replace(
        case,
        entity=(
            Entity(id="holding", kind="parent", **base),  # type: ignore[arg-type]
            Entity(id="between", kind="spv", opening_cash=0.02, **base),  # type: ignore[arg-type]
            Entity(id="campus", kind="spv", parent="between", opening_cash=0.5, lock_up=1.1,
                   minimum_cash=nothing, reserve=(0.05,) * case.horizon.periods, **changes),
        ),
        cash=replace(case.cash, dividends=(0.0,) * 6 + (DIVIDEND,) * (case.horizon.periods - 6)),
        site=tuple(replace(s, entity="campus") for s in case.site),
        contract=tuple(replace(c, entity="campus") for c in case.contract),
        instrument=tuple(replace(i, issuer=None if i.id == "notes" else "campus") for i in case.instrument),
        opening=replace(case.opening, debt=tuple(replace(d, entity="campus") for d in case.opening.debt)),
    )  # fmt: skip


def means_of(known: Claims, ready: PlanningProblem) -> np.ndarray:
    return stock_means(known, lambda factors: ready.backend.means(ready.store, factors))


@dataclass(frozen=True)
class Made:
    ready: PlanningProblem
    amounts: Amounts

    @property
    def x(self) -> np.ndarray:
        return np.asarray(self.ready.backend.values(self.ready.store, np.arange(COUNT)))

    def settled(self, **changes: Any) -> tuple[Claims, Any, Any]:
        amounts, ready = replace(self.amounts, **changes), self.ready
        known = claims(amounts)
        table = group_settling(amounts, known, ready.liquidity, means_of(known, ready))
        flows = ready.backend.balances(ready.store, table.flows, table.exposure)
        return known, *settle_group(table, flows)


@cache
def made(recourse: bool = False) -> Made:
    """A daring plan: it buys more than it can afford, pays out too much and owes at both levels."""
    case = group_case()
    if recourse:
        case = replace(case, instrument=tuple(replace(i, recourse=i.issuer == "campus") for i in case.instrument))
    ready = prepare(case, choose("cpu"), COUNT, 11)
    decided = np.zeros(len(ready.ledger.decisions))
    for j, d in enumerate(ready.ledger.decisions):
        if d.block == "fixed":
            decided[j] = 1.0
        elif d.block == "order" and d.tags["accelerator"] == "gb300" and d.period < 5:
            decided[j] = 60.0
        elif d.block in ("issue", "commit", "draw") and d.period < 6:
            decided[j] = 0.03
        elif d.block == "contract" and d.period == 1:
            decided[j] = 20_000.0
        elif d.block == "merchant" and d.period > 3:
            decided[j] = 70.0
        elif d.block == "distribution" and d.tags["entity"] == "campus" and 4 < d.period < 14:
            decided[j] = 0.05
        elif d.block == "distribution" and d.tags["entity"] == "between" and d.period > 5:
            decided[j] = 0.03
        elif d.block == "contribution" and d.tags["entity"] == "between" and d.period < 6:
            decided[j] = 0.04
        elif d.block == "contribution" and d.tags["entity"] == "campus":
            decided[j] = 0.05 if d.period in (1, 2, 3, 10) else 0.0
    return Made(ready, Amounts(ready.case, ready.ledger, ready.means, decided, ready.deposit_rates))


class Recount:
    """Each company's flows and stocks of one scenario from the postings, and its run and settlement by hand."""

    NAMES = ("holding", "between", "campus")
    ABOVE: ClassVar = {"campus": "between", "between": "holding"}

    def __init__(self, made: Made, prices: np.ndarray, rates: np.ndarray) -> None:
        self.amounts, self.ledger, self.case = made.amounts, made.amounts.ledger, made.amounts.case
        self.periods, self.rates = self.ledger.periods, rates
        self.amount = prices * self.ledger.coefficient * self.amounts.decided[self.ledger.decision]

    def owner(self, tags: Any) -> str:
        if {"site", "contract", "debt", "accelerator"} & set(tags) or tags.get("kind") == "sites":
            return "campus"
        return "campus" if tags.get("instrument") in ("gpu_loan", "vendor_credit") else "holding"

    def sums(self, keep: Any) -> np.ndarray:
        out = np.zeros(self.periods)
        for p in range(self.amount.size):
            d = self.ledger.decisions[self.ledger.decision[p]]
            if self.amount[p] != 0.0 and keep(list(Account)[self.ledger.account[p]], d):
                out[self.ledger.period[p]] += self.amount[p]
        return out

    def run(self) -> None:
        self.flow = {
            n: self.sums(lambda a, d, n=n: a in CASH_ACCOUNTS and a not in WITHIN and self.owner(d.tags) == n)
            for n in self.NAMES
        }
        planned = {
            (block, n): np.array([sum(x for x, d in self.of(block, n) if d.period == t) for t in range(self.periods)])
            for block in ("distribution", "contribution")
            for n in self.ABOVE
        }
        cover = self.gate()
        cash = {"holding": self.case.cash.opening - 0.52, "between": 0.02, "campus": 0.5}
        self.settled: dict[str, tuple[int, bool, float]] = {}
        self.paid = {n: np.zeros(self.periods) for n in self.ABOVE}
        margins = self.case.cash
        for t in range(self.periods):
            dead = set(self.settled)
            for n in self.NAMES:
                margin = margins.deposit_margin if cash[n] >= 0 else margins.deficit_margin
                good = max(0.0, 0.25 * (self.rates[t] + margins.deposit_margin))
                cash[n] *= 1.0 + max(good, 0.25 * (self.rates[t] + margin))
                cash[n] += self.flow[n][t]
            for n, above in self.ABOVE.items():
                if not {n, above} & dead:
                    cash[n] += planned["contribution", n][t]
                    cash[above] -= planned["contribution", n][t]
            for n in reversed(self.NAMES):
                if n not in dead and cash[n] < -1e-9:
                    self.settled[n] = (t, True, cash[n])
                if n == "holding" or n in self.settled or self.ABOVE[n] in dead:
                    continue
                if n == "campus" and cover[t] < -1e-9:
                    continue
                keep = 0.05 if n == "campus" else 0.0
                self.paid[n][t] = min(planned["distribution", n][t], max(cash[n] - keep, 0.0))
                cash[n] -= self.paid[n][t]
                cash[self.ABOVE[n]] += self.paid[n][t]
        for n in self.NAMES:
            self.settled.setdefault(n, (self.periods - 1, False, cash[n]))

    def of(self, block: str, entity: str) -> list[tuple[float, Any]]:
        pairs = zip(self.amounts.decided, self.ledger.decisions, strict=True)
        return [(float(x), d) for x, d in pairs if d.block == block and d.tags["entity"] == entity]

    def gate(self) -> np.ndarray:
        earned = self.sums(lambda a, d: a.ebitda and self.owner(d.tags) == "campus")
        service = self.sums(lambda a, d: a in (Account.INTEREST, Account.PRINCIPAL) and self.owner(d.tags) == "campus")
        out = np.zeros(self.periods)
        for t in range(self.periods):
            last = slice(max(t - 3, 0), t + 1)
            out[t] = (earned[last].sum() + 1.1 * service[last].sum()) * 4 / min(t + 1, 4)
        return out


def test_a_recount_company_by_company() -> None:
    """Dates, cash and distributions of each, and the campus's lenders: its systems and sites, and nothing else."""
    one = made()
    known, _, went = one.settled()
    x = one.x
    order = one.ready.ledger
    prices = atoms(x, order.factors)[:, order.atom]
    driver = one.ready.liquidity.table.rate_driver
    bad = [row for k in range(3) for row in np.flatnonzero(went.defaulted[:, k])[:2].tolist()]
    assert len(bad) == 6
    rows = sorted({*range(0, COUNT, 200), *bad})
    names = ("holding", "between", "campus")
    assert known.entities == ("", "between", "campus")
    for row in rows:
        seen = x[row, driver, np.maximum(np.arange(order.periods) - 1, 0)]
        count = Recount(one, prices[row], seen)
        count.run()
        for k, name in enumerate(names):
            date, defaulted, cash = count.settled[name]
            assert (went.date[row, k], went.defaulted[row, k]) == (date, defaulted), (row, name)
            assert went.final[row, k] == pytest.approx(cash, abs=1e-9)
            if name != "holding":
                assert went.paid[row, k] == pytest.approx(count.paid[name], abs=1e-9)


def test_each_estate_pays_its_own_claims_and_the_rest_goes_up() -> None:
    """Of each company: what its claims lose is what its assets, and what came up to it, do not cover."""
    known, one, went = made().settled()
    amounts, entities = made().amounts, known.entities
    table = group_settling(amounts, known, made().ready.liquidity, means_of(known, made().ready))
    moved = made().ready.backend.balances(made().ready.store, table.flows, table.exposure)
    periods, n = table.periods, COUNT
    added = moved[:, moved.shape[1] - table.moving.size * periods :].reshape(n, -1, periods)
    from_below = np.zeros((n, len(entities)))
    for k in (2, 1, 0):
        assets = np.maximum(went.final[:, k], 0.0) + from_below[:, k]
        for place in range(3):
            r = known.owed + 3 * k + place
            worth = table.fixed[r, went.date[:, k]].copy()
            at = np.flatnonzero(table.moving == r)
            if at.size:
                worth += added[np.arange(n), at[0], went.date[:, k]]
            assets += np.maximum(worth, 0.0)
        mine = [i for i, c in enumerate(known.claims) if c.entity == entities[k]]
        due, lost = one.due[:, mine].sum(axis=1), one.losses[:, mine].sum(axis=1)
        assert lost == pytest.approx(np.maximum(due - assets, 0.0), abs=1e-9)
        if k:
            from_below[:, k - 1] += np.maximum(assets - due, 0.0)
    assert (one.losses[:, [i for i, c in enumerate(known.claims) if c.entity == "campus"]].sum(axis=1) > 1e-6).any()
    assert one.total == pytest.approx(one.due.sum(axis=1) - (one.value - one.left), abs=1e-9)


def test_the_owner_s_money_never_reaches_the_lenders_of_a_ring_fenced_company() -> None:
    """A parent ten times as rich, which is asked for nothing more, changes nothing for them."""
    one = made()
    rich = replace(one.amounts.case, cash=replace(one.amounts.case.cash, opening=10.0))
    for known, poor, richer in [(one.settled()[0], one.settled()[1:], one.settled(case=rich)[1:])]:
        fenced = [k for k, c in enumerate(known.claims) if c.entity == "campus" and c.instrument != ARREARS]
        both = ~poor[1].defaulted[:, :2].any(axis=1) & ~richer[1].defaulted[:, :2].any(axis=1)
        assert both.any()
        assert poor[0].losses[both][:, fenced] == pytest.approx(richer[0].losses[both][:, fenced], abs=1e-12)
        assert (poor[0].losses[both][:, fenced] > 1e-6).any()


def test_with_recourse_lenders_lose_no_more_and_the_owner_no_less() -> None:
    """The owner of the campus answers, so his estate does; his own owner does not."""
    known, free, _ = made().settled()
    _, backed, _ = made(recourse=True).settled()
    lent = [k for k, c in enumerate(known.claims) if c.instrument in ("gpu_loan", "vendor_credit")]
    own = [k for k, c in enumerate(known.claims) if c.instrument == OWN]
    assert (backed.losses[:, lent].sum(axis=1) <= free.losses[:, lent].sum(axis=1) + 1e-9).all()
    assert (backed.losses[:, lent].sum(axis=1) < free.losses[:, lent].sum(axis=1) - 1e-6).any()
    assert free.total == pytest.approx(free.due.sum(axis=1) - (free.value - free.left), abs=1e-9)
    assert backed.total == pytest.approx(backed.due.sum(axis=1) - (backed.value - backed.left), abs=1e-9)
    assert own


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_losses_of_a_group_are_conserved_for_any_decisions(seed: int) -> None:
    one = made()
    scale = np.random.default_rng(seed).uniform(0.0, 2.0, one.amounts.decided.size)
    fixed = np.array([d.block == "fixed" for d in one.ready.ledger.decisions])
    known, found, went = one.settled(decided=one.amounts.decided * np.where(fixed, 1.0, scale))
    assert found.total == pytest.approx(found.due.sum(axis=1) - (found.value - found.left), rel=1e-9, abs=1e-9)
    assert (found.losses <= found.due + 1e-12).all()
    stake = found.due[:, [k for k, c in enumerate(known.claims) if c.instrument == OWN]]
    assert (stake >= 0.0).all()
    assert (went.paid >= 0.0).all()


def test_the_sums_are_those_of_the_scenarios() -> None:
    one = made()
    ready = one.ready
    found = bear(one.amounts, ready.backend, ready.store, ready.liquidity)
    _, settled, went = one.settled()
    assert found.expected[: settled.losses.shape[1]] == pytest.approx(settled.losses.mean(axis=0))
    assert found.owed == pytest.approx(settled.due.mean(axis=0))
    assert [e.entity for e in found.entities] == ["holding", "between", "campus"]
    for k, entity in enumerate(found.entities):
        assert entity.default.sum() == pytest.approx(went.defaulted[:, k].mean())
    assert found.any_default == pytest.approx(went.defaulted.any(axis=1).mean())
    assert found.tail.sum() == pytest.approx(found.cvar)
