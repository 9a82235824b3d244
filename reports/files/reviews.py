"""Reviews in plan.json: the tree of a plan that adapts, and what its reviews are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...optimizer.analysis.names import YES
from ...optimizer.analysis.review_names import REVIEW_TREE, REVIEW_WORTH, ReviewTree, ReviewWorth

if TYPE_CHECKING:
    from ...optimizer.plan import Plan


def reviews_document(plan: Plan) -> dict[str, Any] | None:
    """The part of plan.json; None for a plan that does not adapt."""
    if REVIEW_TREE not in plan.tables:
        return None
    return {
        "nodes": [
            {
                "name": node.text(ReviewTree.NODE),
                "parent": node.text(ReviewTree.PARENT) if at else None,
                "review": node.text(ReviewTree.REVIEW) or None,
                "signal": node.text(ReviewTree.SIGNAL) or None,
                "from": node.maybe(ReviewTree.FROM),
                "below": node.maybe(ReviewTree.BELOW),
                "probability": node.number(ReviewTree.PROBABILITY),
                "scenarios": int(node.number(ReviewTree.SCENARIOS)),
                "first": node.text(ReviewTree.FIRST) or None,
                "last": node.text(ReviewTree.LAST) or None,
                "leaf": node.text(ReviewTree.LEAF) == YES,
            }
            for at, node in enumerate(plan.tables[REVIEW_TREE].records())
        ],
        "worth": [
            {
                "case": one.text(ReviewWorth.CASE),
                "status": one.text(ReviewWorth.STATUS),
                "objective": one.maybe(ReviewWorth.OBJECTIVE),
                "lower_bound": one.maybe(ReviewWorth.LOWER),
                "upper_bound": one.maybe(ReviewWorth.UPPER),
            }
            for one in plan.tables[REVIEW_WORTH].records()
        ],
    }
