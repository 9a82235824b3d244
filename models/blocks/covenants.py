"""Covenants on the expected path, each written as a linear row in billions of headroom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array, vstack

from ..ledger import Account, Group
from ..schema.financing import Instrument
from ..schema.rules import Covenant
from . import rules
from .assembly import Assembly, only, trailing
from .cash import column
from .financing import is_debt, is_repaid, terms_of
from .funding_limits import owed
from .opening import opening_debt_balance
from .quantities import window

EBITDA = tuple(x for x in Account if x.ebitda)
ASSETS = (Account.HARDWARE_VALUE, Account.SITE_VALUE)


@dataclass(frozen=True)
class Form:
    """A covenant as matrix @ x + owed · balances + cash · cash balance <= bound, for every period."""

    matrix: csr_array
    bound: float = 0.0
    cash: float = 0.0
    owed: Mapping[str, float] = field(default_factory=dict)


def constrain(a: Assembly) -> None:
    """One row per covenant and period tested."""
    forms: dict[str, Callable[[Assembly, float], Form]] = {
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
        form = forms[covenant.kind](a, covenant.limit)
        terms = owed(a, form.owed, times)
        if form.cash:
            terms += [(i, column(a) + t, form.cash) for i, t in enumerate(times)]
        index = [a.labels[t] for t in times]
        a.rows(rules.covenant(covenant), index, csr_array(form.matrix[times]), upper=form.bound, terms=terms)


def _tested(a: Assembly, covenant: Covenant) -> Sequence[int]:
    if covenant.kind == "terminal_equity":
        return [a.periods - 1]
    return list(window(covenant.from_period, covenant.to_period, a.periods))


def _last_year(a: Assembly, accounts: Sequence[Account]) -> csr_array:
    return trailing(a.expected(accounts), a.case.horizon.per_year)


def _debts(a: Assembly) -> list[Instrument]:
    return [i for i in a.case.instrument if is_debt(i)]


def _opening_debt(a: Assembly) -> csr_array:
    return a.expected([Account.DEBT], a.mask(kind="debt"))


def _net_debt_to_ebitda(a: Assembly, limit: float) -> Form:
    """debt - cash <= limit × EBITDA."""
    matrix = csr_array(_opening_debt(a) - limit * _last_year(a, EBITDA))
    return Form(matrix, cash=-1.0, owed={i.id: 1.0 for i in _debts(a)})


def _interest_cover(a: Assembly, limit: float) -> Form:
    """EBITDA >= limit × interest. Interest is posted as an outflow, so it enters with a minus."""
    return Form(csr_array(-limit * _last_year(a, [Account.INTEREST]) - _last_year(a, EBITDA)))


def _dscr(a: Assembly, limit: float) -> Form:
    """EBITDA - tax >= limit × (interest + principal)."""
    service = _last_year(a, [Account.INTEREST, Account.PRINCIPAL])
    tax = [x for x in Account if x.group is Group.TAX]
    return Form(csr_array(-limit * service - _last_year(a, [*EBITDA, *tax])))


def _ltv(a: Assembly, limit: float) -> Form:
    """debt <= limit × value of systems and sites."""
    matrix = csr_array(_opening_debt(a) - limit * a.expected(ASSETS))
    return Form(matrix, owed={i.id: 1.0 for i in _debts(a)})


def _floating_share(a: Assembly, limit: float) -> Form:
    """floating debt <= limit × debt."""
    floats = only(_opening_debt(a), a.mask(rate="floating"))
    weights = {i.id: (1.0 if i.rate == "floating" else 0.0) - limit for i in _debts(a)}
    return Form(csr_array(floats - limit * _opening_debt(a)), owed=weights)


def _terminal_equity(a: Assembly, limit: float) -> Form:
    """cash + assets - debt >= limit at the end; outside equity is no debt, prepayments not yet earned are."""
    equity = np.zeros(len(a.ledger.decisions), dtype=np.bool_)
    for instrument in a.case.instrument:
        if not is_repaid(instrument):
            equity |= a.mask(instrument=instrument.id)
    worth = a.expected([Account.TERMINAL_ASSETS]) + a.expected([Account.TERMINAL_DEBT], ~equity)
    return Form(csr_array(-worth), bound=-limit, cash=-1.0)


def _maturity_wall(a: Assembly, limit: float) -> Form:
    """Principal due in the year that starts with a period <= limit, also where that year runs past the horizon."""
    span = a.case.horizon.per_year
    due = principal_due(a, a.periods + span - 1)
    grid = np.zeros((a.periods, a.periods + span - 1))
    for t in range(a.periods):
        grid[t, t : t + span] = 1.0
    return Form(csr_array(csr_array(grid) @ due), bound=limit)


def principal_due(a: Assembly, periods: int) -> csr_array:
    """(periods, N) principal due, also past the horizon."""
    width = len(a.ledger.decisions)
    due = vstack([-a.expected([Account.PRINCIPAL]), csr_array((periods - a.periods, width))]).tolil()
    instruments = {i.id: i for i in a.case.instrument if is_debt(i)}
    debts = {d.id: d for d in a.case.opening.debt}
    face = a.expected([Account.PROCEEDS])  # what comes of it on the mean, where a market may be shut
    for j, decision in enumerate(a.ledger.decisions):
        tags = decision.tags
        if decision.block in ("place", "draw") and tags["instrument"] in instruments:
            first = decision.period
            paid = face[first, j] * terms_of(a.case, instruments[tags["instrument"]], decision).principal
        elif tags.get("kind") == "debt":
            closing = opening_debt_balance(debts[tags["debt"]])
            paid, first = -np.diff(closing, prepend=debts[tags["debt"]].amount), 0
        else:
            continue
        for u in range(a.periods, min(periods, first + paid.size)):
            if paid[u - first] != 0.0:
                due[u, j] = paid[u - first]
    return csr_array(due)
