"""Sites: five layers that each limit how much IT power a site can serve; the smallest of them binds."""

from __future__ import annotations

from dataclasses import dataclass

from . import fields as f
from . import usual as u
from .fields import Sourced

LAYERS = ("shell", "power", "cooling", "security", "fibre")


@dataclass(frozen=True, kw_only=True)
class Layer(Sourced):
    """One layer of a site. Capacity is in MW of IT load served, for `power` in MW at the meter."""

    kind: str = f.choice("which layer", LAYERS)
    cost_per_mw: float = f.number("cost of building", "million per MW", ge=0, usual=u.COST_PER_MW, default=0.0)
    cost_per_site: float = f.number(
        "cost that comes once per site; spread over `max_mw`, since the plan is linear",
        "million",
        ge=0,
        usual=u.COST_PER_SITE,
        default=0.0,
    )
    lead: int = f.count("periods from the decision to service", "periods", ge=0)
    stages: tuple[float, ...] = f.numbers(
        "shares of the cost paid in equal steps from decision to service; they sum to 1",
        "fraction",
        ge=0,
        le=1,
        default=(1.0,),
    )
    opening_mw: float = f.number("in service in period 0", "MW", ge=0, usual=u.MEGAWATTS, default=0.0)
    max_mw: float = f.number("maximum the site can hold", "MW", gt=0, usual=u.MEGAWATTS)
    max_build: tuple[float, ...] | None = f.series(
        "maximum that can be started", "MW per period", ge=0, usual=u.MEGAWATTS, default=None
    )
    schedule_mw: tuple[float, ...] | None = f.series(
        "maximum in service, e.g. the grid's energisation schedule",
        "MW",
        ge=0,
        usual=u.MEGAWATTS,
        default=None,
    )


@dataclass(frozen=True, kw_only=True)
class Site(Sourced):
    """A place with land and a grid connection. Each of the five layers must be given once."""

    id: str = f.ident("name of the site in the case and in tables")
    title: str = f.text("name in reports", default="")
    entity: str | None = f.ref("entity that owns it and its systems; the parent if left out", "entity", default=None)
    pue: float = f.number("facility power over IT power", "ratio", ge=1, le=3, usual=u.PUE)
    load_factor: float = f.share("mean IT load over rated IT power", usual=u.LOAD, default=0.8)
    power_price: float = f.number("all-in power price in period 0", "USD per MWh", gt=0, usual=u.POWER_PRICE)
    power_column: str = f.ref("price column of the part that moves, 1 in period 0", "column", default="one")
    power_fixed_share: float = f.share("share of the power price that is fixed", default=0.0)
    opex: float = f.number(
        "maintenance, staff, guards, insurance, local tax",
        "million per MW of shell and year",
        ge=0,
        usual=u.SITE_OPEX,
        default=0.0,
    )
    lease: int | None = f.years(
        "leased site: time from its service for which each MW of shell is rented; `opex`, the rent in it, is owed to the "
        "end of it, also past the horizon. Owned, or left at will, if left out", usual=u.TENOR, default=None,
    )  # fmt: skip
    opening_lease: int | None = f.years(
        "remaining time of the lease of the shell in service at the start; `lease` if left out. Without `lease` that "
        "shell is leased and what is built is owned", usual=u.TENOR,
        default=None,
    )  # fmt: skip
    sublet_share: float = f.share("of the rent due past the horizon, what others would pay for the space", default=0.0)
    life: int = f.years("depreciation time of the layers", usual=u.SITE_LIFE)
    residual_share: float = f.share("market value of the layers over their book value at the horizon", default=0.8)
    layer: tuple[Layer, ...] = f.tables("the five layers", Layer, min_items=5)
