"""The capital stack in the summary: each instrument with its all-in cost, its life and its last maturity."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ...optimizer.analysis.treasury.names import DEBT, Claim, Debt
from ..text import fixed, part, percent, plural, safe
from .layout import INDENT, distinct, grid, heading, note
from .section import Section, View
from .views import titles, words

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
    faces = {name: face for name, face in plan.funding.by_instrument.items() if face > 0.0}
    if not faces:
        yield note("nothing is raised: the plan lives on its own cash")
        return
    terms = {row.text(Debt.INSTRUMENT): row for row in plan.tables[DEBT].records()}
    ranked = sorted(faces, key=lambda name: -faces[name])
    listed = ranked if len(ranked) <= LISTED + 1 else ranked[:LISTED]
    few, known = ranked[len(listed) :], titles(plan.case.instrument)
    names = distinct([safe(known.get(name, words(name))) for name in listed], view.width - INDENT - BESIDE)
    parts: list[tuple[str, Sequence[str]]] = [(title, [name]) for title, name in zip(names, listed, strict=True)]
    parts += [(plural(len(few), "other"), few)] if few else []
    sums = [math.fsum(faces[name] for name in some) for _, some in parts]
    total = math.fsum(sums)
    body = [
        (title, amount, percent(part(face, total)), *_terms(some, faces, terms))
        for (title, some), face, amount in zip(parts, sums, money.adding(sums), strict=True)
    ]
    if len(ranked) > 1:
        body.append(("total", money(total), percent(1.0), *_terms(ranked, faces, terms)))
    yield grid(("", "raised", "share", "rate", "cost", "life", "matures"), "lrrlrrl", body)
    if not set(faces) <= set(terms):
        yield note("cost and life are those of what has terms of repayment; the totals are weighted by face value")


def _terms(some: Sequence[str], faces: Mapping[str, float], terms: Mapping[str, Record]) -> tuple[str, ...]:
    """Kind of rate, all-in cost, average life and last maturity of some instruments together."""
    known = [(faces[name], terms[name]) for name in some if name in terms]
    maturities = [term.text(Debt.MATURITY) for _, term in known if term.text(Debt.MATURITY)]
    return (
        _rate(known),
        percent(_mean(known, Debt.COST), 2),
        fixed(_mean(known, Debt.LIFE), 1),
        max(maturities, default="–"),
    )


def _rate(known: Sequence[tuple[float, Record]]) -> str:
    """The kind of rate that these have, or which part of them has a fixed one; equity has none."""
    kinds: dict[str, float] = {}
    for face, term in known:
        if term.text(Debt.CLAIM) != Claim.EQUITY and (rate := term.text(Debt.RATE)):
            kinds[rate] = kinds.get(rate, 0.0) + face
    if len(kinds) < 2:
        return next(iter(kinds), "–")
    return f"{percent(part(kinds.get(FIXED, 0.0), math.fsum(kinds.values())), 0)} {FIXED}"


def _mean(known: Sequence[tuple[float, Record]], column: str) -> float | None:
    """Mean of a column by face value, of those that have it."""
    found = [(face, value) for face, term in known if (value := term.maybe(column)) is not None]
    whole = math.fsum(face for face, _ in found)
    return math.fsum(face * value for face, value in found) / whole if whole > 0.0 else None


SECTION = Section("capital_stack", TITLE, (DEBT,), _render)
