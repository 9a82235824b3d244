"""Covenants on the expected path, each written as a linear row in billions of headroom."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.sparse import csr_array, vstack

from ..ledger import Account, Group
from ..schema.rules import Covenant
from . import rules
from .assembly import Assembly, only, trailing
from .cash import CASH
from .financing import is_debt
from .opening import opening_debt_balance
from .quantities import window
from .schedule import schedule

EBITDA = tuple(x for x in Account if x.ebitda)
ASSETS = (Account.HARDWARE_VALUE, Account.SITE_VALUE)

Rows = tuple[csr_array, float, float]
"""(T, N) matrix over the decisions, coefficient of the cash balance, and right-hand side; the row is <= that."""


def constrain(a: Assembly) -> None:
    forms: dict[str, Callable[[Assembly, float], Rows]] = {
        "net_debt_to_ebitda": _net_debt_to_ebitda,
        "interest_cover": _interest_cover,
        "dscr": _dscr,
        "ltv": _ltv,
        "floating_share": _floating_share,
        "maturity_wall": _maturity_wall,
        "terminal_equity": _terminal_equity,
    }
    for covenant in a.case.covenant:
        times = _tested(a, covenant)
        matrix, cash, bound = forms[covenant.kind](a, covenant.limit)
        terms = [(i, a.first(CASH) + t, cash) for i, t in enumerate(times)] if cash else []
        a.rows(
            rules.covenant(covenant),
            [a.labels[t] for t in times],
            csr_array(matrix[times]),
            upper=bound,
            terms=terms,
        )


def _tested(a: Assembly, covenant: Covenant) -> Sequence[int]:
    if covenant.kind == "terminal_equity":
        return [a.periods - 1]
    return list(window(covenant.from_period, covenant.to_period, a.periods))


def _last_year(a: Assembly, accounts: Sequence[Account]) -> csr_array:
    return trailing(a.expected(accounts), a.case.horizon.per_year)


def _net_debt_to_ebitda(a: Assembly, limit: float) -> Rows:
    """debt - cash <= limit × EBITDA."""
    return csr_array(a.expected([Account.DEBT]) - limit * _last_year(a, EBITDA)), -1.0, 0.0


def _interest_cover(a: Assembly, limit: float) -> Rows:
    """EBITDA >= limit × interest. Interest is posted as an outflow, so it enters with a minus."""
    return csr_array(-limit * _last_year(a, [Account.INTEREST]) - _last_year(a, EBITDA)), 0.0, 0.0


def _dscr(a: Assembly, limit: float) -> Rows:
    """EBITDA - tax >= limit × (interest + principal)."""
    service = _last_year(a, [Account.INTEREST, Account.PRINCIPAL])
    tax = [x for x in Account if x.group is Group.TAX]
    return csr_array(-limit * service - _last_year(a, [*EBITDA, *tax])), 0.0, 0.0


def _ltv(a: Assembly, limit: float) -> Rows:
    """debt <= limit × value of systems and sites."""
    return csr_array(a.expected([Account.DEBT]) - limit * a.expected(ASSETS)), 0.0, 0.0


def _floating_share(a: Assembly, limit: float) -> Rows:
    """floating debt <= limit × debt."""
    floating = a.mask(kind="debt", rate="floating")
    for instrument in a.case.instrument:
        if instrument.rate == "floating" and is_debt(instrument):
            floating |= a.mask(instrument=instrument.id)
    debt = a.expected([Account.DEBT])
    return csr_array(only(debt, floating) - limit * debt), 0.0, 0.0


def _terminal_equity(a: Assembly, limit: float) -> Rows:
    """cash + assets - debt >= limit at the end; outside equity is no debt, prepayments not yet earned are."""
    equity = np.zeros(len(a.ledger.decisions), dtype=np.bool_)
    for instrument in a.case.instrument:
        if not is_debt(instrument):
            equity |= a.mask(instrument=instrument.id)
    worth = a.expected([Account.TERMINAL_ASSETS]) + a.expected([Account.TERMINAL_DEBT], ~equity)
    return csr_array(-worth), -1.0, -limit


def _maturity_wall(a: Assembly, limit: float) -> Rows:
    """Principal due in the year that starts with a period <= limit, also where that year runs past the horizon."""
    span = a.case.horizon.per_year
    due = principal_due(a, a.periods + span - 1)
    grid = np.zeros((a.periods, a.periods + span - 1))
    for t in range(a.periods):
        grid[t, t : t + span] = 1.0
    return csr_array(csr_array(grid) @ due), 0.0, limit


def principal_due(a: Assembly, periods: int) -> csr_array:
    """(periods, N) principal due, also past the horizon."""
    width = len(a.ledger.decisions)
    due = vstack([-a.expected([Account.PRINCIPAL]), csr_array((periods - a.periods, width))]).tolil()
    instruments = {i.id: i for i in a.case.instrument if is_debt(i)}
    debts = {d.id: d for d in a.case.opening.debt}
    for j, decision in enumerate(a.ledger.decisions):
        tags = decision.tags
        if decision.block in ("place", "draw") and tags["instrument"] in instruments:
            paid = schedule(instruments[tags["instrument"]], a.case.horizon.dt).principal
            first = decision.period
        elif tags.get("kind") == "debt":
            closing = opening_debt_balance(debts[tags["debt"]])
            paid, first = -np.diff(closing, prepend=debts[tags["debt"]].amount), 0
        else:
            continue
        for u in range(a.periods, min(periods, first + paid.size)):
            if paid[u - first] != 0.0:
                due[u, j] = paid[u - first]
    return csr_array(due)
