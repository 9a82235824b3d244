"""Kinds of covenants: all that a case's reader, its pages and its rows know of each, but the formula.

The formula stands under the same name in `models/blocks/covenant_kinds.py`; every list of kinds is made of these two.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CovenantKind:
    """One kind of covenant.

    Attributes:
        title: what is tested, in tables and in the names of rows.
        words: the same for the case reference, with what it counts.
        unit: of the limit: ratio, fraction, billion or years.
        at_least: the limit is a minimum; else a maximum.
        tightening_step: how much the limit is tightened where the case does not say, in the unit of the limit.
        usual: limits that credit agreements have, with room; None where any may be.
        most: largest limit allowed.
        signed: the limit may be negative.
        leases: operating leases may be counted as debt.
        earns: it needs something that can be earned.
        owes: it needs a debt that can be owed.
        keys: fields of the covenant that belong to this kind and a few others only.
        at_end: it is tested in the last period only.
        own_cash: of a group with ring-fenced companies it sees what the parent has.
    """

    title: str
    words: str
    unit: str = "ratio"
    at_least: bool = False
    tightening_step: float
    usual: tuple[float, float] | None = None
    most: float | None = None
    signed: bool = False
    leases: bool = False
    earns: bool = False
    owes: bool = False
    keys: tuple[str, ...] = ()
    at_end: bool = False
    own_cash: bool = False


COVENANT_KINDS: dict[str, CovenantKind] = {
    "net_debt_to_ebitda": CovenantKind(
        title="net debt / EBITDA", words="debt less cash over EBITDA", tightening_step=0.25, usual=(0.2, 20.0), most=1000.0,
        leases=True, earns=True,
    ),
    "interest_cover": CovenantKind(
        title="EBITDA / interest", words="EBITDA over interest", at_least=True, tightening_step=0.25, usual=(0.5, 15.0),
        most=1000.0, earns=True, owes=True,
    ),
    "fixed_charge_cover": CovenantKind(
        title="EBITDA / interest, leases and preferred dividends", at_least=True, tightening_step=0.25, usual=(0.5, 15.0),
        words="EBITDA before rent over interest, rent, repayment of leases and preferred dividends", most=1000.0,
        leases=True, earns=True,
    ),
    "dscr": CovenantKind(
        title="debt service cover", words="cash available for debt service over interest and repayment",
        at_least=True, tightening_step=0.05, usual=(0.5, 8.0), most=1000.0, leases=True, earns=True, owes=True,
    ),
    "llcr": CovenantKind(
        title="loan life cover", words="present value of what is available later over the debt", at_least=True,
        tightening_step=0.05, usual=(0.5, 8.0), most=1000.0, leases=True, earns=True, owes=True, keys=("discount",),
    ),
    "ltv": CovenantKind(
        title="debt / asset value", words="debt over the value of systems and sites", unit="fraction", tightening_step=0.05,
        usual=(0.05, 1.0), most=1.5, leases=True,
    ),
    "borrowing_base": CovenantKind(
        title="secured debt / borrowing base", unit="fraction", tightening_step=0.05, usual=(0.05, 1.0), most=1.5, owes=True,
        words="debt secured by systems over their value × advance rate by age", keys=("advance",),
    ),
    "minimum_liquidity": CovenantKind(
        title="cash", words="cash; of a group with ring-fenced companies the parent's own", unit="billion",
        at_least=True, tightening_step=0.1, own_cash=True,
    ),
    "maturity_wall": CovenantKind(
        title="principal due in a year", words="largest principal due in any year", unit="billion", tightening_step=0.1
    ),
    "weighted_average_life": CovenantKind(
        title="weighted average life of the debt", words="weighted average life of the debt", unit="years",
        at_least=True, tightening_step=0.25, usual=(0.2, 30.0), most=100.0, owes=True,
    ),
    "floating_share": CovenantKind(
        title="share of floating debt", words="floating debt over all debt", unit="fraction", tightening_step=0.05, most=1.0,
        owes=True,
    ),
    "supplier_concentration": CovenantKind(
        title="share of one supplier", words="a supplier's share of what was paid for systems so far", unit="fraction",
        tightening_step=0.05, most=1.0, keys=("party",),
    ),
    "offtaker_concentration": CovenantKind(
        title="share of one customer", words="a customer's share of the last year's revenue", unit="fraction",
        tightening_step=0.05, most=1.0, keys=("party",),
    ),
    "holder_concentration": CovenantKind(
        title="share of one holder", words="an investor class's share of all balances", unit="fraction", tightening_step=0.05,
        most=1.0, keys=("holder",),
    ),
    "terminal_equity": CovenantKind(
        title="equity at the end", words="cash + asset value - debt at the end, with what lies beyond the horizon",
        unit="billion", at_least=True, tightening_step=0.1, signed=True, at_end=True,
    ),
    "net_worth": CovenantKind(
        title="net worth",
        words="at each date cash + market value of systems + value of sites + receivables - debt - lease liabilities - "
        "prepayments not yet earned - customers' advances - payables, of what is on the balance sheet then; outside "
        "equity is no debt, and nothing beyond the horizon counts",
        unit="billion", at_least=True, tightening_step=0.1, signed=True,
    ),
}  # fmt: skip


def kinds_with(attribute: str) -> tuple[str, ...]:
    """Names of the kinds of which this attribute is true."""
    return tuple(name for name, kind in COVENANT_KINDS.items() if getattr(kind, attribute))


def kinds_taking(key: str) -> tuple[str, ...]:
    """Names of the kinds that this field of a covenant belongs to."""
    return tuple(name for name, kind in COVENANT_KINDS.items() if key in kind.keys)


def described() -> str:
    """Each kind in words, for the case reference."""
    each = (
        f"{name}: {kind.words}; at {'least' if kind.at_least else 'most'}, {kind.unit}."
        for name, kind in COVENANT_KINDS.items()
    )
    return "\n\n".join(each)
