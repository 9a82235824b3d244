"""Deals of the public record with a published yield or effective rate, and where both were seen."""

from __future__ import annotations

from dataclasses import dataclass

ORACLE = "Oracle 10-Q, note 3 (sec.gov, 0001193125-25-315925, R12)"
COREWEAVE = "CoreWeave, debt note of 30 June 2025 (sec.gov, 0001140361-25-032095, R41)"
NEBIUS = "knowyourinvestments.substack.com"
ORACLE_COST = 0.118 / 18.0
"""Issue cost and discount of all six notes over their face: 118 million of 18 bn, same note."""

SOFR_2025 = 0.0430  # 30 June 2025
SOFR_2026 = 0.0363  # 2026


@dataclass(frozen=True)
class PublicDeal:
    """A deal as published, in fractions.

    Attributes:
        size: billion USD. coupon: or margin of a floating deal, paid `per_year` times a year.
        redemption: repaid per unit of face at the end (notes that accrete).
        fee: upfront, None where it is not public. benchmark: of a floating deal at the date of the published rate.
        low, high: the published yield or effective rate; the same where one figure is given.
        remark: why the engine's figure may differ.
    """

    name: str
    size: float
    coupon: float
    tenor: float
    per_year: int
    low: float
    high: float
    source: str
    remark: str
    fee: float | None = 0.0
    discount: float = 0.0
    redemption: float = 1.0
    benchmark: float | None = None
    amortisation: str = "bullet"
    group: str = ""


_ORACLE = "the average issue cost of the six notes is put on each; short notes cost less to place, long ones more"


def _oracle(coupon: float, tenor: float, size: float, effective: float) -> PublicDeal:
    return PublicDeal(
        name=f"Oracle {100 * coupon:.3f} % {2025 + int(tenor)}",
        size=size,
        coupon=coupon,
        tenor=tenor,
        per_year=2,
        low=effective,
        high=effective,
        source=ORACLE,
        remark=_ORACLE,
        fee=ORACLE_COST,
        group="Oracle, September 2025",
    )


DEALS: tuple[PublicDeal, ...] = (
    _oracle(0.0445, 5, 3.0, 0.0455),
    _oracle(0.0480, 7, 3.0, 0.0487),
    _oracle(0.0520, 10, 4.0, 0.0525),
    _oracle(0.05875, 20, 2.5, 0.0591),
    _oracle(0.0595, 30, 3.5, 0.0605),
    _oracle(0.0610, 40, 2.0, 0.0617),
    PublicDeal(
        "Applied Digital 9.25 %, at 97", 2.35, 0.0925, 5, 2, 0.10, 0.10, "zamantika.com, November 2025 (secondary)",
        "published as about 10 %", discount=0.03,
    ),
    PublicDeal(
        "CoreWeave 9.25 % 2030", 2.0, 0.0925, 5, 2, 0.10, 0.10, COREWEAVE,
        "issue cost not public: 1.75 % assumed, mid of high-yield notes; the effective rate is rounded to a per cent",
        fee=0.0175,
    ),
    PublicDeal(
        "CoreWeave DDTL 1.0", 2.3, 0.0962, 5, 4, 0.15, 0.15, COREWEAVE,
        "SOFR of June 2025, 4.30 % (general knowledge), held for life; margin 962 bp and fee 2 %: general knowledge; "
        "rounded to a per cent",
        fee=0.02, benchmark=SOFR_2025, amortisation="linear",
    ),
    PublicDeal(
        "CoreWeave DDTL 2.0", 7.6, 0.0600, 5, 4, 0.11, 0.11, f"{COREWEAVE}; margin: 9fin.com",
        "SOFR of June 2025, 4.30 % (general knowledge), held for life; 600 bp is the margin for the specified "
        "customer, others pay 650 or 1,300; fee 2 % assumed; rounded to a per cent",
        fee=0.02, benchmark=SOFR_2025, amortisation="linear",
    ),
    PublicDeal(
        "CoreWeave DDTL 4.0, before fees", 8.5, 0.0225, 6, 4, 0.059, 0.059, "theenergymag.com, 9 April 2026",
        "the published 5.9 % is the rate of the fixed part, swapped for six years; here SOFR of 2026 is held",
        benchmark=SOFR_2026, amortisation="linear",
    ),
    PublicDeal(
        "CoreWeave equipment financing", 1.73, 0.095, 2.5, 12, 0.09, 0.10, COREWEAVE,
        "the middle of 9 to 10 % goes in, and comes out: a check of monthly payments in quarters",
        amortisation="linear",
    ),
    PublicDeal(
        "Nebius 2.00 % 2029, repaid at 120", 0.5, 0.02, 4, 2, 0.064, 0.064, NEBIUS,
        "as a note of face 1.2 sold at 1; conversion not valued", redemption=1.20,
    ),
    PublicDeal(
        "Nebius 3.00 % 2031, repaid at 125", 0.5, 0.03, 6, 2, 0.063, 0.063, NEBIUS,
        "as a note of face 1.25 sold at 1; conversion not valued", redemption=1.25,
    ),
)  # fmt: skip
