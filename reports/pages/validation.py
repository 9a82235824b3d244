"""The page docs/validation.md: deals of the public record repriced by the engine beside what was published.

python -m capmix.reports.pages.validation > docs/validation.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from ...models.ledger import Account
from .maturities import section
from .public_deals import DEALS, ORACLE, ORACLE_COST, PublicDeal
from .reprice import Deal, cash_flows, quarterly, yield_of

MOST_COST = 0.2
_STEPS = 60


@dataclass(frozen=True)
class Repriced:
    """A deal, the engine's all-in yield in the deal's own compounding, and the issue cost that gives the published one.

    implied: share of the face, None where the published figure is a range, the coupon itself, or lies below the coupon.
    """

    deal: PublicDeal
    engine: float
    implied: float | None

    @property
    def off(self) -> float:
        """Distance from the published range, 0 within it."""
        return max(self.deal.low - self.engine, self.engine - self.deal.high, 0.0)


def terms(deal: PublicDeal, cost: float | None = None) -> Deal:
    """The deal in the engine's words; `cost` replaces its upfront fee.

    A note repaid at more than its price is a larger face sold at a discount, on which the coupon is as much smaller.
    """
    coupon = quarterly(deal.coupon / deal.redemption, deal.per_year)
    fee = (deal.fee or 0.0) if cost is None else cost
    discount = 1.0 - (1.0 - deal.discount) / deal.redemption
    return Deal(coupon, deal.tenor, fee, discount, deal.benchmark, deal.amortisation)


def repriced(deal: PublicDeal) -> Repriced:
    """The deal through the engine."""
    return Repriced(deal, yield_of(terms(deal), deal.per_year), _implied(deal))


def _implied(deal: PublicDeal) -> float | None:
    if deal.low != deal.high or deal.redemption != 1.0 or yield_of(terms(deal, 0.0), deal.per_year) >= deal.low:
        return None
    low, high = 0.0, MOST_COST
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if yield_of(terms(deal, middle), deal.per_year) < deal.low else (low, middle)
        if high - low < 1e-7:
            break
    return 0.5 * (low + high)


def page() -> str:
    """The page as Markdown."""
    found = [repriced(deal) for deal in DEALS]
    return "\n".join(_lines(found)).rstrip() + "\n"


def _lines(found: list[Repriced]) -> Iterator[str]:
    worst = max(found, key=lambda r: r.off)
    yield "# Validation on the public record"
    yield ""
    yield (
        "*Written by `make docs`; the deals stand in `reports/pages/public_deals.py`, the stack in "
        "`reports/pages/public_stack.py`.*"
    )
    yield ""
    yield (
        f"{len(found)} deals with a published yield or effective rate go through the engine as cases of their own: "
        "reader, instrument, ledger, cash flows, internal rate of return. The engine pays quarterly, so a coupon paid "
        "twice a year is turned into the quarterly one of the same worth, and the yield back into the deal's own "
        "compounding. "
        f"The largest distance is {_bp(worst.off)} bp ({worst.deal.name})."
    )
    yield ""
    heads = "deal, bn, coupon or margin, fee and discount, engine, published, off (bp), implied cost, remark, source"
    yield f"| {heads.replace(', ', ' | ')} |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |"
    for one in found:
        deal = one.deal
        coupon = _percent(deal.coupon, 3) if deal.benchmark is None else f"S + {_bp(deal.coupon)} bp"
        given = _percent((deal.fee or 0.0) + deal.discount, 2)
        published = (
            _percent(deal.low, 2) if deal.low == deal.high else f"{_percent(deal.low, 2)} to {_percent(deal.high, 2)}"
        )
        implied = "–" if one.implied is None else _percent(one.implied, 2)
        cells = (
            deal.name, f"{deal.size:g}", coupon, given, _percent(one.engine, 3), published, _bp(one.off), implied,
            deal.remark, deal.source,
        )  # fmt: skip
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield "*Implied cost*: the issue cost, as a share of the face, with which the engine gives the published rate."
    yield ""
    yield from _oracle(found)
    yield from _service()
    yield from section()


def _oracle(found: list[Repriced]) -> Iterator[str]:
    notes = [r for r in found if r.deal.group.startswith("Oracle")]
    faces = sum(r.deal.size for r in notes)
    implied = sum(r.deal.size * (r.implied or 0.0) for r in notes) / faces
    yield "## Oracle's six notes together"
    yield ""
    yield (
        "The note gives one issue cost for all six. The engine finds the cost of each from its effective rate: "
        f"{', '.join(_percent(r.implied or 0.0, 2) for r in notes)} from the shortest to the longest. "
        f"Weighted by face that is **{_percent(implied, 2)}; published are {_percent(ORACLE_COST, 2)}** (118 million "
        f"on 18 bn; {ORACLE}). The effective rates are published to one basis point, which alone moves the "
        "implied cost of the 40-year note by 0.15 % of its face."
    )
    yield ""


def _service() -> Iterator[str]:
    yield "## A CoreWeave-like stack: what the engine pays on it"
    yield ""
    yield (
        "The amounts, rates and amortisations of the pieces below are those of the table above. Per piece: interest "
        "and principal of the first year by the ledger, against the arithmetic of the published rate on the balance "
        "(level principal, interest on what is left; four quarters)."
    )
    yield ""
    yield "| piece | face, bn | interest, bn | by hand | principal, bn | by hand |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    total = [0.0] * 4
    for deal in (d for d in DEALS if d.name.startswith("CoreWeave")):
        figures = service(deal)
        total = [a + b for a, b in zip(total, figures, strict=True)]
        yield f"| {deal.name} | {deal.size:g} | {' | '.join(f'{v + 0.0:.4f}' for v in figures)} |"
    yield f"| together | | {' | '.join(f'{v:.4f}' for v in total)} |"
    yield ""


def service(deal: PublicDeal) -> tuple[float, float, float, float]:
    """Interest of the first four quarters by the ledger and by hand, then principal likewise, billion."""
    plain = terms(deal, 0.0)
    ledger = [-deal.size * float(cash_flows(plain, [a])[1:5].sum()) for a in (Account.INTEREST, Account.PRINCIPAL)]
    rate = (plain.coupon + (plain.benchmark or 0.0)) / 4.0
    part = deal.size / round(plain.tenor * 4) if plain.amortisation == "linear" else 0.0
    return ledger[0], sum(rate * (deal.size - n * part) for n in range(4)), ledger[1], 4.0 * part


def _percent(value: float, decimals: int) -> str:
    return f"{100.0 * value:.{decimals}f} %"


def _bp(value: float) -> str:
    return f"{1e4 * value:.0f}"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    sys.stdout.write(page())
