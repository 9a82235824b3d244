"""Rules: cash, tax, budget, covenants, circularity, risk limits and the objective."""

from __future__ import annotations

from dataclasses import dataclass

from . import fields as f
from .fields import Sourced

METRICS = ("bf16", "fp8")


@dataclass(frozen=True, kw_only=True)
class Objective(Sourced):
    """What the plan makes as large (or as cheap) as it can."""

    kind: str = f.choice(
        "compute: discounted compute delivered; capacity: compute in service at a date; cost: least cost of a compute target",
        ("compute", "capacity", "cost"),
        default="compute",
    )
    metric: str = f.choice("which performance counts", METRICS, default="bf16")
    compute_discount: float = f.rate("discount on later compute", default=0.0)
    money_discount: float = f.rate("discount on later money, for net loss, cost and tie-breaks", default=0.08)
    at: int | None = f.period("capacity and cost: the date", default=None)
    target: float | None = f.number("cost: compute that must be in service at the date", "PFLOP/s", gt=0, default=None)


@dataclass(frozen=True, kw_only=True)
class Cash(Sourced):
    opening: float = f.number("cash at the start", "billion", ge=0)
    minimum: tuple[float, ...] = f.series(
        "least expected cash at each period's end; also the floor of the liquidity loss", "billion", ge=0, default=0.0
    )
    rate_driver: str | None = f.ref("driver of the money-market rate", "driver", default=None)
    deposit_margin: float = f.number(
        "surplus earns the driver plus this, never below 0", "fraction per year", ge=-0.2, le=0, default=0.0
    )
    deficit_margin: float = f.number(
        "in a scenario a deficit costs the driver plus this", "fraction per year", ge=0, le=0.5, default=0.0
    )
    dividends: tuple[float, ...] = f.series("paid whatever happens", "billion per period", ge=0, default=0.0)


@dataclass(frozen=True, kw_only=True)
class Tax(Sourced):
    rate: float = f.share("tax on income")
    loss_use: float = f.share("most of a period's taxable income that carried losses may offset", default=0.8)
    opening_losses: float = f.number("losses carried in", "billion", ge=0, default=0.0)


@dataclass(frozen=True, kw_only=True)
class Budget(Sourced):
    """Most that may be spent on hardware and sites, in expectation."""

    total: float | None = f.number("over the horizon", "billion", gt=0, default=None)
    per_period: tuple[float, ...] | None = f.series("in each period", "billion per period", ge=0, default=None)


COVENANTS = (
    "net_debt_to_ebitda", "interest_cover", "dscr", "ltv", "maturity_wall", "terminal_equity", "floating_share",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Covenant(Sourced):
    """A test on the expected path, in every period from `from_period` to `to_period`.

    net_debt_to_ebitda, ltv, floating_share and maturity_wall (largest principal due in any year, billion) are upper
    limits; interest_cover, dscr and terminal_equity (cash + asset value - debt at the end, billion) lower ones.
    EBITDA, interest and debt service are those of the last year (annualised while the year is not full).
    """

    id: str = f.ident("name of the covenant")
    kind: str = f.choice("what is tested", COVENANTS)
    limit: float = f.number("the limit", "ratio or billion", ge=-1000, le=1000)
    from_period: int = f.period("first period tested", default=0)
    to_period: int | None = f.period("last period tested", default=None)


@dataclass(frozen=True, kw_only=True)
class Circularity(Sourced):
    """Funding from parties that the plan pays or is paid by, over all funding raised."""

    cap: float = f.share(
        "at every date, most of the funding raised so far that may come from such parties", default=1.0
    )


LOSSES = ("liquidity", "net_loss", "compute_shortfall")


@dataclass(frozen=True, kw_only=True)
class Risk(Sourced):
    """CVaR of a loss at `level` must not exceed `limit`.

    liquidity: peak of (minimum cash - cash), billion. net_loss: minus the plan's discounted wealth at the end, beyond
    opening cash: cash flows, each carried to the end at the mean deposit rate, and assets less debt there, billion.
    compute_shortfall: `target` minus compute delivered at `at`, PFLOP/s.
    """

    id: str = f.ident("name of the limit")
    loss: str = f.choice("which loss", LOSSES)
    level: float = f.number("confidence level", "fraction", gt=0, lt=1, cure="95 % is written 0.95")
    limit: float = f.number("most that the mean of the worst 1 - level of the futures may be", "unit of the loss")
    target: float | None = f.number("compute_shortfall: compute wanted", "PFLOP/s", gt=0, default=None)
    at: int | None = f.period("compute_shortfall: the date; the last period if left out", default=None)
