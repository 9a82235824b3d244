"""The tables of debt: terms and cost by instrument and step, the corkscrew by period and year, maturities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ....models.schema.financing import Instrument
from ...arrays import FloatArray
from ...table import BILLION, Cell, Column, Table
from ..expected import Amounts
from ..funding_cost import cost_of
from ..tabulate import NEGLIGIBLE, long, rounded_off
from . import debt as facts
from .debt import Held
from .fees import upfront_fees
from .names import (
    DEBT,
    DEBT_BY_STEP,
    DEBT_BY_YEAR,
    DEBT_SCHEDULE,
    MATURITIES,
    YEAR,
    Claim,
    Debt,
    DebtByStep,
    DebtSchedule,
    Maturities,
)
from .postings import BoolArray, Postings

YEARLY = "per year"
AGREED = ("commit",)
"""Blocks that promise money; it counts as raised when it is drawn."""


def year_of(amounts: Amounts, period: int) -> str:
    """Calendar year of a period, also past the horizon."""
    horizon = amounts.case.horizon
    return str((horizon.origin + period) // horizon.per_year)


def debt_tables(own: Postings, held: Sequence[Held]) -> dict[str, Table]:
    """debt, debt_by_step, debt_schedule, debt_by_year and maturities. own: of the whole case."""
    amounts = own.amounts
    tables = (
        _debt(own, held),
        _by_step(own, held),
        _schedule(amounts, held),
        _by_year(amounts, held),
        _maturities(amounts, held),
    )
    return {table.name: table for table in tables}


def _debt(own: Postings, held: Sequence[Held]) -> Table:
    columns = (
        *map(Column, (Debt.INSTRUMENT, Debt.TITLE, Debt.KIND, Debt.CLAIM, Debt.ISSUER, Debt.RATE, Debt.BENCHMARK)),
        Column(Debt.MARGIN, YEARLY, "rate"),
        Column(Debt.COUPON, YEARLY, "rate"),
        *(Column(c, BILLION, "money") for c in (Debt.COMMITTED, Debt.ISSUED, Debt.DRAWN, Debt.PROCEEDS)),
        *(Column(c, BILLION, "money") for c in (Debt.UPFRONT, Debt.RUNNING)),
        Column(Debt.COST, YEARLY, "rate"),
        *map(Column, (Debt.FIRST, Debt.LAST, Debt.MATURITY)),
        Column(Debt.LIFE, "years", "number"),
        Column(Debt.OUTSTANDING, BILLION, "money"),
    )
    upfront = upfront_fees(own)
    title = "What each instrument raises, costs and repays; opening debt stands at the end"
    return long(DEBT, title, columns, (_row(own, upfront, one) for one in held))


def _row(own: Postings, paid_upfront: FloatArray, one: Held) -> tuple[Cell, ...]:
    amounts, labels = own.amounts, own.case.horizon.label
    placed, drawn, committed = (_sum(own, one.decisions, block) for block in ("issue", "draw", "commit"))
    upfront = float(paid_upfront[one.decisions].sum())
    agreed = [amounts.ledger.decisions[j].period for j in facts.faces(own, one.decisions)]
    last = facts.maturity(one)
    return (
        one.id, one.title, one.kind, one.claim, one.issuer, one.rate, one.benchmark,
        _margin(own, one), facts.mean_coupon(amounts, one),
        committed, placed, drawn, placed + drawn,
        upfront, rounded_off(float(one.fees.sum()) - upfront, upfront),
        facts.all_in_cost(amounts, one),
        labels(min(agreed)) if agreed else "", labels(max(agreed)) if agreed else "",
        "" if last is None else labels(last),
        facts.weighted_life(own, one),
        rounded_off(float(one.closing[-1]), placed + drawn),
    )  # fmt: skip


def _sum(own: Postings, where: BoolArray, block: str) -> float:
    """What is committed, or the expected face that is placed or drawn."""
    chosen = where & own.block(block)
    if block in AGREED:
        return float(own.amounts.decided[chosen].sum())
    return float(sum(facts.faces(own, chosen).values()))


def _margin(own: Postings, one: Held) -> float | None:
    """Margin by the face raised; of a floating opening debt its own, of a fixed one none."""
    amounts = own.amounts
    if one.claim is Claim.OPENING:
        debt = next(d for d in amounts.case.opening.debt if d.id == one.id)
        return debt.coupon if debt.rate == "floating" else None
    instrument = _instrument(amounts, one.id)
    total = weighted = 0.0
    for j, face in facts.faces(own, one.decisions).items():
        step = facts.step_of(instrument, amounts.ledger.decisions[j])
        weighted += face * facts.margin_of(amounts, instrument, step)
        total += face
    return weighted / total if total > 0.0 else None


def _instrument(amounts: Amounts, name: str) -> Instrument:
    return next(i for i in amounts.case.instrument if i.id == name)


def _by_step(own: Postings, held: Sequence[Held]) -> Table:
    columns = (
        *map(Column, (DebtByStep.INSTRUMENT, DebtByStep.HOLDER, DebtByStep.STEP)),
        Column(DebtByStep.SPREAD, YEARLY, "rate"),
        Column(DebtByStep.MARGIN, YEARLY, "rate"),
        Column(DebtByStep.COMMITTED, BILLION, "money"),
        Column(DebtByStep.PROCEEDS, BILLION, "money"),
        Column(DebtByStep.COST, YEARLY, "rate"),
    )
    rows = (row for one in held if one.claim is not Claim.OPENING for row in _steps(own, one))
    return long(DEBT_BY_STEP, "What each step of an instrument's depth raises and costs", columns, rows)


def _steps(own: Postings, one: Held) -> Iterator[tuple[Cell, ...]]:
    amounts, instrument = own.amounts, _instrument(own.amounts, one.id)
    for depth in instrument.depth:
        for number, step in enumerate(depth.steps, start=1):
            mine = own.tagged(instrument=one.id, investor=depth.investor, step=str(number))
            committed = _sum(own, mine, "commit")
            raised = _sum(own, mine, "issue") + _sum(own, mine, "draw")
            if max(committed, raised) > NEGLIGIBLE:
                margin = facts.margin_of(amounts, instrument, step)
                cost = cost_of(amounts, mine)
                yield one.id, depth.investor, str(number), step.spread, margin, committed, raised, cost


MONEY = (
    DebtSchedule.OPENING, DebtSchedule.PROCEEDS, DebtSchedule.ACCRETED, DebtSchedule.REPAID, DebtSchedule.CLOSING,
    DebtSchedule.INTEREST, DebtSchedule.FEES,
)  # fmt: skip


def _schedule(amounts: Amounts, held: Sequence[Held]) -> Table:
    heads = (DebtSchedule.INSTRUMENT, DebtSchedule.CLAIM, DebtSchedule.PERIOD)
    columns = (*map(Column, heads), *(Column(c, BILLION, "money") for c in MONEY))
    title = "Balance of each instrument by period: opening + gross proceeds + accreted - repaid = closing"
    spans = [(label, t, t + 1) for t, label in enumerate(amounts.labels)]
    return long(DEBT_SCHEDULE, title, columns, (row for one in held for row in _corkscrew(one, spans)))


def _by_year(amounts: Amounts, held: Sequence[Held]) -> Table:
    heads = (DebtSchedule.INSTRUMENT, DebtSchedule.CLAIM, YEAR)
    columns = (*map(Column, heads), *(Column(c, BILLION, "money") for c in MONEY))
    title = "Balance of each instrument by calendar year: opening + gross proceeds + accreted - repaid = closing"
    spans = list(years(amounts))
    return long(DEBT_BY_YEAR, title, columns, (row for one in held for row in _corkscrew(one, spans)))


def years(amounts: Amounts) -> Iterator[tuple[str, int, int]]:
    """Each calendar year of the horizon, with its first period and the one after its last."""
    of = [year_of(amounts, t) for t in range(amounts.periods)]
    for year in dict.fromkeys(of):
        first = of.index(year)
        yield year, first, first + of.count(year)


def _corkscrew(one: Held, spans: Sequence[tuple[str, int, int]]) -> Iterator[tuple[Cell, ...]]:
    size = max(1.0, float(np.abs(one.closing).max()), one.opening)

    def told(value: float) -> float:
        return value if abs(value) > 1e-12 * size else 0.0

    for label, first, end in spans:
        moved = (float(v[first:end].sum()) for v in (one.raised, one.accreted, one.repaid))
        yield (
            one.id, one.claim, label, told(float(one.before[first])), *map(told, moved),
            told(float(one.closing[end - 1])), told(float(one.interest[first:end].sum())),
            told(float(one.fees[first:end].sum())),
        )  # fmt: skip


def _maturities(amounts: Amounts, held: Sequence[Held]) -> Table:
    heads = (Maturities.INSTRUMENT, Maturities.CLAIM, Maturities.YEAR)
    columns = (*map(Column, heads), Column(Maturities.REPAID, BILLION, "money"))
    rows: list[tuple[Cell, ...]] = []
    for one in held:
        due: dict[str, float] = {}
        for t, value in one.repayments:
            if value > NEGLIGIBLE:
                due[year_of(amounts, t)] = due.get(year_of(amounts, t), 0.0) + value
        rows += [(one.id, one.claim, year, value) for year, value in due.items()]
    return long(MATURITIES, "What each instrument repays by calendar year, also after the horizon", columns, rows)


def total(held: Sequence[Held], claims: Sequence[Claim], values: str, periods: int) -> FloatArray:
    """(T,) sum of a figure over the instruments of these claims."""
    found = [getattr(one, values) for one in held if one.claim in claims]
    return np.sum(found, axis=0) if found else np.zeros(periods)
