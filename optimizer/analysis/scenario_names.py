"""Names of the tables of tax by scenario, replications and a user's own limits, as `names.py` has them of others."""

from __future__ import annotations

from enum import StrEnum

TAX_BY_SCENARIO, OWN_LIMITS = "tax_by_scenario", "own_limits"
REPLICATIONS, REPLICATED_PRICES = "replications", "replicated_prices"


class TaxOfScenarios(StrEnum):
    """Of tax_by_scenario."""

    PERIOD = "period"
    EXPECTED = "tax of the expected income"
    MEAN = "mean tax of the scenarios"
    HIDDEN = "hidden"
    CUMULATIVE = "hidden, cumulative"


class OwnLimits(StrEnum):
    LIMIT = "limit"
    PERIOD = "period"
    SENSE = "sense"
    BOUND = "bound"
    PLAN = "plan"
    SLACK = "slack"
    BINDS = "binding"
    PRICE = "price"
    UNIT = "unit"


class Replicated(StrEnum):
    """Of replications; after these a column `cvar_of` each risk limit, then one `price_of` each."""

    SEED = "seed"
    STATUS = "status"
    LOWER = "lower bound"
    UPPER = "upper bound"
    PLAN = "plan"
    GAP = "gap of the plan"


def cvar_of(limit: str) -> str:
    """The column of replications with the CVaR of a risk limit."""
    return f"{limit}, CVaR of the plan"


def price_of(limit: str) -> str:
    """The column of replications with the price of a risk limit."""
    return f"{limit}, price"


class ReplicatedPrices(StrEnum):
    RULE = "rule"
    LIMIT = "limit"
    WHERE = "where"
    PER = "per"
    UNIT = "unit"
    PRICE = "price of the plan"
    MEAN = "mean"
    ERROR = "standard error"
    FROM = "95 % from"
    TO = "95 % to"
    BINDS = "binding in"
