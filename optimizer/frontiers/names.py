"""What the tables of a frontier and their columns are called: written here once, for who makes and who reads."""

from __future__ import annotations

from enum import StrEnum

FRONTIER, FRONTIER_FUNDING = "frontier", "frontier_funding"


class Points(StrEnum):
    """Of frontier. Between `to` and `full passes` there is a column per further risk limit, called `cvar_of` it."""

    LIMIT = "limit"
    STATUS = "status"
    OBJECTIVE = "objective"
    UPPER = "upper bound"
    LOWER = "lower bound"
    GAP = "gap"
    CVAR = "CVaR"
    PRICE = "price"
    RAISED = "capital raised"
    OUT_OF_SAMPLE = "CVaR out of sample"
    FROM = "from"
    TO = "to"
    PASSES = "full passes"
    PROGRAMS = "linear programs"
    WHY = "why"


def cvar_of(limit: str) -> str:
    """The column of another risk limit."""
    return f"CVaR of {limit}"


class FacesByInstrument(StrEnum):
    """Of frontier_funding."""

    LIMIT = "limit"
    INSTRUMENT = "instrument"
    FACE = "face"
