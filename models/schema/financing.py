"""Financing: one engine of terms for every instrument, and the investor classes that hold them."""

from __future__ import annotations

from dataclasses import dataclass

from . import fields as f
from . import usual as u
from .fields import Sourced
from .parties import Party as Party
from .presets import PRESETS
from .ratings import RATINGS
from .seniority import SENIORITIES

INVESTOR_KINDS = (
    "pension_fund", "insurer", "asset_manager", "bank", "private_credit", "vendor", "customer", "parent", "public_equity",
)  # fmt: skip
INSTRUMENT_KINDS = (
    "bond", "term_loan", "delayed_draw_loan", "construction_loan", "spv_bond", "abs", "private_credit", "vendor_finance",
    "lease", "high_yield_note", "convertible", "preferred", "equity", "cmbs", "sale_leaseback", "operating_lease",
    "vendor_equity",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Investor(Sourced):
    """A class of holders. With `party` it is a supplier or customer that also funds: circular financing."""

    id: str = f.ident("name of the investor class")
    title: str = f.text("name in reports", default="")
    kind: str = f.choice("kind of investor", INVESTOR_KINDS)
    party: str | None = f.ref("the supplier or customer behind it", "party", default=None)
    issuance_capacity: tuple[float, ...] = f.series("maximum it takes over all instruments", "billion per period", ge=0)
    max_holding: float | None = f.number(
        "maximum it holds at one time over all instruments", "billion", gt=0, default=None
    )
    max_share: float = f.share(
        "at every date, maximum share of the funding raised so far that may come from it", default=1.0
    )
    kinds: tuple[str, ...] = f.several(
        "kinds of instrument it may hold; all if left out", (*INSTRUMENT_KINDS, "revolver"), default=()
    )
    min_rating: str = f.choice("weakest rating of a debt it may hold; any if left out", (*RATINGS, ""), default="")
    max_tenor: int | None = f.years("longest tenor of a debt it may hold", usual=u.TENOR, default=None)
    window: str | None = f.ref(
        "driver of its market: the share of what it agreed to take that comes", "driver", default=None
    )


@dataclass(frozen=True, kw_only=True)
class Step(Sourced):
    """One step of a depth curve: the next `size` per period costs `spread` more."""

    size: float = f.number("width of the step", "billion per period", gt=0)
    spread: float = f.number(
        "added to the margin", "fraction per year", ge=0, le=0.2, cure="150 bp is written 0.015", usual=u.SPREAD
    )


@dataclass(frozen=True, kw_only=True)
class Depth(Sourced):
    """How much of an instrument one investor class takes per period, and at what spread."""

    investor: str = f.ref("investor class", "investor")
    steps: tuple[Step, ...] = f.tables(
        "steps from cheapest to most expensive; spreads must not fall", Step, min_items=1
    )


@dataclass(frozen=True, kw_only=True)
class Grid(Sourced):
    """One line of a margin grid. The first line whose rating the offtaker reaches holds; the last one for all below."""

    rating: str = f.choice("weakest rating for which the line holds", RATINGS)
    margin: float = f.number(
        "added to the margin", "fraction per year", ge=-0.05, le=0.3, cure="150 bp is written 0.015", usual=u.MARGIN
    )


@dataclass(frozen=True, kw_only=True)
class Instrument(Sourced):
    """Terms of one instrument. Amounts are face value in billions of the case's currency.

    The rate is benchmark + spread_beta × spread_driver + margin + the step's spread. The market spread is the one
    of the period in which the money is agreed (issue or commitment). The benchmark of a fixed rate is that of the
    period of issue or draw; that of a floating one is set at the start of each interest period (one period before
    payment). Interest is paid in arrears every period on the outstanding balance.

    `preset` fills the terms that are left out from docs/instruments.md; its margin only where no spread_driver is given.
    An investor class that may not hold the instrument, by kind, rating or tenor, is passed over.

    In a scenario in which a window (the instrument's, the investor's) is partly shut at the issue or commitment, only
    that share of the face is placed: proceeds, fees, service and balance are all multiplied by it. Where draws are
    stopped, a draw comes only in the share that the draw_stop driver shows in its period.
    """

    id: str = f.ident("name of the instrument in the case and in tables")
    title: str = f.text("name in reports", default="")
    preset: str = f.choice("whose terms it takes where they are left out", (*PRESETS, ""), default="")
    kind: str = f.choice("family it belongs to, for reports and for who may hold it", INSTRUMENT_KINDS)
    rating: str = f.choice("rating of a debt; not rated if left out", (*RATINGS, ""), default="")
    issuer: str | None = f.ref("entity that issues it; the parent if left out", "entity", default=None)
    rate: str = f.choice("how the coupon is set", ("fixed", "floating"))
    benchmark: str | None = f.ref("driver of the reference rate", "driver", default=None)
    spread_driver: str | None = f.ref("driver of the market spread", "driver", default=None)
    spread_beta: float = f.number("times the market spread", "ratio", ge=0, le=10, usual=u.BETA, default=1.0)
    margin: float = f.number(
        "fixed margin",
        "fraction per year",
        ge=-0.05,
        le=0.5,
        cure="225 bp is written 0.0225",
        usual=u.MARGIN,
        default=0.0,
    )
    coupon_floor: float = f.number(
        "the coupon as a whole, benchmark and market spread included, is never below it", "fraction per year",
        ge=0, le=0.5, usual=u.COUPON_FLOOR, default=0.0,
    )  # fmt: skip
    subsidised: bool = f.flag(
        "public support pays what its lenders give up: it may cost nothing, or less than idle cash earns; else such money "
        "is refused", default=False,
    )  # fmt: skip
    market_margin: float | None = f.number(
        "margin that a straight debt would pay in place of `margin`, where holders gave up coupon for something else; "
        "for a convertible, that of the most expensive unsecured straight debt if left out",
        "fraction per year", ge=-0.05, le=0.5, usual=u.MARGIN, default=None,
    )  # fmt: skip
    accretion: float = f.rate(
        "yearly growth of the balance instead of cash interest (pay-in-kind)", le=0.5, usual=u.RETURN, default=0.0
    )
    fee: float = f.share("upfront fee on the face value", le=0.2, usual=u.FEE, default=0.0)
    discount: float = f.share("issue discount on the face value", le=0.3, usual=u.DISCOUNT, default=0.0)
    tenor: int | None = f.years("time to final repayment; none for equity", usual=u.TENOR, default=None)
    grace: int = f.count("periods of interest only before repayment starts", "periods", default=0)
    amortisation: str = f.choice("how it is repaid after the grace", ("bullet", "linear", "annuity", "custom", "none"))
    balloon: float = f.share("linear, annuity: share of the face that is repaid with the last instalment", default=0.0)
    annuity_rate: float | None = f.rate(
        "rate at which the annuity's principal schedule is drawn up", usual=u.SCHEDULE_RATE, default=None
    )
    schedule: tuple[float, ...] = f.numbers(
        "custom: shares of the face value repaid per period after the grace; they sum to 1",
        "fraction",
        ge=0,
        le=1,
        min_items=0,
        default=(),
    )
    issue_from: int | None = f.period("first period of issue or commitment", edge="first", default=None)
    issue_to: int | None = f.period("last period of issue or commitment", edge="last", default=None)
    draw_window: int = f.count(
        "0: paid out at issue; else draws allowed in this many periods after commitment", "periods", default=0
    )
    commitment_fee: float = f.rate(
        "on the undrawn amount while the window is open", le=0.1, usual=u.COMMITMENT_FEE, default=0.0
    )
    term_from: str = f.choice(
        "what tenor and grace of a draw are counted from: each draw, or one final date for all draws of a commitment",
        ("draw", "commitment"),
        default="draw",
    )
    conversion: int | None = f.count(
        "periods after the issue or commitment at which the margin becomes converted_margin",
        "periods",
        ge=1,
        default=None,
    )
    converted_margin: float | None = f.number(
        "margin after the conversion of a construction loan",
        "fraction per year",
        ge=-0.05,
        le=0.5,
        usual=u.MARGIN,
        default=None,
    )
    window: str | None = f.ref(
        "driver of its market: the share of a placement or commitment that comes", "driver", default=None
    )
    draw_stop: str | None = f.ref("driver of the share of a draw that comes in its period", "driver", default=None)
    offtaker: str | None = f.ref("party whose rating sets the margin by the grid", "party", default=None)
    grid: tuple[Grid, ...] = f.tables("margin by the offtaker's rating, from the best to the weakest", Grid, default=())
    downgrade: str | None = f.ref(
        "survival driver of the offtaker's rating: its fall is the downgrade", "driver", default=None
    )
    downgraded_to: str = f.choice("rating after the downgrade", (*RATINGS, ""), default="")
    dilution: str | None = f.ref(
        "convertible: driver with process excess, the share price over the conversion price", "driver", default=None
    )
    rent: bool = f.flag(
        "payments are rent: part of EBITDA, deductible, and the claim is no debt to a covenant", default=False
    )
    secured_by: str = f.choice("collateral", ("none", "accelerators", "sites", "all"), default="none")
    advance_rate: float | None = f.share(
        "maximum outstanding balance over the collateral's value, by age", usual=u.ADVANCE, default=None
    )
    seasoning: int = f.count("collateral counts once it has been in service so long", "periods", default=0)
    seniority: str | None = f.choice(
        "rank when value is short; that of its kind if left out", SENIORITIES, default=None
    )
    guarantor: str | None = f.ref("party that makes good what the holders lose", "party", default=None)
    guaranteed_share: float = f.share("maximum share of the balance that the guarantor makes good", default=1.0)
    recourse: bool = f.flag("issued by an SPV: whether its owner answers for what the SPV leaves unpaid", default=False)
    use: str = f.choice(
        "what cumulative proceeds may not exceed the spending on",
        ("general", "accelerators", "sites"),
        default="general",
    )
    tied_to: str | None = f.ref("supplier whose deliveries it pays", "party", default=None)
    tied_share: float = f.share("maximum share of the cumulative payments to that supplier it may fund", default=1.0)
    max_outstanding: float | None = f.number("maximum outstanding balance", "billion", gt=0, default=None)
    depth: tuple[Depth, ...] = f.tables("who takes how much at what spread", Depth, min_items=1)


@dataclass(frozen=True, kw_only=True)
class OpeningDebt(Sourced):
    """Debt on the opening balance sheet with its remaining service."""

    id: str = f.ident("name of the debt")
    title: str = f.text("name in reports", default="")
    holder: str | None = f.ref("investor class that holds it", "investor", default=None)
    entity: str | None = f.ref("entity that owes it; the parent if left out", "entity", default=None)
    amount: float = f.number("outstanding at the start of period 0", "billion", gt=0)
    rate: str = f.choice("how the coupon is set", ("fixed", "floating"))
    coupon: float = f.rate("fixed: the coupon; floating: the margin over the benchmark", le=0.5, usual=u.COUPON)
    benchmark: str | None = f.ref(
        "driver of the reference rate of a floating debt; of a fixed one, the rate at which its value beyond the horizon is "
        "looked for, which is its balance if left out", "driver", default=None,
    )  # fmt: skip
    market_margin: float | None = f.number(
        "what its market asks over the benchmark, for its value beyond the horizon; if left out, what makes it worth its "
        "balance today", "fraction per year", ge=-0.05, le=0.5, usual=u.MARGIN, default=None,
    )  # fmt: skip
    maturity: int = f.period("period of final repayment", edge="last")
    amortisation: str = f.choice("how it is repaid", ("bullet", "linear"), default="bullet")
    secured_by: str = f.choice("collateral", ("none", "accelerators", "sites", "all"), default="none")
    seniority: str = f.choice("rank when value is short", SENIORITIES[:3], default="senior")
    recourse: bool = f.flag("owed by an SPV: whether its owner answers for what the SPV leaves unpaid", default=False)


@dataclass(frozen=True, kw_only=True)
class OpeningFleet(Sourced):
    """Systems in service at the start."""

    accelerator: str = f.ref("which system", "accelerator")
    site: str = f.ref("where", "site")
    systems: float = f.number("how many are in service", "systems", ge=0, usual=u.SYSTEMS)
    age: int = f.count("their age at the start", "periods", ge=0)
    book_value: float = f.number("book value, depreciated evenly over the remaining life", "billion", ge=0, default=0.0)


@dataclass(frozen=True, kw_only=True)
class Opening(Sourced):
    """The opening balance sheet besides cash."""

    fleet: tuple[OpeningFleet, ...] = f.tables("systems in service", OpeningFleet, default=())
    debt: tuple[OpeningDebt, ...] = f.tables("debt outstanding", OpeningDebt, default=())
    site_book_value: float = f.number("book value of the sites in service", "billion", ge=0, default=0.0)
    site_life: int | None = f.years(
        "remaining depreciation time of the sites in service", usual=u.SITE_LIFE, default=None
    )
