"""Figures of the ledger as a covenant reads them: flows, balances, cash and its interest, of group or entity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..arrays import FloatArray
from ..flows import Flow, carried_window, interest_window, trailing_window
from ..ledger import ACCOUNT_NUMBER, CASH_ACCOUNTS, Account, Ledger
from ..schema.case import Case
from ..schema.financing import Instrument
from ..schema.rules import Covenant
from . import owners
from .financing import is_debt, is_repaid, terms_of
from .opening import opening_debt_balance
from .schedule import Schedule

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

BALANCES = (Account.DEBT, Account.EQUITY, Account.LEASES)
EBITDA = tuple(x for x in Account if x.ebitda)
AVAILABLE = (*(x for x in EBITDA if x is not Account.BAD_DEBTS), Account.RECEIVABLES, Account.PAYABLES)
"""Cash flow available for debt service, before tax: EBITDA as it is paid. What is not collected is in no cash flow."""


@dataclass(frozen=True, eq=False)
class Figure:
    """An amount per period, billion: flows of the ledger, balances owed by instrument, cash, its interest, a constant.

    deposits: (T, T) weight in each period's figure of the interest that cash earns in each period; none if left out.
    The linear program reads `owed`, `cash` and `deposits` from its states; `spelled_out` writes them as flows.
    """

    flows: tuple[Flow, ...] = ()
    owed: Mapping[str, float] = field(default_factory=dict)
    cash: float = 0.0
    constant: float = 0.0
    deposits: FloatArray | None = None

    def scaled(self, factor: float) -> Figure:
        return Figure(
            tuple(f.scaled(factor) for f in self.flows) if factor else (),
            {k: v * factor for k, v in self.owed.items()},
            self.cash * factor,
            self.constant * factor,
            None if self.deposits is None or not factor else self.deposits * factor,
        )

    def plus(self, other: Figure) -> Figure:
        owed = {k: self.owed.get(k, 0.0) + other.owed.get(k, 0.0) for k in {**self.owed, **other.owed}}
        weights = [d for d in (self.deposits, other.deposits) if d is not None]
        return Figure(
            (*self.flows, *other.flows),
            owed,
            self.cash + other.cash,
            self.constant + other.constant,
            np.asarray(sum(weights)) if weights else None,
        )


@dataclass(frozen=True, eq=False)
class Spelled:
    """A figure as flows of the ledger and (T,) what does not depend on the plan."""

    flows: tuple[Flow, ...]
    constant: FloatArray


def spelled_out(case: Case, ledger: Ledger, entity: str | None, figure: Figure, rates: FloatArray) -> Spelled:
    """The figure with balances, cash and its interest written as flows of the ledger.

    A scenario's cash is its flows so far, each carried on at the mean deposit rates (T,): linear in the plan, while the
    running balance of the liquidity loss, which pays more on a deficit, is not. So is the interest on it.
    """
    view = View(case, ledger, None, entity)
    flows = list(figure.flows)
    if any(figure.owed.values()):  # one flow for all of them: each holds a number per posting
        weight = np.array([figure.owed.get(d.tags.get("instrument", ""), 0.0) for d in ledger.decisions])
        flows.append(view.flow(BALANCES, 1.0, weight[ledger.decision]))
    constant = np.full(ledger.periods, figure.constant)
    carried = opening_cash_carried(case, entity, rates)
    if figure.cash:
        flows.append(view.flow(CASH_ACCOUNTS, figure.cash, window=carried_window(rates)))
        constant += figure.cash * carried
    if figure.deposits is not None:
        flows.append(view.flow(CASH_ACCOUNTS, window=figure.deposits @ interest_window(rates)))
        constant += figure.deposits @ (rates * np.append(opening_cash(case, entity), carried[:-1]))
    return Spelled(tuple(flows), constant)


def opening_cash(case: Case, entity: str | None) -> float:
    """Cash at the start, of the group or of one entity: billion."""
    own = next((e for e in case.entity if e.id == entity), None)
    return case.cash.opening if own is None else owners.opening_cash(case, own)


def opening_cash_carried(case: Case, entity: str | None, rates: FloatArray) -> FloatArray:
    """(T,) what the cash at the start has grown to at the end of each period."""
    return np.asarray(opening_cash(case, entity) * np.cumprod(1.0 + rates))


class View:
    """The ledger as a covenant sees it: of the whole group or of its entity only."""

    def __init__(self, case: Case, ledger: Ledger, covenant: Covenant | None, entity: str | None = None) -> None:
        self.case, self.ledger = case, ledger
        self._covenant = covenant
        self.entity = entity if covenant is None else covenant.entity

    @property
    def covenant(self) -> Covenant:
        assert self._covenant is not None
        return self._covenant

    @cached_property
    def own(self) -> FloatArray | None:
        """(P,) which postings count; None for all."""
        return None if self.entity is None else owners.share_of(self.case, self.ledger, self.entity)

    def tagged(self, **tags: str) -> BoolArray:
        """(P,) postings of decisions with these tags; `block` counts as one."""
        return self.ledger.mask(**tags)[self.ledger.decision]

    def flow(
        self,
        accounts: Sequence[Account],
        factor: float = 1.0,
        share: FloatArray | BoolArray | None = None,
        window: FloatArray | None = None,
    ) -> Flow:
        counted = None if share is None else np.asarray(share, dtype=np.float64)
        if self.own is not None:
            counted = self.own if counted is None else counted * self.own
        return Flow(tuple(accounts), factor, counted, window)

    def last_year(self, accounts: Sequence[Account], factor: float = 1.0, share: BoolArray | None = None) -> Flow:
        """Sum over the last year; scaled up while the year is not full."""
        return self.flow(accounts, factor, share, self.year)

    @cached_property
    def year(self) -> FloatArray:
        """(T, T) weights of the last year."""
        return trailing_window(self.ledger.periods, self.case.horizon.per_year)

    @cached_property
    def debts(self) -> list[Instrument]:
        issuer = owners.of_instrument(self.case)
        mine = [i for i in self.case.instrument if self.entity is None or issuer[i.id] == self.entity]
        return [i for i in mine if is_debt(i)]

    def debt(self, factor: float = 1.0) -> Figure:
        """All debt outstanding: what the plan places and draws, and what stood at the start.

        And operating leases, where the covenant counts them: balances, and for sites the rents still to come.
        """
        opening = self.flow([Account.DEBT], factor, self.tagged(kind="debt"))
        if not self.leases:
            return Figure((opening,), {i.id: factor for i in self.debts})
        owed = {i.id: factor for i in (*self.debts, *self._leased)}
        return Figure((opening, self.flow([Account.SITE_LEASES], factor)), owed)

    @property
    def leases(self) -> bool:
        """Whether the covenant counts operating leases as debt."""
        return self._covenant is not None and self._covenant.leases

    @property
    def _leased(self) -> list[Instrument]:
        issuer = owners.of_instrument(self.case)
        mine = [i for i in self.case.instrument if self.entity is None or issuer[i.id] == self.entity]
        return [i for i in mine if is_repaid(i) and i.rent]

    def earnings(self, window: FloatArray, *more: Account, paid: bool = False) -> tuple[Flow, ...]:
        """EBITDA and the accounts `more`, in the (T, T) window; before rent where the covenant counts leases.

        paid: as it is paid, with the change in receivables and payables.
        """
        accounts = AVAILABLE if paid else EBITDA
        if not self.leases:
            return (self.flow([*accounts, *more], window=window),)
        before = [x for x in accounts if x is not Account.RENT]
        return self.flow([*before, *more], window=window), self.flow([Account.SITE_RENT], window=window)

    def service(self) -> tuple[Flow, ...]:
        """Interest and repayment of the last year, outflows; with all rents where the covenant counts leases."""
        if not self.leases:
            return (self.last_year([Account.INTEREST, Account.PRINCIPAL]),)
        paid = self.last_year([Account.INTEREST, Account.PRINCIPAL, Account.RENT])
        return paid, self.last_year([Account.SITE_RENT], -1.0)

    @cached_property
    def _debt_by_terms(self) -> list[tuple[Schedule, IntArray, IntArray]]:
        """Each repayment schedule with its postings of DEBT and their ages in periods."""
        ledger = self.ledger
        instruments = {i.id: i for i in self.case.instrument if is_debt(i)}
        numbers: dict[int, int] = {}  # the schedules are shared, and told apart by identity
        schedules: list[Schedule] = []
        which = np.full(len(ledger.decisions), -1)
        for j, decision in enumerate(ledger.decisions):
            name = decision.tags.get("instrument", "")
            if decision.block in ("issue", "draw") and name in instruments:
                terms = terms_of(self.case, instruments[name], decision)
                which[j] = numbers.setdefault(id(terms), len(schedules))
                if which[j] == len(schedules):
                    schedules.append(terms)
        issued = np.array([d.period for d in ledger.decisions], dtype=np.int64)
        posted = np.where(ledger.account == ACCOUNT_NUMBER[Account.DEBT], which[ledger.decision], -1)
        found = []
        for number, terms in enumerate(schedules):
            at = np.flatnonzero(posted == number)
            found.append((terms, at, ledger.period[at] - issued[ledger.decision[at]]))
        return found

    def by_age_of_debt(self, per_unit: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """(P,) for each posting of DEBT, per_unit(principal)[n] over the balance at its age n, else 0.

        principal[n] is what one unit of face value repays n periods after its issue. As a share of the posted balance
        it is priced as that is, e.g. by the window through which the money came.
        """
        out = np.zeros(self.ledger.decision.size)
        for terms, at, age in self._debt_by_terms:
            out[at] = _over_balance(per_unit(terms.principal), terms.balance)[age]
        of_debt = self.ledger.account == ACCOUNT_NUMBER[Account.DEBT]
        for debt in self.case.opening.debt:
            closing = opening_debt_balance(debt)
            principal = -np.diff(closing, prepend=debt.amount)
            at = np.flatnonzero(of_debt & self.tagged(kind="debt", debt=debt.id))
            out[at] = _over_balance(per_unit(principal), closing)[self.ledger.period[at]]
        return out


def _over_balance(values: FloatArray, balance: FloatArray) -> FloatArray:
    return np.asarray(np.where(balance > 0.0, values / np.where(balance > 0.0, balance, 1.0), 0.0))
