"""A frontier read back from its run folder: every point with its certificate, its risks and its amounts."""

from __future__ import annotations

import math
from os import PathLike
from typing import Any

from ...models.schema.rules import Risk
from ...optimizer.analysis.risk_figures import UNITS
from ...optimizer.cutting_planes.solution import Passes, RiskValue, Status
from ...optimizer.frontiers.frontier import Frontier
from ...optimizer.frontiers.names import FRONTIER, Points
from ...optimizer.frontiers.points import FrontierPoint, frontier_tables
from ...optimizer.plan import Device, Evidence, Interval, ScenarioInfo, Timings
from ...optimizer.setup.risk_losses import all_risks
from .load_collected import agreed, document_of, number_in, of_kind
from .run_folder import RunFolder, Unreadable
from .solution import read_solution

FIGURES = (Points.OBJECTIVE, Points.UPPER, Points.LOWER, Points.GAP, Points.CVAR, Points.PRICE, Points.RAISED)
SAMPLE = (Points.OUT_OF_SAMPLE, Points.FROM, Points.TO)


def load_frontier(folder: str | PathLike[str]) -> Frontier:
    """The frontier whose files lie in a run folder, as `capmix frontier` or its `save` wrote it.

    Raises:
        UsageError: it is no run folder, one of another version, or holds no frontier; the message says what reads it.
        Unreadable: a file of it is not what it should be; the message names it.
        CaseError: the case in it is a bad one.
    """
    run = of_kind(folder, "frontier")
    found, case = document_of(run)
    limit, rows = found["limit"], found["tables"].get(FRONTIER, ())
    risk = next((one for one in all_risks(case) if one.id == limit["name"]), None)
    if risk is None:
        known = ", ".join(one.id for one in all_risks(case))
        raise Unreadable(f"frontier.json, limit.name: the case has no risk limit {limit['name']!r}, but {known}")
    _own(risk, limit)
    if len(rows) != len(found["points"]):
        raise Unreadable(f"frontier.json: {len(found['points'])} points, but {len(rows)} rows of them")
    points = tuple(_point(run, i, row, one) for i, (row, one) in enumerate(zip(rows, found["points"], strict=True), 1))
    unit = found["objective"]["unit"]
    made = frontier_tables(risk, unit, points)
    agreed(run, found, made)
    return Frontier(
        case=case,
        limit=risk.id,
        level=risk.level,
        unit=UNITS[risk.loss],
        asked=risk.limit,
        points=points,
        minimum=limit["minimum"],
        minimum_bound=limit["minimum_bound"],
        free_from=limit["free_from"],
        objective_name=found["objective"]["name"],
        objective_unit=unit,
        scenarios=ScenarioInfo(**found["scenarios"]),
        device=Device(**found["device"]),
        passes=Passes(**found["passes"]),
        timings=Timings(**{step: _or(spent, math.nan) for step, spent in found["timings"].items()}),
        tables=made,
        messages=tuple(found["messages"]),
        interrupted=found["interrupted"],
        tolerance=found["tolerance"],
    )


def _own(risk: Risk, limit: dict[str, Any]) -> None:
    """Unreadable where the document says of the limit what the case does not."""
    for key, value in (("level", risk.level), ("unit", UNITS[risk.loss]), ("asked", risk.limit)):
        if limit[key] != value:
            raise Unreadable(f"frontier.json, limit.{key}: {limit[key]!r}; the case says {value!r}")


def _point(run: RunFolder, number: int, row: dict[str, Any], one: dict[str, Any]) -> FrontierPoint:
    where, file = f"frontier.json, point {number}", f"points/{number}.json"
    try:
        status = Status(row.get(Points.STATUS))
        evidence = read_solution(run.read(file)) if file in run.listed else None
    except ValueError as error:
        raise Unreadable(f"{where}: {error}") from None
    amount, passes = number_in(where, row, Points.LIMIT), Passes(**one["passes"])
    if amount is None:
        raise Unreadable(f"{where}: its {Points.LIMIT.value} is null")
    figures = {key: number_in(where, row, key) for key in FIGURES}
    if (evidence is None) != (figures[Points.OBJECTIVE] is None):
        raise Unreadable(f"{where} and {file} contradict each other")
    why = row.get(Points.WHY)
    if not isinstance(why, str):
        raise Unreadable(f"{where}, {Points.WHY.value}: {why!r} where text must stand")
    if evidence is None:
        return FrontierPoint(amount, status, passes=passes, why=why)
    return _planned(where, amount, status, figures, row, one, passes, evidence, why)


def _planned(
    where: str,
    amount: float,
    status: Status,
    figures: dict[Points, float | None],
    row: dict[str, Any],
    one: dict[str, Any],
    passes: Passes,
    evidence: Evidence,
    why: str,
) -> FrontierPoint:
    value, low, high = (number_in(where, row, key) for key in SAMPLE)
    fresh = None
    if value is not None and low is not None and high is not None:
        fresh = Interval(value, low, high)
    return FrontierPoint(
        limit=amount,
        status=status,
        objective=_or(figures[Points.OBJECTIVE], math.nan),
        upper=_or(figures[Points.UPPER], math.inf),
        lower=_or(figures[Points.LOWER], -math.inf),
        gap=_or(figures[Points.GAP], math.inf),
        value=_or(figures[Points.CVAR], math.nan),
        price=_or(figures[Points.PRICE], math.nan),
        risks=tuple(RiskValue(**{key: _or(cell, math.nan) for key, cell in risk.items()}) for risk in one["risks"]),
        evidence=evidence,
        raised=_or(figures[Points.RAISED], math.nan),
        funding=one["funding"],
        passes=passes,
        out_of_sample=fresh,
        why=why,
    )


def _or(value: Any, otherwise: float) -> Any:
    """A figure that is null in the document was not finite."""
    return otherwise if value is None else value
