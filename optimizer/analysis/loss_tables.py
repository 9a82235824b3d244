"""Tables of the loss allocation: by claim, holder, instrument, party and risk limit, and when the company defaults."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ...kernels.tables import FloatArray
from ...models.blocks.circularity import circular_parties
from ...models.schema.case import Case
from ..plan import LossAllocation
from ..table import BILLION, Cell, Column, Table
from .claims import ADVANCES, ARREARS, BACKSTOP, OWN, PARENT, PAYABLES, PREPAYMENTS, SUPPLIERS, UNNAMED, Claim
from .loss_allocation import Bearing
from .names import (
    DEFAULT_DATES,
    LOSS_BY_CLAIM,
    LOSS_BY_HOLDER,
    LOSS_BY_INSTRUMENT,
    LOSS_BY_LIMIT,
    LOSS_BY_PARTY,
    DefaultDates,
    LossByClaim,
    LossByLimit,
    Losses,
)
from .tabulate import NEGLIGIBLE, long, name_of

SHAREHOLDERS, OUTSIDERS = "shareholders", "no_party"
_TITLES = {
    OWN: "shareholders' equity",
    ARREARS: "bills unpaid at default",
    BACKSTOP: "committed revolver",
    PREPAYMENTS: "customer prepayments",
    PAYABLES: "open bills of suppliers",
    ADVANCES: "customers' advances",
    SUPPLIERS: "suppliers of power, support and site operation",
    UNNAMED: "holders without a name",
    SHAREHOLDERS: "the company's shareholders",
    OUTSIDERS: "holders behind whom no party stands",
}
GUARANTEE = "guarantee of "
_BY = {LOSS_BY_HOLDER: "holder", LOSS_BY_INSTRUMENT: "instrument", LOSS_BY_PARTY: "party"}


def allocated(case: Case, bearing: Bearing) -> LossAllocation:
    """The loss allocation in figures."""
    loss, own, circular = float(bearing.tail.sum()), 0.0, 0.0
    parties = circular_parties(case)
    for (claim, guarantor), amount in zip(_lines(bearing), bearing.tail.tolist(), strict=True):
        own += amount if claim.instrument == OWN else 0.0
        circular += amount if (guarantor or claim.party) in parties else 0.0
    some = loss > NEGLIGIBLE
    return LossAllocation(
        level=bearing.level,
        expected=float(bearing.expected.sum()),
        cvar=bearing.cvar,
        shareholder_share=own / loss if some else 0.0,
        outside_share=1.0 - own / loss if some else 0.0,
        circular_share=circular / loss if some else 0.0,
        default_probability=float(bearing.default.sum()),
    )


def loss_tables(case: Case, bearing: Bearing) -> dict[str, Table]:
    """The tables loss_by_claim, loss_by_holder, loss_by_instrument, loss_by_party, loss_by_limit and default_dates."""
    tables = (
        _by_claim(bearing),
        _grouped(case, bearing, LOSS_BY_HOLDER, lambda claim, guarantor: guarantor or claim.holder),
        _grouped(case, bearing, LOSS_BY_INSTRUMENT, _instrument),
        _grouped(case, bearing, LOSS_BY_PARTY, _party),
        _by_limit(bearing),
        _dates(bearing),
    )
    return {table.name: table for table in tables}


def _lines(bearing: Bearing) -> list[tuple[Claim, str]]:
    """Each claim with "", then each guaranteed claim with its guarantor: the order of the losses."""
    known = bearing.claims
    return [(c, "") for c in known.claims] + [(known.claims[k], known.claims[k].guarantor) for k in known.guaranteed]


def _instrument(claim: Claim, guarantor: str) -> str:
    return (GUARANTEE if guarantor else "") + claim.instrument


def _party(claim: Claim, guarantor: str) -> str:
    if guarantor:
        return guarantor
    if claim.instrument == OWN:
        return SHAREHOLDERS
    return claim.party or OUTSIDERS


def _shares(values: FloatArray) -> list[Cell]:
    total = float(values.sum())
    return [float(v) / total if total > NEGLIGIBLE else None for v in values]


def _by_claim(bearing: Bearing) -> Table:
    names = {one.entity if k else PARENT: one.entity for k, one in enumerate(bearing.entities)}
    columns = (
        *((Column(LossByClaim.ENTITY),) if names else ()),
        Column(LossByClaim.INSTRUMENT),
        Column(LossByClaim.HOLDER),
        Column(LossByClaim.RANK),
        Column(LossByClaim.COLLATERAL),
        Column(LossByClaim.GUARANTOR),
        Column(LossByClaim.CLAIM, BILLION, "money"),
        Column(LossByClaim.EXPECTED, BILLION, "money"),
        Column(LossByClaim.TAIL, BILLION, "money"),
        Column(LossByClaim.SHARE, "", "share"),
        Column(LossByClaim.PROBABILITY, "", "share"),
    )
    owed = [*bearing.owed.tolist(), *([0.0] * len(bearing.claims.guaranteed))]
    shares = _shares(bearing.tail)
    rows: list[tuple[Cell, ...]] = []
    for i, (claim, guarantor) in enumerate(_lines(bearing)):
        if max(owed[i], float(bearing.tail[i])) > NEGLIGIBLE or claim.instrument == OWN:
            rows.append(
                (
                    *((names[claim.entity],) if names else ()),
                    _instrument(claim, guarantor),
                    guarantor or claim.holder,
                    claim.rank,
                    claim.secured_by,
                    "" if guarantor else claim.guarantor,
                    owed[i],
                    float(bearing.expected[i]),
                    float(bearing.tail[i]),
                    shares[i],
                    float(bearing.hit[i]),
                )
            )
    title = (
        f"Loss allocation by claim; mean claim: of what is due at the settlement, which is at the first default "
        f"or the horizon; tail: the worst {1.0 - bearing.level:.4g} of the scenarios by all losses"
    )
    return long(LOSS_BY_CLAIM, title, columns, rows)


def _grouped(case: Case, bearing: Bearing, table: str, name: Callable[[Claim, str], str]) -> Table:
    """Losses summed by the name of each line, largest tail loss first."""
    by, owed = _BY[table], [*bearing.owed.tolist(), *([0.0] * len(bearing.claims.guaranteed))]
    sums: dict[str, FloatArray] = {}
    for i, (claim, guarantor) in enumerate(_lines(bearing)):
        one = np.array([owed[i], bearing.expected[i], bearing.tail[i]])
        sums[name(claim, guarantor)] = sums.get(name(claim, guarantor), np.zeros(3)) + one
    kept = {k: v for k, v in sums.items() if v.max() > NEGLIGIBLE}
    ranked = sorted(kept, key=lambda k: -float(kept[k][2]))
    shares = _shares(np.array([kept[k][2] for k in ranked]))
    columns = (
        Column(by),
        Column(Losses.TITLE),
        Column(Losses.CLAIM, BILLION, "money"),
        Column(Losses.EXPECTED, BILLION, "money"),
        Column(Losses.TAIL, BILLION, "money"),
        Column(Losses.SHARE, "", "share"),
    )
    titles = _titles(case)
    rows: list[tuple[Cell, ...]] = [
        (k, _title(titles, k), *(float(v) for v in kept[k]), share) for k, share in zip(ranked, shares, strict=True)
    ]
    return long(table, f"Loss allocation by {by}", columns, rows)


def _titles(case: Case) -> dict[str, str]:
    entries: Sequence[Sequence[object]] = (case.party, case.investor, case.opening.debt, case.instrument)
    return _TITLES | {str(getattr(e, "id", "")): name_of(e) for table in entries for e in table}


def _title(titles: dict[str, str], name: str) -> str:
    if name.startswith(GUARANTEE):
        inner = name.removeprefix(GUARANTEE)
        return GUARANTEE + titles.get(inner, inner)
    return titles.get(name, name)


def _by_limit(bearing: Bearing) -> Table:
    """Mean loss of each holder in the scenarios that are the tail of each risk limit."""
    columns = (
        Column(LossByLimit.LIMIT),
        Column(LossByLimit.LEVEL, "", "share"),
        Column(LossByLimit.HOLDER),
        Column(LossByLimit.LOSS, BILLION, "money"),
        Column(LossByLimit.SHARE, "", "share"),
    )
    rows: list[tuple[Cell, ...]] = []
    for limit, (level, losses) in bearing.by_limit.items():
        sums: dict[str, float] = {}
        for (claim, guarantor), loss in zip(_lines(bearing), losses.tolist(), strict=True):
            holder = guarantor or claim.holder
            sums[holder] = sums.get(holder, 0.0) + loss
        total = sum(sums.values())
        for holder, loss in sorted(sums.items(), key=lambda item: -item[1]):
            if loss > NEGLIGIBLE:
                rows.append((limit, level, holder, loss, loss / total))
    return long(LOSS_BY_LIMIT, "Loss allocation in the tail of each risk limit", columns, rows)


def _dates(bearing: Bearing) -> Table:
    columns = (
        Column(DefaultDates.PERIOD),
        Column(DefaultDates.FIRST, "", "share"),
        Column(DefaultDates.CUMULATIVE, "", "share"),
    )
    so_far = np.cumsum(bearing.default)
    rows: list[tuple[Cell, ...]] = [
        (label, float(p), float(c)) for label, p, c in zip(bearing.claims.labels, bearing.default, so_far, strict=True)
    ]
    return long(DEFAULT_DATES, "When the company defaults: cash below minus the committed revolver", columns, rows)
