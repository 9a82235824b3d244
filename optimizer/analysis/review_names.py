"""What the tables of a plan that adapts at reviews are called, and their columns: written once, as `names.py`."""

from __future__ import annotations

from enum import StrEnum

from .names import CASH_FLOW, COMPUTE, CONSTRUCTION, CONTRACTS, DEBT_SERVICE, INCOME, MARKET_BALANCE, PURCHASES

NODE = "node"
"""The last column of tables that have a row for each node, in plans that adapt alone; "" is the root."""
LEAF = "leaf"

REVIEW_TREE, REVIEW_WORTH = "review_tree", "review_worth"
NODE_DIFFERENCES, NODE_RISK = "node_differences", "node_risk"

BY_LEAF = (CASH_FLOW, MARKET_BALANCE, DEBT_SERVICE, INCOME, COMPUTE, PURCHASES, CONSTRUCTION, CONTRACTS)
"""Tables that are also given leaf by leaf."""

WITH_TOTAL = (PURCHASES, CONSTRUCTION, CONTRACTS)
"""Those of them that a column `total` closes."""


def by_leaf(table: str) -> str:
    """The name of a table of `BY_LEAF` given leaf by leaf."""
    return f"{table}_by_leaf"


class ReviewTree(StrEnum):
    NODE = "node"
    PARENT = "parent"
    REVIEW = "review"
    SIGNAL = "signal"
    FROM = "from"
    BELOW = "below"
    PROBABILITY = "probability"
    SCENARIOS = "scenarios"
    FIRST = "first period"
    LAST = "last period"
    LEAF = "leaf"
    COVENANTS = "covenants"


class NodeDifferences(StrEnum):
    NODE = "node"
    BLOCK = "block"
    WHAT = "what"
    UNIT = "unit"
    AMOUNT = "amount"
    BESIDE = "in the other bands"
    DIFFERENCE = "difference"


class NodeRisk(StrEnum):
    NODE = "node"
    LIMIT = "limit"
    LEVEL = "level"
    UNIT = "unit"
    MEAN = "mean"
    VAR = "VaR"
    CVAR = "CVaR"
    ASKED = "limit of all scenarios"
    ABOVE = "above the limit"


class ReviewWorth(StrEnum):
    CASE = "case"
    STATUS = "status"
    OBJECTIVE = "objective"
    LOWER = "lower bound"
    UPPER = "upper bound"


WITH, WITHOUT, FREE = "with the reviews", "without reviews", "without limits on risk"
"""Rows of review_worth; the last is without reviews too."""
