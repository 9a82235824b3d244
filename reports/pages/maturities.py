"""A section of docs/validation.md: a published stack of debt through the engine, principal by year beside the table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...models.ledger import Account
from ...optimizer.arrays import FloatArray
from .public_deals import COREWEAVE
from .public_stack import (
    DEBT_BEFORE,
    INTEREST,
    LAST_QUARTER,
    LOAN_1_FACE,
    LOAN_1_REPAID,
    PRINCIPAL,
    STACK,
    YEARS,
    Owed,
)
from .reprice import PER_YEAR, Deal, cash_flows

DRAWN = "DDTL 2.0"
"""The piece whose schedule is not public and that new draws kept changing."""


def principal(piece: Owed) -> FloatArray:
    """(years,) principal of a piece by the ledger, billion."""
    ends = range(piece.first, piece.last + 1)
    paid = np.zeros(max(LAST_QUARTER[-1], piece.last) + 3)
    for end in ends:
        flows = -cash_flows(_deal(piece, end), [Account.PRINCIPAL])
        paid[: flows.size] += piece.amount / len(ends) * flows
    return np.array([part.sum() for part in np.split(paid, np.array(LAST_QUARTER) + 1)])


def interest(piece: Owed) -> float:
    """Interest of the first quarter by the ledger at the published effective rate, billion."""
    ends = range(piece.first, piece.last + 1)
    first = [cash_flows(_deal(piece, end), [Account.INTEREST])[1] for end in ends]
    return -piece.amount * float(np.mean(first))


def _deal(piece: Owed, end: int) -> Deal:
    return Deal(piece.rate, end / PER_YEAR, amortisation=piece.amortisation, balloon=piece.balloon)


def average_life(by_year: FloatArray) -> float:
    """Years until the middle of each year, weighted by what falls due; what is due after 2029 on its stated date."""
    when = np.array([0.25, 1.0, 2.0, 3.0, 4.0, 5.0])
    return float(by_year @ when / by_year.sum())


def section() -> Iterator[str]:
    """The section as lines of Markdown."""
    found = {piece.name: principal(piece) for piece in STACK}
    total = np.sum(list(found.values()), axis=0)
    published = np.array(PRINCIPAL)
    yield "## CoreWeave's debt of 30 June 2025: principal by year"
    yield ""
    yield (
        f"The note ({COREWEAVE}) gives both the pieces and what falls due by year. Each piece goes through the engine "
        "as a case of its own, on the terms of the last table; the principal that the ledger posts, in billions. It is "
        "the only table of principal by year among the sources."
    )
    yield ""
    yield f"| piece | {' | '.join(YEARS)} | total |"
    yield "| --- |" + " ---: |" * (len(YEARS) + 1)
    for name, by_year in found.items():
        yield _row(name, by_year)
    yield _row("**engine**", total)
    yield _row("**published**", published)
    yield _row("engine less published", total - published)
    yield _row(f"left for {DRAWN} by the published table", published - total + found[DRAWN])
    yield ""
    rest = published - total + found[DRAWN]
    yield (
        f"- DDTL 1.0 in the half-year before: {LOAN_1_REPAID:.3f} bn lie between its two published balances; a level "
        f"five-year loan of {LOAN_1_FACE:g} bn repays {loan_1_half_year():.3f} bn by the ledger. Total and notes are "
        "as published too."
    )
    yield (
        f"- **Level parts to the last date are too slow until 2027**: {total[:2].sum():.2f} bn by the end of 2026, "
        f"published are {published[:2].sum():.2f} bn; average life {average_life(total):.2f} against "
        f"{average_life(published):.2f} years. The last line says where it lies if the other pieces are read rightly: "
        f"{DRAWN} would repay {_share(rest[1:3])} of its balance in 2026 and 2027. A likely reason, not stated in "
        "what was seen: each draw is repaid out of a contract that ends before the facility does. The line is "
        "nowhere negative, so the other pieces as read here do not contradict the published table; a faster "
        "equipment financing would take from it."
    )
    yield (
        "- For a case this means: the tenor of a GPU loan is the term of the contract behind the draw, not the last "
        f"date of the facility. Level parts to that last date would show {published[1] - total[1]:.1f} bn less due in "
        "the largest year than was published."
    )
    yield ""
    paid = sum(interest(piece) for piece in STACK)
    owed = sum(piece.amount for piece in STACK)
    before = 0.5 * (DEBT_BEFORE + owed)
    yield (
        f"Interest: the ledger's first quarter on this stack at the published effective rates is {paid:.4f} bn, "
        f"{_percent(PER_YEAR * paid / owed)} a year of {owed:.2f} bn. Published for the quarter before are "
        f"{INTEREST:.4f} bn with amortised issue costs and before capitalisation, "
        f"{_percent(PER_YEAR * INTEREST / before)} a year of {before:.2f} bn, the mean of the debt at its two ends "
        f"({DEBT_BEFORE:g} bn at the first, tradepost.ai on the 10-Q). Effective rates are published to a per cent."
    )
    yield ""
    yield "| piece | bn | effective rate | published maturity, and what is read into it |"
    yield "| --- | ---: | ---: | --- |"
    for piece in STACK:
        yield f"| {piece.name} | {piece.amount:.3f} | {_percent(piece.rate, 1)} | {piece.remark} |"


def loan_1_half_year() -> float:
    """Principal of half a year of DDTL 1.0 as a level loan of five years, by the ledger, billion."""
    flows = cash_flows(Deal(0.15, 5.0, amortisation="linear"), [Account.PRINCIPAL])
    return -LOAN_1_FACE * float(flows[1:3].sum())


def _row(name: str, by_year: FloatArray) -> str:
    return f"| {name} | {' | '.join(_money(v) for v in by_year)} | {_money(float(by_year.sum()))} |"


def _money(value: float) -> str:
    return f"{value if abs(value) >= 5e-4 else 0.0:.3f}"


def _share(part: FloatArray) -> str:
    amount = next(piece.amount for piece in STACK if piece.name == DRAWN)
    return f"{100.0 * float(part.sum()) / amount:.0f} %"


def _percent(value: float, decimals: int = 2) -> str:
    return f"{100.0 * value:.{decimals}f} %"
