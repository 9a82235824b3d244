"""What the capital costs, in the summary: each instrument with its all-in cost, its life and its last maturity."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...optimizer.analysis.names import FUNDING_BY_INSTRUMENT, FundingByInstrument
from ...optimizer.analysis.treasury.names import DEBT, Claim, Debt
from ..text import fixed, part, percent, plural, safe
from .layout import INDENT, distinct, grid, heading, note
from .section import Section, View

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan
    from ...optimizer.table import Record

TITLE = "Capital stack"
FIXED = "fixed"
LISTED = 7  # instruments with a line of their own
BESIDE = 53  # columns that the figures take


def _render(plan: Plan, view: View) -> Iterator[RenderableType]:
    """The largest instruments with their terms; the others and the total in a line each."""
    money = view.money
    yield from heading(TITLE, f"face value raised, {money.unit}; all-in cost per year; average life in years")
    rows = sorted(plan.tables[FUNDING_BY_INSTRUMENT].records(), key=lambda row: -row.number(FundingByInstrument.FACE))
    rows = [row for row in rows if row.number(FundingByInstrument.FACE) > 0.0]
    if not rows:
        yield note("nothing is raised: the plan lives on its own cash")
        return
    terms = {row.text(Debt.INSTRUMENT): row for row in plan.tables[DEBT].records()}
    listed = rows if len(rows) <= LISTED + 1 else rows[:LISTED]
    few = rows[len(listed) :]
    total = plan.funding.total
    names = distinct([safe(row.text(FundingByInstrument.TITLE)) for row in listed], view.width - INDENT - BESIDE)
    parts = [([row], name) for row, name in zip(listed, names, strict=True)]
    parts += [(few, plural(len(few), "other"))] if few else []
    faces = [math.fsum(row.number(FundingByInstrument.FACE) for row in some) for some, _ in parts]
    body = [
        (name, amount, percent(part(face, total)), *_terms(some, terms))
        for (some, name), face, amount in zip(parts, faces, money.adding(faces), strict=True)
    ]
    if len(rows) > 1:
        body.append(("total", money(math.fsum(faces)), percent(part(math.fsum(faces), total)), *_terms(rows, terms)))
    heads = ("", "raised", "share", "rate", "cost", "life", "matures")
    yield grid(heads, "lrrlrrl", body)
    if any(row.text(FundingByInstrument.INSTRUMENT) not in terms for row in rows):
        yield note("cost and life are those of what has terms of repayment; the totals are weighted by face value")


def _terms(rows: list[Record], terms: dict[str, Record]) -> tuple[str, ...]:
    """Kind of rate, all-in cost, average life and last maturity of some instruments together."""
    known = [
        (row.number(FundingByInstrument.FACE), terms[name])
        for row in rows
        if (name := row.text(FundingByInstrument.INSTRUMENT)) in terms
    ]
    maturities = [term.text(Debt.MATURITY) for _, term in known if term.text(Debt.MATURITY)]
    return (
        _rate(known),
        percent(_mean(known, Debt.COST), 2),
        fixed(_mean(known, Debt.LIFE), 1),
        max(maturities, default="–"),
    )


def _rate(known: list[tuple[float, Record]]) -> str:
    """The kind of rate that these have, or which part of them has a fixed one; equity has none."""
    kinds: dict[str, float] = {}
    for face, term in known:
        if term.text(Debt.CLAIM) != Claim.EQUITY and (rate := term.text(Debt.RATE)):
            kinds[rate] = kinds.get(rate, 0.0) + face
    if len(kinds) < 2:
        return next(iter(kinds), "–")
    return f"{percent(part(kinds.get(FIXED, 0.0), math.fsum(kinds.values())), 0)} {FIXED}"


def _mean(known: list[tuple[float, Record]], column: str) -> float | None:
    """Mean of a column by face value, of those that have it."""
    found = [(face, value) for face, term in known if (value := term.maybe(column)) is not None]
    whole = math.fsum(face for face, _ in found)
    return math.fsum(face * value for face, value in found) / whole if whole > 0.0 else None


SECTION = Section("funding_terms", TITLE, (FUNDING_BY_INSTRUMENT, DEBT), _render)
