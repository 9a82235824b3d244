"""What each covenant tests, as headroom that is linear in the plan: level + limit × slope >= 0, in billions.

A ratio a / b at most l is the headroom l b - a, at least l it is a - l b; an amount at most l is l - a. The same
definition is read on the expected path (rows of the linear program, tables) and in every scenario (the loss
"covenant shortfall").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from ..flows import Flow, carried_window, cumulative_window, trailing_window
from ..ledger import ACCOUNT_NUMBER, CASH_ACCOUNTS, Account, Group, Ledger
from ..schema.case import Case
from ..schema.financing import Instrument
from ..schema.rules import Covenant
from . import owners
from .financing import is_debt, is_repaid, terms_of
from .opening import opening_debt_balance
from .quantities import accelerators_by_id, window
from .schedule import Schedule

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

EBITDA = tuple(x for x in Account if x.ebitda)
TAX = tuple(x for x in Account if x.group is Group.TAX)
ASSETS = (Account.HARDWARE_VALUE, Account.SITE_VALUE)
BALANCES = (Account.DEBT, Account.EQUITY, Account.LEASES)
REVENUE = (Account.CONTRACT_REVENUE, Account.MERCHANT_REVENUE)


@dataclass(frozen=True, eq=False)
class Figure:
    """An amount per period, billion: flows of the ledger, balances owed by instrument, cash, and a constant.

    The linear program reads `owed` and `cash` from its states; `spelled_out` writes them as flows for the scenarios.
    """

    flows: tuple[Flow, ...] = ()
    owed: Mapping[str, float] = field(default_factory=dict)
    cash: float = 0.0
    constant: float = 0.0

    def scaled(self, factor: float) -> Figure:
        return Figure(
            tuple(f.scaled(factor) for f in self.flows) if factor else (),
            {k: v * factor for k, v in self.owed.items()},
            self.cash * factor,
            self.constant * factor,
        )

    def plus(self, other: Figure) -> Figure:
        owed = {k: self.owed.get(k, 0.0) + other.owed.get(k, 0.0) for k in {**self.owed, **other.owed}}
        return Figure((*self.flows, *other.flows), owed, self.cash + other.cash, self.constant + other.constant)


@dataclass(frozen=True, eq=False)
class Headroom:
    """One test of a covenant: headroom = level + limit × slope in each of the periods `times`.

    of: whose concentration is tested; "" for the other kinds.
    """

    covenant: Covenant
    of: str
    times: tuple[int, ...]
    level: Figure
    slope: Figure

    def at(self, limit: float) -> Figure:
        return self.level.plus(self.slope.scaled(limit))


def headrooms(case: Case, ledger: Ledger, covenant: Covenant) -> tuple[Headroom, ...]:
    """The tests of a covenant: one, or one for each party or holder whose concentration it limits."""
    view = View(case, ledger, covenant)
    times = tuple(window(covenant.from_period, covenant.to_period, ledger.periods))
    if covenant.kind == "terminal_equity":
        times = (ledger.periods - 1,)
    if covenant.kind in CONCENTRATIONS:
        names, tested = CONCENTRATIONS[covenant.kind]
        chosen = [covenant.party or covenant.holder or ""]
        each = names(view) if chosen == [""] else chosen
        return tuple(Headroom(covenant, name, times, *tested(view, name)) for name in each)
    return (Headroom(covenant, "", times, *KINDS[covenant.kind](view)),)


def spelled_out(case: Case, ledger: Ledger, entity: str | None, figure: Figure, rates: FloatArray) -> Figure:
    """The figure with balances and cash written as flows of the ledger.

    A scenario's cash is its flows so far, each carried on at the mean deposit rates (T,): linear in the plan, while the
    running balance of the liquidity loss, which pays more on a deficit, is not.
    """
    view = View(case, ledger, None, entity)
    flows = list(figure.flows)
    if any(figure.owed.values()):  # one flow for all of them: each holds a number per posting
        weight = np.array([figure.owed.get(d.tags.get("instrument", ""), 0.0) for d in ledger.decisions])
        flows.append(view.flow(BALANCES, 1.0, weight[ledger.decision]))
    if not figure.cash:
        return replace(figure, flows=tuple(flows), owed={})
    flows.append(view.flow(CASH_ACCOUNTS, figure.cash, window=carried_window(rates)))
    return Figure(tuple(flows), {}, figure.cash, figure.constant)


def opening_cash_carried(case: Case, entity: str | None, rates: FloatArray) -> FloatArray:
    """(T,) what the cash at the start has grown to at the end of each period."""
    own = next((e for e in case.entity if e.id == entity), None)
    start = case.cash.opening if own is None else owners.opening_cash(case, own)
    return np.asarray(start * np.cumprod(1.0 + rates))


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
        year = trailing_window(self.ledger.periods, self.case.horizon.per_year)
        return self.flow(accounts, factor, share, year)

    @cached_property
    def debts(self) -> list[Instrument]:
        issuer = owners.of_instrument(self.case)
        mine = [i for i in self.case.instrument if self.entity is None or issuer[i.id] == self.entity]
        return [i for i in mine if is_debt(i)]

    def debt(self, factor: float = 1.0) -> Figure:
        """All debt outstanding: what the plan places and draws, and what stood at the start."""
        return Figure(
            (self.flow([Account.DEBT], factor, self.tagged(kind="debt")),), {i.id: factor for i in self.debts}
        )

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
            if decision.block in ("place", "draw") and name in instruments:
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


Pair = tuple[Figure, Figure]


def _net_debt_to_ebitda(v: View) -> Pair:
    """limit × EBITDA - (debt - cash)."""
    return replace(v.debt(-1.0), cash=1.0), Figure((v.last_year(EBITDA),))


def _interest_cover(v: View) -> Pair:
    """EBITDA - limit × interest. Interest is posted as an outflow, so it enters with a plus."""
    return Figure((v.last_year(EBITDA),)), Figure((v.last_year([Account.INTEREST]),))


def _fixed_charge_cover(v: View) -> Pair:
    """EBITDA before rent - limit × (interest + rent + repayment of leases + dividends on what is never repaid)."""
    leases = np.zeros(v.ledger.decision.size, dtype=np.bool_)
    equity = leases.copy()
    for instrument in v.case.instrument:
        if not is_repaid(instrument):
            equity |= v.tagged(instrument=instrument.id)
        elif instrument.kind == "lease":
            leases |= v.tagged(instrument=instrument.id)
    charges = (
        v.last_year([Account.INTEREST, Account.RENT]),
        v.last_year([Account.PRINCIPAL], share=leases),
        v.last_year([Account.DIVIDENDS], share=equity),
    )
    return Figure((v.last_year([x for x in EBITDA if x is not Account.RENT]),)), Figure(charges)


def _dscr(v: View) -> Pair:
    """EBITDA - tax - limit × (interest + principal)."""
    service = v.last_year([Account.INTEREST, Account.PRINCIPAL])
    return Figure((v.last_year([*EBITDA, *TAX]),)), Figure((service,))


def _llcr(v: View) -> Pair:
    """Present value of EBITDA - tax in all later periods, and of the assets at the end, - limit × debt."""
    rate = v.case.objective.money_discount if v.covenant.discount is None else v.covenant.discount
    t = np.arange(v.ledger.periods)
    ahead = t[None, :] - t[:, None]
    later = np.where(ahead > 0, (1.0 + rate) ** (-np.maximum(ahead, 0) * v.case.horizon.dt), 0.0)
    left = np.zeros_like(later)
    left[:, -1] = (1.0 + rate) ** (-ahead[:, -1] * v.case.horizon.dt)
    worth = (v.flow([*EBITDA, *TAX], window=later), v.flow([Account.TERMINAL_ASSETS], window=left))
    return Figure(worth), v.debt(-1.0)


def _ltv(v: View) -> Pair:
    """limit × value of systems and sites - debt."""
    return v.debt(-1.0), Figure((v.flow(ASSETS),))


def _borrowing_base(v: View) -> Pair:
    """limit × sum of systems' value × advance rate at their age - debt secured by systems."""
    secured = v.tagged(kind="debt", secured_by="accelerators")
    owed = {i.id: -1.0 for i in v.debts if i.secured_by == "accelerators"}
    return Figure((v.flow([Account.DEBT], -1.0, secured),), owed), Figure(
        (v.flow([Account.HARDWARE_VALUE], share=_advance(v)),)
    )


def _advance(v: View) -> FloatArray:
    """(P,) advance rate at the age that the systems have at the end of each period."""
    ledger, systems = v.ledger, accelerators_by_id(v.case)
    start = np.zeros(len(ledger.decisions))
    for j, decision in enumerate(ledger.decisions):
        if decision.block == "order":
            start[j] = decision.period + systems[decision.tags["accelerator"]].lead
        elif decision.tags.get("kind") == "fleet":
            start[j] = -v.case.opening.fleet[int(decision.tags["number"])].age
    years = (ledger.period - start[ledger.decision] + 1.0) * v.case.horizon.dt
    rates = np.asarray(v.covenant.advance, dtype=np.float64)
    return np.asarray(np.interp(years, np.arange(rates.size, dtype=np.float64), rates))


def _minimum_liquidity(_: View) -> Pair:
    """cash - limit."""
    return Figure(cash=1.0), Figure(constant=-1.0)


def _maturity_wall(v: View) -> Pair:
    """limit - principal due in the year that starts with a period, also where that year runs past the horizon."""
    periods, span = v.ledger.periods, v.case.horizon.per_year
    ahead = np.arange(periods)[None, :] - np.arange(periods)[:, None]
    flows = [v.flow([Account.PRINCIPAL], window=np.where((ahead >= 0) & (ahead < span), 1.0, 0.0))]
    for beyond in range(span - 1):  # due in period T + beyond, a share of the balance at the end of T - 1
        repaid = v.by_age_of_debt(partial(_ahead, periods=beyond + 1))
        last = np.zeros((periods, periods))
        last[periods + beyond - span + 1 :, -1] = 1.0
        flows.append(v.flow([Account.DEBT], -1.0, repaid, last))
    return Figure(tuple(flows)), Figure(constant=1.0)


def _ahead(principal: FloatArray, periods: int) -> FloatArray:
    """What is repaid `periods` after each age."""
    return np.append(principal[periods:], np.zeros(min(periods, principal.size)))


def _weighted_average_life(v: View) -> Pair:
    """Sum over all later repayments of principal × years until then - limit × debt."""
    dt = v.case.horizon.dt

    def years(principal: FloatArray) -> FloatArray:
        later = np.cumsum(principal[::-1])[::-1] - principal  # repaid after each age
        return np.asarray(np.cumsum(later[::-1])[::-1] * dt)

    return Figure((v.flow([Account.DEBT], share=v.by_age_of_debt(years)),)), v.debt(-1.0)


def _floating_share(v: View) -> Pair:
    """limit × debt - floating debt."""
    floats = v.flow([Account.DEBT], -1.0, v.tagged(kind="debt", rate="floating"))
    return Figure((floats,), {i.id: -1.0 for i in v.debts if i.rate == "floating"}), v.debt()


def _terminal_equity(v: View) -> Pair:
    """cash + assets - debt - limit at the end; outside equity is no debt, prepayments not yet earned are."""
    equity = np.zeros(v.ledger.decision.size, dtype=np.bool_)
    for instrument in v.case.instrument:
        if not is_repaid(instrument):
            equity |= v.tagged(instrument=instrument.id)
    worth = (v.flow([Account.TERMINAL_ASSETS]), v.flow([Account.TERMINAL_DEBT], share=~equity))
    return Figure(worth, cash=1.0), Figure(constant=-1.0)


def _suppliers(v: View) -> list[str]:
    return list(dict.fromkeys(a.vendor for a in v.case.accelerator))


def _supplier(v: View, party: str) -> Pair:
    """limit × all that was paid for systems so far - what went to the supplier's systems. HARDWARE is an outflow."""
    so_far = cumulative_window(v.ledger.periods)
    orders = v.tagged(block="order")
    own = v.tagged(block="order", vendor=party)
    return (
        Figure((v.flow([Account.HARDWARE], 1.0, own, so_far),)),
        Figure((v.flow([Account.HARDWARE], -1.0, orders, so_far),)),
    )


def _customers(v: View) -> list[str]:
    return list(dict.fromkeys(c.customer for c in v.case.contract))


def _offtaker(v: View, party: str) -> Pair:
    """limit × revenue of the last year - what the customer's contracts brought."""
    own = v.last_year([Account.CONTRACT_REVENUE], -1.0, v.tagged(customer=party))
    return Figure((own,)), Figure((v.last_year(REVENUE),))


def _holders(v: View) -> list[str]:
    held = {d.investor for i in v.case.instrument for d in i.depth} | {d.holder for d in v.case.opening.debt}
    return [i.id for i in v.case.investor if i.id in held]


def _holder(v: View, investor: str) -> Pair:
    """limit × all balances - those that the investor class holds, debt and equity."""
    own = v.tagged(investor=investor) | v.tagged(kind="debt", holder=investor)
    issuer = owners.of_instrument(v.case)
    every = {i.id: 1.0 for i in v.case.instrument if v.entity is None or issuer[i.id] == v.entity}
    return (
        Figure((v.flow(BALANCES, -1.0, own),)),
        Figure((v.flow([Account.DEBT], 1.0, v.tagged(kind="debt")),), every),
    )


KINDS: dict[str, Callable[[View], Pair]] = {
    "net_debt_to_ebitda": _net_debt_to_ebitda,
    "interest_cover": _interest_cover,
    "fixed_charge_cover": _fixed_charge_cover,
    "dscr": _dscr,
    "llcr": _llcr,
    "ltv": _ltv,
    "borrowing_base": _borrowing_base,
    "minimum_liquidity": _minimum_liquidity,
    "maturity_wall": _maturity_wall,
    "weighted_average_life": _weighted_average_life,
    "floating_share": _floating_share,
    "terminal_equity": _terminal_equity,
}
CONCENTRATIONS: dict[str, tuple[Callable[[View], list[str]], Callable[[View, str], Pair]]] = {
    "supplier_concentration": (_suppliers, _supplier),
    "offtaker_concentration": (_customers, _offtaker),
    "holder_concentration": (_holders, _holder),
}
