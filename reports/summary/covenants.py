"""Covenants in the summary: where each is tightest, how often the futures breach it, and what a step tighter costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..text import figure, percent, safe
from .layout import grid, heading, note
from .views import amount, records

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...optimizer.plan import Plan

KEPT = {"hard": "", "cvar": ", CVaR", "report": ", told"}


def covenants(plan: Plan) -> Iterator[RenderableType]:
    """One line per covenant, the tightest first."""
    rows = records(plan, "covenants")
    least: dict[str, dict[str, object]] = {}
    for row in rows:
        if isinstance(row["headroom"], (int, float)):
            best = least.get(str(row["covenant"]))
            if best is None or row["headroom"] < amount(best["headroom"]):
                least[str(row["covenant"])] = row
    if not rows:
        return
    yield from heading("Covenants", "where each has the least headroom, on the expected path")
    ranked = [row for _, row in sorted(least.items(), key=_tightness)]
    body = [
        (_name(row), str(row["period"]), *(_figure(row[key]) for key in ("value", "limit", "headroom")))
        for row in ranked
    ]
    without = list({str(row["covenant"]): row for row in rows if str(row["covenant"]) not in least}.values())
    body += [(_name(row), "–", "not tested", _figure(row["limit"]), "–") for row in without]
    yield grid(("covenant", "period", "value", "limit", "headroom"), "llrrr", body)
    over = {str(row["covenant"]): row for row in records(plan, "covenant_risk")}
    if not over:
        return
    yield note(f"over the futures, headroom in bn; costs: {plan.objective_unit} lost with the limit a step tighter")
    futures = [(_name(row), *_futures(over.get(str(row["covenant"]), {}))) for row in [*ranked, *without]]
    heads = ("covenant", "breached", "median first", "worst 5 %", "step", "costs")
    yield grid(heads, "lrlrrr", futures)


def _name(row: dict[str, object]) -> str:
    whose = f" ({row['of']})" if row.get("of") else ""
    return safe(str(row["covenant"]).replace("_", " ") + whose) + KEPT.get(str(row.get("kept", "hard")), "")


def _futures(row: dict[str, object]) -> tuple[str, ...]:
    share, first = row.get("breached"), row.get("median first breach")
    return (
        percent(float(share)) if isinstance(share, (int, float)) else "–",
        str(first or "–"),
        _figure(row.get("least headroom, 5th percentile")),
        _figure(row.get("notch")),
        _cost(row),
    )


def _cost(row: dict[str, object]) -> str:
    """What a tightening step costs; in words where there is no figure for it."""
    how, cost = str(row.get("priced") or ""), row.get("cost of a notch")
    if isinstance(cost, (int, float)):
        return _figure(cost) + (" by first order" if how == "first order" else "")
    return how or "–"


def _tightness(item: tuple[str, dict[str, object]]) -> float:
    """Headroom as a share of the limit, so that ratios and amounts can be ranked together."""
    row = item[1]
    return amount(row["headroom"]) / max(abs(amount(row["limit"])), 1e-9)


def _figure(value: object) -> str:
    return figure(float(value), 3) if isinstance(value, (int, float)) else "–"
