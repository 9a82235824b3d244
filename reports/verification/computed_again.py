"""The figures of a run folder computed again from the case and the amounts that lie in it, beside those written."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from ...models.schema.case import Case
from ...optimizer.analysis.reevaluate import Claim, planned_again, prepared, searched_again
from ...optimizer.cutting_planes.solution import Status
from ...optimizer.plan import Plan
from ...optimizer.setup.prepare import PlanningProblem
from ..files.document import all_tables, document
from ..files.manifest import columns_file
from ..files.read_tables import read_table
from ..files.run_case import case_of, varied
from ..files.run_folder import RunFolder, Unreadable
from ..files.solution import read_solution
from ..memory import fitting
from ..text import figure, gap, level
from .agreement import document_faults, same, table_faults
from .findings import Findings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...optimizer.plan import Evidence, Replication, Table

# what depends on the machine, the search, or is checked elsewhere
SKIPPED = (
    "schema_version", "capmix_version", "exit_code", "timings", "passes", "device", "messages", "versions",
    "scenarios.bytes",
)  # fmt: skip


def computed_again(run: RunFolder, findings: Findings, device: str, replan: bool) -> None:
    """Check every plan of the folder.

    Raises:
        UsageError: the scenarios do not fit into this machine's memory.
        CaseError, DeviceError, SolverError: as for planning.
    """
    found = run.document(f"{run.kind}.json")
    try:
        case = _case(run, findings, found)
        if run.kind == "plan":
            again = PlanAgain(run, findings, device, replan)
            again.check("", found, varied(case, found["case"]["name"]))
        elif run.kind == "compare":
            from .compared_again import compared_again

            compared_again(run, findings, PlanAgain(run, findings, device, replan), case, found)
        else:
            from .frontier_again import frontier_again

            frontier_again(run, findings, found, varied(case, found["case"]["name"]), device, replan)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        findings.check("layout", [f"a document is not laid out as it should be: {type(error).__name__}: {error}"], "")


def _case(run: RunFolder, findings: Findings, found: Mapping[str, Any]) -> Case:
    """The case in the folder, and whether it is the one that was planned. Unreadable where there is none."""
    name, case = case_of(run)
    hashes = {found.get("case", {}).get("sha256"), run.manifest.get("case", {}).get("sha256")}
    wrong = hashes != {case.sha256}
    findings.check("case", [f"{name} or one of its tables is not the case that was planned"] if wrong else [], name)
    return case


def evidence_of(run: RunFolder, name: str) -> Evidence | None:
    """The amounts in a file of the folder, None where it is not listed. Unreadable."""
    if name not in run.listed:
        return None
    try:
        return read_solution(run.read(name))
    except ValueError as error:
        raise Unreadable(f"{name}: {error}") from None


class PlanAgain:
    """Checks plans of one folder; those with the same drivers share their scenarios."""

    def __init__(self, run: RunFolder, findings: Findings, device: str, replan: bool) -> None:
        self._run, self._findings, self._device, self._replan = run, findings, device, replan
        self.ready: PlanningProblem | None = None

    def check(self, under: str, found: dict[str, Any], case: Case) -> Plan | None:
        """Check the plan whose files lie `under`; the plan as it was computed again, None without one."""
        findings, run = self._findings, self._run
        word = under.split("/")[1] if under else "plan"
        amounts = evidence_of(run, f"{under}solution.json")
        planned = found["objective"]["value"] is not None
        if planned != (amounts is not None):
            there = "no" if amounts is None else "a"
            findings.check(word, [f"{under}plan.json and {there} {under}solution.json contradict each other"], "")
            return None
        if amounts is None and not self._replan:
            again = "; --replan searches again" if found["status"] == "infeasible" else ""
            findings.say(word, f"{found['status']}, without a plan to compute again{again}")
            return None
        count, seed = found["scenarios"]["count"], found["scenarios"]["seed"]
        fitting(case, count)
        own = () if amounts is None else amounts.own
        ready = self.ready = prepared(case, count, seed, self._device, self.ready, own)
        plan = None if amounts is None else self._planned(word, under, found, ready, amounts)
        if self._replan:
            tolerance = 1e-5 if amounts is None else found["certificate"]["tolerance"]
            self._search(word, found, ready, tolerance)
            for one in () if amounts is None else amounts.replications:
                self._replication(case, found, one, tolerance)
        return plan

    def _replication(self, case: Case, found: dict[str, Any], one: Replication, tolerance: float) -> None:
        """Search again on the scenarios of a replication."""
        other = prepared(case, found["scenarios"]["count"], one.seed, self._device)
        bounds = {"lower_bound": one.lower, "upper_bound": one.upper}
        certificate = None if one.lower is None else bounds
        faults, said = searched(other, tolerance, one.status.value, certificate)
        self._findings.check(f"seed {one.seed}, replan", faults, said)

    def _planned(
        self, word: str, under: str, found: dict[str, Any], ready: PlanningProblem, amounts: Evidence
    ) -> Plan | None:
        findings, run, certificate = self._findings, self._run, found["certificate"]
        bound = certificate["upper_bound" if ready.program.maximise else "lower_bound"]
        claim = Claim(
            status=Status(found["status"]),
            bound=math.nan if bound is None else bound,
            tolerance=certificate["tolerance"],
            prices=[0.0 if risk["price"] is None else risk["price"] for risk in found["risk"]],
            most=math.inf if (found["wealth"] or {}).get("upper_bound") is None else found["wealth"]["upper_bound"],
            fresh=bool(found["risk"]) and all(risk["out_of_sample"] is not None for risk in found["risk"]),
            replications=0 if found["replications"] is None else found["replications"]["asked"],
        )
        again = planned_again(ready, found["scenarios"]["seed"], amounts, claim)
        broken = [f"{under}solution.json: {fault}" for fault in again.faults]
        findings.check(word, broken, f"every row of {len(ready.program.row_names):,} and every limit holds")
        if again.plan is None:
            return None
        self._side_by_side(found, again.plan)
        name = f"{under}plan.json"
        written = document(again.plan, run.extension)
        findings.check("document", document_faults(name, written, found, SKIPPED), f"{name} agrees")
        tables = all_tables(again.plan)
        faults = tables_again(run, tables, under)
        if not under and run.read("tables/columns.csv") != columns_file(again.plan):
            faults.append("tables/columns.csv is not that of this plan")
        findings.check("tables", faults, f"all {len(tables)} agree")
        return again.plan

    def _side_by_side(self, found: dict[str, Any], again: Plan) -> None:
        say, written = self._findings.say, found["objective"]["value"]
        say("objective", f"{figure(written, 9)} written, {figure(again.objective_value, 9)} again")
        for risk, one in zip(found["risk"], again.risk, strict=False):
            fresh = ""
            if risk["out_of_sample"] is not None and one.out_of_sample is not None:
                fresh = f"; out of sample {figure(risk['out_of_sample']['value'], 6)} written, "
                fresh += f"{figure(one.out_of_sample.value, 6)} again"
            limit = f"CVaR {level(one.level)} of {one.name} at most {figure(one.limit, 6)} {one.unit}"
            say("", f"{limit}: {figure(risk['value'], 6)} written, {figure(one.value, 6)} again{fresh}")
        certificate = found["certificate"]
        if again.certificate is not None and certificate["gap"] is not None:
            say("", f"gap {gap(certificate['gap'])} written, {gap(again.certificate.gap)} again")

    def _search(self, word: str, found: dict[str, Any], ready: PlanningProblem, tolerance: float) -> None:
        faults, said = searched(ready, tolerance, found["status"], found["certificate"])
        self._findings.check(f"{word}, replan" if word != "plan" else "replan", faults, said)


def searched(
    ready: PlanningProblem,
    tolerance: float,
    status: str,
    certificate: dict[str, Any] | None,
    number: int | None = None,
    amount: float = math.nan,
) -> tuple[list[str], str]:
    """Another search: whether its bounds and those written can both be true, and what to say if so."""
    again, low, high = searched_again(ready, tolerance, number, amount)
    if (again is Status.INFEASIBLE) != (status == "infeasible"):
        return [f"{status} is written; another search ends {again.value}"], ""
    if certificate is None:
        return [], f"another search ends {again.value}"
    below, above = certificate["lower_bound"], certificate["upper_bound"]
    both = f"{figure(below, 9)} … {figure(above, 9)} written, {figure(low, 9)} … {figure(high, 9)} again"
    apart = (above is not None and low > above and not same(low, above)) or (
        below is not None and high < below and not same(high, below)
    )
    return [f"the bounds cannot both be true: {both}"] if apart else [], f"bounds {both}"


def tables_again(run: RunFolder, tables: Mapping[str, Table], under: str = "") -> list[str]:
    """Where the tables in files differ from those computed again."""
    faults = []
    for name, table in tables.items():
        file = f"{under}tables/{name}.{run.extension}"
        try:
            head, rows = read_table(file, run.read(file))
        except (Unreadable, ValueError) as error:
            faults.append(str(error))
            continue
        faults += table_faults(file, table, rows, head)
    expected = {f"{under}tables/{name}.{run.extension}" for name in tables} | {f"{under}tables/columns.csv"}
    listed = {name for name in run.listed if name.startswith(f"{under}tables/")}
    return faults + [f"{name} is no table of this run" for name in sorted(listed - expected)]


def with_messages(plan: Plan, found: dict[str, Any]) -> Plan:
    """The plan with the messages that are written, which stand in some tables."""
    return dataclasses.replace(plan, messages=tuple(found["messages"]))
