"""What a plan does, in numbers: each account's expected amount per period, and the decisions behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...models.blocks.headroom import Headroom, headrooms
from ...models.blocks.idle import Idle, idle
from ...models.blocks.tax import BORROWING, DEFERRED, TAX_EBITDA, TAXABLE, Assessed, Base, assessed
from ...models.ledger import ACCOUNT_NUMBER, CASH_ACCOUNTS, Account, Decision, Ledger
from ...models.schema.case import Case
from ..arrays import FloatArray
from ..setup.exposures import MeasuredLoss

VISIBLE = 1e-6  # of the largest amount of the same unit: what is smaller is rounding, and no decision
LEAST_SIZE = 1e-3  # where even the largest is smaller, it is rounding against this much of the unit


def settled(decisions: Sequence[Decision], decided: FloatArray) -> FloatArray:
    """(N,) the decisions with those too small to be any at zero; what is fixed, and tax, paid or put off, stays."""
    units = np.array([d.unit if d.block not in ("fixed", "tax", DEFERRED) else "" for d in decisions], dtype=np.str_)
    out = np.array(decided, dtype=np.float64)
    for unit in sorted(set(units.tolist()) - {""}):
        mine = units == unit
        largest = max(float(np.max(np.abs(out[mine]))), LEAST_SIZE)
        out[mine & (np.abs(out) <= VISIBLE * largest)] = 0.0
    return out


@dataclass(frozen=True, eq=False)
class View:
    """A node from which covenants on the expected path are looked at: a mean of amounts.

    parts: weight, amounts, and (T,) the periods in which they count.
    """

    node: str
    parts: tuple[tuple[float, Amounts, NDArray[np.bool_]], ...]

    @property
    def alive(self) -> NDArray[np.bool_]:
        """(T,) the periods that are looked at from here."""
        return np.asarray(np.any([mask for _, _, mask in self.parts], axis=0))


@dataclass(frozen=True)
class Amounts:
    """A case, its ledger, the atoms' sample means (A,), each decision's amount (N,) and the mean deposit rates (T,).

    nothing_due: tests of cover, by name and period, that do not apply.
    """

    case: Case
    ledger: Ledger
    means: FloatArray
    decided: FloatArray
    deposit_rates: FloatArray
    nothing_due: frozenset[tuple[str, int]] = frozenset()

    @property
    def paths(self) -> tuple[Amounts, ...]:
        """The plan's amounts in each leaf of its tree, if it adapts; else these."""
        return (self,)

    def mean_of(self, figure: Callable[[Amounts], FloatArray]) -> FloatArray:
        """The expected value of a figure that is linear in the plan and its prices."""
        return figure(self)

    def exposure(self, measured: MeasuredLoss) -> FloatArray:
        """Exposure of a loss over the ledger's decisions, as the backend of the plan's scenarios takes it."""
        return np.concatenate([np.asarray(measured.matrix @ path.decided, dtype=np.float64) for path in self.paths])

    def views(self, ahead: bool = False) -> tuple[View, ...]:
        """From where a covenant on the expected path is looked at. ahead: it counts what comes after its period."""
        del ahead
        return (View("", ((1.0, self, np.ones(self.periods, dtype=np.bool_)),)),)

    @property
    def periods(self) -> int:
        return self.ledger.periods

    @property
    def labels(self) -> tuple[str, ...]:
        return self.case.horizon.labels

    @cached_property
    def covenant_tests(self) -> dict[str, tuple[Headroom, ...]]:
        """The tests of each covenant, by its name."""
        return {c.id: headrooms(self.case, self.ledger, c, self.nothing_due) for c in self.case.covenant}

    @cached_property
    def posted(self) -> FloatArray:
        """(P,) expected amount of each posting."""
        ledger = self.ledger
        return ledger.coefficient * self.means[ledger.atom] * self.decided[ledger.decision]

    @cached_property
    def table(self) -> FloatArray:
        """(accounts, T) expected amounts."""
        flat = self.ledger.account.astype(np.int64) * self.periods + self.ledger.period
        size = len(ACCOUNT_NUMBER) * self.periods
        total = np.bincount(flat, weights=self.posted, minlength=size)
        return total.astype(np.float64).reshape(-1, self.periods)

    def of(self, *accounts: Account) -> FloatArray:
        """(T,) sum over the accounts."""
        return np.asarray(self.table[[ACCOUNT_NUMBER[a] for a in accounts]].sum(axis=0))

    def part(self, account: Account, chosen: Callable[[Decision], bool]) -> FloatArray:
        """(T,) amount of the account that the chosen decisions cause."""
        mask = np.array([chosen(d) for d in self.ledger.decisions])
        keep = (self.ledger.account == ACCOUNT_NUMBER[account]) & mask[self.ledger.decision]
        total = np.bincount(self.ledger.period[keep], weights=self.posted[keep], minlength=self.periods)
        return total.astype(np.float64)

    def decisions(self, *blocks: str) -> Iterator[tuple[Decision, float]]:
        """Decisions of the blocks with their amounts, in ledger order."""
        for decision, amount in zip(self.ledger.decisions, self.decided, strict=True):
            if decision.block in blocks:
                yield decision, float(amount)

    def raised(self) -> Iterator[tuple[Decision, float]]:
        """Placements and draws with the expected face that comes of them, billion; less where a market may be shut."""
        paid = self.ledger.account == ACCOUNT_NUMBER[Account.PROCEEDS]
        face = np.bincount(self.ledger.decision[paid], weights=self.posted[paid], minlength=len(self.ledger.decisions))
        for decision, amount in zip(self.ledger.decisions, face, strict=True):
            if decision.block in ("issue", "draw"):
                yield decision, float(amount)

    def by_period(self, block: str, tags: Sequence[str]) -> dict[tuple[str, ...], FloatArray]:
        """Amounts (T,) of a block by the values of the given tags, in ledger order."""
        found: dict[tuple[str, ...], FloatArray] = {}
        for decision, amount in self.decisions(block):
            key = tuple(decision.tags.get(tag, "") for tag in tags)
            found.setdefault(key, np.zeros(self.periods))[decision.period] += amount
        return found

    @cached_property
    def prepaid_by_decision(self) -> FloatArray:
        """(N,) customers' prepayments at signature, billion, net of a credit that falls into the same period."""
        ledger = self.ledger
        signed = np.array([d.block == "contract" for d in ledger.decisions])
        period = np.array([d.period for d in ledger.decisions], dtype=np.int64)
        keep = (ledger.account == ACCOUNT_NUMBER[Account.PREPAYMENT]) & signed[ledger.decision]
        keep &= ledger.period == period[ledger.decision]
        net = np.bincount(ledger.decision[keep], weights=self.posted[keep], minlength=period.size)
        return np.maximum(net, 0.0)

    @property
    def prepaid(self) -> float:
        """All customers' prepayments at signature, billion."""
        return float(self.prepaid_by_decision.sum())

    @cached_property
    def cash_flow(self) -> FloatArray:
        """(T,) expected cash flow before interest on cash."""
        return self.of(*CASH_ACCOUNTS)

    @cached_property
    def cash(self) -> FloatArray:
        """(T,) expected cash at each period's end: cash[t] = cash[t-1] (1 + rate[t]) + flow[t]."""
        cash = np.empty(self.periods)
        held = self.case.cash.opening
        for t in range(self.periods):
            held = held * (1.0 + self.deposit_rates[t]) + self.cash_flow[t]
            cash[t] = held
        return cash

    @cached_property
    def cash_before(self) -> FloatArray:
        """(T,) cash at each period's start."""
        return np.concatenate([[self.case.cash.opening], self.cash[:-1]])

    @cached_property
    def interest_income(self) -> FloatArray:
        return self.cash_before * self.deposit_rates

    @cached_property
    def profit(self) -> FloatArray:
        """(T,) expected income before carried losses where it is a profit, billion."""
        return np.maximum(self.taxable_income + self.put_off, 0.0)

    @cached_property
    def deficit(self) -> FloatArray:
        """(T,) the same where it is a loss, as a positive number."""
        return np.maximum(-(self.taxable_income + self.put_off), 0.0)

    @cached_property
    def without(self) -> Idle:
        """What doing nothing comes to."""
        return idle(self.case, self.ledger, self.means, self.deposit_rates)

    @cached_property
    def put_off(self) -> FloatArray:
        """(T,) what a limit on interest adds to taxable income: interest carried out less that carried in, billion."""
        found, tax = self.assessed, self.case.tax
        if found is None or tax is None or tax.interest_limit is None:
            return np.zeros(self.periods)
        return np.diff(found.waiting, prepend=tax.opening_interest)

    @property
    def taxable_income(self) -> FloatArray:
        """(T,) expected taxable income before any limit on interest and before losses carried forward, billion."""
        return self.of(*TAXABLE) + self.interest_income

    @cached_property
    def assessed(self) -> Assessed | None:
        """The tax that is due on the plan's income; None where the case has none."""
        tax = self.case.tax
        if tax is None:
            return None
        base = Base(self.of(*TAXABLE), -self.of(*BORROWING), self.of(*TAX_EBITDA))
        flow = self.of(*(a for a in CASH_ACCOUNTS if a is not Account.TAX))
        return assessed(tax, base, flow, self.deposit_rates, self.case.cash.opening)
