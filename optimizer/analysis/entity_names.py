"""What the tables of a group and its companies, their columns and rows are called, as `names.py` has it of others."""

from __future__ import annotations

from enum import StrEnum

ENTITY_CASH, ENTITY_FIGURES, GROUP_CASH, OWNERSHIP = "entity_cash", "entity_figures", "group_cash", "ownership"
ENTITY_LIQUIDITY, ENTITY_RISK, ENTITY_DEFAULT = "entity_liquidity", "entity_risk", "entity_default"


class EntityCash(StrEnum):
    ENTITY = "entity"
    LINE = "line"
    SECTION = "section"


class EntityFigures(StrEnum):
    ENTITY = "entity"
    PERIOD = "period"
    CASH = "cash"
    DEBT = "debt"
    ASSETS = "systems and sites"
    COVER = "debt service cover"
    DISTRIBUTION = "distribution"
    CONTRIBUTION = "contribution"
    MAY = "may distribute"
    TRAPPED = "trapped cash"


class GroupCashRow(StrEnum):
    """Rows of group_cash beside what is trapped in each company."""

    GROUP = "cash of the group"
    PARENT = "cash of the parent"
    COMPANIES = "cash of ring-fenced companies"
    TRAPPED = "trapped cash"
    FREE = "free cash: the parent's and what may be distributed"


def trapped_in(entity: str) -> str:
    """The row of group_cash of a company's trapped cash."""
    return f"trapped in {entity}"


class EntityLiquidity(StrEnum):
    ENTITY = "entity"
    PERIOD = "period"
    Q05 = "5%"
    Q50 = "50%"
    Q95 = "95%"
    MEAN = "mean"
    MINIMUM = "minimum"
    BELOW = "below minimum"


class EntityRisk(StrEnum):
    """A row per company, one of the group, and one of the parent's shareholders, who have no default."""

    ENTITY = "entity"
    DEFAULT = "default"
    CLAIM = "mean claim"
    EXPECTED = "expected loss"
    TAIL = "loss in the tail"
    PLANNED = "planned distributions"
    SHORTFALL = "mean distribution shortfall"


WHOLE_GROUP = "the group"
"""The row of entity_risk of all companies together."""


def shareholders_of(parent: str) -> str:
    """The row of entity_risk of those who own the group."""
    return f"shareholders of {parent}"


class EntityDefault(StrEnum):
    ENTITY = "entity"
    PERIOD = "period"
    FIRST = "first default"
    CUMULATIVE = "cumulative"
    SHORT = "distribution shortfall"
    SHORTFALL = "mean distribution shortfall"


class Ownership(StrEnum):
    OWNER = "owner"
    OWNED = "owned"
    SHARE = "share"
    WHAT = "what"
