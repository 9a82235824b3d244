"""A comparison's folder: each variant's plan computed again, and the tables that put them side by side."""

from __future__ import annotations

import dataclasses
from typing import Any

from ...models.reading.variants import apply_variant
from ...models.schema.case import Case
from ...optimizer.analysis.compose import unplanned
from ...optimizer.analysis.evidence import in_order
from ...optimizer.analysis.expected import Amounts
from ...optimizer.analysis.reevaluate import prepared
from ...optimizer.analysis.tidy import amounts_of
from ...optimizer.comparison.differences import Outcome, outcome, tables
from ...optimizer.cutting_planes.solution import Status
from ...optimizer.plan import Infeasibility, Plan
from ..files.document import records
from ..files.run_folder import RunFolder
from ..memory import fitting
from .agreement import document_faults
from .computed_again import PlanAgain, evidence_of, tables_again, with_messages
from .findings import Findings


def compared_again(run: RunFolder, findings: Findings, again: PlanAgain, case: Case, found: dict[str, Any]) -> None:
    """Check every variant, then what is said of all of them."""
    outcomes: list[Outcome] = []
    whole = True
    for variant in found["variants"]:
        name = variant["name"]
        under = f"variants/{name}/"
        written = run.document(f"{under}plan.json")
        own = apply_variant(case, name)
        plan = again.check(under, written, own)
        if plan is not None and again.ready is not None:
            amounts = _amounts(run, under, again)
            outcomes.append(outcome(name, variant["title"], with_messages(plan, written), amounts))
        elif written["objective"]["value"] is None:
            outcomes.append(outcome(name, variant["title"], _nothing(own, written, again), None))
        else:
            whole = False
    if not whole or not outcomes:
        findings.check("comparison", [] if not whole else ["compare.json lists no variant"], "")
        return
    made = tables(case, outcomes, found["reference"] or "", found["milestones"])
    faults = document_faults("compare.json", {name: records(table) for name, table in made.items()}, found["tables"])
    findings.check("comparison", [*faults, *tables_again(run, made)], f"its {len(made)} tables agree")


def _amounts(run: RunFolder, under: str, again: PlanAgain) -> Amounts | None:
    ready, found = again.ready, evidence_of(run, f"{under}solution.json")
    if ready is None or found is None:
        return None
    x, _ = in_order(ready.program.column_names, found.columns)
    return amounts_of(ready, x[ready.program.decisions])


def _nothing(case: Case, written: dict[str, Any], again: PlanAgain) -> Plan:
    """A variant without a plan, as the comparison shows it."""
    count, seed = written["scenarios"]["count"], written["scenarios"]["seed"]
    if again.ready is None:
        fitting(case, count)
        again.ready = prepared(case, count, seed)
    reason = written["infeasibility"]
    return dataclasses.replace(
        with_messages(unplanned(case, again.ready.backend, count, seed), written),
        status=Status(written["status"]),
        objective_unit=written["objective"]["unit"],
        infeasibility=None if reason is None else Infeasibility(reason["reason"]),
    )
