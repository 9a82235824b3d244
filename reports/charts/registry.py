"""The charts of a plan in the order of the report: whoever adds one writes it in its file, and its name here."""

from __future__ import annotations

from . import capacity, capital, debt, drivers, limits, liquidity, losses, reviews
from .chart import Chart

CHARTS: tuple[Chart, ...] = (
    capital.SOURCES,
    capital.RAISED,
    capital.HOLDERS,
    debt.OUTSTANDING,
    debt.MATURITY,
    liquidity.CASH_FAN,
    capacity.BY_SYSTEM,
    capacity.BY_SITE,
    capacity.ORDERS,
    capacity.BY_LINK,
    limits.RISK,
    limits.HEADROOM,
    limits.BREACHES,
    losses.LOSS_ALLOCATION,
    liquidity.DEFAULTS,
    limits.SHADOW_PRICES,
    reviews.TREE,
    drivers.DRIVER_FANS,
)
