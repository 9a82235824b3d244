"""Replications in plan.json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...optimizer.plan import Estimate, Replications


def replications_document(found: Replications | None) -> dict[str, Any] | None:
    """The part of plan.json; each replication on its own stands in the table."""
    if found is None:
        return None
    return {
        "asked": found.asked,
        "made": len(found.each),
        "certified": found.certified,
        "infeasible": found.infeasible,
        "optimum": _estimate(found.optimum),
        "spread": found.spread,
        "gap": _estimate(found.gap),
        "limits": [
            {"name": one.name, "cvar": _estimate(one.cvar), "kept": one.kept, "price": _estimate(one.price)}
            for one in found.limits
        ],
    }


def _estimate(found: Estimate | None) -> dict[str, float] | None:
    if found is None:
        return None
    return {
        "mean": found.mean,
        "standard_error": found.standard_error,
        "ci_low": found.ci_low,
        "ci_high": found.ci_high,
    }
