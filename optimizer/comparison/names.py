"""What the tables of a comparison and their columns are called: written here once, for who makes and who reads."""

from __future__ import annotations

from enum import StrEnum

COMPARISON, MILESTONES, LIMITS, COST_BY_INSTRUMENT = "comparison", "milestones", "limits", "cost_by_instrument"


class Variants(StrEnum):
    """Of comparison; after `objective` stands the column `times` the reference."""

    VARIANT = "variant"
    TITLE = "title"
    STATUS = "status"
    OBJECTIVE = "objective"
    GAP = "gap"
    RAISED = "capital raised"
    COST = "all-in cost"
    WALL = "largest repayment in a year"
    CIRCULAR = "circular share of funding"
    CIRCULATING = "circulating share of funding"
    EXPECTED = "expected loss, all holders"
    TAIL = "tail loss, all holders"
    OUTSIDE = "tail loss held outside"
    BY_CIRCULAR = "tail loss held by circular parties"
    DEFAULT = "probability of default"
    WHY = "why"


def times(reference: str) -> str:
    """The column of the objective over that of the reference, "" where there is none."""
    return f"times {reference}" if reference else "times"


class Milestones(StrEnum):
    VARIANT = "variant"
    COMPUTE = "compute in service"
    PERIOD = "period"
    PERIODS = "periods from the start"


class Limits(StrEnum):
    VARIANT = "variant"
    LIMIT = "limit"
    LEVEL = "level"
    CVAR = "CVaR"
    MAXIMUM = "maximum"
    UNIT = "unit"
    PRICE = "price"


class Costs(StrEnum):
    """Of cost_by_instrument."""

    VARIANT = "variant"
    INSTRUMENT = "instrument"
    FACE = "face"
    COST = "all-in cost"
