"""Serving: which systems keep a contract's promise where their availability differs between scenarios.

Where all systems are as available in every scenario, or on a path that is known, compute is one pool and nothing stands
here. Else a promise is kept, as it stands, by what is left of all systems: one unit by one unit of expected compute, of
which of each class with an availability of its own the share short may be missing. serve[contract,lot,pool,level,t],
PFLOP/s, says that it is kept better: by systems that are always up, by one class alone, or by more than one unit of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array, diags_array

from ..arrays import FloatArray
from ..ledger import ONE, Account, Decision, LedgerBuilder
from ..schema.case import Case
from ..schema.revenue import Contract
from . import owners, rules
from .assembly import Assembly, BoolArray
from .availability import Level, Terms, backing, damages, short, spare, varying
from .quantities import DOLLAR, WIDER, PeriodArray, hours, system_compute, window
from .working_capital import Bills

WORTHWHILE = 1e-4
"""Share of a bill that serving must keep on average; below it a decision would be noise to the solver."""

ROUNDING = 1e-6

SURE = "others"
"""The pool of the systems whose availability is the same in every scenario."""


def hourly_price(case: Case, contract: Contract, signed: int) -> float:
    """Price of a contract signed in a period, USD per PFLOP/s-hour."""
    return float(contract.price * (1.0 - contract.price_decline) ** (signed * case.horizon.dt))


def signing(case: Case, contract: Contract) -> range:
    """Periods in which it can be signed and would be delivered within the horizon."""
    return window(contract.sign_from, contract.sign_to, case.horizon.periods - contract.ramp)


def opening_term(case: Case, contract: Contract) -> int:
    return case.horizon.periods if contract.opening_term is None else contract.opening_term


def lot(case: Case, contract: Contract, signed: int) -> int:
    """Volume signed in one year is one lot, all of it where the price does not fall: so the decisions stay few."""
    return 0 if contract.price_decline == 0.0 else signed // case.horizon.per_year


def _lots(case: Case, contract: Contract) -> dict[int, tuple[BoolArray, float]]:
    """Of each lot, (T,) whether any of it may be delivered, and its lowest hourly price."""
    found: dict[int, tuple[BoolArray, float]] = {}
    spans = [(v, v + contract.ramp, contract.term) for v in signing(case, contract)]
    if contract.opening_volume > 0.0:
        spans.insert(0, (0, 0, opening_term(case, contract)))
    for signed, start, term in spans:
        number, price = lot(case, contract, signed), hourly_price(case, contract, signed)
        times, least = found.get(number, (np.zeros(case.horizon.periods, dtype=np.bool_), price))
        times[start : start + term] = True
        found[number] = (times, min(least, price))
    return found


def _pools(case: Case) -> Iterator[tuple[str, str, Level | None]]:
    """Pool, name of the level, and level of what keeps a promise better than it stands."""
    moving = varying(case)
    if any(x.availability_column not in moving for x in case.accelerator):
        yield SURE, "sure", None
    for column in moving:
        if len(moving) > 1:
            yield column, "mean", backing(case, column)
        for i, level in enumerate(spare(case, column)):
            yield column, f"spare{i}", level


def _missing(case: Case, contract: Contract) -> tuple[Terms, Terms]:
    """What is short of a promise as it stands, and the damages for it; of several classes all that may be short."""
    each = [(column, backing(case, column)) for column in varying(case)]
    return (
        tuple(term for column, level in each for term in short(column, level)),
        tuple(term for column, level in each for term in damages(case, contract, column, level)),
    )


def post_short(
    case: Case, builder: LedgerBuilder, contract: Contract, decision: int, t: PeriodArray, bill: float, bills: Bills
) -> None:
    """What is short of a promise as it stands is not paid in the periods `t`, or costs damages."""
    missing, owed = _missing(case, contract)
    _post(builder, decision, t, -bill, bills, missing, owed)


def _post(
    builder: LedgerBuilder, decision: int, t: PeriodArray, bill: float, bills: Bills, missing: Terms, owed: Terms
) -> None:
    for share, priced in missing:
        value = bill * share[t]
        bills.customer.while_alive(builder, decision, Account.CONTRACT_REVENUE, t, value, column=priced)
        if bills.days > 0.0:  # what was paid ahead is given back in the period itself
            bills.post(builder, decision, t, value, priced)
    for share, priced in owed:
        bills.customer.while_alive(builder, decision, Account.DAMAGES, t, bill * share[t], column=priced)


def declare(case: Case, builder: LedgerBuilder, contract: Contract, bills: Bills) -> None:
    """Decisions serve[contract,lot,pool,level,t], and what is not short by them, at the lowest price of the lot."""
    if not varying(case):
        return
    missing, owed = _missing(case, contract)
    for (number, (times, price)), (pool, name, level) in (
        (x, y) for x in _lots(case, contract).items() for y in _pools(case)
    ):
        bill = price * hours(case.horizon) * DOLLAR
        left = () if level is None else tuple((-v, c) for v, c in short(pool, level))
        due = () if level is None else tuple((-v, c) for v, c in damages(case, contract, pool, level))
        kept, spared = _sum((*missing, *left)), _sum((*owed, *due))
        for t in np.flatnonzero(times).tolist():
            label = case.horizon.label(t)
            tags = {
                "contract": contract.id, "customer": contract.customer, "lot": str(number), "pool": pool, "level": name,
                "period": label,
            }  # fmt: skip
            serve = builder.decide(
                Decision(
                    key=f"serve[{contract.id},{number},{pool},{name},{label}]", block="serve", period=t, unit="PFLOP/s",
                    lower=0.0, upper=WIDER * (contract.volume + contract.opening_volume), tags=tags,
                )
            )  # fmt: skip
            _post(builder, serve, np.array([t]), bill, bills, kept, spared)


def _sum(terms: Terms) -> Terms:
    """The terms, those on one column added up."""
    found: dict[str, FloatArray] = {}
    for value, column in terms:
        found[column] = found.get(column, np.zeros(value.size)) + value
    return tuple((value, column) for column, value in found.items() if np.any(value) or column == ONE)


def constrain(a: Assembly) -> bool:
    """Rows of the pools; False where there are none, and compute is one pool.

    A promise takes one unit of expected compute as it stands, and mean / K of it where it is backed at a lower K.
    """
    if not a.mask(block="serve").any():
        return False
    for contract in a.case.contract:
        _volume(a, contract)
    moving = varying(a.case)
    mean = {column: _expected_share(a, column) for column in moving}
    as_it_stands = np.ones(a.periods)
    for column in moving:
        as_it_stands = np.maximum(as_it_stands, _least(mean[column] / np.array(backing(a.case, column).strikes)))
    for entity, own in owners.rings(a.case, a.ledger):
        contracted, rented = a.expected([Account.CONTRACTED], own), a.expected([Account.MERCHANT], own)
        if not contracted.nnz and not rented.nnz:
            continue
        total = csr_array(diags_array(as_it_stands) @ contracted + rented - a.expected([Account.COMPUTE], own))
        index = owners.index(entity, a.labels)
        for pool in dict.fromkeys(name for name, _, _ in _pools(a.case)):
            taken = csr_array((a.periods, len(a.ledger.decisions)))
            for name, level, backed in _pools(a.case):
                if name == pool:
                    mine = owners.within(a.mask(block="serve", pool=pool, level=level), own)
                    need = np.ones(a.periods)
                    if backed is not None:
                        need = _least(mean[pool] / np.array(backed.strikes))
                    chosen = a.selector(mine, range(a.periods))
                    taken = csr_array(taken + diags_array(need) @ chosen)
                    total = csr_array(total + diags_array(need - as_it_stands) @ chosen)
            systems = np.zeros(len(a.ledger.decisions), dtype=np.bool_)
            for x in a.case.accelerator:
                column = x.availability_column
                if column == pool or (pool == SURE and column not in moving):
                    systems |= a.mask(accelerator=x.id)
            here = owners.within(systems, own)
            there = a.expected([Account.MERCHANT], here) - a.expected([Account.COMPUTE], here)
            if not (len(moving) == 1 and len(moving) == len({x.availability_column for x in a.case.accelerator})):
                a.rows(rules.COMPUTE_CLASS, [f"{pool},{name}" for name in index], csr_array(taken + there), upper=0.0)
        a.rows(rules.COMPUTE_BALANCE, index, total, upper=0.0)
    return True


def _least(share: FloatArray) -> FloatArray:
    """At least one unit of compute for one of a promise; more only where that is more than rounding."""
    return np.where(share > 1.0 + ROUNDING, share, 1.0)


def leave_out(a: Assembly) -> None:
    """Fix at 0 what would hardly keep more: late in a ramp next to nothing of a promise is missing.

    Before any row is declared, so that none holds what is left of such coefficients.
    """
    if not a.mask(block="serve").any():
        return
    brought = a.expected([Account.CONTRACT_REVENUE, Account.DAMAGES], a.mask(block="serve")).tocoo()
    kept = np.zeros(len(a.ledger.decisions))
    np.add.at(kept, brought.col, brought.data)
    bills = {
        (contract.id, str(number)): price * hours(a.case.horizon) * DOLLAR
        for contract in a.case.contract
        for number, (_, price) in _lots(a.case, contract).items()
    }
    for j in np.flatnonzero(a.mask(block="serve")).tolist():
        tags = a.ledger.decisions[j].tags
        if kept[j] < WORTHWHILE * bills[tags["contract"], tags["lot"]]:
            a.fix(j)


def _expected_share(a: Assembly, column: str) -> FloatArray:
    """(T,) mean of an availability column over the scenarios; 0 where no system could be in service."""
    up, whole = np.zeros(a.periods), np.zeros(a.periods)
    for x in a.case.accelerator:
        if x.availability_column == column:
            mine = a.mask(accelerator=x.id)
            up += np.asarray(a.expected([Account.COMPUTE], mine).sum(axis=1)).ravel()
            systems = np.asarray(a.expected([Account.SYSTEMS], mine).sum(axis=1)).ravel()
            whole += systems * system_compute(x, a.case.objective.metric)
    return np.asarray(np.where(whole > 0.0, up / np.where(whole > 0.0, whole, 1.0), 0.0))


def _volume(a: Assembly, contract: Contract) -> None:
    """What is kept better of each lot is at most what is delivered of it."""
    mine = a.mask(contract=contract.id)
    lots = np.array([lot(a.case, contract, d.period) for d in a.ledger.decisions])
    signed = mine & (a.mask(block="contract") | a.mask(block="fixed"))
    for number in _lots(a.case, contract):
        served = mine & a.mask(block="serve", lot=str(number))
        times = sorted({int(t) for t in a.period[served]})
        if times:
            delivered = a.expected([Account.CONTRACTED], signed & (lots == number))[times]
            index = [f"{contract.id},{number},{a.labels[t]}" for t in times]
            a.rows(rules.SERVED, index, a.selector(served, times) - delivered, upper=0.0)
