"""A frontier's folder: each point's plan computed again at its own amount of the limit, and the tables of all."""

from __future__ import annotations

import math
from typing import Any

from ...models.schema.case import Case
from ...optimizer.analysis.reevaluate import prepared, reached
from ...optimizer.cutting_planes.solution import Passes, Status
from ...optimizer.frontiers.names import FRONTIER, Points
from ...optimizer.frontiers.points import FrontierPoint, frontier_tables
from ...optimizer.setup.prepare import PlanningProblem
from ...optimizer.setup.risk_losses import all_risks
from ..files.document import records
from ..files.run_folder import RunFolder, Unreadable
from ..memory import fitting
from ..text import figure
from .agreement import document_faults
from .computed_again import evidence_of, searched, tables_again
from .findings import Findings

RISK_FIGURES = ("name", "level", "limit", "value", "var", "probability")


def frontier_again(
    run: RunFolder, findings: Findings, found: dict[str, Any], case: Case, device: str, replan: bool
) -> None:
    """Check every point, then the tables."""
    count, seed = found["scenarios"]["count"], found["scenarios"]["seed"]
    fitting(case, count)
    number = next((i for i, risk in enumerate(all_risks(case)) if risk.id == found["limit"]["name"]), None)
    if number is None:
        raise Unreadable(f"frontier.json: the case has no risk limit {found['limit']['name']!r}")
    ready = prepared(case, count, seed, device)
    risk, points = all_risks(case)[number], []
    for i, row in enumerate(found["tables"][FRONTIER], 1):
        name = f"points/{i}.json"
        points.append(_point(run, findings, ready, seed, number, name, row))
        if replan:
            bounds = None
            if row[Points.OBJECTIVE] is not None:
                bounds = {"lower_bound": row[Points.LOWER], "upper_bound": row[Points.UPPER]}
            faults, said = searched(ready, found["tolerance"], row[Points.STATUS], bounds, number, row[Points.LIMIT])
            findings.check(f"replan {i}", faults, said)
        findings.check(f"point {i}", _risk_faults(i, found["points"][i - 1], points[-1]), "its risks and funding agree")
    made = frontier_tables(risk, ready.program.unit, points)
    faults = document_faults("frontier.json", {n: records(table) for n, table in made.items()}, found["tables"])
    findings.check("frontier", [*faults, *tables_again(run, made)], f"its {len(made)} tables agree")


def _risk_faults(number: int, written: dict[str, Any], again: FrontierPoint) -> list[str]:
    """What a point says of every risk limit and of its funding; the price is the search's own."""
    keys = [key for key in RISK_FIGURES if again.risks]
    risks = [{key: getattr(risk, key) for key in keys} for risk in again.risks]
    told = [{key: risk[key] for key in keys} for risk in written["risks"]]
    made = {"risks": risks, "funding": dict(again.funding)}
    return document_faults(f"frontier.json, points[{number}]", made, {"risks": told, "funding": written["funding"]})


def _point(
    run: RunFolder, findings: Findings, ready: PlanningProblem, seed: int, number: int, name: str, row: dict[str, Any]
) -> FrontierPoint:
    """A point as it is computed again; what only the search knows is taken from its row."""
    status, amount = Status(row[Points.STATUS]), row[Points.LIMIT]
    work = Passes(row[Points.PASSES], 0.0, row[Points.PROGRAMS], 0)
    found = evidence_of(run, name)
    if (found is None) != (row[Points.OBJECTIVE] is None):
        findings.check(name, [f"{name} and its row in frontier.json contradict each other"], "")
    if found is None or row[Points.OBJECTIVE] is None:
        return FrontierPoint(amount, status, passes=work, why=row[Points.WHY])
    again = reached(ready, seed, found, number, amount, row[Points.OUT_OF_SAMPLE] is not None)
    written, found_again = figure(row[Points.OBJECTIVE], 9), figure(again.objective, 9)
    said = f"limit {figure(amount)}: objective {written} written, {found_again} again"
    findings.check(name.removesuffix(".json"), [f"{name}: {fault}" for fault in again.faults], said)
    maximise = ready.program.maximise
    bound = row[Points.UPPER if maximise else Points.LOWER]
    low, high = (again.objective, bound) if maximise else (bound, again.objective)
    return FrontierPoint(
        limit=amount,
        status=status,
        objective=again.objective,
        upper=math.inf if high is None else high,
        lower=-math.inf if low is None else low,
        gap=math.inf if bound is None else max(0.0, high - low) / max(1e-9, abs(again.objective)),
        value=again.risks[number].value if again.risks else math.nan,
        price=math.nan if row[Points.PRICE] is None else row[Points.PRICE],
        risks=again.risks,
        decisions=again.decisions,
        raised=again.raised.total,
        funding=again.raised.by_instrument,
        passes=work,
        out_of_sample=again.fresh,
        why=row[Points.WHY],
    )
