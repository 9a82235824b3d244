"""Limits on funding: investors, facilities, collateral, and what the money may be spent on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from ..ledger import Account
from ..schema.financing import Instrument
from . import rules
from .assembly import Assembly, BoolArray, cumulative, only
from .financing import lent
from .quantities import MILLION, accelerators_by_id

BALANCES = (Account.DEBT, Account.EQUITY)


def constrain(a: Assembly) -> None:
    a.use_rule(rules.DEPTH)
    _investors(a)
    _facilities(a)
    _collateral(a)
    _use(a)
    _tied(a)


def _index(a: Assembly, name: str) -> list[str]:
    return [f"{name},{label}" for label in a.labels]


def _investors(a: Assembly) -> None:
    """Appetite for what is placed or committed in a period; holdings, with what is committed and not yet drawn."""
    for investor in a.case.investor:
        placed = a.mask(block="place", investor=investor.id) | a.mask(block="commit", investor=investor.id)
        if not placed.any():
            continue
        a.rows(rules.APPETITE, _index(a, investor.id), a.selector(placed, range(a.periods)), upper=investor.appetite)
        if investor.max_holding is not None:
            held = a.mask(investor=investor.id) | a.mask(kind="debt", holder=investor.id)
            exposure = a.expected(BALANCES, held) + only(undrawn(a), held)
            a.rows(rules.HOLDING, _index(a, investor.id), csr_array(exposure), upper=investor.max_holding)


def undrawn(a: Assembly) -> csr_array:
    """(T, N) commitments not yet drawn at the end of each period in which they can still be."""
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    window = {i.id: i.draw_window for i in a.case.instrument}
    start = {label: t for t, label in enumerate(a.labels)}
    for j, decision in enumerate(a.ledger.decisions):
        if decision.block not in ("commit", "draw"):
            continue
        committed = decision.period if decision.block == "commit" else start[decision.tags["committed"]]
        times = range(decision.period, min(committed + window[decision.tags["instrument"]], a.periods))
        rows += times
        columns += [j] * len(times)
        values += [1.0 if decision.block == "commit" else -1.0] * len(times)
    return csr_array((values, (rows, columns)), shape=(a.periods, len(a.ledger.decisions)))


def _facilities(a: Assembly) -> None:
    """Most outstanding of an instrument; draws within the commitment they belong to."""
    for instrument in a.case.instrument:
        own = a.mask(instrument=instrument.id)
        if instrument.max_outstanding is not None:
            balance = a.expected(BALANCES, own)
            a.rows(rules.OUTSTANDING, _index(a, instrument.id), balance, upper=instrument.max_outstanding)
    facilities: dict[str, int] = {}
    entries: list[tuple[int, int, float]] = []
    for j, decision in enumerate(a.ledger.decisions):
        if decision.block in ("commit", "draw"):
            tags = decision.tags
            agreed = tags["period"] if decision.block == "commit" else tags["committed"]
            name = f"{tags['instrument']},{tags['investor']},{tags['step']},{agreed}"
            row = facilities.setdefault(name, len(facilities))
            entries.append((row, j, -1.0 if decision.block == "commit" else 1.0))
    if entries:
        a.rows(rules.DRAWN, list(facilities), None, upper=0.0, terms=entries)


def _collateral(a: Assembly) -> None:
    """The value of a class of assets is pledged once: outstanding / advance rate, over all instruments, is at most it.

    Opening debt takes what it needs of the opening assets, at most all of them; an instrument without an advance rate
    is lent up to the full value. Debt secured by `all` may lean on either class, so it counts in the sum of both only.
    """
    classes = {"accelerators": Account.HARDWARE_VALUE, "sites": Account.SITE_VALUE}
    lendable = [i for i in a.case.instrument if lent(i)]
    values = {k: a.expected([account]) for k, account in classes.items()}
    pledged = {k: _pledged(a, [i for i in lendable if i.secured_by == k]) for k in (*classes, "all")}
    opening = a.expected([Account.DEBT], a.mask(kind="debt"))
    owed = {k: a.fixed(only(opening, a.mask(secured_by=k))) for k in (*classes, "all")}
    # Opening values and opening debt are constants; what the debt leaves free of them stands on the right.
    worth = {k: a.fixed(v) for k, v in values.items()}
    new = {k: only(v, ~a.mask(block="fixed")) for k, v in values.items()}
    for k in classes:
        if pledged[k].nnz:
            free = np.maximum(worth[k] - owed[k], 0.0)
            a.rows(rules.COLLATERAL[k], a.labels, pledged[k] - new[k], upper=free)
    if pledged["all"].nnz or owed["all"].any():
        total = csr_array(pledged["accelerators"] + pledged["sites"] + pledged["all"])
        spare = sum(np.maximum(worth[k] - owed[k], 0.0) for k in classes)
        free = np.maximum(spare - owed["all"], 0.0)
        a.rows(rules.COLLATERAL["all"], a.labels, total - new["accelerators"] - new["sites"], upper=free)


def _pledged(a: Assembly, instruments: Sequence[Instrument]) -> csr_array:
    pledged = csr_array((a.periods, len(a.ledger.decisions)))
    for instrument in instruments:
        rate = 1.0 if instrument.advance_rate is None else instrument.advance_rate
        balance = a.expected(BALANCES, a.mask(instrument=instrument.id))
        pledged = csr_array(pledged + balance * (1.0 / rate))
    return pledged


def _use(a: Assembly) -> None:
    """Funding for a purpose, so far, is at most the spending on it so far, over all its instruments together."""
    accounts = {"accelerators": Account.HARDWARE, "sites": Account.SITES}
    for purpose, account in accounts.items():
        raised = _any(a, [i for i in a.case.instrument if i.use == purpose])
        if raised.any():
            face = a.expected([Account.PROCEEDS], raised)
            spent = a.expected([account], ~a.mask(block="fixed"))
            a.rows(rules.USE[purpose], a.labels, cumulative(csr_array(face + spent)), upper=0.0)


def _tied(a: Assembly) -> None:
    """Funding tied to a supplier, each over its share, is at most what that supplier has been paid so far."""
    for party in a.case.party:
        tied = [i for i in a.case.instrument if i.tied_to == party.id and lent(i)]
        if not tied:
            continue
        total = csr_array((a.periods, len(a.ledger.decisions)))
        for instrument in tied:
            face = a.expected([Account.PROCEEDS], a.mask(instrument=instrument.id))
            total = csr_array(total + face * (1.0 / instrument.tied_share))
        paid = supplier_payments(a, party.id)
        a.rows(rules.TIED, _index(a, party.id), cumulative(csr_array(total - paid)), upper=0.0)


def supplier_payments(a: Assembly, party: str) -> csr_array:
    """(T, N) expected price of systems paid to a supplier; network and installation go to others."""
    orders = a.mask(block="order", vendor=party)
    rows, columns, values = [], [], []
    systems = accelerators_by_id(a.case)
    for j in np.flatnonzero(orders).tolist():
        accelerator = systems[a.ledger.decisions[j].tags["accelerator"]]
        delivered = int(a.period[j]) + accelerator.lead
        if delivered < a.periods:
            rows.append(delivered)
            columns.append(j)
            values.append(accelerator.attach_cost * MILLION)
    shape = (a.periods, len(a.ledger.decisions))
    attached = csr_array((values, (rows, columns)), shape=shape) if rows else csr_array(shape)
    return csr_array(-a.expected([Account.HARDWARE], orders) - attached)


def _any(a: Assembly, instruments: Sequence[Instrument]) -> BoolArray:
    keep = np.zeros(len(a.ledger.decisions), dtype=np.bool_)
    for instrument in instruments:
        keep |= a.mask(instrument=instrument.id)
    return keep
