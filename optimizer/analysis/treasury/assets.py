"""Systems and sites at cost less depreciation: straight line over the life in service, from the start of service.

Cost is what was paid and what is owed for it. Until service it is construction in progress, deposits on systems
included (IAS 16.16, 16.55 and 16.62; ASC 360-10-35-4). Opening fleets and sites stand at the book value of the case, 0
where it gives none, over their remaining life. Nothing is impaired: the case says what assets would fetch, not what
they are worth in use (IAS 36.18). A system is written down to zero over its life, so its sale is all gain (IAS 16.71).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ....models.blocks import owners
from ....models.blocks.quantities import accelerators_by_id
from ....models.blocks.sites import opening_book
from ....models.ledger import Account
from ....models.schema.case import Case
from ...arrays import FloatArray
from .postings import Postings


@dataclass(frozen=True, eq=False)
class Assets:
    """Billion, (T,) each: book values at each period's end, depreciation of the period, and what stood at the start."""

    systems: FloatArray
    sites: FloatArray
    construction: FloatArray
    depreciation_systems: FloatArray
    depreciation_sites: FloatArray
    opening: float


def assets(own: Postings) -> Assets:
    """Book values of a company's systems and sites."""
    nothing = np.zeros(own.periods)
    systems, sites, construction, of_systems, of_sites = (nothing.copy() for _ in range(5))
    opening = 0.0
    for book, life, of_site in _opening(own):
        value = written_down(book, 0, life, own.periods)
        (sites if of_site else systems)[:] += value
        (of_sites if of_site else of_systems)[:] += _fall(book, value)
        opening += book
    for account, block, value, fall in (
        (Account.HARDWARE, "order", systems, of_systems),
        (Account.SITES, "build", sites, of_sites),
    ):
        for number, paid in _paid(own, account, block):
            start, life = _service(own, number)
            cost = float(paid.sum())
            held = written_down(cost, start, life, own.periods)
            construction[:start] += np.cumsum(paid)[:start]
            value += held
            fall[start:] += _fall(cost, held[start:])
    return Assets(systems, sites, construction, of_systems, of_sites, opening)


def written_down(cost: float, start: int, life: int, periods: int) -> FloatArray:
    """(T,) cost less straight-line depreciation at each period's end; 0 before service and after the life."""
    t = np.arange(periods)
    return np.where(t < start, 0.0, cost * np.maximum(1.0 - (t - start + 1) / life, 0.0))


def _fall(cost: float, value: FloatArray) -> FloatArray:
    """Depreciation of each period, of values from the start of service on."""
    return -np.diff(value, prepend=cost)


def _paid(own: Postings, account: Account, block: str) -> Iterator[tuple[int, FloatArray]]:
    """Number of each decision of a block that is taken, and (T,) what is paid for it, as a cost."""
    ledger = own.amounts.ledger
    at = own.counted(account)
    keep = at[own.block(block)[ledger.decision[at]]]
    taken, place = np.unique(ledger.decision[keep], return_inverse=True)
    paid = np.zeros((taken.size, own.periods))
    np.add.at(paid, (place.ravel(), ledger.period[keep]), -own.amounts.posted[keep])
    yield from zip(taken.tolist(), paid, strict=True)


def _service(own: Postings, number: int) -> tuple[int, int]:
    """Period from which what a decision buys serves, and its life."""
    decision = own.amounts.ledger.decisions[number]
    if decision.block == "order":
        system = accelerators_by_id(own.case)[decision.tags["accelerator"]]
        return decision.period + system.lead, system.life
    site = next(s for s in own.case.site if s.id == decision.tags["site"])
    layer = next(x for x in site.layer if x.kind == decision.tags["layer"])
    return decision.period + layer.lead, site.life


def _opening(own: Postings) -> Iterator[tuple[float, int, bool]]:
    """Book value, remaining periods, and whether it is of sites, of each opening asset."""
    case: Case = own.case
    owner = owners.of_site(case)
    for fleet in case.opening.fleet:
        if own.owns(owner[fleet.site]):
            life = accelerators_by_id(case)[fleet.accelerator].life
            yield fleet.book_value, max(life - fleet.age, 1), False
    book, years = opening_book(case, [s for s in case.site if own.owns(owner[s.id])])
    yield book, years, True
