"""Presets: the terms of the market's instruments, each of them a setting of the one instrument engine.

Figures are in the middle of what the sources show; a case overrides what it knows better. Docs: docs/instruments.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Preset:
    """Terms of a kind of instrument, as they would be written in a case.

    Attributes:
        title: name of the instrument. where: table of the case in which it stands, where not [[instrument]].
        terms: keys of [[instrument]] with their values.
        spans: keys that count periods, in years.
        needs: keys that a case must give with it, since they name its own entries.
        program: what the linear program sees. scenario: what a scenario sees.
        deal: a public deal that it resembles. source: where that deal's and the terms' figures were seen; confidence as in cases.
    """

    title: str
    program: str
    scenario: str
    deal: str
    source: str
    confidence: str
    terms: Mapping[str, Any] = field(default_factory=dict)
    spans: Mapping[str, float] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    where: str = "[[instrument]]"


_FLOATING = "coupon on the benchmark of each period; its share of the proceeds where the window is shut"

PRESETS: Mapping[str, Preset] = MappingProxyType({
    "investment_grade_bond": Preset(
        title="investment-grade bond",
        terms={
            "kind": "bond", "rate": "fixed", "margin": 0.007, "fee": 0.0045, "tenor": 10, "amortisation": "bullet",
            "rating": "AA-",
        },
        needs=("benchmark",),
        program="face and fee at issue, expected coupon, bullet; what is left at the horizon is owed",
        scenario="coupon fixed on the benchmark at issue; proceeds fail to come where the window is shut",
        deal="Meta, 4.875 % 2035, 6.5 bn, November 2025, Aa3/AA-",
        source="Meta 8-K 2025-11-03 (stocktitan.net); spread and fee: middle of the 2025 issues of Meta, Alphabet, Amazon",
        confidence="derived",
    ),
    "high_yield_note": Preset(
        title="high-yield note",
        terms={
            "kind": "high_yield_note", "rate": "fixed", "margin": 0.053, "fee": 0.0175, "tenor": 5,
            "amortisation": "bullet", "rating": "B+",
        },
        needs=("benchmark",),
        program="as the investment-grade bond, at a wider margin and a larger fee",
        scenario="as the investment-grade bond; its window shuts first",
        deal="CoreWeave, 9.25 % senior notes 2030, 2.0 bn, May 2025, B+/Ba3",
        source="CoreWeave debt note of 2025-06-30 (sec.gov, 0001140361-25-032095, R41); margin and fee derived",
        confidence="derived",
    ),
    "convertible": Preset(
        title="convertible note",
        terms={
            "kind": "convertible", "rate": "fixed", "margin": 0.0175, "fee": 0.0275, "tenor": 6,
            "amortisation": "bullet", "rating": "NR",
        },
        needs=("dilution",),
        program="low coupon, face repaid in cash, and the expected value of the shares given on top, at the horizon",
        scenario="shares worth face × max(price / conversion price - 1, 0) at maturity: a loss of value, not of cash",
        deal="CoreWeave, 1.75 % convertible 2031, 2.25 bn, December 2025, conversion price 25 % above the market",
        source="sherwood.news; webull 2025-12-09; fee: general knowledge, unverified",
        confidence="unverified",
    ),
    "term_loan_a": Preset(
        title="term loan A",
        terms={
            "kind": "term_loan", "rate": "floating", "margin": 0.025, "fee": 0.01, "tenor": 5, "amortisation": "linear",
            "balloon": 0.5, "rating": "BB+",
        },
        needs=("benchmark",),
        program="half repaid in level parts over five years, half at the end; banks",
        scenario=_FLOATING,
        deal="Vantage for Oracle and OpenAI, 23.25 bn in Texas, SOFR + 250 bp, October 2025 (banks; a project loan)",
        source="tradingkey.com (Bloomberg 2025-10-24); amortisation, fee and tenor: general knowledge, unverified",
        confidence="unverified",
    ),
    "term_loan_b": Preset(
        title="term loan B",
        terms={
            "kind": "term_loan", "rate": "floating", "margin": 0.045, "fee": 0.02, "discount": 0.01, "tenor": 7,
            "amortisation": "linear", "balloon": 0.93, "rating": "B+",
        },
        needs=("benchmark",),
        program="1 % a year repaid, the rest at the end; sold to funds below par",
        scenario=_FLOATING,
        deal="xAI, 5 bn of loans and bonds arranged by Morgan Stanley, 2025",
        source="longbridge.com/news/261573129 (size and arranger); terms: general knowledge, unverified",
        confidence="unverified",
    ),
    "delayed_draw_gpu_loan": Preset(
        title="delayed-draw GPU loan",
        terms={
            "kind": "delayed_draw_loan", "rate": "floating", "margin": 0.0225, "fee": 0.0125, "tenor": 5,
            "amortisation": "linear", "commitment_fee": 0.005, "secured_by": "accelerators", "advance_rate": 0.8,
            "use": "accelerators", "rating": "A-",
        },
        spans={"draw_window": 1.25, "grace": 0.5},
        needs=("benchmark",),
        program="commitment with its fee, draws up to it, each with its own maturity; margin by the offtaker's rating",
        scenario="draws stop in the share that draw_stop shows; the margin rises with the offtaker's downgrade",
        deal="CoreWeave DDTL 4.0, 8.5 bn, SOFR + 225 bp, March 2026, A3; DDTL 2.0: 600, 650 or 1300 bp by customer",
        source="theenergymag.com 2026-04-09; 9fin.com; advance rate and fees: general knowledge, unverified",
        confidence="derived",
    ),
    "construction_loan": Preset(
        title="construction loan with conversion",
        terms={
            "kind": "construction_loan", "rate": "floating", "margin": 0.025, "fee": 0.015, "tenor": 6,
            "amortisation": "linear", "balloon": 0.8, "commitment_fee": 0.005, "term_from": "commitment",
            "converted_margin": 0.02, "secured_by": "sites", "advance_rate": 0.75, "use": "sites", "rating": "BBB",
        },
        spans={"draw_window": 2.0, "grace": 2.0, "conversion": 2.0},
        needs=("benchmark",),
        program="draws while building, interest only; then one term loan to one final date, at the converted margin",
        scenario="as the delayed-draw loan: draws may stop, the benchmark moves",
        deal="Vantage for Oracle and OpenAI, 38 bn, SOFR + 250 bp, four years and two extensions, October 2025",
        source="tradingkey.com (Bloomberg 2025-10-24); LTC and fee: financely-group.com; conversion: unverified",
        confidence="derived",
    ),
    "spv_bond": Preset(
        title="SPV bond with residual-value guarantee",
        terms={
            "kind": "spv_bond", "rate": "fixed", "margin": 0.0225, "fee": 0.01, "tenor": 23.5, "amortisation": "annuity",
            "annuity_rate": 0.0658, "secured_by": "sites", "advance_rate": 0.92, "use": "sites", "rating": "A+",
        },
        spans={"grace": 2.5},
        needs=("benchmark", "guarantor"),
        program="interest only while building, then level payments; up to 92 % of the value of the sites",
        scenario="fixed coupon; the guarantor makes good its share of what holders lose, while it survives",
        deal="Beignet Investor (Meta, Hyperion), 27.3 bn, 6.58 % 2049, October 2025, A+",
        source="Wall Street Journal 2025-10-22, FT Alphaville 2025-10-30; fee: general knowledge, unverified",
        confidence="derived",
    ),
    "abs": Preset(
        title="ABS on stabilised assets",
        terms={
            "kind": "abs", "rate": "fixed", "margin": 0.019, "fee": 0.006, "tenor": 5, "amortisation": "bullet",
            "secured_by": "sites", "advance_rate": 0.7, "rating": "A",
        },
        spans={"seasoning": 1.0},
        needs=("benchmark",),
        program="outstanding at most 70 % of the value of what has been in service for a year",
        scenario="coupon fixed at issue; its window may be shut when it should refinance a construction loan",
        deal="data-centre ABS master trusts, 75 deals of 0.46 bn on average to May 2025",
        source="KBRA, May 2025; spread: general knowledge, unverified",
        confidence="derived",
    ),
    "cmbs": Preset(
        title="CMBS on stabilised assets",
        terms={
            "kind": "cmbs", "rate": "floating", "margin": 0.02, "fee": 0.01, "tenor": 3, "amortisation": "bullet",
            "secured_by": "sites", "advance_rate": 0.65, "rating": "A",
        },
        spans={"seasoning": 1.0},
        needs=("benchmark",),
        program="as the ABS, for one property, floating",
        scenario=_FLOATING,
        deal="data-centre CMBS on one property, 13 deals of 1.09 bn on average to May 2025",
        source="KBRA, May 2025; spread and advance rate derived",
        confidence="derived",
    ),
    "private_credit": Preset(
        title="private credit",
        terms={
            "kind": "private_credit", "rate": "floating", "margin": 0.065, "fee": 0.025, "tenor": 5,
            "amortisation": "bullet", "rating": "B",
        },
        needs=("benchmark",),
        program="bullet at a wide margin and a large fee; funds that hold to maturity",
        scenario=_FLOATING + "; rarely shut, which is what it is paid for",
        deal="CoreWeave, Magnetar loan, 0.26 bn at 12 %, outstanding in June 2025",
        source="CoreWeave debt note of 2025-06-30 (sec.gov, R41); range: oakrg.com (secondary)",
        confidence="secondary",
    ),
    "sale_leaseback": Preset(
        title="sale and leaseback",
        terms={
            "kind": "sale_leaseback", "rate": "fixed", "margin": 0.065, "fee": 0.02, "tenor": 5, "amortisation": "annuity",
            "annuity_rate": 0.105, "secured_by": "accelerators", "advance_rate": 0.64, "rating": "B",
        },
        spans={"seasoning": 0.25},
        needs=("benchmark",),
        program="cash for systems in service, level rent until they are bought back at the end: a debt (ASC 842-40-25)",
        scenario="rent fixed at the sale",
        deal="Valor Compute Infrastructure for xAI, 5.4 bn of GB200, 3.5 bn of it debt (65 %), January 2026",
        source="beyondspx.com; idcnova.com 2026-01-07; spread: general knowledge, unverified",
        confidence="derived",
    ),
    "operating_lease": Preset(
        title="operating lease of capacity",
        terms={
            "kind": "operating_lease", "rate": "fixed", "margin": 0.0225, "tenor": 15, "amortisation": "annuity",
            "annuity_rate": 0.065, "balloon": 0.3, "secured_by": "sites", "advance_rate": 1.0, "use": "sites",
            "rent": True, "rating": "A",
        },
        needs=("benchmark",),
        program="the lessor pays the site, level rent in EBITDA; the balloon is the residual value handed back",
        scenario="rent fixed at the start, whatever the site earns",
        deal="Oracle leases of Stargate sites from developers",
        source="general knowledge, unverified",
        confidence="unverified",
    ),
    "vendor_finance": Preset(
        title="vendor financing",
        terms={
            "kind": "vendor_finance", "rate": "fixed", "margin": 0.095, "fee": 0.005, "tenor": 3,
            "amortisation": "annuity", "annuity_rate": 0.095, "secured_by": "accelerators", "advance_rate": 0.9,
            "use": "accelerators",
        },
        needs=("tied_to",),
        program="at most its share of what the supplier has been paid; circular financing",
        scenario="fixed payments",
        deal="CoreWeave, financing by equipment makers, 1.73 bn at 9 to 10 %, outstanding in June 2025",
        source="CoreWeave debt note of 2025-06-30 (sec.gov, R41); advance rate and fee derived",
        confidence="derived",
    ),
    "vendor_equity": Preset(
        title="vendor equity tied to purchases",
        terms={
            "kind": "vendor_equity", "rate": "fixed", "accretion": 0.2, "amortisation": "none", "tied_share": 0.29,
        },
        needs=("tied_to",),
        program="equity up to 29 % of what the supplier has been paid; its asked return accretes; circular financing",
        scenario="no payments; the claim on the value at the end grows as on the expected path",
        deal="NVIDIA and OpenAI, letter of intent for 10 bn per GW against about 35 bn of orders, September 2025",
        source="datagravity.dev; ts2.tech; asked return as common equity",
        confidence="derived",
    ),
    "preferred": Preset(
        title="preferred equity",
        terms={
            "kind": "preferred", "rate": "fixed", "margin": 0.07, "accretion": 0.08, "fee": 0.02, "amortisation": "none",
        },
        program="a cash dividend and a part that accretes; no debt to a covenant, owed at the end",
        scenario="the dividend is paid in every scenario",
        deal="preferred equity of data-centre projects at 12 to 18 %",
        source="oakrg.com (secondary)",
        confidence="secondary",
    ),
    "common_equity": Preset(
        title="common equity",
        terms={"kind": "equity", "rate": "fixed", "accretion": 0.2, "fee": 0.04, "amortisation": "none"},
        program="no payments; its asked return accretes and is owed at the end, so that equity is not free",
        scenario="proceeds fail to come where the window is shut; no payments",
        deal="Nebius, 1.0 bn of shares at 92.50, September 2025",
        source="particle.news; asked return 18 to 25 %: oakrg.com (secondary); fee: unverified",
        confidence="secondary",
    ),
})  # fmt: skip

ELSEWHERE: Mapping[str, Preset] = MappingProxyType({
    "revolver": Preset(
        title="revolver",
        where="[revolver]",
        program="a commitment with its fees; minimum cash is met without it",
        scenario="a deficit up to the line costs its margin, beyond it the more expensive one; the line counts as liquidity",
        deal="CoreWeave, revolver, 0.45 bn drawn at 7 %, three years, June 2025",
        source="CoreWeave debt note of 2025-06-30 (sec.gov, R41)",
        confidence="verified",
    ),
    "contract_prepayment": Preset(
        title="contract prepayment",
        where="[[contract]] prepayment",
        program="a share of the contract's value at signature, credited against the bills; circular financing",
        scenario="what is not yet earned is owed: it is returned at the customer's default, unless the contract says that it is kept",
        deal="OpenAI and CoreWeave, 11.9 bn contract with 0.35 bn of stock, March 2025",
        source="sec.gov, 0001140361-25-032095, R49",
        confidence="verified",
    ),
    "own_cash": Preset(
        title="own cash",
        where="[cash] and [organic]",
        program="opening cash and the rest of the company's cash flow, down to minimum cash",
        scenario="the cash flow moves with its price column",
        deal="Microsoft, no large bond in 2025",
        source="general knowledge, unverified",
        confidence="unverified",
    ),
})  # fmt: skip


def filled(raw: Mapping[str, Any], per_year: int) -> dict[str, Any]:
    """An [[instrument]] as written, with its preset's terms where it gives none.

    With a spread_driver the preset's margin is left out: it is itself an average of market spreads. So are terms that
    belong to another one which the case gives differently, e.g. the annuity's rate where it repays in a bullet.
    """
    preset = PRESETS[raw["preset"]]
    terms = {**preset.terms, **{name: round(years * per_year) for name, years in preset.spans.items()}}
    apart: set[str] = {"margin"} if "spread_driver" in raw else set()
    if raw.get("amortisation", terms["amortisation"]) != terms["amortisation"]:
        apart |= {"annuity_rate", "balloon", "grace"}
    if raw.get("secured_by") == "none":
        apart |= {"advance_rate", "seasoning"}
    if raw.get("draw_window") == 0:
        apart |= {"commitment_fee", "term_from"}
    terms = {name: value for name, value in terms.items() if name not in apart}
    return {**terms, **raw}
