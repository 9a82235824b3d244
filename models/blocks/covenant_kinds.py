"""What each kind of covenant tests: level, slope, and what must be due for the test to apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..arrays import FloatArray
from ..flows import Flow, cumulative_window
from ..ledger import ACCOUNT_NUMBER, OWED_AT_END, OWNED_AT_END, WORKING_CAPITAL_AT_END, Account, Group
from . import owners
from .figures import BALANCES, EBITDA, Figure, View
from .financing import is_repaid
from .quantities import MILLION, accelerators_by_id

TAX = tuple(x for x in Account if x.group is Group.TAX)
ASSETS = (Account.HARDWARE_VALUE, Account.SITE_VALUE)
REVENUE = (Account.CONTRACT_REVENUE, Account.RELET_REVENUE, Account.MERCHANT_REVENUE)

Pair = tuple[Figure, Figure]


def _net_debt_to_ebitda(v: View) -> Pair:
    """limit × EBITDA - (debt - cash); with leases as debt, EBITDA before rent."""
    return replace(v.debt(-1.0), cash=1.0), Figure(v.earnings(v.year))


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
    charges: tuple[Flow, ...] = (
        v.last_year([Account.INTEREST, Account.RENT]),
        v.last_year([Account.PRINCIPAL], share=leases),
        v.last_year([Account.DIVIDENDS], share=equity),
    )
    earned: tuple[Flow, ...] = (v.last_year([x for x in EBITDA if x is not Account.RENT]),)
    if v.leases:  # rents of leased sites are in their operation
        earned += (v.last_year([Account.SITE_RENT]),)
        charges += (v.last_year([Account.SITE_RENT], -1.0),)
    return Figure(earned), Figure(charges)


def _dscr(v: View) -> Pair:
    """EBITDA as it is paid + interest on cash - tax - limit × (interest + principal).

    The tax is that on all income, interest on cash included, so the interest counts too. With leases as debt, EBITDA
    before rent, and the rent is service.
    """
    return Figure(v.earnings(v.year, *TAX, paid=True), deposits=v.year), Figure(v.service())


def _llcr(v: View) -> Pair:
    """Present value of later EBITDA as it is paid + interest on cash - tax, of the assets and of open bills at the end,
    - limit × debt.
    """
    rate = v.case.objective.money_discount if v.covenant.discount is None else v.covenant.discount
    t = np.arange(v.ledger.periods)
    ahead = t[None, :] - t[:, None]
    later = np.where(ahead > 0, (1.0 + rate) ** (-np.maximum(ahead, 0) * v.case.horizon.dt), 0.0)
    left = np.zeros_like(later)
    left[:, -1] = (1.0 + rate) ** (-ahead[:, -1] * v.case.horizon.dt)
    ends = [Account.TERMINAL_ASSETS, *WORKING_CAPITAL_AT_END]
    worth = (*v.earnings(later, *TAX, paid=True), v.flow(ends, window=left))
    return Figure(worth, deposits=later), v.debt(-1.0)


def _ltv(v: View) -> Pair:
    """limit × value of systems and sites, less what is still to be paid for systems, - debt.

    With leases as debt, the right to use leased sites is an asset: it counts for what is still to be paid for it (IFRS
    16, C8); leased systems are among the systems anyway.
    """
    value = v.flow((*ASSETS, Account.SITE_LEASES) if v.leases else ASSETS)
    return v.debt(-1.0), Figure((value, _unpaid(v)))


def _unpaid(v: View, factor: float = 1.0) -> Flow:
    """What is owed for systems delivered, as a deduction."""
    return v.flow([Account.PAYABLE], -factor, v.tagged(block="defer"))


def _borrowing_base(v: View) -> Pair:
    """limit × sum of systems' value, as far as paid, × advance rate at their age - debt secured by systems."""
    secured = v.tagged(kind="debt", secured_by="accelerators")
    owed = {i.id: -1.0 for i in v.debts if i.secured_by == "accelerators"}
    base = (v.flow([Account.HARDWARE_VALUE], share=_advance(v)), _unpaid(v, max(v.covenant.advance)))
    return Figure((v.flow([Account.DEBT], -1.0, secured),), owed), Figure(base)


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
    worth = (v.flow(OWNED_AT_END), v.flow(OWED_AT_END, share=~equity))
    return Figure(worth, cash=1.0), Figure(constant=-1.0)


def _price_of_systems(v: View) -> FloatArray:
    """(P,) of each posting to HARDWARE, the share that is the price of systems: all but the cost of attaching them.

    That is paid in the period of delivery at no one's price column; so is the price itself where it has none.
    """
    ledger, systems = v.ledger, accelerators_by_id(v.case)
    attach, delivered = np.zeros(len(ledger.decisions)), np.full(len(ledger.decisions), -1)
    for j, decision in enumerate(ledger.decisions):
        if decision.block == "order":
            system = systems[decision.tags["accelerator"]]
            attach[j], delivered[j] = system.attach_cost * MILLION, decision.period + system.lead
    at = (ledger.account == ACCOUNT_NUMBER[Account.HARDWARE]) & (ledger.period == delivered[ledger.decision])
    at &= np.asarray((ledger.factors < 0).all(axis=1))[ledger.atom]
    paid = np.bincount(ledger.decision[at], weights=-ledger.coefficient[at], minlength=len(ledger.decisions))
    share = np.ones(ledger.decision.size)
    number = ledger.decision[at]
    share[at] = np.maximum(1.0 - attach[number] / paid[number], 0.0)
    return share


def _suppliers(v: View) -> list[str]:
    return list(dict.fromkeys(a.vendor for a in v.case.accelerator))


def _supplier(v: View, party: str) -> Pair:
    """limit × the price of systems paid so far - what of it the supplier was paid. HARDWARE is an outflow.

    Network and installation go to others, as in what a credit tied to the supplier may fund.
    """
    so_far = cumulative_window(v.ledger.periods)
    price = _price_of_systems(v)
    orders = v.tagged(block="order") * price
    own = v.tagged(block="order", vendor=party) * price
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


def _net_worth(v: View) -> Pair:
    """cash + systems + sites + receivables - debt - leases - unearned prepayments - advances - payables - limit.

    The balance sheet of each date as the statements have it, outside and shareholders' equity together: all that is
    repaid is owed, leases with rent included. Neither what lies beyond the horizon counts, nor what was paid for
    systems not yet delivered.
    """
    issuer = owners.of_instrument(v.case)
    mine = [i for i in v.case.instrument if v.entity is None or issuer[i.id] == v.entity]
    owned = v.flow((*ASSETS, Account.RECEIVABLE))
    owed = v.flow([Account.UNEARNED, Account.ADVANCES, Account.PAYABLE], -1.0)
    opening = v.flow([Account.DEBT], -1.0, v.tagged(kind="debt"))
    balances = {i.id: -1.0 for i in mine if is_repaid(i)}
    return Figure((owned, owed, opening), balances, cash=1.0), Figure(constant=-1.0)


def _nothing(_: View, __: Figure) -> None:
    """Nothing need be due: the headroom is never negative while nothing is owed."""
    return


def _slope(_: View, slope: Figure) -> Figure:
    return slope.scaled(-1.0)


def _debt(v: View, _: Figure) -> Figure:
    return v.debt()


@dataclass(frozen=True)
class Formula:
    """A covenant kind's headroom, level + limit × slope, billion.

    Attributes:
        pair: level and slope; None of a concentration.
        shares, names: of a concentration, level and slope of the party named, and those whose shares are tested.
        due: what a covenant of cover or leverage is held against: interest, charges, service or debt. While it is zero
            nobody is owed anything by this test, so it does not apply. None for kinds that always do.
    """

    pair: Callable[[View], Pair] | None = None
    shares: Callable[[View, str], Pair] | None = None
    names: Callable[[View], list[str]] | None = None
    due: Callable[[View, Figure], Figure | None] = _nothing


FORMULAS: dict[str, Formula] = {
    "net_debt_to_ebitda": Formula(_net_debt_to_ebitda, due=_debt),
    "interest_cover": Formula(_interest_cover, due=_slope),
    "fixed_charge_cover": Formula(_fixed_charge_cover, due=_slope),
    "dscr": Formula(_dscr, due=_slope),
    "llcr": Formula(_llcr, due=_slope),
    "ltv": Formula(_ltv),
    "borrowing_base": Formula(_borrowing_base),
    "minimum_liquidity": Formula(_minimum_liquidity),
    "maturity_wall": Formula(_maturity_wall),
    "weighted_average_life": Formula(_weighted_average_life),
    "floating_share": Formula(_floating_share),
    "supplier_concentration": Formula(shares=_supplier, names=_suppliers),
    "offtaker_concentration": Formula(shares=_offtaker, names=_customers),
    "holder_concentration": Formula(shares=_holder, names=_holders),
    "terminal_equity": Formula(_terminal_equity),
    "net_worth": Formula(_net_worth),
}
"""Every kind of `models/schema/covenant_kinds.py`, under its name."""


def pairs(v: View) -> list[tuple[str, Figure, Figure]]:
    """Whose, level and slope of each test of a covenant: one, or one for each party whose concentration it limits."""
    formula, covenant = FORMULAS[v.covenant.kind], v.covenant
    if formula.pair is not None:
        return [("", *formula.pair(v))]
    assert formula.names is not None
    assert formula.shares is not None
    chosen = [covenant.party or covenant.holder or ""]
    return [(name, *formula.shares(v, name)) for name in (formula.names(v) if chosen == [""] else chosen)]


def due(v: View, slope: Figure) -> Figure | None:
    """What the covenant is held against, billion; None for kinds that always apply."""
    return FORMULAS[v.covenant.kind].due(v, slope)
