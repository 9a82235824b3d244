"""A run folder read back into the plan that it was written from: the same figures to the bit, or an error.

Nothing is guessed: the document must fit plan.schema.json, each table what `optimizer/analysis/declared.py` promises,
and the case must be the one that was planned.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from ...optimizer.analysis.declared import DECLARED
from ...optimizer.analysis.names import DECISIONS
from ...optimizer.cutting_planes.solution import Passes, Status
from ...optimizer.plan import (
    Certificate,
    Device,
    Estimate,
    Funding,
    Infeasibility,
    Interval,
    LimitConflict,
    LimitInConflict,
    LimitReplicated,
    LossAllocation,
    OwnTax,
    Plan,
    RelaxedLimit,
    Replication,
    Replications,
    RiskFigure,
    ScenarioInfo,
    ShadowPrice,
    TaxByScenario,
    Timings,
    Wealth,
)
from ...optimizer.table import Table, UnknownName
from ..exits import UsageError
from .json_schema import faults
from .read_tables import as_planned
from .run_case import case_of, varied
from .run_folder import READERS, RunFolder, Unreadable, opened
from .schema import schema
from .solution import read_solution


def load_plan(folder: str | PathLike[str], under: str = "") -> Plan:
    """The plan whose files lie in a run folder; `under`: of a comparison, "variants/NAME/".

    Raises:
        UsageError: it is no run folder, one of another version, or holds a comparison or a frontier.
        Unreadable: a file of it is not what it should be; the message names it.
        CaseError: the case in it is a bad one.
    """
    run, name = opened(Path(folder)), f"{under}plan.json"
    if run.kind != "plan" and not under:
        raise UsageError(f"{folder} holds several plans; capmix.{READERS[run.kind]} reads them")
    found = run.document(name)
    for fault in faults(found, schema()):
        raise Unreadable(f"{name}, {fault}")
    file, case = case_of(run)
    if case.sha256 != found["case"]["sha256"]:
        raise Unreadable(f"{file} or one of its tables is not the case that was planned")
    try:
        tables = _tables(run, under, found)
        evidence = read_solution(run.read(f"{under}solution.json")) if f"{under}solution.json" in run.listed else None
    except UnknownName as error:
        raise Unreadable(f"{name}: {error}") from None
    except ValueError as error:
        raise Unreadable(str(error)) from None
    decisions = tables.pop(DECISIONS, Table(DECISIONS, "Decisions", (), ()))
    return Plan(
        case=varied(case, found["case"]["name"]),
        status=Status(found["status"]),
        objective_name=found["objective"]["name"],
        objective_value=_or(found["objective"]["value"], math.nan),
        objective_unit=found["objective"]["unit"],
        certificate=_certificate(found["certificate"]),
        risk=tuple(map(_risk, found["risk"])),
        scenarios=ScenarioInfo(**found["scenarios"]),
        device=Device(**found["device"]),
        timings=Timings(**{key: _or(value, math.nan) for key, value in found["timings"].items()}),
        passes=Passes(**found["passes"]),
        funding=Funding(**found["funding"]),
        decisions=decisions,
        tables=tables,
        prices=tuple(ShadowPrice(**{k: _or(v, math.nan) for k, v in price.items()}) for price in found["prices"]),
        infeasibility=_infeasibility(found["infeasibility"]),
        loss_allocation=None if found["loss_allocation"] is None else LossAllocation(**found["loss_allocation"]),
        wealth=_wealth(found["wealth"]),
        tax=_tax(found["tax"]),
        replications=_replications(found, () if evidence is None else evidence.replications),
        messages=tuple(found["messages"]),
        versions=found["versions"],
        evidence=evidence,
    )


def _tables(run: RunFolder, under: str, found: Mapping[str, Any]) -> dict[str, Table]:
    """Every table that plan.json lists; all that a plan always has, if there is one."""
    periods = found["case"]["periods"]
    tables = {}
    for index in found["tables"]:
        file = under + index["file"]
        tables[index["name"]] = as_planned(file, run.read(file), index, periods)
    if found["objective"]["value"] is not None:
        for shape in DECLARED.values():
            if shape.always and shape.name not in tables:
                raise UnknownName("table", shape.name, tables)
    return tables


def _or(value: Any, otherwise: float) -> Any:
    """A figure that is null in the document was not finite."""
    return otherwise if value is None else value


def _certificate(found: Mapping[str, Any] | None) -> Certificate | None:
    if found is None:
        return None
    return Certificate(
        upper_bound=_or(found["upper_bound"], math.inf),
        lower_bound=_or(found["lower_bound"], -math.inf),
        gap=_or(found["gap"], math.inf),
        tolerance=found["tolerance"],
        sampling_error=found["sampling_error"],
    )


def _wealth(found: Mapping[str, Any] | None) -> Wealth | None:
    return None if found is None else Wealth(_or(found["expected"], math.nan), _or(found["upper_bound"], math.inf))


def _tax(found: Mapping[str, Any] | None) -> TaxByScenario | None:
    if found is None:
        return None
    written = {key: _or(found[key], math.nan) for key in ("expected", "mean", "at_end")}
    limits = tuple(OwnTax(**{key: _or(value, math.nan) for key, value in one.items()}) for one in found["net_loss"])
    return TaxByScenario(**written, share_of_cash=found["share_of_cash"], net_loss=limits)


def _replications(found: Mapping[str, Any], each: tuple[Replication, ...]) -> Replications | None:
    """Their figures from plan.json; each on its own from solution.json. Unreadable where these differ."""
    written = found["replications"]
    if written is None:
        return None
    if len(each) != written["made"] or len(written["limits"]) != len(found["risk"]):
        raise Unreadable("plan.json: its replications are not those of solution.json, or of other limits")
    limits = tuple(
        LimitReplicated(
            one["name"], risk["limit"], risk["unit"], _estimate(one["cvar"]), one["kept"], _estimate(one["price"])
        )
        for one, risk in zip(written["limits"], found["risk"], strict=True)
    )
    return Replications(
        asked=written["asked"],
        each=each,
        certified=written["certified"],
        infeasible=written["infeasible"],
        optimum=_estimate(written["optimum"]),
        spread=written["spread"],
        gap=_estimate(written["gap"]),
        limits=limits,
    )


def _estimate(found: Mapping[str, Any] | None) -> Estimate | None:
    return None if found is None else Estimate(**found)


def _risk(found: Mapping[str, Any]) -> RiskFigure:
    sample = found["out_of_sample"]
    plain = {key: _or(value, math.nan) for key, value in found.items() if key != "out_of_sample"}
    return RiskFigure(**plain, out_of_sample=None if sample is None else Interval(**sample))


def _infeasibility(found: Mapping[str, Any] | None) -> Infeasibility | None:
    if found is None:
        return None
    minimum = tuple(
        (one["name"], one["limit"], _or(one["minimum"], math.inf), one["unit"]) for one in found["minimum_risk"]
    )
    relaxations = tuple(RelaxedLimit(**one) for one in found["relaxations"])
    conflicts = tuple(
        LimitConflict(tuple(LimitInConflict(**limit) for limit in conflict["limits"]))
        for conflict in found["conflicts"]
    )
    return Infeasibility(found["reason"], minimum, relaxations, found["proven"], conflicts, found["whole"])
