"""The points of a frontier, and the tables that show them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...models.schema.rules import Risk
from ..analysis.risk_figures import UNITS
from ..analysis.tabulate import NEGLIGIBLE, long
from ..cutting_planes.solution import Passes, RiskValue, Status
from ..plan import Evidence, Interval
from ..table import BILLION, Cell, Column, Table, Tables
from .names import FRONTIER, FRONTIER_FUNDING, FacesByInstrument, Points, cvar_of


@dataclass(frozen=True)
class FrontierPoint:
    """The best plan where the limit is `limit`.

    Attributes:
        limit: the amount, in the limit's own unit.
        status: certified, stopped, or infeasible.
        objective: of the plan; upper >= true optimum >= lower, gap = (upper - lower) / max(1e-9, |objective|). NaN (gap
            inf) without a plan.
        value: the plan's CVaR of the loss that is limited, over all scenarios.
        price: change of the objective per unit more of the limit.
        risks: every risk limit and the plan, in the case's order.
        decisions: (N,) the plan's ledger decisions, None without one; not told by a run folder. evidence: all that the
            figures follow from, amounts by name; None without a plan.
        raised: face of the capital raised, billion; funding: the same by instrument.
        passes: what the point cost.
        out_of_sample: CVaR of the same loss on scenarios that the plan was not made on.
        why: why there is no plan, or none that is certified.
    """

    limit: float
    status: Status
    objective: float = float("nan")
    upper: float = float("inf")
    lower: float = float("-inf")
    gap: float = float("inf")
    value: float = float("nan")
    price: float = float("nan")
    risks: tuple[RiskValue, ...] = ()
    decisions: NDArray[np.float64] | None = field(default=None, repr=False)
    evidence: Evidence | None = field(default=None, repr=False)
    raised: float = float("nan")
    funding: Mapping[str, float] = field(default_factory=dict)
    passes: Passes = field(default_factory=lambda: Passes(0, 0.0, 0, 0))
    out_of_sample: Interval | None = None
    why: str = ""

    @property
    def planned(self) -> bool:
        return math.isfinite(self.objective)


def frontier_tables(risk: Risk, objective_unit: str, points: Sequence[FrontierPoint]) -> Tables:
    """The tables frontier and frontier_funding."""
    made = (_frontier(risk, objective_unit, points), _funding(risk, points))
    return Tables({table.name: table for table in made})


def _frontier(risk: Risk, objective_unit: str, points: Sequence[FrontierPoint]) -> Table:
    unit = UNITS[risk.loss]
    names = next(([r.name for r in p.risks] for p in points if p.planned), [])
    others = [i for i, name in enumerate(names) if name != risk.id]
    columns = (
        Column(Points.LIMIT, unit, "number"),
        Column(Points.STATUS),
        Column(Points.OBJECTIVE, objective_unit, "number"),
        Column(Points.UPPER, objective_unit, "number"),
        Column(Points.LOWER, objective_unit, "number"),
        Column(Points.GAP, "", "number"),
        Column(Points.CVAR, unit, "number"),
        Column(Points.PRICE, f"objective per {unit}", "number"),
        Column(Points.RAISED, BILLION, "money"),
        Column(Points.OUT_OF_SAMPLE, unit, "number"),
        Column(Points.FROM, unit, "number"),
        Column(Points.TO, unit, "number"),
        *(Column(cvar_of(names[i]), "", "number") for i in others),
        Column(Points.PASSES, "", "count"),
        Column(Points.PROGRAMS, "", "count"),
        Column(Points.WHY),
    )
    rows: list[tuple[Cell, ...]] = []
    for p in points:
        work: tuple[Cell, ...] = (p.passes.full, p.passes.solves, p.why)
        if not p.planned:
            rows.append((p.limit, p.status.value, *(None,) * (len(columns) - 5), *work))
            continue
        fresh: tuple[Cell, ...] = (None,) * 3
        if p.out_of_sample is not None:
            fresh = (p.out_of_sample.value, p.out_of_sample.ci_low, p.out_of_sample.ci_high)
        rows.append(
            (p.limit, p.status.value, p.objective, p.upper, p.lower, p.gap, p.value, p.price, p.raised, *fresh,
             *(p.risks[i].value for i in others), *work)
        )  # fmt: skip
    return long(FRONTIER, f"The best plan at each amount of the risk limit {risk.id}", columns, rows)


def _funding(risk: Risk, points: Sequence[FrontierPoint]) -> Table:
    columns = (
        Column(FacesByInstrument.LIMIT, UNITS[risk.loss], "number"),
        Column(FacesByInstrument.INSTRUMENT),
        Column(FacesByInstrument.FACE, BILLION, "money"),
    )
    rows: list[tuple[Cell, ...]] = []
    for p in points:
        faces = sorted(p.funding.items(), key=lambda item: (-item[1], item[0]))
        rows += [(p.limit, name, face) for name, face in faces if face > NEGLIGIBLE]
    return long(FRONTIER_FUNDING, "Capital raised by instrument, at each amount of the limit", columns, rows)
