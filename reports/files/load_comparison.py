"""A comparison read back from its run folder: every variant's plan, and the figures that are compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import PathLike
from typing import Any

from ...models.reading.variants import apply_variant
from ...models.schema.case import Case
from ...optimizer.analysis.names import COMPUTE, ComputeRow
from ...optimizer.arrays import FloatArray
from ...optimizer.comparison.compare import Comparison
from ...optimizer.comparison.differences import Outcome, tables
from ...optimizer.comparison.names import COMPARISON, COST_BY_INSTRUMENT, Costs, Variants
from ...optimizer.plan import Plan
from .load import load_plan
from .load_collected import agreed, document_of, number_in, of_kind
from .run_folder import Unreadable


def load_comparison(folder: str | PathLike[str]) -> Comparison:
    """The comparison whose files lie in a run folder, as `capmix compare` or its `save` wrote it.

    Raises:
        UsageError: it is no run folder, one of another version, or holds no comparison; the message says what reads it.
        Unreadable: a file of it is not what it should be; the message names it.
        CaseError: the case in it is a bad one.
    """
    run = of_kind(folder, "compare")
    found, case = document_of(run)
    outcomes = {}
    for variant in found["variants"]:
        name = variant["name"]
        if name in outcomes:
            raise Unreadable(f"compare.json: variant {name!r} stands in it twice")
        plan = load_plan(run.path, f"variants/{name}/")
        if plan.status.value != variant["status"]:
            said = f"{name} is {variant['status']}; variants/{name}/plan.json says {plan.status.value}"
            raise Unreadable(f"compare.json: {said}")
        outcomes[name] = _outcome(found, case, variant, plan)
    reference, milestones = found["reference"] or "", tuple(found["milestones"])
    if not outcomes or (reference and reference not in outcomes):
        raise Unreadable(f"compare.json: reference {found['reference']!r} is none of its variants {list(outcomes)}")
    made = tables(case, list(outcomes.values()), reference, milestones)
    agreed(run, found, made)
    return Comparison(case, outcomes, reference, milestones, made, found["total_s"], tuple(found["missing"]))


def _outcome(found: dict[str, Any], case: Case, variant: dict[str, Any], plan: Plan) -> Outcome:
    name, there = variant["name"], found["tables"]
    known = [one.id for one in case.variant]
    if name not in known or plan.case.case.name != apply_variant(case, name).case.name:
        raise Unreadable(f"compare.json: variant {name!r} is not that of its plan, or none of the case's: {known}")
    if plan.certificate is None or plan.objective_value != plan.objective_value:
        return Outcome(name, variant["title"], plan, None, None, {}, None)
    row = next(_of(there.get(COMPARISON, ()), Variants.VARIANT, name), None)
    if row is None:
        raise Unreadable(f"compare.json, {COMPARISON}: there is no row of variant {name!r}")
    costs = _of(there.get(COST_BY_INSTRUMENT, ()), Costs.VARIANT, name)
    where = f"compare.json, variant {name!r}"
    wall = number_in(where, row, Variants.WALL)
    if wall is None:
        raise Unreadable(f"{where}: {Variants.WALL.value} is null, though there is a plan")
    return Outcome(
        name=name,
        title=variant["title"],
        plan=plan,
        capacity=_served(plan),
        cost=number_in(where, row, Variants.COST),
        costs={str(one.get(Costs.INSTRUMENT)): number_in(where, one, Costs.COST) for one in costs},
        wall=wall,
    )


def _served(plan: Plan) -> FloatArray:
    import numpy as np

    return np.array(plan.tables[COMPUTE].series(ComputeRow.SERVED, over=plan.case.horizon.labels))


def _of(rows: Iterable[dict[str, Any]], key: str, name: str) -> Iterator[dict[str, Any]]:
    return (row for row in rows if row.get(key) == name)
