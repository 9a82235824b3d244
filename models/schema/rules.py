"""Rules: cash, tax, budget, covenants, circularity, risk limits and the objective."""

from __future__ import annotations

from dataclasses import dataclass

from . import fields as f
from . import usual as u
from .covenant_kinds import COVENANT_KINDS, described, kinds_with
from .fields import Sourced
from .losses import LOSS_SPECS
from .losses import described as described_losses

METRICS = ("bf16", "fp8")


@dataclass(frozen=True, kw_only=True)
class Objective(Sourced):
    """What the plan makes as large (or as cheap) as it can."""

    kind: str = f.choice(
        "compute: discounted compute delivered; capacity: compute in service at a date; cost: lowest cost of a compute target; "
        "npv: what the plan is worth to its owners against doing nothing, with a compute target if there is one",
        ("compute", "capacity", "cost", "npv"),
        default="compute",
    )
    metric: str = f.choice("which performance counts", METRICS, default="bf16")
    compute_discount: float = f.rate("discount on later compute", usual=u.DISCOUNT_RATE, default=0.0)
    money_discount: float = f.rate(
        "discount on later money, for net loss, cost, npv and tie-breaks", usual=u.DISCOUNT_RATE, default=0.08
    )
    valuation: str = f.choice(
        "what lies beyond the horizon, for net loss, cost and terminal_equity: debt at its remaining payments, rents and "
        "contracts that run on; or debt at its face and the rest at nothing", ("market", "face"), default="market",
    )  # fmt: skip
    at: int | None = f.period("capacity and cost, and npv with a target: the date", edge="last", default=None)
    target: float | None = f.number(
        "cost and npv: compute that must be in service at the date", "PFLOP/s", gt=0, default=None
    )


@dataclass(frozen=True, kw_only=True)
class Cash(Sourced):
    opening: float = f.number("opening cash", "billion", ge=0)
    minimum: tuple[float, ...] = f.series(
        "minimum expected cash at each period's end; also the floor of the liquidity loss", "billion", ge=0, default=0.0
    )
    rate_driver: str | None = f.ref("driver of the money-market rate", "driver", default=None)
    deposit_margin: float = f.number(
        "surplus earns the driver plus this, never below 0",
        "fraction per year",
        ge=-0.2,
        le=0,
        usual=u.DEPOSIT,
        default=0.0,
    )
    deficit_margin: float = f.number(
        "in a scenario a deficit costs the driver plus this",
        "fraction per year",
        ge=0,
        le=0.5,
        usual=u.DEFICIT,
        default=0.0,
    )
    dividends: tuple[float, ...] = f.series("paid whatever happens", "billion per period", ge=0, default=0.0)


WRITE_OFFS = ("straight", "macrs3", "macrs5", "macrs7", "macrs15", "table")


@dataclass(frozen=True, kw_only=True)
class WriteOff(Sourced):
    """How what is bought is written off for tax. The books, balance sheet and collateral do not follow it.

    MACRS is the half-year table of IRS Publication 946 (26 USC 168) by calendar year: a year's share falls evenly on its
    periods, that of the first year on those from the start of service on.
    """

    method: str = f.choice(
        "straight: in equal parts; macrs3 … macrs15: the table of that class; table: own shares a year", WRITE_OFFS,
        default="straight",
    )  # fmt: skip
    bonus: float = f.share(
        "written off in the first year, before the rest is spread (26 USC 168(k))", usual=u.BONUS, default=0.0
    )
    years: int | None = f.years(
        "straight: over so long; the life in service if left out", usual=u.WRITE_OFF, default=None
    )
    shares: tuple[float, ...] = f.numbers(
        "table: shares of the cost in the first, second … calendar year; they sum to 1",
        "fraction",
        ge=0,
        le=1,
        default=(),
    )


@dataclass(frozen=True, kw_only=True)
class Tax(Sourced):
    """Tax on the expected income of the group. The defaults write off over the life in service, deduct fees when they are
    paid and do not limit interest; a case that lenders read says more.
    """

    rate: float = f.share("tax on income", usual=u.TAX)
    loss_use: float = f.share("maximum share of a period's taxable income that carried losses may offset", default=0.8)
    opening_losses: float = f.number("losses carried in", "billion", ge=0, default=0.0)
    interest_limit: float | None = f.share(
        "maximum share of taxable EBITDA that net interest may take off income (26 USC 163(j), ATAD article 4: 0.30); the rest is "
        "carried forward without end; no limit if left out", usual=u.INTEREST_LIMIT, default=None,
    )  # fmt: skip
    opening_interest: float = f.number(
        "interest not yet deducted for the limit, carried in", "billion", ge=0, default=0.0
    )
    fees: str = f.choice(
        "paid: fees and issue discount are deducted when they are paid; straight: in equal parts over the life of the debt; "
        "balance: in proportion to what is outstanding", ("paid", "straight", "balance"), default="paid",
    )  # fmt: skip
    systems: WriteOff | None = f.table(
        "write-off of systems; straight over their life if left out", WriteOff, default=None
    )
    sites: WriteOff | None = f.table("write-off of sites; straight over their life if left out", WriteOff, default=None)


@dataclass(frozen=True, kw_only=True)
class Budget(Sourced):
    """Maximum spending on hardware and sites, in expectation."""

    total: float | None = f.number("over the horizon", "billion", gt=0, default=None)
    per_period: tuple[float, ...] | None = f.series("in each period", "billion per period", ge=0, default=None)


COVENANTS = tuple(COVENANT_KINDS)
COUNTS_LEASES = kinds_with("leases")
"""Kinds that may count operating leases as debt."""


@dataclass(frozen=True, kw_only=True)
class Covenant(Sourced):
    """A test in every period from `from_period` to `to_period`, of the whole group or of one entity.

    EBITDA, interest and debt service are those of the last year (annualised while the year is not full). dscr and llcr
    count the interest on cash and the tax. Covenants of cover and net_debt_to_ebitda are not tested in periods in which
    nothing is due, or owed. Of a group with ring-fenced companies minimum_liquidity counts the parent's own cash; the
    other kinds see consolidated figures. What each kind tests:
    """

    id: str = f.ident("name of the covenant")
    kind: str = f.choice("what is tested", COVENANTS)
    limit: float = f.number("the limit", "ratio, billion or years")
    from_period: int = f.period("first period tested", edge="first", default=0)
    to_period: int | None = f.period("last period tested", edge="last", default=None)
    as_: str = f.choice(
        "maintained: tested on the expected path; cvar: CVaR of the worst shortfall over the scenarios at most zero; "
        "monitored: only evaluated", ("maintained", "cvar", "monitored"), default="maintained",
    )  # fmt: skip
    level: float | None = f.number(
        "cvar: the confidence level",
        "fraction",
        gt=0,
        lt=1,
        cure="95 % is written 0.95",
        usual=u.LEVEL,
        default=None,
    )
    tightening_step: float | None = f.number(
        "how much the limit is tightened to see what that costs in compute; a usual step of the kind if left out",
        "unit of the limit", gt=0, default=None,
    )  # fmt: skip
    entity: str | None = f.ref(
        "entity whose own figures are tested; the whole group if left out", "entity", default=None
    )
    party: str | None = f.ref(
        "supplier_concentration, offtaker_concentration: whose share; each one's if left out", "party", default=None
    )
    holder: str | None = f.ref(
        "holder_concentration: whose share; each investor class's if left out", "investor", default=None
    )
    advance: tuple[float, ...] = f.numbers(
        "borrowing_base: advance rate on systems at age 0, 1, 2 … years, linear between, last value kept", "fraction",
        ge=0, le=1, default=(),
    )  # fmt: skip
    discount: float | None = f.rate(
        "llcr: discount on later cash flow; money_discount if left out",
        usual=u.DISCOUNT_RATE,
        default=None,
    )
    leases: bool = f.flag(
        "net_debt_to_ebitda, fixed_charge_cover, dscr, llcr, ltv: operating leases count as debt: their balance, and of "
        "leased sites the rents still to come; EBITDA is then before rent, rent is debt service, and the right to use "
        "leased sites is an asset", default=False,
    )  # fmt: skip

    @property
    def at_least(self) -> bool:
        """Whether the limit is a minimum."""
        return COVENANT_KINDS[self.kind].at_least

    @property
    def step(self) -> float:
        """Size of the tightening step, in the unit of the limit."""
        return COVENANT_KINDS[self.kind].tightening_step if self.tightening_step is None else self.tightening_step


Covenant.__doc__ = f"{Covenant.__doc__}\n\n{described()}"


@dataclass(frozen=True, kw_only=True)
class Circularity(Sourced):
    """Funding from parties that the plan pays or is paid by, over what the plan has spent or raised.

    Spending is what is paid for hardware and sites. Money raised and left idle adds to what is raised, not to spending.
    """

    cap: float = f.share(
        "at every date, the funding so far from such parties over what `against` says, at most", default=1.0
    )
    against: str = f.choice(
        "what the cap is a share of: the spending on hardware and sites so far, or all funding raised so far, which idle "
        "money dilutes", ("spending", "raised"), default="spending",
    )  # fmt: skip


LOSSES = tuple(LOSS_SPECS)
"""Losses that a case can limit; those of covenants are limited by the covenants themselves."""


@dataclass(frozen=True, kw_only=True)
class Risk(Sourced):
    """CVaR of a loss at `level` must not exceed `limit`."""

    id: str = f.ident("name of the limit")
    loss: str = f.choice("which loss", LOSSES)
    entity: str | None = f.ref(
        "liquidity: entity whose own cash is meant; the group and each of them if left out", "entity", default=None
    )
    level: float = f.number("confidence level", "fraction", gt=0, lt=1, cure="95 % is written 0.95", usual=u.LEVEL)
    limit: float = f.number("maximum of the mean of the worst 1 - level of the scenarios", "unit of the loss")
    target: float | None = f.number("compute_shortfall: compute wanted", "PFLOP/s", gt=0, default=None)
    at: int | None = f.period("compute_shortfall: the date; the last period if left out", edge="last", default=None)


Risk.__doc__ = f"{Risk.__doc__}\n\n{described_losses()}"
